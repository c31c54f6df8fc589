"""A YAML text with the place of every value: what `leaf.py` reads and every rule points into.

libyaml composes the node tree (with line and column on each node); plain scalars are then resolved by YAML 1.2's core
schema, so `answer: No` is the text "No" and `012` is the number 12. Positions are looked up only when a problem needs
one. A leaf comes from a stranger: size, depth and the number of values are bounded before anything walks them, tags
build no objects, and `<<` is an ordinary key.
"""

import re
from collections.abc import Set
from functools import cached_property
from typing import Any

import yaml

from tax.problems import Level, Problem, shown_part
from tax.source.build import BODY, MAX_BYTES, MERGE, Builder, key_of
from tax.source.compose import MAX_DEPTH, MAX_VALUES, Excess, compose
from tax.source.recover import Recovered, recover
from tax.source.written import Position, Written, with_unix_lines
from tax.yaml_errors import misread

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "MERGE", "Loc", "Position", "Source"]

Loc = tuple[str | int, ...]

_FEW_KEYS = 8  # of a mapping: these are looked through, as that is quicker than a table
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_FORBIDDEN = 20  # characters that are reported one by one


class Source:
    """One YAML file, read: its data as plain Python values, the problems of its YAML, and where each value stands."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._file = text.removeprefix("\ufeff")
        self._written = Written(self._file)
        self.problems: list[Problem] = []
        self.data: Any = None
        self.guessed: frozenset[int] = frozenset()
        """The lines that are no YAML; where the rest could be read without them, `data` is what was probably meant."""
        self._root: yaml.Node | None = None
        self._children: dict[yaml.Node, dict[str, tuple[yaml.Node, yaml.Node]]] = {}
        self._walked: dict[Loc, tuple[yaml.Node | None, yaml.Node | None, bool]] = {}
        if self._file is not text:
            self._report(0, "byte-order-mark", *_BYTE_ORDER_MARK, level=Level.WARNING)
        if "\r" in self.text:
            self._report(self.text.index("\r"), "line-ends", *_CARRIAGE_RETURN, level=Level.WARNING)
        self._read()

    @property
    def text(self) -> str:
        """The text that was read, without a byte order mark; of a faulty file, what was probably meant."""
        return self._written.text

    def position(self, loc: Loc) -> Position:
        """Return where the value at `loc` starts; for a key that is missing, where its parent starts."""
        _, node = self._find(loc)
        return self._written.start(node) if node else Position(1, 1)

    def key_position(self, loc: Loc) -> Position:
        """Return where the key of the value at `loc` stands (its value, if it is an item of a list)."""
        key, node = self._find(loc)
        start = key or node
        return self._written.start(start) if start else Position(1, 1)

    def place(self, index: int) -> Position:
        """Return the line and column of a character of the text."""
        return self._written.place(index)

    def problem(
        self,
        loc: Loc,
        rule: str,
        message: str,
        fix: str = "",
        *,
        level: Level = Level.ERROR,
        at_key: bool = False,
    ) -> Problem:
        """Return a Problem at the value of `loc`, or at its key."""
        place = self.key_position(loc) if at_key else self.position(loc)
        return self.problem_at(place, rule, message, fix, level=level)

    def problem_at(
        self, place: Position, rule: str, message: str, fix: str = "", *, level: Level = Level.ERROR
    ) -> Problem:
        """Return a Problem at a place of the file."""
        return Problem(self.path, *place, rule, level, message, fix, self.shown_part(place))

    def shown_part(self, place: Position) -> str:
        """Return the part of the line at a place that is shown with a problem there."""
        return shown_part(self._lines[place.line - 1], place.column) if place.line <= len(self._lines) else ""

    def known(self, loc: Loc) -> Loc:
        """Return `loc` without the parts that name no key or index of the file (pydantic's union tags)."""
        found: list[str | int] = []
        node = self._root
        for part in loc:
            child = self._child(node, part)
            if child is not None:
                found.append(part)
                node = child[1]
        return tuple(found)

    def keys(self, loc: Loc) -> Set[str]:
        """Return the keys that the group at `loc` has in the file."""
        _, node = self._find(loc)
        return self._by_key(node).keys() if isinstance(node, yaml.MappingNode) else frozenset()

    def scalar(self, loc: Loc) -> str | None:
        """Return the characters of an unquoted, untagged value such as 012 or null; None for any other value."""
        _, node = self._find(loc)
        if isinstance(node, yaml.ScalarNode) and not node.style and not self._written.has_tag(node):
            return str(node.value)
        return None

    def is_block_text(self, loc: Loc) -> bool:
        """Tell whether the value is a text after `|` or `>`."""
        _, node = self._find(loc)
        return isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}

    def comment(self, loc: Loc) -> str | None:
        """Return the comment that ends the line of an unquoted value."""
        _, node = self._find(loc)
        if not isinstance(node, yaml.ScalarNode) or node.style:
            return None
        match = _COMMENT.match(self.text, node.end_mark.index)
        return match.group(1) if match else None

    def _read(self) -> None:
        text = self.text
        if len(text) > MAX_BYTES:
            message = f"this file has {len(text):,} characters; a leaf has at most {MAX_BYTES:,}"
            self._report(0, "too-large", message, "split it into several leaves")
            return
        try:
            root = self._composed(text)
            if misread(root, text):
                self._read_faulty(text)
            elif root is not None:
                self.data = self._built(root)
                self._root = root
        except Excess as error:
            self._report(error.index, "too-large", str(error), "split it into several leaves, or write it more simply")
        except yaml.MarkedYAMLError:
            self._read_faulty(text)

    def _read_faulty(self, text: str) -> None:
        """Report the faults of a text; read it as it was probably meant, to tell what else is wrong with it."""
        text = with_unix_lines(_FORBIDDEN.sub("\ufffd", text))
        meant = recover(text)
        kept = meant.root is not None and self._take(meant, meant.root, text)
        for place, fault in meant.faults if kept else meant.faults[:1]:
            self.problems.append(self.problem_at(place, "yaml-syntax", fault.message, fault.fix))

    def _take(self, meant: Recovered, root: yaml.Node, file: str) -> bool:
        """Take a guessed reading for the file's, if it has seeds; else leave all as it was."""
        before, problems = self._written, [*self.problems]
        self._written = Written(meant.text, file)
        try:
            data = self._built(root)
        except Excess:
            data = None
        if isinstance(data, dict) and isinstance(data.get(BODY), list):  # else the guess was wrong
            self.data, self._root, self.guessed = data, root, meant.lines
            return True
        self._written, self.problems = before, problems
        return False

    def _built(self, root: yaml.Node) -> Any:
        builder = Builder(self._written)
        try:
            return builder.build(root)
        finally:
            for slip in builder.slips:
                self._report(*slip)

    def _composed(self, text: str) -> yaml.Node | None:
        try:
            return compose(text)
        except (yaml.reader.ReaderError, UnicodeEncodeError):
            return compose(self._without_forbidden(text))

    def _without_forbidden(self, text: str) -> str:
        """Report the characters that YAML forbids, and return the text with others in their place."""
        for number, match in enumerate(_FORBIDDEN.finditer(text)):
            if number == _MAX_FORBIDDEN:
                break
            message = f"the character U+{ord(match.group()):04X} is invisible and not allowed in YAML"
            self._report(match.start(), "forbidden-character", message, "delete it")
        return _FORBIDDEN.sub("\ufffd", text)

    def _report(self, index: int, rule: str, message: str, fix: str = "", *, level: Level = Level.ERROR) -> None:
        self.problems.append(self.problem_at(self.place(index), rule, message, fix, level=level))

    @cached_property
    def _lines(self) -> list[str]:
        return with_unix_lines(self._file).split("\n")

    def _find(self, loc: Loc) -> tuple[yaml.Node | None, yaml.Node | None]:
        return self._walk(loc)[:2]

    def _walk(self, loc: Loc) -> tuple[yaml.Node | None, yaml.Node | None, bool]:
        """Return key and value as far as `loc` leads, and whether that is its end; neighbours share most of the way."""
        if not loc:
            return None, self._root, True
        known = self._walked.get(loc)
        if known is None:
            key, node, whole = self._walk(loc[:-1])
            child = self._child(node, loc[-1]) if whole else None
            known = self._walked[loc] = (*child, True) if child else (key, node, False)
        return known

    def _child(self, node: yaml.Node | None, part: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
        if isinstance(node, yaml.MappingNode):
            if not isinstance(part, str):
                return None
            if len(node.value) > _FEW_KEYS:
                return self._by_key(node).get(part)
            return next((child for child in reversed(node.value) if key_of(child[0]) == part), None)
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            return None, node.value[part]
        return None

    def _by_key(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        found = self._children.get(node)
        if found is None:
            found = {key_of(key): (key, value) for key, value in node.value}
            self._children[node] = found
        return found


_BYTE_ORDER_MARK = (
    "this file starts with an invisible character, the byte order mark",
    "save it as UTF-8 without BOM",
)
_CARRIAGE_RETURN = (
    "the lines of this file end as on Windows, which makes git show all of them as changed",
    "save it with Unix line ends (LF)",
)
_COMMENT = re.compile(r"[ \t]+(#[^\r\n]*)")
