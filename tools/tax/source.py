"""A YAML text with the place of every value: what `leaf.py` reads and every rule points into.

libyaml composes the node tree (with line and column on each node); plain scalars are then resolved by YAML 1.2's core
schema, so `answer: No` is the text "No" and `012` is the number 12. Positions are looked up only when a problem needs
one. A leaf comes from a stranger: size, depth and the number of values are bounded before anything walks them, tags
build no objects, and `<<` is an ordinary key.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
import yaml.cyaml

from tax.problems import Level, Problem, excerpt

MAX_BYTES = 2_000_000
MAX_DEPTH = 60
MAX_VALUES = 100_000

Loc = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL: dict[str, object] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], float("inf")),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], float("-inf")),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], float("nan")),
}
# Cheap signs of nesting beyond MAX_DEPTH; only a text that shows one is measured event by event. libyaml's composer
# recurses on the C stack: 100,000 levels end the process, so depth is known before it runs.
_DEEP = re.compile(r"\n[ ]{%d}|(?:[-?:][ \t]+){%d}" % (MAX_DEPTH, MAX_DEPTH))


@dataclass(frozen=True)
class Position:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


class Source:
    """One YAML file, read: its data as plain Python values, the problems of its YAML, and where each value stands."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.problems: list[Problem] = []
        self.data: Any = None
        self._root: yaml.Node | None = None
        self._read()

    def position(self, loc: Loc) -> Position:
        """Return where the value at `loc` starts; for a key that is missing, where its parent starts."""
        node, key = self._find(loc)
        mark = key or node
        return Position(1, 1) if mark is None else _position(node.start_mark if node else mark.start_mark)

    def key_position(self, loc: Loc) -> Position:
        """Return where the key of the value at `loc` stands (its value, if it is an item of a list)."""
        node, key = self._find(loc)
        mark = key or node
        return Position(1, 1) if mark is None else _position(mark.start_mark)

    def problem(
        self, loc: Loc, rule: str, message: str, fix: str = "", *, level: Level = Level.ERROR, at_key: bool = False
    ) -> Problem:
        """Return a Problem at the value of `loc`, or at its key."""
        place = self.key_position(loc) if at_key else self.position(loc)
        return Problem(self.path, place.line, place.column, rule, level, message, fix)

    def known(self, loc: Loc) -> Loc:
        """Return `loc` without the parts that name no key or index of the file (pydantic's union tags)."""
        found: list[str | int] = []
        node = self._root
        for part in loc:
            child = _child(node, part)
            if child is not None:
                found.append(part)
                node = child[1]
        return tuple(found)

    def _read(self) -> None:
        fault = _unreadable(self.text)
        if fault:
            self._report(*fault)
            return
        try:
            self._root = yaml.compose(self.text, Loader=yaml.cyaml.CBaseLoader)
        except yaml.YAMLError as error:
            self._report(*_explain(error, self.text))
            return
        try:
            self.data = _Builder(self).build(self._root) if self._root else None
        except _TooManyValues:
            self._report(1, 1, f"this file holds more than {MAX_VALUES:,} values, counting what its aliases repeat")

    def _report(self, line: int, column: int, message: str, fix: str = "") -> None:
        self.problems.append(Problem(self.path, line, column, "yaml-syntax", Level.ERROR, message, fix))

    def _find(self, loc: Loc) -> tuple[yaml.Node | None, yaml.Node | None]:
        node, key = self._root, None
        for part in loc:
            child = _child(node, part)
            if child is None:
                break
            key, node = child
        return node, key


class _TooManyValues(Exception):
    pass


class _Builder:
    """Nodes to plain values, reporting duplicate keys and foreign tags on the way."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._count = 0

    def build(self, node: yaml.Node) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            raise _TooManyValues
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        first: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            key = _key(key_node)
            if key in first:
                line = first[key].start_mark.line + 1
                self._problem(
                    key_node, "duplicate-key", f"the key '{excerpt(key)}' stands here a second time", f"line {line} has it too: keep one"
                )
                again = key_node.start_mark.line + 1
                self._problem(
                    first[key], "duplicate-key", f"the key '{excerpt(key)}' stands here and again in line {again}", "keep one of the two"
                )
                continue
            first[key] = key_node
            result[key] = self.build(value_node)
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        tag = node.tag.removeprefix(_TAG)
        if tag == "str":
            return _plain(node.value) if not node.style else node.value
        if tag in {"int", "float", "bool", "null"}:
            return _plain(node.value)
        self._problem(node, "yaml-tag", f"the tag '{excerpt(node.tag)}' is not used in leaves", "leave the tag out")
        return node.value

    def _problem(self, node: yaml.Node, rule: str, message: str, fix: str) -> None:
        place = _position(node.start_mark)
        self._source.problems.append(
            Problem(self._source.path, place.line, place.column, rule, Level.ERROR, message, fix)
        )


def _plain(value: str) -> object:
    """Resolve a plain scalar by YAML 1.2's core schema (YAML 1.2.2, section 10.3.2)."""
    if value in _SPECIAL:
        return _SPECIAL[value]
    if not value[0].isalpha() and len(value) <= 60:
        if _INTEGER.fullmatch(value):
            return int(value, 0 if value[:2] in {"0o", "0x"} else 10)
        if _FLOAT.fullmatch(value):
            return float(value)
    return value


