"""The command for those who judge a run: report."""

from pathlib import Path

import click


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option(
    "--baseline",
    metavar="RUN|random",
    help="Another run, to compare with; or `random`: the run of `tax generate --seeds random` that is like this one.",
)
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write one HTML page with plots.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="For people, for a pull request, for programs.",
)
def report(run: Path | None, baseline: str | None, page: Path | None, form: str) -> int:
    """Show which leaves of a run are weak and why, and how diverse its samples are.

    RUN is a run folder (default: the newest one).
    """
    from tax.report import told
    from tax.report.figures import run_figures
    from tax.report.overview import overview
    from tax.report.random_baseline import Contrast, contrasts, find_random
    from tax.runs import newest_run, write_named
    from tax.tree import checkout

    folder = run or newest_run(checkout() / "runs")
    figures = run_figures(folder)
    other = run_figures(Path(baseline)) if baseline not in {None, "random"} else None
    branches: list[Contrast] = []
    if baseline == "random":
        root = checkout()
        branches = contrasts(folder, find_random(folder, [folder.resolve().parent, root / "runs"], root), root)
    if page is not None:
        write_named(page, overview(figures, other, branches))
        click.echo(f"written: {page}")
        return 0
    renderers = {"text": told.text, "markdown": told.markdown, "json": told.as_json}
    click.echo(renderers[form](figures, other, branches), nl=False)
    return 0


COMMANDS = (report,)
