"""The command that gives a run to others: export."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tax.problems import UserError

if TYPE_CHECKING:
    from tax.export.dataset import ExportForm


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["messages", "alpaca", "sharegpt", "parquet"]),
    default="messages",
    show_default=True,
    help="The form of the rows: JSON lines of one of three forms, or Parquet with provenance in columns.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to write (default: exports/RUN-FORMAT). An earlier export there is replaced.",
)
@click.option(
    "--push",
    "repo",
    metavar="OWNER/NAME",
    help="Upload it to this dataset repository of the Hugging Face Hub too, made private if it is new. "
    "The token is read from HF_TOKEN, another hub's address from HF_ENDPOINT.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
def export(run: Path | None, form: "ExportForm", out: Path | None, repo: str | None, as_json: bool) -> int:
    """Write a run as a dataset for others (default: the newest run).

    The folder holds the data, and a card with counts, and with licence and credit for every leaf and document. A
    sample whose sources' licences do not let it be given on is left out with its reason, in refused.jsonl; then the
    exit code is 1. The taxonomy may have moved on since: leaves are read from git's history.
    """
    from tax.config import find_config
    from tax.export import dataset, hub
    from tax.runs import newest_run
    from tax.tree import checkout

    if repo is not None:
        hub.check(repo)
    root = checkout()
    folder = run or newest_run(root / "runs")
    place = out or root / "exports" / f"{folder.resolve().name}-{form}"
    result = dataset.export(folder, root, form, place, find_config(root).licenses.allowed)
    click.echo(result.as_json() if as_json else result.as_text())
    if repo is not None and result.folder is not None:
        address = hub.push(result.folder, repo, f"Export run {result.run}: {result.samples:,} samples")
        click.echo(f"pushed: {address}", err=as_json)
    elif repo is not None:
        raise UserError("nothing was pushed: no sample may be given on")
    return 1 if result.refused else 0


COMMANDS = [export]
