"""The options of every command that asks a teacher; their values are a RunOptions (generate/session.py)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


def run_options(*, teacher: str | None) -> Callable[[Command], Command]:
    """Return a decorator that adds the options. Without a default teacher, one must be named."""
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--teacher",
            metavar="T",
            help=("builtin; " if teacher == "builtin" else "")
            + "scripted:FILE; the URL of an OpenAI-compatible server, or several with commas between them; a model in "
            "this process, hf:FOLDER, vllm:MODEL or llamacpp:FILE; or a name from tax.toml. "
            "A server's key is read from the environment: TAX_API_KEY, or what tax.toml says.",
            **({"default": teacher, "show_default": True} if teacher else {"required": True}),
        ),
        click.option("--model", default="", metavar="NAME", help="The server's model (default: its only one)."),
        click.option(
            "--concurrency",
            default=64,
            show_default=True,
            type=click.IntRange(1),
            metavar="N",
            help="Calls in flight at once, over all servers and workers.",
        ),
        click.option(
            "--engine",
            default="local",
            show_default=True,
            type=click.Choice(["local", "ray"]),
            help="Where the teacher runs: here, or spread over the nodes of a Ray cluster.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1),
            metavar="N",
            help="With --engine ray: how many teachers to start (default: one for each GPU, or without GPUs for each "
            "node).",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="The run folder (default: runs/ID, where ID follows from the input, the teacher and the settings).",
        ),
        click.option(
            "--calls",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Where finished calls are kept (default: .tax/calls).",
        ),
        click.option("--seed", default=0, show_default=True, metavar="N", help="Another seed draws other samples."),
        click.option("--dry-run", is_flag=True, help="Show the prompts and the count of calls; ask nothing."),
        click.option("--json", "as_json", is_flag=True, help="Print the run's manifest as JSON instead of the table."),
        click.option("--quiet", is_flag=True, help="No progress."),
    ]

    def decorated(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated
