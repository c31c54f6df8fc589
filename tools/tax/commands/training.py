"""The commands for those who train models: mix, train, eval, chat."""

import json
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("inputs", nargs=-1, metavar="[RUN|FILE|TARGET=FILE]...")
@click.option(
    "--plan", required=True, metavar="PLAN", help="The plan whose phases are filled: a file, or a shipped one's name."
)
@click.option("--out", required=True, type=_FILE, metavar="DIR", help="The data folder to write.")
@click.option(
    "--feedback",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="Conversations with a `thumb` or `rating`: the positive ones are feedback. May be given again.",
)
@click.option("--corpus", type=_FILE, metavar="FILE", help="A registry of sources, for the phases that take corpus.")
@click.option(
    "--corpus-root", type=_FILE, metavar="DIR", help="The folder of the sources' paths (default: the registry's)."
)
@click.option("--unverified", is_flag=True, help="Take sources too that nobody has verified.")
@click.option(
    "--taxonomy",
    type=_FILE,
    metavar="DIR",
    help="The taxonomy whose hold-outs are kept out and whose datasets come in (default: the checkout's).",
)
@click.option(
    "--keep-out",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="Questions of an evaluation, kept out as hold-outs are. May be given again.",
)
@click.option("--without-taxonomy", is_flag=True, help="There is none: no hold-outs to keep out, no datasets.")
@click.option("--seeds", is_flag=True, help="Train on the leaves' own seeds too, the hold-outs excepted.")
@click.option(
    "--recycled",
    type=click.Choice(["add", "replace"]),
    default="add",
    show_default=True,
    help="Whether recycled samples stand beside their parents or in their place.",
)
@click.option(
    "--license",
    "licenses",
    multiple=True,
    metavar="[FILE=]ID",
    help="SPDX id of the licence of files whose rows state none; of all, or of one FILE. May be given again.",
)
@click.option("--language", default="en", show_default=True, metavar="TAG", help="The language of imported files.")
@click.option("--json", "as_json", is_flag=True, help="Print mix.json instead of the tables.")
@click.option("--quiet", is_flag=True, help="No progress.")
def mix(inputs: tuple[str, ...], plan: str, as_json: bool, **options: Any) -> int:
    """Sort samples into the phases of a plan.

    RUN is a run folder; FILE holds samples, or conversations of other tools (messages, alpaca, sharegpt). A sample goes
    to the phases that take its branch. TARGET=FILE sends all of a file elsewhere: to a phase of the plan by its name,
    or to knowledge, foundational, compositional or feedback.

    What repeats, comes near a hold-out, or may not be used for its licence is left out and counted. DIR gets a file
    for each phase, heldout/ to measure with, and mix.json, which says what went where. The same plan and inputs make
    the same files, byte for byte.
    """
    from tax.mix import Options
    from tax.mix import mix as make
    from tax.mix.plan import find_plan

    mixed = make(inputs, Options(plan=find_plan(plan), **options))
    if as_json:
        click.echo(json.dumps(mixed.record, ensure_ascii=False, indent=2))
        for note in mixed.notes:
            click.echo(f"note: {note}", err=True)
    else:
        click.echo(mixed.as_text(), nl=False)
    return 0


@click.command()
@click.argument("plan")
@click.option("--data", type=_FILE, metavar="DIR", help="What tax mix wrote (default: data/PLAN).")
@click.option("--out", type=_FILE, metavar="DIR", help="Where checkpoints and models go (default: models/PLAN).")
@click.option("--phase", metavar="P", help="Train this phase only; the one before it must be finished.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="P.SETTING=VALUE",
    help="Change a setting of the plan, such as kt1.learning_rate=1e-6. May be given again.",
)
@click.option(
    "--launcher",
    type=click.Choice(["local", "torchrun", "deepspeed", "ray"]),
    default="local",
    show_default=True,
    help="What starts the processes.",
)
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    metavar="N",
    help="Processes on this machine, one a GPU (of ray: over all machines).",
)
@click.option("--hostfile", type=_FILE, metavar="FILE", help="The machines, for --launcher deepspeed.")
@click.option("--dry-run", is_flag=True, help="Show the resolved plan, steps, tokens and memory; train nothing.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: print JSON.")
def train(plan: str, dry_run: bool, as_json: bool, **options: Any) -> int:
    """Tune a student phase by phase.

    PLAN is a plan's file, or the name of a shipped one, such as tiny-cpu. Each phase starts from the best checkpoint of
    the one before it. Press Ctrl-C, or kill it: the same command goes on from the last checkpoint. OUT/report.html
    shows how it went.
    """
    from tax.problems import printable
    from tax.train.report import write
    from tax.train.start import Launch
    from tax.train.start import train as start
    from tax.train.trained import table, trained

    launch = Launch(plan, dry_run=dry_run, as_json=as_json, **options)
    code = start(launch)
    if dry_run:
        return code
    report = write(launch.folder)
    if code == 0:
        phases = trained(launch.folder)
        click.echo(f"\n{table(phases)}\nReport: {printable(str(report))}")
        click.echo(f"Talk to it: tax chat {printable(str(phases[-1].model))}")
    return code


