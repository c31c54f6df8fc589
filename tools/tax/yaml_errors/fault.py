"""What libyaml reports, with the lines around it; and what a slip is called."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

KEY = re.compile(r"[ ]*(?:-[ ]+)*(\w[\w -]{0,40}):(?=\s|$)")
BLOCK_TEXT = re.compile(r"[ ]*((?:-[ ]+)*)\w[\w -]*:[ \t]+[|>][-+0-9]*[ \t]*(?:#.*)?$")
_WRITTEN = re.compile(r"^([ ]*)\S.*$", re.MULTILINE)
_VALUE = re.compile(r":[ \t]+(?=[^\s#])")
_QUOTED = re.compile(rf"""{KEY.pattern}[ \t]+(?:"(?:[^"\\]|\\.)*+"?|(?:'[^']*+'?)++)""", re.DOTALL)  # perhaps open
WIDE_COLON = re.compile(r"([ ]*(?:-[ ]+)*)([A-Za-z_]{3,40})：(?=(.*))")  # as Chinese keyboards write it
CURLY = "“”„‟‘’‚‛"  # quotes of a word processor, which are none to YAML

MAX_ABOVE = 300  # lines of a long text that are looked at closely
_PIECE = 1000  # characters that are looked at in one go: there may be a million blank lines, or as many others


def quoted(key: str, text: str) -> str:
    """Return the fix for a text that needs quotes: the line as it should be, where it is short enough to show."""
    text = text.strip().strip(CURLY)
    if text and len(text) <= 80 and not set(text) & {'"', "\\"}:
        return f'put the text in double quotes: {key}: "{text}"'
    return f"put the text in double quotes; or write `{key}: |`, and the text on the next line, indented deeper"


def below_bar(key: str) -> str:
    """Return the fix for a text of several lines."""
    return f"write `{key}: |`, and below it all lines of the text, indented deeper than `{key}`"


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a YAML text: the index of the character at fault, the message and the fix.

    `meant` is the text with this slip mended, line by line and wherever it occurs, if that is plain from the slip.
    `met` is the index where the reader gave up, where that is further on.
    """

    index: int
    message: str
    fix: str
    meant: str | None = field(default=None, repr=False)
    met: int = 0

    def last_line(self, text: str) -> int:
        """Return the line that the reader reached."""
        return text.count("\n", 0, max(self.index, self.met)) + 1


def end_of_quotes(text: str, start: int) -> int:
    """Return where the quotes end that follow the key of the line at `start`; `start` where none do."""
    quoted = _QUOTED.match(text, start)
    return quoted.end() if quoted else start


def lines_of_texts(text: str) -> set[int]:
    """Return the starts of the lines that go on with the text of a key above: deeper than the key, or in its quotes."""
    found: set[int] = set()
    column, closed = None, 0  # of the key above, if it has a text; where its quotes end
    for line in _WRITTEN.finditer(text):
        start = line.start()
        if start < closed or (column is not None and line.end(1) - start > column):
            found.add(start)
            continue
        key = KEY.match(line[0])
        column = key.start(1) if key and _VALUE.match(line[0], key.end(1)) else None
        closed = end_of_quotes(text, start)
    return found


@dataclass(frozen=True)
class Fault:
    """libyaml's report: its words, the index of the character where it gave up, and where the construct began."""

    text: str
    words: str
    index: int
    began: int

    def start_of_line(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line(self, index: int) -> str:
        end = self.text.find("\n", index)
        return self.text[self.start_of_line(index) : end if end >= 0 else len(self.text)].rstrip("\r")

    def line_number(self, index: int) -> int:
        return self.text.count("\n", 0, index) + 1

    def column(self, index: int) -> int:
        return index - self.start_of_line(index)

    def first_character(self, index: int) -> int:
        """Return the index of the first character of the line that is no space."""
        line = self.line(index)
        return self.start_of_line(index) + len(line) - len(line.lstrip(" "))

    def line_before(self, index: int) -> int | None:
        """Return the start of the nearest line above that is not blank."""
        end = self.start_of_line(index)
        while end:
            start = max(0, end - _PIECE)
            written = self.text[start:end].rstrip()
            if written:
                return self.start_of_line(start + len(written))
            end = start
        return None

    def lines_above(self, index: int) -> Iterator[int]:
        """Yield the starts of the lines above that are not blank, going up."""
        above = self.line_before(index)
        while above is not None:
            yield above
            above = self.line_before(above)

    @cached_property
    def texts(self) -> set[int]:
        return lines_of_texts(self.text)

    @property
    def character(self) -> str:
        return self.text[self.index : self.index + 1]

    @property
    def starts_line(self) -> bool:
        """Tell whether only spaces stand before the place in its line."""
        return not self.text[self.start_of_line(self.index) : self.index].strip(" ")
