"""PDF to Markdown with pages: pdfplumber gives words, fonts and ruled tables; layout and headings are worked out here.

A page's words are cut into columns and blocks at the white space between them (recursive XY-cut, Nagy and Seth 1984),
blocks into lines and paragraphs. What is set larger than the body, or bold on lines of its own, is a heading. Lines
that recur at the head or foot of pages are left out, and so are those of a table of contents; words broken at a line's
end are joined.
Simplified: tables without rules and code stay lines of text, figures and text set at an angle are not read, formulas
come as their letters.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tax.documents import markdown
from tax.documents.document import DocumentFault, Extract
from tax.documents.pdf_layout import Line, Table, Word, lines_of_page
from tax.documents.pdf_text import Piece, written

if TYPE_CHECKING:
    from pdfplumber.page import Page

MAX_PAGES = 2_000
MAX_RULES = 3_000  # on a page; more belong to a drawing
MAX_WORDS = 20_000  # on a page
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_UNUSED = re.compile(r"\(cid:(?:127|129|141|143|144|157)\)")  # WinAnsiEncoding: unused codes are bullets (PDF, Annex D)
_EDGE = 2  # lines at the head and at the foot of a page that may be running ones
_NEAR = 2  # pages on: a book's left and right pages have running lines of their own
_WORD = re.compile(r"[^\W\d_]{2}|[\u3040-\u9fff]")
_NUMBER = re.compile(r"\d+")
_CONTENTS = re.compile(r".*(?:\s*\.){5,}\s*(?:\d+|[ivxlc]+)")
_PAGE_NUMBER = re.compile(
    r"[\W_]*(?:page\s+|seite\s+|第\s*)?(?:#|[ivxlc]{1,7})(?:\s*(?:/|of|von)\s*#)?(?:\s*頁|\s*页)?[\W_]*", re.IGNORECASE
)


def extract(data: bytes) -> Extract:
    """Return the text of a PDF and its pages. Raises DocumentFault, and what pdfplumber raises for a damaged one."""
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        with pdfplumber.open(io.BytesIO(data), unicode_norm="NFC") as pdf:
            if len(pdf.pages) > MAX_PAGES:
                raise DocumentFault(f"the PDF has {len(pdf.pages):,} pages, more than {MAX_PAGES:,}", "split it")
            pages = []
            for page in pdf.pages:
                pages.append(_page(page))
                page.close()
    except PdfminerException as error:
        if error.args and isinstance(error.args[0], PDFPasswordIncorrect):
            raise DocumentFault("the PDF is protected by a password", "put one without a password here") from error
        raise
    _check(pages)
    text, starts = written([_pieces(lines, number) for number, lines in enumerate(_without_running(pages))])
    return Extract(text, tuple(starts))


def _page(page: "Page") -> list[Line | Table]:
    page = page.filter(_Drawn())
    tables = _tables(page) if len(page.edges) <= MAX_RULES else []
    found = page.extract_words(extra_attrs=["fontname", "size"], x_tolerance_ratio=0.15)
    if len(found) > MAX_WORDS:
        raise DocumentFault(f"page {page.page_number} has more than {MAX_WORDS:,} words", "split the PDF")
    words = [_word(each) for each in found]
    outside = [word for word in words if not any(table.holds(word) for table in tables)]
    return lines_of_page(outside, tables)


class _Drawn:
    """Keeps what stands upright, and of a letter that is drawn twice to look bold (less than a point apart) the first.

    pdfplumber's own dedupe_chars takes two thirds of the time of a page.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[str, int, int]] = set()

    def __call__(self, each: dict[str, Any]) -> bool:
        if each["object_type"] != "char":
            return True
        text, x, y = each["text"], round(each["x0"]), round(each["top"])
        places = {(text, x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
        twice = not places.isdisjoint(self._seen) and text.strip() != ""
        self._seen.add((text, x, y))
        return bool(each.get("upright", True)) and not twice


def _tables(page: "Page") -> list[Table]:
    tables = []
    for found in page.find_tables():
        rows = [[markdown.clean(cell or "") for cell in row] for row in found.extract(x_tolerance_ratio=0.15)]
        if len(rows) > 1 and max(map(len, rows)) > 1 and any(any(row) for row in rows):
            tables.append(Table(*found.bbox, markdown.table(rows)))
    return tables


def _word(found: dict[str, Any]) -> Word:
    font = str(found["fontname"]).rpartition("+")[2].lower()
    bold = any(mark in font for mark in ("bold", "black", "heavy", "semibold", "demi"))
    text = _UNUSED.sub("•", markdown.clean(str(found["text"])))
    return Word(found["x0"], found["top"], found["x1"], found["bottom"], text, round(found["size"] * 2) / 2, bold)


def _check(pages: Sequence[Sequence[Line | Table]]) -> None:
    """Refuse what has no text, or text that is not what one sees. Raises DocumentFault."""
    text = "".join(each.text for page in pages for each in page)
    unmapped = sum(len(found[0]) for found in _UNMAPPED.finditer(text))
    if not text.strip():
        fix = "run it through OCR first (such as ocrmypdf) and read what comes out, or write it down as Markdown"
        raise DocumentFault("the PDF has no text layer: its pages are images", fix)
    if unmapped > len(text) / 5:
        fix = "export it again with its fonts' Unicode tables, or run it through OCR"
        raise DocumentFault("the PDF does not say which letters its fonts draw", fix)


def _without_running(pages: Sequence[Sequence[Line | Table]]) -> list[list[Line | Table]]:
    """Leave out what recurs at the head and foot of successive pages, page numbers there, and tables of contents."""
    edges = [{_edge(line) for line in _edges(page)} for page in pages]
    kept = []
    for number, page in enumerate(pages):
        near = [marks for other, marks in enumerate(edges) if 0 < abs(other - number) <= _NEAR]
        running = {mark for mark in edges[number] if any(mark in marks for marks in near) and _WORD.search(mark[0])}
        if near:
            running |= {mark for mark in edges[number] if _PAGE_NUMBER.fullmatch(mark[0])}
        left_out = {id(line) for line in _edges(page) if _edge(line) in running}
        kept.append([each for each in page if id(each) not in left_out and not _CONTENTS.fullmatch(each.text)])
    return kept


def _edges(page: Sequence[Line | Table]) -> list[Line]:
    lines = sorted((line for line in page if isinstance(line, Line)), key=lambda line: line.top)
    return lines[:_EDGE] + lines[max(_EDGE, len(lines) - _EDGE) :]


def _edge(line: Line) -> tuple[str, int]:
    """Return what a running line has in common from page to page: its words without numbers, and its height there."""
    return _NUMBER.sub("#", line.text), round(line.top / 4)


def _pieces(lines: Sequence[Line | Table], page: int) -> list[Piece]:
    return [
        Piece(page, replace(line, text=_UNMAPPED.sub("", line.text)), "")
        if isinstance(line, Line)
        else Piece(page, None, _UNMAPPED.sub("", line.text))
        for line in lines
    ]
