"""libyaml's nodes to plain Python values, noting duplicate keys and foreign tags on the way."""

from typing import Any, NamedTuple

import yaml

from tax.problems import excerpt
from tax.source.compose import MAX_DEPTH, MAX_VALUES, TAG, TOO_MANY, Excess
from tax.source.values import plain_value
from tax.source.written import Written

MAX_BYTES = 2_000_000
BODY = "seed_examples"
MERGE = "<<"  # YAML 1.1's key that takes in another mapping's keys; here an ordinary one, but it may stand twice

_MAX_BUILT_DEPTH = 5 * MAX_DEPTH
_STR = f"{TAG}str"
_SEED_KEYS = {"question", "answer", "context", "messages"}
_KEEP_ONE = "keep one of the two"
_PLAIN = {f"{TAG}{name}" for name in ("int", "float", "bool", "null")}


class Slip(NamedTuple):
    """What is wrong with a node: where it starts (an index), the rule, the message and the fix."""

    start: int
    rule: str
    message: str
    fix: str


class Builder:
    """Builds the values of one text; what is wrong with its keys and tags gathers in `slips`."""

    def __init__(self, written: Written) -> None:
        self.slips: list[Slip] = []
        self._written = written
        self._count = 0
        self._characters = 0

    def build(self, node: yaml.Node, depth: int = 0) -> Any:
        """Return the value of a node; raise Excess where it is too much."""
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
        several = False  # whether a key that stood there again began a seed: what else it repeats is not told
        for key_node, value_node in node.value:
            key = key_of(key_node)
            value = self.build(value_node, depth + 1)
            if key not in first:
                first[key] = key_node
            elif key == MERGE:
                value = [*_listed(value), *_listed(result[key])]
            elif not several:
                fix, several = _again(key, result, depth)
                self._note_again(key_node, first[key], fix)
            result[key] = value
        return result

    def _note_again(self, key: yaml.Node, first: yaml.Node, fix: str) -> None:
        place = self._written.place(first.start_mark.index)
        name = excerpt(key_of(key))
        message = f"the key `{name}` stands here again: line {place.line}, column {place.column} has it too"
        self.slips.append(Slip(key.start_mark.index, "duplicate-key", message, fix))

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
            return value if isinstance(value, str) or not self._written.has_tag(node) else node.value
        if tag in _PLAIN:
            return plain_value(node.value)
        self._check_tag(node, "str")
        return node.value

    def _check_tag(self, node: yaml.Node, own: str) -> None:
        if node.tag != TAG + own:
            message = f"`{excerpt(node.tag.replace(TAG, '!!'))}` is a tag of YAML, which leaves do not use"
            fix = "leave it out; a text that starts with ! goes in double quotes"
            self.slips.append(Slip(node.start_mark.index, "yaml-tag", message, fix))


def key_of(node: yaml.Node) -> str:
    """Return the characters of a key."""
    return node.value if isinstance(node.value, str) else "(no text)"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _again(key: str, before: dict[str, Any], depth: int) -> tuple[str, bool]:
    """Return the fix of a key that stands there again, and whether it begins a seed, so that more are to follow."""
    name = excerpt(key)
    anew = len(before) > 1 and key == next(iter(before))
    if depth and anew:
        return f"if something new begins here, start it with a dash: `- {name}: ...`; else {_KEEP_ONE}", True
    if not depth and key in _SEED_KEYS and before.get(BODY, "") is None:
        fix = f"start each seed with a dash, `- {name}: ...`, and indent its other keys as deep as `{name}` stands then"
        return fix, True
    if anew and before.get(BODY):
        return f"if another leaf begins here, move all of it to a folder of its own; else {_KEEP_ONE}", False
    return f"{_KEEP_ONE}; of two values only the last counts", False
