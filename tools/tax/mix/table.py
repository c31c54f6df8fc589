"""A mix told to people: the phases, the corpus as Taiwan LLM's Table 1, and what was left out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tax.problems import printable

Row = tuple[str, ...]


def text(record: Mapping[str, Any], notes: Iterable[str], folder: Path, seconds: float) -> str:
    """Return what the terminal shows of a record."""
    parts = [_aligned(_phases(record), words=(0, 5))]
    if record["corpus"]:
        parts.append(_aligned(_corpus(record["corpus"])))
    if record["left_out"]:
        counts = [(reason, f"{count:,}") for reason, count in record["left_out"].items()]
        parts.append(_aligned([("left out", "rows"), *counts]))
    threshold = record["threshold"]
    rows = sum(each["rows"] for each in record["inputs"])
    told = [f"note: {printable(note)}" for note in notes]
    if threshold["answers"]:
        told.append(
            f"Answers of at most {threshold['tokens']:,} tokens are short "
            f"({threshold['from']}, {threshold['answers']:,} answers of knowledge)."
        )
    told.append(f"{rows:,} rows read in {seconds:,.1f} s ({rows / max(seconds, 0.001):,.0f}/s). Data folder: {folder}")
    return "\n".join([*parts, "\n".join(told)]) + "\n"


def _phases(record: Mapping[str, Any]) -> Iterable[Row]:
    yield "phase", "own", "replayed", "held out", "tokens", "takes"
    for name, phase in record["phases"].items():
        held, tokens = phase["heldout"], phase["tokens"]
        replayed = " ".join(f"{other} {count:,}" for other, count in phase["replayed"].items()) or "-"
        seeds = f" + {held['seeds']:,} seeds" if held["seeds"] else ""
        counts = (f"{phase['own']:,}", replayed, f"{held['samples']:,}{seeds}")
        yield name, *counts, f"{tokens['own'] + tokens['replayed']:,}", ", ".join(phase["take"])


def _corpus(sources: Sequence[Mapping[str, Any]]) -> Iterable[Row]:
    """Yield the rows of the corpus's table: one a kind of source, in the registry's order, and the sum."""
    yield "data source", "documents", "tokens", "token %"
    kinds = dict.fromkeys(source["kind"] for source in sources)
    whole = sum(source["tokens"] for source in sources)
    for kind in [*kinds, None]:
        of_kind = [source for source in sources if kind in (None, source["kind"])]
        tokens = sum(source["tokens"] for source in of_kind)
        share = f"{100 * tokens / whole:.2f}%" if whole else "-"
        yield kind or "total", f"{sum(source['documents'] for source in of_kind):,}", f"{tokens:,}", share


def _aligned(rows: Iterable[Row], words: Collection[int] = (0,)) -> str:
    """Return rows as a table: the columns `words` to the left, figures to the right."""
    shown = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))]
    lines = []
    for row in shown:
        cells = zip(row, widths, strict=True)
        aligned = [f"{cell:{'<' if column in words else '>'}{width}}" for column, (cell, width) in enumerate(cells)]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines) + "\n"
