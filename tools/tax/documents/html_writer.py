"""The events of an HTML tree, to blocks of Markdown in one pass."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tax.documents import markdown

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = set(
    "address article aside body blockquote center dd details div dl dt fieldset figcaption figure footer form header "
    "hr legend li main ol p pre section summary table tbody td tfoot th thead tr ul caption".split()
) | set(_HEADINGS)
_CAPTURED = {"a", "code", "kbd", "samp", "sup", "sub"}
_PERMALINKS = {"¶", "#", "§", "↑", "🔗", "[edit]"}
_REFERENCE = re.compile(r"\[?[\w*†‡]{1,4}\]?")
_RAISED = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_MAX_SPAN = 200  # rows or columns that a cell is said to span
_MAX_DEPTH = 8  # of lists that are told apart by their indent


@dataclass(frozen=True)
class Event:
    """A tag that opens or closes, or a text, in the order of the document."""

    kind: Literal["open", "close", "text"]
    tag: str
    text: str = ""
    attributes: Mapping[str, str | None] = field(default_factory=dict)


def write(events: Sequence[Event]) -> str:
    """Return the Markdown of a tree's events."""
    writer = _Writer(_layout_tables(events))
    for number, event in enumerate(events):
        if event.kind == "text":
            writer.text(event.text)
        elif event.kind == "open":
            writer.open(number, event.tag, event.attributes)
        else:
            writer.close(event.tag)
    return writer.finish()


def _layout_tables(events: Sequence[Event]) -> set[int]:
    """Return the numbers of the events that open a table which only lays out a page: it holds headings or tables."""
    opened: list[int] = []
    found = set()
    for number, event in enumerate(events):
        if event.kind == "open":
            if opened and (event.tag == "table" or event.tag in _HEADINGS):
                found.add(opened[-1])
            if event.tag == "table":
                opened.append(number)
                if event.attributes.get("role") == "presentation":
                    found.add(number)
        elif event.kind == "close" and event.tag == "table" and opened:
            opened.pop()
    return found


