"""Commands for those who make better data of data: recycle, translate, dialogue."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tax.commands.options import run_options

if TYPE_CHECKING:
    from tax.improve.work import Method

Command = Callable[..., Any]

_SOURCE = click.argument("source", type=click.Path(path_type=Path), metavar="RUN|FILE")


def _improving(command: Command) -> Command:
    """Add what the three commands share: their input, and the options of a run."""
    options: list[Callable[[Command], Command]] = [
        _SOURCE,
        run_options(teacher=None),
        click.option("--limit", type=click.IntRange(1), metavar="N", help="The first N samples only."),
        click.option(
            "--language", metavar="TAG", help="The language of a foreign file's samples (BCP 47; default: en)."
        ),
        click.option("--license", metavar="SPDX", help="The licence of a foreign file's samples (default: unstated)."),
        click.option(
            "--credit",
            metavar="TEXT",
            help="Who made a foreign file, and where it is published: the credit that most licences ask for.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.option(
    "--only",
    type=click.Choice(["instruction", "response"]),
    help="Reflect on the instruction only, or on the response only (default: on both, in this order).",
)
@click.option(
    "--keep",
    type=click.Choice(["always", "better"]),
    default="always",
    show_default=True,
    help="better: a judge compares the new sample with the old in both orders; the old stays unless the new one wins.",
)
@click.option(
    "--measure",
    metavar="MODEL",
    help="Measure what changed with a local causal model (a folder that transformers loads): lengths, perplexities, "
    "coherence and IFD, before and after.",
)
@click.option(
    "--encoder",
    metavar="MODEL",
    help="The sentence encoder that measures coherence (a folder; default: the states of --measure).",
)
@_improving
def recycle(source: Path, only: Any, keep: Any, **options: Any) -> int:
    """Make samples better by reflection (Reflection-Tuning).

    RUN is a run folder; FILE holds samples, or conversations in the form alpaca, sharegpt or messages. The teacher
    criticises each instruction by five criteria and writes a better one with its answer, then criticises the answer by
    four and writes a better answer. Where that fails, the sample stays as it was, and the reason is counted.
    """
    from tax.improve.recycle import Recycle

    return _run(source, Recycle(only, keep), options)


@click.command()
@click.option("--to", required=True, metavar="TAG", help="The language to translate into (BCP 47), such as zh-Hant-TW.")
@click.option(
    "--responses",
    type=click.Choice(["anew", "translate"]),
    default="anew",
    show_default=True,
    help="Whether the teacher answers the translated prompts anew, or translates the answers.",
)
@_improving
def translate(source: Path, to: str, responses: Any, **options: Any) -> int:
    """Bring samples into another language (Taiwan LLM).

    RUN is a run folder; FILE holds samples, or conversations in the form alpaca, sharegpt or messages. Prompts are
    translated and then answered anew in the language. Code, placeholders, addresses, numbers and names are checked to
    survive; a text in another language or script is dropped.
    """
    from tax.improve.command import language_tag
    from tax.improve.translate import Translate

    return _run(source, Translate(language_tag(to, "--to"), responses), options)


@click.command()
@click.option(
    "--turns", default=4, show_default=True, type=click.IntRange(2), metavar="N", help="Turns of the user, at most."
)
@_improving
def dialogue(source: Path, turns: int, **options: Any) -> int:
    """Play single prompts on to dialogues of several turns, the teacher on both sides (Taiwan LLM).

    RUN is a run folder; FILE holds samples, or conversations in the form alpaca, sharegpt or messages. A dialogue stops
    when the user has no more to ask, when one side repeats itself, or after so many turns; then it is judged.
    """
    from tax.improve.dialogue import SelfPlay

    return _run(source, SelfPlay(turns), options)


def _run(source: Path, method: "Method", options: dict[str, Any]) -> int:
    from tax.improve.command import Options, run_command

    as_json = options.pop("as_json")
    result = run_command(source, method, Options(**options))
    click.echo(result.as_json() if as_json else result.as_text(), nl=False)
    return 0


COMMANDS = [recycle, translate, dialogue]
