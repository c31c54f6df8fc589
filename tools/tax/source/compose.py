"""Text to libyaml's tree of nodes, with bounds that hold before the tree is built."""

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import yaml
from yaml.cyaml import CBaseLoader, CParser  # type: ignore[attr-defined]

MAX_DEPTH = 60
MAX_VALUES = 50_000
TOO_MANY = f"this file holds more than {MAX_VALUES:,} values"

TAG = "tag:yaml.org,2002:"
# Cheap signs of nesting beyond MAX_DEPTH; only a text that shows one is measured event by event. libyaml's composer
# recurses on the C stack: 100,000 levels end the process, so depth is known before it runs. A text without these
# signs can still nest some four times as deep, by mixing them.
_DEEP = re.compile(rf"\n(?:[ ]{{{MAX_DEPTH}}}|[ ]*(?:[-?:][ \t]+){{{MAX_DEPTH}}})")
OTHER_LINE_BREAKS = ("\r", "\x85", "\u2028", "\u2029")
# Where libyaml refuses what YAML allows: a tab that begins a text after `|`, a colon within brackets.
_STRICTER = re.compile(r"tab character|unexpected ':'")
_MAX_SLOW = 100_000  # characters


class Excess(Exception):
    """The values are too many or too deep; `index` is the character where they become so."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def compose(text: str, *, patient: bool = True) -> yaml.Node | None:
    """Return the tree of a text, None of an empty one. If patient, a slow reader is asked where the fast one is strict.

    Raises Excess where it would be too big, yaml.MarkedYAMLError where the text is no YAML, and yaml.reader.ReaderError
    or UnicodeEncodeError where it has a character that YAML forbids.
    """
    _check_bounds(text)
    try:
        root: yaml.Node | None = _Composer(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        root = _compose_slowly(text) if patient and _STRICTER.search(str(error.problem)) else None
        if root is None:
            raise
    return root


class _Composer(CParser):
    """libyaml's composer with no tag but those written in the text: plain scalars are resolved later."""

    _TAGS: ClassVar = {
        yaml.ScalarNode: f"{TAG}str",
        yaml.SequenceNode: f"{TAG}seq",
        yaml.MappingNode: f"{TAG}map",
    }

    def resolve(self, kind: type[yaml.Node], value: object, implicit: object) -> str:
        return self._TAGS[kind]

    def descend_resolver(self, *_: object) -> None:
        """Paths do not decide tags."""

    def ascend_resolver(self) -> None:
        """Paths do not decide tags."""


def _compose_slowly(text: str) -> yaml.Node | None:
    """Compose with PyYAML's own parser, 100 times slower; None where it finds a fault too."""
    if len(text) > _MAX_SLOW:
        return None
    try:
        return yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError):
        return None


def _check_bounds(text: str) -> None:
    deep = text.count("[") + text.count("{") > MAX_DEPTH
    deep = deep or bool(_DEEP.search(text) or _DEEP.match(f"\n{text[:1000]}"))
    few = len(text) < MAX_VALUES or text.count("\n") + text.count(",") + text.count(": ") < MAX_VALUES
    if not deep and few and not any(line_break in text for line_break in OTHER_LINE_BREAKS):
        return
    depth = count = 0
    try:
        for event in _events(text):
            count += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise Excess(event.start_mark.index, f"values are nested more than {MAX_DEPTH} levels deep here")
            if count > 2 * MAX_VALUES:  # keys are counted too
                raise Excess(event.start_mark.index, TOO_MANY)
    except (yaml.YAMLError, UnicodeEncodeError):
        pass  # the composer meets the same fault


def _events(text: str) -> Iterator[Any]:
    parse: Callable[..., Iterator[Any]] = yaml.parse
    return parse(text, Loader=CBaseLoader)