class _Table:
    """The cells of a table in the making."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._spans: dict[int, tuple[int, str]] = {}  # column -> how many more rows its cell spans, and what it says

    def row(self) -> None:
        self.rows.append([])
        self._fill()

    def cell(self, text: str, rows: int, columns: int) -> None:
        if not self.rows:
            self.row()
        row = self.rows[-1]
        if rows > 1:
            self._spans[len(row)] = (rows - 1, text)
        row += [text] + [""] * (columns - 1)
        self._fill()

    def _fill(self) -> None:
        """Repeat the cells that span into this row, where their columns are next."""
        row = self.rows[-1]
        while (span := self._spans.get(len(row))) is not None and span[0] > 0 and len(self.rows) > 1:
            self._spans[len(row)] = (span[0] - 1, span[1])
            row.append(span[1])


class _Writer:
    def __init__(self, layout: set[int]) -> None:
        self._layout = layout
        self._written: list[tuple[str, str]] = []  # kind and text of each block
        self._inline: list[str] = []
        self._captured: list[tuple[str, list[str], bool]] = []  # tag, the text around it, whether it holds a link
        self._lists: list[int] = []  # the number of the last item, -1 in a list without numbers
        self._outer_lists = 0  # so far: items of one stand together
        self._mark = ""  # of the item that begins
        self._heading = 0
        self._quotes = self._pre = 0
        self._tables: list[_Table | None] = []  # None: laid out as blocks
        self._data: _Table | None = None
        self._cell = (1, 1)

    def text(self, text: str) -> None:
        self._inline.append(text if self._pre else re.sub(r"\s+", " ", text))

    def open(self, number: int, tag: str, attributes: Mapping[str, str | None]) -> None:
        if tag in _BLOCKS:
            self._flush()
        if tag in _CAPTURED:
            if tag == "a":
                self._captured = [(name, around, True) for name, around, _ in self._captured]
            self._captured.append((tag, self._inline, False))
            self._inline = []
        elif tag == "br":
            self._inline.append("\n")
        elif "alttext" in attributes:
            self._inline.append(attributes["alttext"] or "")
        elif tag in _HEADINGS:
            self._heading = _HEADINGS[tag]
        elif tag in {"ul", "ol"}:
            self._outer_lists += not self._lists
            self._lists.append(0 if tag == "ol" else -1)
        elif tag == "li":
            self._item()
        elif tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._pre += 1
        else:
            self._open_table(number, tag, attributes)

    def _item(self) -> None:
        if self._lists and self._lists[-1] >= 0:
            self._lists[-1] += 1
            self._mark = f"{self._lists[-1]}."
        else:
            self._mark = "-"

    def _open_table(self, number: int, tag: str, attributes: Mapping[str, str | None]) -> None:
        if tag == "table":
            new = _Table() if self._data is None and number not in self._layout else None
            self._tables.append(new)
            self._data = new or self._data
        elif self._data is not None and self._tables[-1] is self._data:
            if tag == "tr":
                self._data.row()
            elif tag in {"td", "th"}:
                self._cell = _span(attributes.get("rowspan")), _span(attributes.get("colspan"))

    def close(self, tag: str) -> None:
        if tag in _CAPTURED:
            self._close_captured(tag)
            return
        if tag == "pre" and self._pre:
            self._pre -= 1
            self._flush_code()
        elif tag in {"td", "th"} and self._data is not None and self._tables[-1] is self._data:
            self._data.cell(markdown.one_line("".join(self._taken())), *self._cell)
        elif tag == "caption" and self._data is not None:
            self._add("paragraph", markdown.paragraph(markdown.one_line("".join(self._taken()))))
        elif tag in _BLOCKS:
            self._flush()
        if tag in _HEADINGS:
            self._heading = 0
        elif tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._mark = ""
        elif tag == "blockquote":
            self._quotes -= 1
        elif tag == "table" and self._tables:
            self._close_table()

    def _flush_code(self) -> None:
        if self._data is not None or self._captured:
            self._inline.append(" ")
        else:
            text = "".join(self._taken())
            self._add("code", markdown.code(text) if text.strip() else "")

    def _close_captured(self, tag: str) -> None:
        if not self._captured:
            return
        _, around, links = self._captured.pop()
        said, self._inline = "".join(self._inline), around
        self._inline.append(_spelled(tag, said, links=links, pre=bool(self._pre)))

    def _close_table(self) -> None:
        table = self._tables.pop()
        if table is None or table is not self._data:
            return
        self._data = None
        if max(map(len, table.rows), default=0) > 1:
            self._add("table", markdown.table(table.rows))
        else:
            for row in table.rows:
                self._add("paragraph", markdown.paragraph("\n".join(row)))

    def finish(self) -> str:
        """Return all that was written."""
        self._captured.clear()
        self._flush()
        parts: list[str] = []
        last = ""
        for kind, text in self._written:
            parts += ["\n" if kind == last and kind.startswith("list") else "\n\n", text]
            last = kind
        return "".join(parts[1:]) + "\n" if parts else ""

    def _taken(self) -> list[str]:
        taken, self._inline = self._inline, []
        return taken

    def _flush(self) -> None:
        """End the block that the inline text so far belongs to; within a cell of a table, a space stands for it."""
        if self._data is not None or self._captured:
            self._inline.append(" ")
            return
        text = "".join(self._taken())
        lines = [markdown.one_line(line) for line in text.split("\n")]
        text = "\n".join(line for line in lines if line)
        depth = min(max(len(self._lists) - 1, 0), _MAX_DEPTH)
        if not text:
            return
        if self._heading:
            self._add("heading", markdown.heading(self._heading, text))
        elif self._mark:
            self._add(f"list {self._outer_lists}", markdown.item(text, self._mark, depth))
            self._mark = ""
        elif self._lists:
            indent = "  " * (depth + 1)
            self._add(
                f"list {self._outer_lists}", "\n".join(indent + line for line in markdown.paragraph(text).splitlines())
            )
        elif self._quotes > 0:
            self._add("quote", markdown.quote(text))
        else:
            self._add("paragraph", markdown.paragraph(text))

    def _add(self, kind: str, text: str) -> None:
        if text:
            self._written.append((kind, text))


def _span(stated: str | None) -> int:
    return max(1, min(int(stated), _MAX_SPAN)) if stated and stated.isascii() and stated.isdigit() else 1


def _spelled(tag: str, said: str, *, links: bool, pre: bool) -> str:
    """Return what an inline tag's words become."""
    bare = said.strip()
    if tag == "a":
        return "" if bare in _PERMALINKS else said
    if tag in {"sup", "sub"}:
        if links and _REFERENCE.fullmatch(bare):
            return ""  # to a footnote
        spelled = bare.translate(_RAISED if tag == "sup" else _LOWERED)
        return spelled if spelled and not set(spelled) & set(bare) else said
    return f"`{bare}`" if bare and not pre and "`" not in bare else said