@click.command("eval")
@click.argument("model")
@click.option(
    "--holdouts",
    required=True,
    multiple=True,
    type=_FILE,
    metavar="PATH",
    help="heldout/PHASE.jsonl of a data folder, the data folder, or a folder of leaves. May be given again.",
)
@click.option(
    "--judge",
    default="builtin",
    show_default=True,
    metavar="T",
    help="Who rates the answers: whatever --teacher of `tax generate` takes. builtin only counts words in common.",
)
@click.option(
    "--judge-model", default="", metavar="NAME", help="The judge's model on its server (default: its only one)."
)
@click.option("--model", "model_name", default="", metavar="NAME", help="The same of MODEL, where that is a server.")
@click.option(
    "--concurrency", default=64, show_default=True, type=click.IntRange(1), metavar="N", help="Calls in flight of each."
)
@click.option("--calls", type=_FILE, metavar="DIR", help="Where finished calls are kept (default: .tax/calls).")
@click.option(
    "--out", type=_FILE, metavar="FILE", help="Write every answer with its rating and the reason, as JSON lines."
)
@click.option("--json", "as_json", is_flag=True, help='Print one line of JSON, with "score" and the leaves.')
@click.option("--quiet", is_flag=True, help="No progress.")
def evaluate(model: str, model_name: str, as_json: bool, **options: Any) -> int:
    """Say what a model learned, leaf by leaf.

    MODEL is a model folder, a checkpoint, a phase's folder, the --out of tax train, or whatever --teacher of `tax
    generate` takes. It answers the hold-outs that people wrote, and a judge rates each answer from 1 to 10 beside the
    person's own; the exit code is 1 where it did not rate all. No finished call is asked again, but for the answers of
    a server without --calls, since a name does not say which checkpoint is served. In a plan, to choose a phase's:

    \b
    select: {metric: command, command: "tax eval {model} --holdouts {heldout} --judge http://HOST:PORT/v1 --json"}
    """
    from tax.evaluate.command import Options
    from tax.evaluate.command import evaluate as examine

    found = examine(model, Options(model=model_name, **options))
    click.echo(found.as_json() if as_json else found.as_text(), nl=False)
    if found.unrated:
        click.echo(f"tax: {found.unrated:,} answers were not rated and are not in the mean: run it again", err=True)
    return 1 if found.unrated else 0


@click.command()
@click.argument("model", type=_FILE)
@click.option("--prompt", metavar="TEXT", help="Ask this one question, print the answer and end.")
@click.option("--temperature", default=0.7, show_default=True, type=click.FloatRange(0), help="0: the likeliest words.")
@click.option("--max-tokens", default=512, show_default=True, type=click.IntRange(1), metavar="N", help="Of an answer.")
def chat(model: Path, prompt: str | None, temperature: float, max_tokens: int) -> int:
    """Talk to a tuned model.

    MODEL is a model folder, a checkpoint, a phase's folder, the --out of tax train (then its last phase), or a hub's
    name. Of what is not finished, the newest whole checkpoint is taken.
    /new begins a new conversation, Ctrl-C ends an answer, /exit or Ctrl-D ends the talk.
    """
    from tax.train.start import chat as talk

    return talk(model, prompt, temperature, max_tokens)


COMMANDS = (mix, train, evaluate, chat)
