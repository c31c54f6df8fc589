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
@_improving
def recycle(source: Path, only: Any, keep: Any, **options: Any) -> int:
    """Make samples better by reflection (Reflection-Tuning).

    RUN is a run folder; FILE holds samples, or conversations in the form alpaca, sharegpt or messages. The teacher
    criticises each instruction by five criteria and writes a better one with its answer, then criticises the answer by
    four and writes a better answer. Where that fails, the sample stays as it was, and the reason is counted.
    """
    from tax.improve.recycle import Recycle

    return _run(source, Recycle(only, keep), options)


def _run(source: Path, method: "Method", options: dict[str, Any]) -> int:
    from tax.improve.command import Options, run_command

    as_json = options.pop("as_json")
    result = run_command(source, method, Options(**options))
    click.echo(result.as_json() if as_json else result.as_text(), nl=False)
    return 0


COMMANDS = [recycle]
