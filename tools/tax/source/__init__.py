"""A YAML text with the place of every value: what `leaf.py` reads and every rule points into.

libyaml composes the node tree (with line and column on each node); plain scalars are then resolved by YAML 1.2's core
schema, so `answer: No` is the text "No" and `012` is the number 12. Positions are looked up only when a problem needs
one. A leaf comes from a stranger: size, depth and the number of values are bounded before anything walks them, tags
build no objects, and `<<` is an ordinary key.
"""

import re
from bisect import bisect_right
from collections.abc import Set
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import yaml

from tax.problems import Level, Problem, excerpt
from tax.source.compose import MAX_DEPTH, MAX_VALUES, OTHER_LINE_BREAKS, TAG, TOO_MANY, Excess, compose
from tax.source.recover import recover
from tax.source.values import plain_value
from tax.yaml_errors import Diagnosis, diagnose

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "MERGE", "Loc", "Position", "Source"]

MAX_BYTES = 2_000_000
MERGE = "<<"  # YAML 1.1's key that takes in another mapping's keys; here an ordinary one, but it may stand twice

Loc = tuple[str | int, ...]

_BODY = "seed_examples"  # a reading that loses them is a wrong guess
_FEW_KEYS = 8  # of a mapping: these are looked through, as that is quicker than a table
_MAX_BUILT_DEPTH = 5 * MAX_DEPTH
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_FORBIDDEN = 20  # characters that are reported one by one


class Position(NamedTuple):
    """A place in a file; line and column count from 1."""

    line: int
    column: int


