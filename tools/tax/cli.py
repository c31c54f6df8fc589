"""The command line: options to calls, results to exit codes. Every command imports what it needs when it is run.

Exit codes: 0 fine, 1 problems found, 2 the call or the set-up must be changed, 3 a bug of ours, 130 interrupted.
"""

import contextlib
import errno
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from tax import __version__
from tax.commands import COMMANDS, Sections
from tax.commands.options import run_options
from tax.problems import UserError

FINE, PROBLEMS, USAGE, BUG, INTERRUPTED = 0, 1, 2, 3, 130
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
_LEAVES = click.argument("leaves", nargs=-1, type=click.Path(path_type=Path), metavar="[LEAF]...")
_CHANGED = click.option("--changed", is_flag=True, help="Only the leaves that changed against the base branch.")
_BASE = click.option("--base", metavar="REF", help="What --changed compares with (default: origin/main, else main).")
_RUN = click.option("--run", type=click.Path(path_type=Path), metavar="RUN", help="Look in this run folder only.")


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tax")
def cli() -> None:
    """Teach language models together: check leaves, grow them into judged samples, and tune a student on these.

    A leaf is a qna.yaml with a few worked examples, in a folder under taxonomy/. Exit codes: 0 fine, 1 problems found,
    2 the call or the set-up must be changed, 3 a bug of ours, 130 interrupted.
    """


@cli.command()
@_PATHS
@_CHANGED
@_BASE
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "markdown", "sarif"]),
    default="text",
    show_default=True,
    help="How problems are written: for people, for programs, as annotations of a GitHub workflow, as a comment.",
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--no-cache", is_flag=True, help="Read every leaf anew, and remember nothing of it.")
def validate(paths: tuple[Path, ...], changed: bool, base: str | None, form: str, strict: bool, no_cache: bool) -> int:
    """Check leaves, and say what is wrong, where, and how to mend it.

    PATH is a leaf, a folder of leaves, or a file anywhere. Without PATH: the whole taxonomy. Seeds are compared with
    those of the whole taxonomy in any case. Leaves that have not changed are judged from .tax/cache/, which may be
    deleted at any time. Exit code 1 if there is an error; warnings and hints do not fail.
    """
    from tax.config import find_config
    from tax.problems import failed
    from tax.renderers import RENDERERS
    from tax.tree import choose
    from tax.validate import spare_collector
    from tax.validate import validate as check

    spare_collector()
    chosen, root = choose(paths, changed, base)
    report = check(chosen, find_config(root), root, cached=not no_cache)
    click.echo(RENDERERS[form](report.checked, report.problems), nl=False)
    return PROBLEMS if failed(report.problems, strict=strict) else FINE


