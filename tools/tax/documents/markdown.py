"""Blocks of Markdown, written so that text/segments.py reads what was meant: headings, paragraphs, items, tables."""

import re
from collections.abc import Sequence

_SPACE = re.compile(r"\s+")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff\u00ad]")
_BLOCK_MARK = re.compile(r"^([ \t]*)(#{1,6}(?=\s|$)|>|\||`{3}|~{3}|<!--|(?:[-=]+|(?:[-*_][ \t]*){3,})$)", re.MULTILINE)
_TAG = re.compile(r"<(?=[A-Za-z/!])")
_ITEM_MARK = re.compile(r"^([ \t]*)([-*+](?=\s))", re.MULTILINE)


def clean(text: str) -> str:
    """Return text without control characters, soft hyphens and lone surrogates; no-break spaces become spaces."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\u00a0", " ")


def one_line(text: str) -> str:
    """Return text on one line, its white space folded."""
    return _SPACE.sub(" ", text).strip()


def escaped(text: str) -> str:
    """Return text in which nothing is taken for a tag."""
    return _TAG.sub("&lt;", text)


def heading(level: int, text: str) -> str:
    """Return a heading of a level of 1 to 6."""
    return f"{'#' * max(1, min(level, 6))} {escaped(one_line(text))}"


def paragraph(text: str) -> str:
    """Return a paragraph; what only looks like the mark of another block at a line's start is escaped."""
    lines = "\n".join(escaped(line.strip()) for line in text.splitlines() if line.strip())
    return _ITEM_MARK.sub(r"\1\\\2", _BLOCK_MARK.sub(r"\1\\\2", lines))


def item(text: str, mark: str = "-", depth: int = 0) -> str:
    """Return a list item, its further lines indented under its first."""
    first, *rest = paragraph(text).splitlines() or [""]
    indent = "  " * depth
    return "\n".join([f"{indent}{mark} {first}", *(f"{indent}{' ' * len(mark)} {line}" for line in rest)])


def quote(text: str) -> str:
    """Return a quotation."""
    return "\n".join(f"> {line}" for line in paragraph(text).splitlines())


def code(text: str) -> str:
    """Return a fenced block of code, which holds any text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.strip(chr(10))}\n{fence}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first row is its head; short rows are filled, rows and columns without text left out."""
    width = max((len(row) for row in rows), default=0)
    filled = [[escaped(one_line(cell)) for cell in row] + [""] * (width - len(row)) for row in rows]
    used = [column for column in range(width) if any(row[column] for row in filled)]
    kept = [[row[column].replace("\\", "\\\\").replace("|", "\\|") for column in used] for row in filled if any(row)]
    if not kept:
        return ""
    lines = [f"| {' | '.join(row)} |" for row in kept]
    return "\n".join([lines[0], f"|{' --- |' * len(used)}", *lines[1:]])