class Source:
    """One YAML file, read: its data as plain Python values, the problems of its YAML, and where each value stands."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text.removeprefix("\ufeff")
        self.problems: list[Problem] = []
        self.data: Any = None
        self.guessed: frozenset[int] = frozenset()
        """The lines that are no YAML; where the rest could be read without them, `data` is what was probably meant."""
        self._root: yaml.Node | None = None
        self._children: dict[yaml.Node, dict[str, tuple[yaml.Node, yaml.Node]]] = {}
        self._walked: dict[Loc, tuple[yaml.Node | None, yaml.Node | None, bool]] = {}
        if self.text is not text:
            self._report(0, "byte-order-mark", *_BYTE_ORDER_MARK, level=Level.WARNING)
        if "\r" in self.text:
            self._report(self.text.index("\r"), "line-ends", *_CARRIAGE_RETURN, level=Level.WARNING)
        self._read()

    def position(self, loc: Loc) -> Position:
        """Return where the value at `loc` starts; for a key that is missing, where its parent starts."""
        _, node = self._find(loc)
        return self._start(node) if node else Position(1, 1)

    def key_position(self, loc: Loc) -> Position:
        """Return where the key of the value at `loc` stands (its value, if it is an item of a list)."""
        key, node = self._find(loc)
        start = key or node
        return self._start(start) if start else Position(1, 1)

    def place(self, index: int) -> Position:
        """Return the line and column of a character of the text."""
        line = bisect_right(self._line_starts, index)
        return Position(line, index - self._line_starts[line - 1] + 1)

    def _start(self, node: yaml.Node) -> Position:
        mark = node.start_mark
        return Position(mark.line + 1, mark.column + 1) if self._marks_hold else self.place(mark.index)

    @cached_property
    def _marks_hold(self) -> bool:
        """Whether a line ends for libyaml where it ends for editors too."""
        return not any(each in self.text for each in OTHER_LINE_BREAKS) and "\ufeff" not in self.text

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
        return Problem(self.path, place.line, place.column, rule, level, message, fix)

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
        if isinstance(node, yaml.ScalarNode) and not node.style and not self._has_tag(node):
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

    @cached_property
    def _line_starts(self) -> list[int]:
        if "\r" in self.text:
            return [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]
        return [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]

    def _read(self) -> None:
        text = self.text
        if len(text) > MAX_BYTES:
            message = f"this file has {len(text):,} characters; a leaf has at most {MAX_BYTES:,}"
            self._report(0, "too-large", message, "split it into several leaves")
            return
        try:
            root = self._composed(text)
            if root is not None:
                self.data = _Builder(self).build(root)
                self._root = root
        except Excess as error:
            self._report(error.index, "too-large", str(error), "split it into several leaves, or write it more simply")
        except yaml.MarkedYAMLError as error:
            found = diagnose(error, text)
            self._report(found.index, "yaml-syntax", found.message, found.fix)
            self._read_on(found)

    def _read_on(self, first: Diagnosis) -> None:
        """Read the text as it was probably meant, to tell what else is wrong with it."""
        meant = recover(self.text, first)
        if meant is None:
            return
        try:
            data = _Builder(self).build(meant.root)
        except Excess:
            return
        if not isinstance(data, dict) or not isinstance(data.get(_BODY), list):
            return
        for line, fault in meant.faults:
            column = fault.index - meant.text.rfind("\n", 0, fault.index)
            self.problems.append(Problem(self.path, line, column, "yaml-syntax", Level.ERROR, fault.message, fault.fix))
        self.text, self.guessed = meant.text, meant.lines
        self.__dict__.pop("_line_starts", None)
        self.__dict__.pop("_marks_hold", None)
        self.data, self._root = data, meant.root
        self._walked.clear()

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
        place = self.place(index)
        self.problems.append(Problem(self.path, place.line, place.column, rule, level, message, fix))

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
            return next((child for child in reversed(node.value) if _key(child[0]) == part), None)
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            return None, node.value[part]
        return None

    def _by_key(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        found = self._children.get(node)
        if found is None:
            found = {_key(key): (key, value) for key, value in node.value}
            self._children[node] = found
        return found

    def _has_tag(self, node: yaml.Node) -> bool:
        return self.text.startswith("!", node.start_mark.index)


_BYTE_ORDER_MARK = (
    "this file starts with an invisible character, the byte order mark",
    "save it as UTF-8 without BOM",
)
_CARRIAGE_RETURN = (
    "the lines of this file end as on Windows, which makes git show all of them as changed",
    "save it with Unix line ends (LF)",
)
_COMMENT = re.compile(r"[ \t]+(#[^\r\n]*)")


_STR = f"{TAG}str"
_PLAIN = {f"{TAG}{name}" for name in ("int", "float", "bool", "null")}


class _Builder:
    """Nodes to plain values, reporting duplicate keys and foreign tags on the way."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._count = 0
        self._characters = 0

    def build(self, node: yaml.Node, depth: int = 0) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            raise Excess(node.start_mark.index, f"{TOO_MANY}, counting what its aliases repeat")
        if depth > _MAX_BUILT_DEPTH:
            raise Excess(node.start_mark.index, "an alias repeats a value within itself, so that it never ends")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, "map")
            return self._mapping(node, depth)
        self._check_tag(node, "seq")
        return [self.build(item, depth + 1) for item in node.value]

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        """Build a mapping; of a key that stands there twice the last value counts, as with PyYAML."""
        result: dict[str, Any] = {}
        first: dict[str, yaml.Node] = {}
        several = False  # whether the first key stood there again: then it is a list without dashes
        for key_node, value_node in node.value:
            key = _key(key_node)
            value = self.build(value_node, depth + 1)
            if key not in first:
                first[key] = key_node
            elif key == MERGE:
                value = [*_listed(value), *_listed(result[key])]
            elif not several:
                several = depth > 0 and len(first) > 1 and key == next(iter(first))
                self._report_again(key_node, first[key], several=several)
            result[key] = value
        return result

    def _report_again(self, key: yaml.Node, first: yaml.Node, *, several: bool) -> None:
        place = self._source.place(first.start_mark.index)
        name = excerpt(_key(key))
        fix = "keep one of the two; of two values only the last counts"
        if several:
            fix = f"if something new begins here, start it with a dash: `- {name}: ...`; else keep one of the two"
        message = f"the key `{name}` stands here again: line {place.line}, column {place.column} has it too"
        self._source._report(key.start_mark.index, "duplicate-key", message, fix)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        self._characters += len(node.value)
        if self._characters > MAX_BYTES:  # only aliases can make more of it than the file has
            raise Excess(node.start_mark.index, f"the aliases of this file repeat more than {MAX_BYTES:,} characters")
        tag = node.tag
        if tag == _STR:
            if node.style:
                return node.value
            value = plain_value(node.value)
            # `!!str 42` is a text; a look at the character tells it from 42 without one
            return value if isinstance(value, str) or not self._source._has_tag(node) else node.value
        if tag in _PLAIN:
            return plain_value(node.value)
        self._check_tag(node, "str")
        return node.value

    def _check_tag(self, node: yaml.Node, own: str) -> None:
        if node.tag != TAG + own:
            self._source._report(
                node.start_mark.index,
                "yaml-tag",
                f"`{excerpt(node.tag.replace(TAG, '!!'))}` is a tag of YAML, which leaves do not use",
                "leave it out; a text that starts with ! goes in double quotes",
            )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _key(node: yaml.Node) -> str:
    return node.value if isinstance(node.value, str) else "(no text)"
