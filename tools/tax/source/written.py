"""A text as it was read, and the line and column of every character of it, as editors count them."""

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import yaml

from tax.source.compose import OTHER_LINE_BREAKS

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class Position(NamedTuple):
    """A place in a file; line and column count from 1."""

    line: int
    column: int


class Written:
    """A text; if it is a guess at what was meant, its places are told as those of the `file`, line by line."""

    def __init__(self, text: str, file: str | None = None) -> None:
        self.text = text
        self._file = file

    def place(self, index: int) -> Position:
        """Return the line and column of a character of the text."""
        line = bisect_right(self._line_starts, index)
        start = self._line_starts[line - 1]
        return Position(line, self._column_in_file(line, start, index - start) + 1)

    def start(self, node: yaml.Node) -> Position:
        """Return where a node starts."""
        mark = node.start_mark
        return Position(mark.line + 1, mark.column + 1) if self._marks_hold else self.place(mark.index)

    def has_tag(self, node: yaml.Node) -> bool:
        """Tell whether a node starts with a tag."""
        return self.text.startswith("!", node.start_mark.index)

    def _column_in_file(self, line: int, start: int, column: int) -> int:
        """Return the column that a character has in the file: a guess changes the beginning of a line, or its end."""
        if self._file is None:
            return column
        here, there = unix_line(self.text, start), self._file_lines[line - 1]
        if here[:column] == there[:column]:
            return column
        return max(0, min(column + len(there) - len(here), len(there)))

    @cached_property
    def _line_starts(self) -> list[int]:
        if "\r" in self.text:
            return [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]
        return [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]

    @cached_property
    def _file_lines(self) -> list[str]:
        return (self._file or "").split("\n")

    @cached_property
    def _marks_hold(self) -> bool:
        """Whether a line ends for libyaml where it ends for editors too, and stands in the file as it does here."""
        same = self._file is None and "\ufeff" not in self.text
        return same and not any(each in self.text for each in OTHER_LINE_BREAKS)


def unix_line(text: str, start: int) -> str:
    """Return the line that begins at `start`, of a text with Unix line ends."""
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)]


def with_unix_lines(text: str) -> str:
    """Return a text with Unix line ends; lines and columns stay."""
    return _LINE_BREAK.sub("\n", text) if "\r" in text else text
