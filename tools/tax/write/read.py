"""Text to tree: values from the parser's events, comments from the gaps between its tokens, so that none is lost."""

import copy
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import yaml
from yaml.cyaml import CBaseLoader

from tax.source import MAX_BYTES
from tax.write.tree import Entry, Group, Scalar, WriteError


def read(text: str) -> Group | None:
    """Return the tree of a text that tax.source has found to be sound; None where it holds comments only.

    Raises WriteError where the text is no mapping, or where its aliases repeat too much.
    """
    return _Reader(_LINE_END.sub("\n", text)).root()


class Comment(NamedTuple):
    """A comment, or an empty line (no text); `own` where nothing stands before it on its line."""

    start: int
    line: int
    column: int
    text: str
    own: bool


def comments(text: str) -> Iterator[Comment]:
    """Yield the comments and the empty lines of a text between its values, in order."""
    end = line = counted = 0
    for token in _parsed(yaml.scan, text):
        start = token.start_mark.index
        for comment in _in_gap(text, end, start):
            line += text.count("\n", counted, comment.start)
            counted = comment.start
            yield comment._replace(line=line)
        end = max(end, token.end_mark.index)
        if isinstance(token, yaml.ScalarToken) and token.style in {"|", ">"}:
            header = text[start : _line_end(text, start)]
            if found := _HEADER_COMMENT.search(header):
                yield Comment(start + found.start(1), token.start_mark.line, 0, found.group(1).rstrip(), False)
            if "+" not in header.partition("#")[0]:  # empty lines after the text are not part of it
                end = start + max(len(text[start:end].rstrip("\n")), len(header))


_LINE_END = re.compile(r"\r\n?")
_HEADER_COMMENT = re.compile(r"[ \t](#.*)")


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _parsed(parse: Callable[..., Any], text: str) -> list[Any]:
    """Return tokens or events of libyaml; of PyYAML's own parser where libyaml refuses what YAML allows."""
    try:
        return list(parse(text, Loader=CBaseLoader))
    except yaml.MarkedYAMLError:
        return list(parse(text, Loader=yaml.BaseLoader))


def _in_gap(text: str, start: int, end: int) -> Iterator[Comment]:
    lines = text[start:end].split("\n")
    index = start
    for number, line in enumerate(lines):
        before = len(line) - len(line.lstrip())
        if line.lstrip().startswith("#"):
            first = text.rfind("\n", 0, index) + 1
            own = not text[first:index].strip()
            yield Comment(index + before, 0, index + before - first, line.strip(), own)
        elif 0 < number < len(lines) - 1:
            yield Comment(index, 0, 0, "", True)
        index += len(line) + 1


