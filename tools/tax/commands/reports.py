"""The command for those who judge a run: report."""

from pathlib import Path

import click


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--baseline", type=click.Path(path_type=Path), metavar="RUN", help="Another run, to compare with.")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write one HTML page with plots.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="For people, for a pull request, for programs.",
)
def report(run: Path | None, baseline: Path | None, page: Path | None, form: str) -> int:
    """Show which leaves of a run are weak and why, and how diverse its samples are.

    RUN is a run folder (default: the newest one).
    """
    from tax.report import told
    from tax.report.figures import run_figures
    from tax.report.overview import overview
    from tax.runs import newest_run, write_whole
    from tax.tree import checkout

    figures = run_figures(run or newest_run(checkout() / "runs"))
    other = run_figures(baseline) if baseline is not None else None
    if page is not None:
        write_whole(page, overview(figures, other))
        click.echo(f"written: {page}")
        return 0
    renderers = {"text": told.text, "markdown": told.markdown, "json": told.as_json}
    click.echo(renderers[form](figures, other), nl=False)
    return 0


COMMANDS = (report,)