@cli.command()
@_LEAVES
@click.option(
    "--changed",
    is_flag=True,
    help="Draw only for the leaves that changed since an earlier run here, and carry the samples of the rest over: "
    "the run holds what a full one would.",
)
@click.option(
    "--base",
    metavar="REF",
    help="With --changed: a run of nothing but the leaves that differ from this branch or commit, "
    "as for a pull request.",
)
@click.option(
    "--samples",
    default=30,
    show_default=True,
    type=click.IntRange(1),
    metavar="N",
    help="Kept samples wanted of each leaf.",
)
@click.option(
    "--seeds",
    default="leaf",
    show_default=True,
    type=click.Choice(["leaf", "random"]),
    help="Whose seeds the teacher is shown: the leaf's own; or, for comparison only, three of any leaves of the "
    "branch, as Self-Instruct draws (`tax report --baseline random` then compares).",
)
@run_options(teacher="builtin")
def generate(
    leaves: tuple[Path, ...],
    changed: bool,
    base: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Grow leaves into judged samples.

    LEAF is a leaf or a folder of leaves. Without LEAF: the whole taxonomy. The built-in teacher needs no model: it
    grows knowledge leaves from their documents and computes the problems of problem_templates. Other skills need a
    model teacher. The same command goes on where an interrupted one stopped: no finished call is asked again.
    After a merge, `tax generate --changed` brings the samples up to date.
    """
    from tax.generate.command import Options, run_command
    from tax.tree import choose

    if base and leaves:
        raise UserError("--base finds the leaves itself: leave out the paths")
    if base and not changed:
        raise UserError("--base goes with --changed")
    chosen, root = choose(leaves, base is not None, base)
    result = run_command(chosen, root, Options(changed=changed, **options))
    click.echo(result.as_json() if as_json else result.as_text(), nl=False)
    return PROBLEMS if result.unfit else FINE


@cli.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--leaf", metavar="L", help="Only the samples of this leaf (its path, or a part of it).")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N samples.")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write one HTML page instead.")
@click.option("--json", "as_json", is_flag=True, help="Print the samples as JSON lines.")
def show(run: Path | None, leaf: str | None, limit: int | None, page: Path | None, as_json: bool) -> int:
    """Show the samples of a run (default: the newest one)."""
    from itertools import islice

    from tax import report
    from tax.runs import finished_run, newest_run, read_samples, write_named
    from tax.tree import checkout

    folder = run or newest_run(checkout() / "runs")
    chosen = (sample for sample in read_samples(folder) if not leaf or leaf.strip("/") in sample.leaf)
    samples = islice(chosen, limit)
    if page is not None:
        write_named(page, report.page(finished_run(folder), samples))
        click.echo(f"written: {page}")
        return FINE
    empty = True
    for sample in samples:
        empty = False
        click.echo(sample.model_dump_json() if as_json else report.sample_text(sample))
    if empty:
        raise UserError(f"{folder} has no sample{f' of a leaf named {leaf}' if leaf else ''}")
    return FINE


@cli.command()
@click.argument("sample_id", metavar="ID")
@_RUN
def blame(sample_id: str, run: Path | None) -> int:
    """Walk a sample back to its sentence, its commit and the people who wrote them."""
    from tax.blame import find, trace
    from tax.tree import checkout

    root = checkout()
    click.echo(trace(find(sample_id, root / "runs", run), root), nl=False)
    return FINE


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of a shell; `eval "$(tax completion bash)"` turns it on."""
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    if maker is None:
        raise UserError(f"there is no completion for {shell}")
    click.echo(maker(cli, {}, "tax", "_TAX_COMPLETE").source())
    return FINE


for _command in COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line; the only place that ends the process."""
    # What a scheduler sends before it kills is handled as Ctrl-C is.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors are told in a sentence."""
    try:
        return _outcome(arguments)
    except OSError as error:
        return _out_of_room(error) if error.errno in _NO_ROOM else _bug()
    except Exception:  # noqa: BLE001 - whatever is left is our bug, and says how to report it
        return _bug()


def _outcome(arguments: list[str]) -> int:
    from tax.teachers.base import TeacherError

    try:
        code = int(cli.main(arguments, prog_name="tax", standalone_mode=False) or FINE)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except click.exceptions.Abort:
        return _interrupted(arguments)
    except KeyboardInterrupt:
        return _interrupted(arguments)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (UserError, TeacherError) as error:
        click.echo(f"tax: {error}", err=True)
        return USAGE
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing more to say
        return FINE


def _out_of_room(error: OSError) -> int:
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:  # what it still holds goes nowhere, or Python tries again at the end, and changes the exit code
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    place = error.filename or "where the output of this command goes"
    with contextlib.suppress(OSError):
        click.echo(f"tax: {place}: {error.strerror}. Make room there, or name another place; then try again", err=True)
    return USAGE


def _bug() -> int:
    traceback.print_exc()
    versions = f"tax {__version__}, Python {sys.version.split()[0]}, {sys.platform}"
    click.echo(
        f"\ntax: this is a bug of ours. Please report the lines above with the command and: {versions}",
        err=True,
    )
    return BUG


def _interrupted(arguments: list[str]) -> int:
    asks = {"generate", "recycle", "translate", "dialogue", "eval"}.intersection(arguments)
    kept = ". Finished calls are kept: the same command goes on from here" if asks else ""
    click.echo(f"tax: interrupted{kept}", err=True)
    return INTERRUPTED
