"""A run told to people: a table of its leaves, for the terminal and as Markdown; its samples as text or a page."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tax.problems import printable
from tax.sample import Sample

_DROP_COLUMNS = 3  # reasons shown for a leaf; the rest are summed


def table_rows(manifest: Mapping[str, Any], *, carried: bool = True) -> list[tuple[str, str, str, str]]:
    """Return a row for each leaf: its name, drawn, kept, and what was dropped and why.

    `carried` tells whether those have a row too that were carried over from an earlier run.
    """
    rows = []
    for leaf in manifest["leaves"]:
        if leaf.get("carried") and not carried:
            continue
        if leaf["skipped"]:
            rows.append((leaf["leaf"], "-", "-", f"skipped: {leaf['stop']}"))
            continue
        note = [f"{count} {reason}" for reason, count in list(leaf["dropped"].items())[:_DROP_COLUMNS]]
        rest = sum(list(leaf["dropped"].values())[_DROP_COLUMNS:])
        note += [f"{rest} for other reasons"] if rest else []
        note += [leaf["stop"]] if leaf["stop"] != "enough" else []
        note += [f"carried over from {leaf['carried']}"] if leaf.get("carried") else []
        rows.append((leaf["leaf"], f"{leaf['drawn']:,}", f"{leaf['kept']:,}", "; ".join(note)))
    return rows


def markdown(manifest: Mapping[str, Any]) -> str:
    """Return the report of a run as Markdown: report.md of its folder, or a comment of a pull request."""
    lines = [f"# Run {manifest['id']}", "", summary(manifest), ""]
    lines += ["| leaf | drawn | kept | dropped |", "| --- | ---: | ---: | --- |"]
    lines += ["| " + " | ".join(cell(text) for text in row) + " |" for row in table_rows(manifest)]
    lines += ["", "| stage | in | kept | dropped |", "| --- | ---: | ---: | --- |"]
    for name, tally in manifest["stages"].items():
        reasons = ", ".join(f"{count} {reason}" for reason, count in tally["dropped"].items())
        lines.append(f"| {cell(name)} | {tally['entered']:,} | {tally['kept']:,} | {cell(reasons)} |")
    calls = manifest["calls"]
    lines += [
        "",
        f"Teacher: {cell(manifest['teacher']['name'])} ({cell(manifest['teacher']['model'])}). "
        f"Calls asked: {sum(calls['asked'].values()):,}, reused: {sum(calls['reused'].values()):,}, "
        f"tried again: {sum(calls['retries'].values()):,}. "
        f"Tokens: {calls['prompt_tokens']:,} in prompts, {calls['completion_tokens']:,} in answers.",
        "The stages count the draws that ran ahead of need too; the leaves count what the result is made of.",
    ]
    return "\n".join(lines) + "\n"


def summary(manifest: Mapping[str, Any]) -> str:
    """Return the outcome of a run in one sentence or two."""
    leaves = len(manifest["leaves"])
    grown = leaves - manifest["skipped"]
    said = f"{manifest['kept']:,} samples kept of {manifest['drawn']:,} drawn, from {grown} of {leaves} leaves."
    if manifest.get("carried"):
        carried = "1 leaf is" if manifest["carried"] == 1 else f"{manifest['carried']:,} leaves are"
        said += f" {carried} carried over from earlier runs."
    waiting = sum(leaf["skipped"] and leaf["stop"] == "needs a model teacher" for leaf in manifest["leaves"])
    if waiting:
        said += (
            f" {waiting} leaves need a model teacher, such as"
            " `--teacher http://localhost:8000/v1 --model NAME` (any OpenAI-compatible server)."
        )
    return said


def sample_text(sample: Sample) -> str:
    """Return a sample as the terminal shows it."""
    lines = [f"{sample.id}  {printable(sample.leaf)}  ({sample.kind}, {printable(sample.language)})"]
    for message in sample.messages:
        lines += ["", f"  {message.role}:", *("    " + line for line in safe_lines(message.content))]
    if sample.source:
        lines += ["", "  source: " + source_text(sample)]
    lines += [f"  {rating.rubric}: {rating.rating}, {printable(rating.reason)}" for rating in sample.ratings]
    return "\n".join(lines) + "\n"


def source_text(sample: Sample) -> str:
    """Return in a line where a sample comes from."""
    source = sample.source
    if source is None:
        return "computed" if sample.kind == "problem" else "the teacher"
    start, end = source.evidence or source.span
    page = f"page {source.page}, " if source.page else ""
    return printable(f"{source.title} ({source.document}), {page}characters {start} to {end}")


def safe_lines(text: str) -> list[str]:
    """Return the lines of a stranger's text, harmless for a terminal; a tab becomes spaces."""
    return [printable(line) for line in text.expandtabs(4).split("\n")]


def page(manifest: Mapping[str, Any], samples: Iterable[Sample]) -> str:
    """Return a run's samples as one self-contained HTML page. All that comes from the run is escaped."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in table_rows(manifest)
    )
    shown = "".join(_article(sample) for sample in samples)
    title = html.escape(f"Run {manifest['id']}")
    return _PAGE.format(title=title, summary=html.escape(summary(manifest)), rows=rows, samples=shown)


def _article(sample: Sample) -> str:
    turns = "".join(
        f'<div class="{message.role}"><b>{message.role}</b><pre>{html.escape(message.content)}</pre></div>'
        for message in sample.messages
    )
    ratings = "".join(
        f"<li>{html.escape(f'{rating.rubric}: {rating.rating}. {rating.reason}')}</li>" for rating in sample.ratings
    )
    about = f"{sample.kind}, {sample.language}, {sample.license}. Source: {source_text(sample)}"
    return (
        f'<article lang="{html.escape(sample.language)}"><h2>{html.escape(sample.leaf)} <code>{sample.id}</code></h2>'
        f"{turns}<p>{html.escape(about)}</p><ul>{ratings}</ul></article>"
    )


def cell(text: str) -> str:
    """Return a stranger's text as a cell of a Markdown table, or a part of a line: nothing of it is markup."""
    escaped = html.escape(printable(text), quote=False)
    return re.sub(r"([\\|`\[\]*])", r"\\\1", escaped)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; }}
table {{ border-collapse: collapse; font-size: .9rem; }}
td, th {{ border-bottom: 1px solid #ddd; padding: .25rem .75rem; text-align: left; vertical-align: top; }}
article {{ border-top: 2px solid #333; margin-top: 2rem; }}
h2 {{ font-size: 1rem; overflow-wrap: anywhere; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: 0; }}
.user, .assistant {{ padding: .5rem 1rem; margin: .5rem 0; border-radius: .4rem; background: #f2f2f2; }}
.assistant {{ background: #e8f1fb; }}
p, ul {{ font-size: .85rem; color: #444; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary}</p>
<table><tr><th>leaf</th><th>drawn</th><th>kept</th><th>dropped</th></tr>{rows}</table>
{samples}
</body>
</html>
"""
