"""Samples as people read them: for the terminal, and as one page."""

from collections.abc import Iterable, Mapping
from typing import Any

from tax.problems import printable
from tax.report.markup import document, escape
from tax.report.tables import summary, table_rows
from tax.sample import Sample


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
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in table_rows(manifest)
    )
    title = f"Samples of run {manifest['id']}"
    table = f"<table><tr><th>leaf</th><th>drawn</th><th>kept</th><th>dropped</th></tr>{rows}</table>"
    shown = "".join(article(sample) for sample in samples)
    return document(title, f"<h1>{escape(title)}</h1><p>{escape(summary(manifest))}</p>{table}{shown}")


def article(sample: Sample) -> str:
    """Return a sample as HTML."""
    turns = "".join(
        f'<div class="{message.role}"><b>{message.role}</b><pre>{escape(message.content)}</pre></div>'
        for message in sample.messages
    )
    ratings = "".join(
        f"<li>{escape(f'{rating.rubric}: {rating.rating}. {rating.reason}')}</li>" for rating in sample.ratings
    )
    about = f"{sample.kind}, {sample.language}, {sample.license}. Source: {source_text(sample)}"
    return (
        f'<article lang="{escape(sample.language)}"><h3>{escape(sample.leaf)} <code>{escape(sample.id)}</code></h3>'
        f'{turns}<p class="dim">{escape(about)}</p><ul class="dim">{ratings}</ul></article>'
    )