def _key(node: yaml.Node) -> str:
    return node.value if isinstance(node.value, str) else f"({node.id})"


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if _key(key) == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    return None


def _position(mark: yaml.Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _unreadable(text: str) -> tuple[int, int, str, str] | None:
    """Return what keeps this text from being composed at all: its size or its depth."""
    if len(text) > MAX_BYTES:
        return 1, 1, f"this file has {len(text):,} characters; a leaf has at most {MAX_BYTES:,}", "split it into several leaves"
    if text.count("[") + text.count("{") < MAX_DEPTH and not _DEEP.search(text):
        return None
    depth = 0
    try:
        for event in _events(text):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                place = _position(event.start_mark)
                return place.line, place.column, f"values are nested more than {MAX_DEPTH} levels deep here", ""
    except yaml.YAMLError:
        return None  # the composer meets the same fault and words it
    return None


def _events(text: str) -> Iterator[Any]:
    parse: Callable[..., Iterator[Any]] = yaml.parse
    return parse(text, Loader=yaml.cyaml.CBaseLoader)


def _explain(error: yaml.YAMLError, text: str) -> tuple[int, int, str, str]:
    """Return line, column, message and fix for a fault that libyaml found, in words for a newcomer to YAML."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        code = error.character if isinstance(error.character, int) else ord(error.character)
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return line, column, f"the character U+{code:04X} is not allowed in YAML", "delete it, or write it in words"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return 1, 1, f"this is not YAML: {excerpt(error)}", ""
    place = _position(error.problem_mark)
    lines = text.splitlines() or [""]
    faulty = lines[min(place.line, len(lines)) - 1]
    began = f" (it began in line {error.context_mark.line + 1})" if error.context_mark else ""
    for sign, message, fix in _CAUSES:
        if sign in (error.problem or "") and (sign != "cannot start any token" or "\t" in faulty[: place.column]):
            return place.line, place.column, message + began, fix
    message = " ".join(filter(None, [error.context, error.problem]))
    return place.line, place.column, f"this is not valid YAML: {excerpt(message, 160)}", ""


_CAUSES = [
    (
        "mapping values are not allowed",
        "a colon followed by a space starts a new key, but a key cannot stand here",
        "put the text in double quotes, or after `>-` on lines of its own; if it is a key, line it up with its neighbours",
    ),
    (
        "cannot start any token",
        "this line is indented with a tab; YAML allows spaces only",
        "replace the tab with spaces, as many as the lines around it have",
    ),
    (
        "found unexpected end of stream",
        "a quoted text is never closed",
        "add the missing quote at its end",
    ),
    (
        "did not find expected ',' or",
        "a list or mapping in brackets is not closed, or a comma is missing",
        "close it with ] or }, and put commas between its items; text that contains brackets needs quotes",
    ),
    (
        "did not find expected key",
        "a key was expected here: this line is indented otherwise than its neighbours, or a text broke off",
        "line the keys up in one column; a text of several lines goes after `|` and is indented below it; a quote within quotes is doubled",
    ),
    (
        "did not find expected '-' indicator",
        "an item of the list was expected here: a line that starts with '- ', in one column with the items above",
        "line the items up; indent what belongs to an item deeper than its '-'",
    ),
    (
        "could not find expected ':'",
        "a colon was expected after this key, or this line belongs to the text above it",
        "write `key: value`; indent the lines of a text deeper than its key",
    ),
    (
        "block sequence entries are not allowed",
        "a list item cannot start here",
        "start the list on a line of its own, or put the text in quotes",
    ),
    ("found undefined alias", "a text that starts with * names an anchor, and there is none", "put the text in quotes"),
    ("but found another document", "a line of three dashes starts a second document; a leaf is one", "delete the line `---`"),
    ("unknown escape character", "a backslash in double quotes starts an escape, and this is none", "double the backslash, or use single quotes"),
]