class _Reader:
    """Events to a tree, giving each comment to an entry on the way."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: deque[Any] = deque(_parsed(yaml.parse, text))
        self._comments = deque(comments(text))
        self._anchors: dict[str, Scalar | Group] = {}
        self._repeated = 0
        self._last: Entry | None = None  # what a comment on `_line` stands beside
        self._line = -1
        self._column = -1  # of the group that is being read

    def root(self) -> Group | None:
        self._skip(yaml.StreamStartEvent)
        if not self._skip(yaml.DocumentStartEvent):
            return None
        entry = self._entry()
        if not isinstance(entry.value, Group) or not entry.value.keyed:
            raise WriteError("a leaf is a group of keys with values, such as `created_by: octocat`")
        self._skip(yaml.DocumentEndEvent)
        entry.value.below += self._taken(len(self._text))
        entry.value.above(0)[:0] = [*entry.above, *([entry.beside] if entry.beside else [])]
        return entry.value

    def _skip(self, kind: type[Any]) -> bool:
        found = isinstance(self._events[0], kind)
        if found:
            self._events.popleft()
        return found

    def _entry(self, carried: list[str] | None = None, *, keyed: bool = False) -> Entry:
        entry = Entry(Scalar(""), above=[*(carried or []), *self._taken(self._events[0].start_mark.index)])
        if keyed:
            event = self._events.popleft()
            line = event.start_mark.line + 1
            self._last, self._line = entry, event.end_mark.line
            if not isinstance(event, yaml.ScalarEvent):
                raise WriteError(f"line {line}: a key must be a text, but this one is a group, a list or an alias")
            entry.key = self._scalar(event)
            self._anchors[event.anchor or ""] = entry.key
        entry.value = self._value(entry)
        return entry

    def _value(self, entry: Entry) -> Scalar | Group:
        event = self._events.popleft()
        start = event.start_mark
        between = [comment for comment in self._taken(start.index) if comment]
        if isinstance(event, yaml.CollectionStartEvent):
            if entry.key is None:
                entry.above += between
                between = []
            value: Scalar | Group = self._group(event, entry, between)
        else:
            entry.above += between
            self._last, self._line = entry, event.end_mark.line
            value = self._aliased(event) if isinstance(event, yaml.AliasEvent) else self._scalar(event)
            if isinstance(value, Scalar) and value.style in {"|", ">"} and isinstance(event, yaml.ScalarEvent):
                self._line = start.line  # a comment may stand behind the | itself
                entry.above += self._taken(_line_end(self._text, start.index))
                self._line = -1
        if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
            self._anchors[event.anchor] = value
        return value

    def _group(self, event: Any, entry: Entry, carried: list[str]) -> Group:
        group = Group([], isinstance(event, yaml.MappingStartEvent), bool(event.flow_style))
        if group.flow:
            self._last, self._line = entry, event.start_mark.line
        column, outer = event.start_mark.column, self._column
        self._column = column
        while not isinstance(self._events[0], yaml.CollectionEndEvent):
            group.entries.append(self._entry(carried, keyed=group.keyed))
            carried = []
        self._column = outer
        end = self._events.popleft()
        if group.flow:
            group.below = carried + [comment for comment in self._taken(end.start_mark.index) if comment]
            self._last, self._line = entry, end.end_mark.line
        else:
            # where a list stands no deeper than its key, a comment in that column belongs to the next key
            group.below = carried + self._taken_below(column + (column == outer))
        return group

    def _scalar(self, event: Any) -> Scalar:
        tag = str(event.tag or "").rpartition(":")[2]
        style = event.style or ""
        if tag in {"int", "float", "bool", "null"}:
            style = ""
        elif tag in {"str", "!"} and not style:
            style = '"'
        folds = _folds(self._text[event.start_mark.index : event.end_mark.index]) if style == ">" else ()
        return Scalar(str(event.value), style, folds)

    def _aliased(self, event: Any) -> Scalar | Group:
        value = self._anchors[event.anchor]
        self._repeated += _size(value)
        if self._repeated > MAX_BYTES:
            message = "the aliases of this leaf repeat more than a leaf may hold; write their values out"
            raise WriteError(f"line {event.start_mark.line + 1}: {message}")
        return _without_comments(copy.deepcopy(value))

    def _taken(self, index: int) -> list[str]:
        """Take the comments before `index`; the one beside the last entry goes to it, the others are returned."""
        found = []
        while self._comments and self._comments[0].start < index:
            comment = self._comments.popleft()
            if not self._is_beside(comment):
                found.append(comment.text)
        return found

    def _is_beside(self, comment: Comment) -> bool:
        if comment.own or self._last is None or comment.line != self._line:
            return False
        if self._last.beside:  # one stood behind the key, this one behind the value
            self._last.above.append(comment.text)
        else:
            self._last.beside = comment.text
        return True

    def _taken_below(self, column: int) -> list[str]:
        """Take the comments that end a group: those before the next value that stand at `column` or deeper."""
        ends = (yaml.CollectionEndEvent, yaml.DocumentEndEvent)
        limit = next(event.start_mark.index for event in self._events if not isinstance(event, ends))
        if self._comments and self._comments[0].start < limit and self._is_beside(self._comments[0]):
            self._comments.popleft()
        count = 0
        for number, comment in enumerate(self._comments, 1):
            if comment.start >= limit or not comment.own or (comment.text and comment.column < column):
                break
            if comment.text:
                count = number
        return [self._comments.popleft().text for _ in range(count)]


def _folds(written: str) -> tuple[str, ...]:
    """Return the lines of a folded text without their indentation; none where its header states more than `-`."""
    header, *lines = written.split("\n")
    if not re.fullmatch(r">-?[ \t]*(#.*)?", header):
        return ()
    while lines and not lines[-1].strip():
        del lines[-1]
    first = next((line for line in lines if line.strip()), "")
    indent = len(first) - len(first.lstrip(" "))
    return tuple(line[indent:] for line in lines)


def _size(value: Scalar | Group) -> int:
    if isinstance(value, Scalar):
        return len(value.value) + 1
    return 1 + sum(_size(entry.value) + (len(entry.key.value) if entry.key else 0) for entry in value.entries)


def _without_comments(value: Scalar | Group) -> Scalar | Group:
    if isinstance(value, Group):
        value.below = []
        for entry in value.entries:
            entry.above, entry.beside = [], ""
            _without_comments(entry.value)
    return value
