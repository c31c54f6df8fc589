"""A document's text to blocks and sentences with character spans: Markdown or plain text, English or Chinese.

Pure functions in linear time that accept any text. They read the Markdown that prose documents use (headings,
lists, tables, quotes, fenced and indented code, front matter, comments); all else stays a paragraph.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tax.text.prose import CJK, CODE, cells, folded, plain, tokens

__all__ = ["Block", "Kind", "Span", "blocks", "body", "cells", "folded", "plain", "sentences", "tokens"]

Kind = Literal["heading", "paragraph", "item", "row", "code", "quote"]

_OPEN, _CLOSE = "([（「『“《【", ")]）」』”》】"
_MAX_SHIELD = 400  # characters; a longer pair of brackets is taken for a slip of the author


@dataclass(frozen=True)
class Span:
    """A stretch of a text, half-open; the text there has no white space at either end."""

    start: int
    end: int


@dataclass(frozen=True)
class Block:
    """A heading, paragraph, list item, table row, code block or quote, its marks (#, -, |, >) included.

    The row that heads a table holds the line of dashes below it too.
    """

    kind: Kind
    start: int
    end: int
    headings: tuple[str, ...]  # the titles above it, outermost first; a heading's own is not among them
    level: int = 0  # of a heading: 1 to 6


_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|$)")
_ATX = re.compile(r"[ ]{0,3}(#{1,6})(?:[ \t]+(.*))?$")
_SETEXT = re.compile(r"[ ]{0,3}(=+|-{2,})[ \t]*$")
_RULE = re.compile(r"[ ]{0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r"[ ]*(`{3,}|~{3,})([^`]*)$")
_INDENTED = re.compile(r"(?: {4}| {0,3}\t)[ \t]*\S")
_QUOTE = re.compile(r"[ ]{0,3}>[ \t]?")
_DASHES = re.compile(r"[ ]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_UNSEEN = re.compile(r"[ \t]*(?:\[[^\]^]+\]:[ \t]*\S.*|(?:</?[A-Za-z][^<>]*>[ \t]*)+)$")  # link targets, bare HTML tags
_ITEM = re.compile(
    r"[ \t]*(?:([-*+•‧・◦▪]|1[.)])|\d{1,9}[.)]|\(\d{1,3}\)|\(?[a-z]\)"
    r"|[（(][一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、|\d{1,3}、)"
    r"(?:(?<=[）、•‧・◦▪])[ \t\u3000]*|[ \t\u3000]+)(?:\[[ xX]\][ \t]+)?(?=\S)"
)
_TITLE = re.compile(r"\s*(?:#{1,6}(?=[ \t]|$))?(?P<title>[^\r\n]*)")
_CLOSING_HASHES = re.compile(r"(?:^|[ \t])#+[ \t]*$")
_FRONT_MATTER_END = re.compile(r"(?:---|\.\.\.)[ \t]*$")


def blocks(text: str) -> list[Block]:
    """Return the blocks of a document in order; front matter, comments and rules are left out."""
    return _Reader(text).read()


class _Reader:
    """One pass over the lines; each method reads one block from line `at` and returns the line after it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [match.span(1) for match in _LINE.finditer(text)]
        self._found: list[Block] = []
        self._titles: list[tuple[int, str]] = []
        self._in_list = False
        self._open_comment = False  # a comment without its end was met: no later one has an end either

    def read(self) -> list[Block]:
        at = self._front_matter()
        while at < len(self._lines):
            at = self._block(at)
        return self._found

    def _line(self, at: int) -> str:
        if at >= len(self._lines):
            return ""
        start, end = self._lines[at]
        return self._text[start:end].lstrip("\ufeff") if at == 0 else self._text[start:end]

    def _front_matter(self) -> int:
        if self._line(0).rstrip() != "---" or ":" not in self._line(1):
            return 0
        ends = (at for at in range(1, len(self._lines)) if _FRONT_MATTER_END.match(self._line(at)))
        return next(ends, -1) + 1

    def _block(self, at: int) -> int:
        line = self._line(at)
        if not line.strip():
            return at + 1
        if line.lstrip().startswith("<!--") and (after := self._comment(at)):
            return after
        if _FENCE.match(line):
            return self._fence(at)
        if _INDENTED.match(line) and not self._in_list:
            return self._indented(at)
        if not line[0].isspace() and not _ITEM.match(line):
            self._in_list = False
        if _RULE.match(line) or _UNSEEN.match(line):
            return at + 1
        if heading := _ATX.match(line):
            return self._heading(at, at + 1, len(heading[1]))
        if _QUOTE.match(line):
            return self._quote(at)
        if self._heads_table(at):
            return self._table(at)
        if _ROW.match(line):
            return self._add("row", at, at + 1)
        if _ITEM.match(line):
            self._in_list = True
            return self._paragraph("item", at)
        return self._paragraph("paragraph", at)

    def _comment(self, at: int) -> int:
        """Return the line after a comment, or 0 where it has no end or text follows it."""
        start = self._text.index("<!--", self._lines[at][0])
        end = -1 if self._open_comment else self._text.find("-->", start + 4)
        self._open_comment = end < 0
        while end >= 0 and at < len(self._lines) and self._lines[at][1] < end + 3:
            at += 1
        return at + 1 if end >= 0 and not self._text[end + 3 : self._lines[at][1]].strip() else 0

    def _fence(self, at: int) -> int:
        opening = _FENCE.match(self._line(at))
        mark = opening[1] if opening else "```"
        last = at + 1
        while last < len(self._lines):
            line = self._line(last).strip()
            if line.startswith(mark) and not line.strip(mark[0]):
                break
            last += 1
        return self._add("code", at, last + 1)

    def _heading(self, at: int, after: int, level: int) -> int:
        while self._titles and self._titles[-1][0] >= level:
            self._titles.pop()
        self._in_list = False
        self._add("heading", at, after, level)
        start, end = self._lines[at]
        self._titles.append((level, folded(plain(self._text[slice(*_title(self._text, start, end))]))))
        return after

    def _heads_table(self, at: int) -> bool:
        below = self._line(at + 1)
        return "|" in self._line(at) and "|" in below and bool(_DASHES.match(below))

    def _table(self, at: int) -> int:
        self._add("row", at, at + 2)
        at += 2
        while "|" in self._line(at) and not _FENCE.match(self._line(at)):
            self._add("row", at, at + 1)
            at += 1
        return at

    def _quote(self, at: int) -> int:
        last = at
        while (mark := _QUOTE.match(self._line(last))) and self._line(last)[mark.end() :].strip():
            last += 1
        return self._add("quote", at, last) if last > at else at + 1

    def _indented(self, at: int) -> int:
        last = at
        while last < len(self._lines) and (_INDENTED.match(self._line(last)) or not self._line(last).strip()):
            last += 1
        return self._add("code", at, last)

    def _paragraph(self, kind: Kind, at: int) -> int:
        last = at + 1
        while self._line(last).strip() and not self._interrupts(last, kind):
            last += 1
        if kind == "paragraph" and last == at + 1 and (under := _SETEXT.match(self._line(last))):
            return self._heading(at, last + 1, 1 if under[1][0] == "=" else 2)
        return self._add(kind, at, last)

    def _interrupts(self, at: int, kind: Kind) -> bool:
        line = self._line(at)
        item = _ITEM.match(line)
        marks = (_ATX, _FENCE, _QUOTE, _RULE, _SETEXT)
        return bool(
            (item and (item[1] or kind == "item"))
            or any(mark.match(line) for mark in marks)
            or line.lstrip().startswith("<!--")
            or self._heads_table(at)
        )

    def _add(self, kind: Kind, at: int, after: int, level: int = 0) -> int:
        after = min(after, len(self._lines))
        start, end = _trimmed(self._text, self._lines[at][0], self._lines[after - 1][1])
        if start < end:
            self._found.append(Block(kind, start, end, tuple(title for _, title in self._titles), level))
        return after


def _title(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of a heading's title, without its hashes and the line drawn under it."""
    match = _TITLE.match(text, start, end)
    start, end = match.span("title") if match else (start, end)
    closing = _CLOSING_HASHES.search(text, start, end)
    return _trimmed(text, start, closing.start() if closing else end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or (start == 0 and text[0] == "\ufeff")):
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


# Words whose full stop never ends a sentence, and those whose stop ends one only before a usual first word.
_ALWAYS_SHORT = re.compile(
    r"dr|mr|mrs|ms|prof|st|rev|gen|capt|lt|sgt|gov|sen|rep|e\.g|i\.e|eg|ie|cf|vs?|viz|figs?|eqs?|ch|vol|pp|eds?|approx|ca"
    r"|jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec",
    re.IGNORECASE,
)
_OFTEN_SHORT = re.compile(
    r"[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]|[Pp]h\.[Dd]|etc|al|[Ii]nc|[Ll]td|[Cc]o|[Cc]orp|[JjSs]r|[Bb]ros|[Dd]ept"
)
_BEFORE_NUMBER = re.compile(r"nos?|[pc]|sec|art|ver", re.IGNORECASE)
_STARTER = re.compile(
    r"an?|about|after|all|although|and|another|as|at|because|before|both|but|by|during|each|every|few|for|from|he|her|his"
    r"|how|however|if|in|its?|many|more|most|no|not|of|on|one|only|or|our|she|since|so|some|such|that|the|their|then|there"
    r"|therefore|these|they|this|those|thus|to|two|under|until|we|what|when|where|whether|which|while|with|you|your",
    re.IGNORECASE,
)
_STOP = re.compile(
    r"(?:(?P<ascii>[.!?]+)|(?P<wide>[。！？｡]+)|(?P<dots>…+))[\"'”’)\]」』）》】*_]*(?:\[\^?\w{1,4}\])*"
    r"|(?P<blank>\n[ \t\r]*\n)"
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘「（/*_-]+$")
_NEXT_WORD = re.compile(r"\s*([\"'“‘(\[*_]{0,4}([A-Za-z]+)|\S)")
_SHIELD = re.compile(rf"{CODE.pattern}|[\"{re.escape(_OPEN + _CLOSE)}]", re.DOTALL)


def body(text: str, span: Span | Block) -> Span:
    """Return the span of what a block says, without a heading's, an item's or a quote's mark at its start."""
    kind = span.kind if isinstance(span, Block) else ""
    if kind == "heading":
        return Span(*_title(text, span.start, span.end))
    mark = {"item": _ITEM, "quote": _QUOTE}.get(kind)
    match = mark.match(text, span.start, span.end) if mark else None
    return Span(*_trimmed(text, match.end() if match else span.start, span.end))


def sentences(text: str, span: Span | Block) -> list[Span]:
    """Return the sentences of a paragraph, item or quote: together all of it but the mark at its start."""
    inner = body(text, span)
    cuts = [inner.start]
    shields = iter(_shields(text, inner))
    shield = next(shields, None)
    for stop in _STOP.finditer(text, inner.start, inner.end):
        while shield and shield.end <= stop.start():
            shield = next(shields, None)
        inside = shield is not None and shield.start < stop.start() and stop.end() < shield.end
        if stop["blank"] or (not inside and _ends_sentence(text, cuts[-1], stop, inner.end)):
            cuts.append(stop.end())
    spans = (Span(*_trimmed(text, start, end)) for start, end in pairwise([*cuts, inner.end]))
    return [sentence for sentence in spans if sentence.start < sentence.end]


def _shields(text: str, span: Span) -> list[Span]:
    """Return the outermost brackets, quotations and code spans in order: no sentence ends inside one."""
    pairs: list[Span] = []
    opened: list[tuple[str, int]] = []
    quotes: list[int] = []
    for match in _SHIELD.finditer(text, span.start, span.end):
        mark, at = match[0], match.start()
        if len(mark) > 1:
            pairs.append(Span(at, match.end()))
        elif mark == '"':
            quotes.append(at)
        elif mark in _OPEN:
            opened.append((mark, at))
        elif opened and opened[-1][0] == _OPEN[_CLOSE.index(mark)]:
            pairs.append(Span(opened.pop()[1], at + 1))
    if len(quotes) % 2 == 0:
        pairs += [Span(start, end + 1) for start, end in zip(quotes[::2], quotes[1::2], strict=True)]
    outer: list[Span] = []
    for pair in sorted(pairs, key=lambda pair: pair.start):
        if pair.end - pair.start <= _MAX_SHIELD and not (outer and pair.end <= outer[-1].end):
            outer.append(pair)
    return outer


def _ends_sentence(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    following = _NEXT_WORD.match(text, stop.end(), end)
    if following is None:
        return True
    spaced = following.start(1) > stop.end()
    upcoming = following[1][0]
    if stop["wide"]:
        return upcoming not in "，、；：,;:)）的"
    if not spaced:
        return stop["ascii"] is not None and stop["ascii"] != "." and bool(re.match(f"[{CJK}]", upcoming))
    if upcoming.islower() or upcoming in ",;:)]%–—":
        return False
    if stop["ascii"] != ".":
        return True
    return not _is_abbreviation(text[max(begin, stop.start() - 20) : stop.start()], following) and not (
        stop.start() - begin <= 3 and text[begin : stop.start()].strip().isdigit()
    )


def _is_abbreviation(before: str, following: re.Match[str]) -> bool:
    last = _LAST_WORD.search(before)
    word = last[0] if last else ""
    if _ALWAYS_SHORT.fullmatch(word):
        return True
    if _BEFORE_NUMBER.fullmatch(word) and following[1][0].isdigit():
        return True
    starter = following[2] is None or _STARTER.fullmatch(following[2])
    return bool(_OFTEN_SHORT.fullmatch(word)) and not starter
