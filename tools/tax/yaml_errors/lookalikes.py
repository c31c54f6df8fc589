"""Signs that look like YAML's but are none to it: spaces, list signs and colons of another kind.

Whoever types one of them types it all over the file. So each kind is told once, with the other lines that have it, and
the reading goes on with all of them mended.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import yaml

from tax.yaml_errors.fault import KEY, MAX_ABOVE, WIDE_COLON, Diagnosis, Fault, lines_of_texts

_FIRST_KEYS = "version|created_by|license|task_description|domain|document_outline|seed_examples"
_ITEM_KEYS = "question|answer|context|messages|questions_and_answers|role|content|path|repo"
_OTHER_KEYS = "language|response_style|principles|holdout|documents|commit|patterns|title|authors|url"
KEYS = f"{_FIRST_KEYS}|{_ITEM_KEYS}|{_OTHER_KEYS}"
_SPACE = "[\u00a0\u2000-\u200b\u202f\u3000\ufeff]"
_WIDTHS = {"\t": "  ", "\u3000": "  ", "\u200b": "", "\ufeff": ""}
NEXT_KEY = re.compile(rf".*\n([ ]*)(?:{_ITEM_KEYS}|{_OTHER_KEYS})[ ]*[:：]")
_MAX_LINES = 8  # that are named


@dataclass(frozen=True)
class _Kind:
    """A sign at the start of a line, the ordinary one in its place, and what is said of it."""

    pattern: re.Pattern[str]
    ordinary: Callable[[re.Match[str]], str]
    told: Callable[[re.Match[str]], tuple[str, str]]

    def diagnosis(self, match: re.Match[str], texts: set[int]) -> Diagnosis:
        """Return what is said of the sign in one line and the others; of `texts`, the lines of texts, none is meant."""
        text = match.string
        others, line, at = [], 1, 0
        for each in self.pattern.finditer(text):
            line, at = line + text.count("\n", at, each.start()), each.start()
            others += [line] if at != match.start() and at not in texts else []
        meant = self.pattern.sub(lambda each: each[0] if each.start() in texts else self.ordinary(each), text)
        message, fix = self.told(match)
        return Diagnosis(match.start("sign"), message + also(others), fix, meant)


def lookalike(fault: Fault) -> Diagnosis | None:
    """A sign that is none to YAML: in the line of the fault, where it began, or in the lines above up to a key."""
    for start in _suspects(fault):
        for kind in _KINDS:
            if kind.pattern.match(fault.text, start) and start not in fault.texts:
                return kind.diagnosis(_topmost(fault, kind, start), fault.texts)
        colon = WIDE_COLON.match(fault.text, start)
        if colon:
            message, fix = _wide_colon(colon[2])
            return Diagnosis(colon.end(2), message, fix)
    return None


def misread(root: yaml.Node | None, text: str) -> Diagnosis | None:
    """Return the sign for which YAML read a text without a fault, but not as it was meant.

    Without an ordinary colon the file is one long value, or a seed is; without a - all seeds are one; and a space of
    another kind is the first character of a key.
    """
    if isinstance(root, yaml.ScalarNode):
        return _first(text, root)
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if not isinstance(key, yaml.ScalarNode):
            continue
        if _INDENTED_KEY.match(key.value):
            return _first(text, key)
        if key.value == "seed_examples":
            items = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for item in items:
                found = _first(text, item) if isinstance(item, yaml.ScalarNode) and item.value else None
                if found:
                    return found
    return None


def _first(text: str, node: yaml.ScalarNode) -> Diagnosis | None:
    if node.style:
        return None
    start = text.rfind("\n", 0, node.start_mark.index) + 1
    found = ((kind, kind.pattern.search(text, start, node.end_mark.index)) for kind in _KINDS)
    signs = [(match.start("sign"), place, match) for place, (_, match) in enumerate(found) if match]
    if not signs:
        return None
    _, place, match = min(signs)
    return _KINDS[place].diagnosis(match, lines_of_texts(text))


def ordinary_indents(text: str) -> str:
    """Return a text with ordinary spaces at the start of its lines."""
    return _INDENT.sub(_spaces, text)


def _suspects(fault: Fault) -> list[int]:
    """Return where the lines start that a sign may stand in, from the top."""
    starts = {fault.start_of_line(fault.index), fault.start_of_line(fault.began)}
    for above in islice(fault.lines_above(fault.index), MAX_ABOVE):
        starts.add(above)
        if KEY.match(fault.line(above)):
            break
    return sorted(starts)


def _topmost(fault: Fault, kind: _Kind, start: int) -> re.Match[str]:
    """Return the first line of the kind, going up from `start` as long as YAML sees no key: there the slip began."""
    found = kind.pattern.match(fault.text, start)
    for above in fault.lines_above(start):
        if KEY.match(fault.line(above)):
            break
        match = kind.pattern.match(fault.text, above)
        found = match if match and above not in fault.texts else found
    assert found
    return found


def also(lines: list[int]) -> str:
    if not lines:
        return ""
    named = ", ".join(str(line) for line in lines[:_MAX_LINES])
    more = f" and {len(lines) - _MAX_LINES} more" if len(lines) > _MAX_LINES else ""
    return f"; the same in {'line' if len(lines) == 1 else 'lines'} {named}{more}"


def _spaces(match: re.Match[str]) -> str:
    return "".join(_WIDTHS.get(each, " ") for each in match[0])


def _strange_space(match: re.Match[str]) -> tuple[str, str]:
    sign = match["sign"]
    origin = _ORIGINS.get(sign, "web pages have it")
    message = f"this line starts with a space of another kind (U+{ord(sign):04X}), as {origin}"
    return message, "delete all that stands before its first word, and type as many spaces as the lines around it have"


def _item(match: re.Match[str]) -> str:
    """Return the start of a list item: its key in the column of the next one, else where it stands."""
    indent, width = len(match["indent"]), len(match[0])
    following = NEXT_KEY.match(match.string, match.end())
    if following and len(following[1]) > indent + 1:
        width = len(following[1])
    elif following and len(following[1]) == indent + 1 and indent:  # as below the key of `-question:`
        return " " * (indent - 1) + "- "
    return f"{match['indent']}-".ljust(max(width, indent + 2))


def _list_sign(match: re.Match[str]) -> tuple[str, str]:
    sign, fix = match["sign"], f"write `- {match['key']}: ...`"
    following = NEXT_KEY.match(match.string, match.end())
    if following and len(following[1]) == len(match[0]) != len(match["indent"] + "- "):
        fix = f"{fix}, and its other keys in one column with `{match['key']}`"
    if sign == "-":
        return "a space is missing after this -, as a list item starts with an ordinary - and a space", fix
    return f"this list item starts with {sign} here, but to YAML a list item starts with an ordinary - and a space", fix


def _wide_colon(key: str) -> tuple[str, str]:
    message = f"the colon after `{key}` is a wide one (：), which is no colon to YAML"
    return message, f"write an ordinary colon and a space: `{key}: ...`"


def _equals(match: re.Match[str]) -> tuple[str, str]:
    key = match["key"]
    message = f"{match['sign'] or 'no colon'} stands after `{key}`, but YAML puts a colon between a key and its value"
    return message, f"write : for =, `{key}: ...`" if match["sign"] else f"write `{key}: ...`"


def glued(key: str) -> tuple[str, str]:
    return f"a space is missing after `{key}:`", f"write `{key}: ` and then its value"


def _starred(key: str) -> tuple[str, str]:
    message = f"the stars around `{key}` make it bold in Markdown, but have a meaning of their own in YAML"
    return message, f"write `{key}: ...`, without stars"


_ORIGINS = {
    "\u3000": "an input method for Chinese or Japanese types it",
    "\ufeff": "it is left where files are joined",
}
_INDENT = re.compile(rf"^[ ]*(?:\t|{_SPACE})(?:[^\S\n]|\u200b)*", re.MULTILINE)
_INDENTED_KEY = re.compile(rf"{_SPACE}[\s\u200b]*(?:\W[\s\u200b]*)?(?:{KEYS})\b")
_KINDS = [
    _Kind(re.compile(rf"^[ ]*(?P<sign>{_SPACE})(?:[^\S\n]|\u200b)*", re.MULTILINE), _spaces, _strange_space),
    _Kind(
        re.compile(
            r"^(?P<indent>[ \u3000]*)(?P<sign>[‐-―−•‣◦·●○▪・*＊－]|[0-9]{1,2}[.)．、]|-(?=[a-z]))[ \u3000]*"
            rf"(?=(?P<key>{_ITEM_KEYS})[ ]*[:：])",
            re.MULTILINE,
        ),
        _item,
        _list_sign,
    ),
    _Kind(
        re.compile(
            rf"^(?P<head>[ \u3000]*(?:[-–—•*＊－][ \u3000]*)*(?P<key>{KEYS})[ ]*)(?P<sign>：)[ \u3000]*", re.MULTILINE
        ),
        lambda match: f"{match['head']}: ",
        lambda match: _wide_colon(match["key"]),
    ),
    _Kind(
        re.compile(
            rf"^(?P<head>(?P<key>{_FIRST_KEYS})[ ]*)(?P<sign>=|(?<=[a-z])(?=$)|(?<= )(?=[^ \t\n:=：]))[ ]*",
            re.MULTILINE,
        ),
        lambda match: f"{match['head']}: ",
        _equals,
    ),
    _Kind(
        re.compile(
            rf"^(?P<head>[ ]*(?:-[ ]+)*(?P<key>{_ITEM_KEYS}|{_OTHER_KEYS})[ ]*)(?P<sign>=)[ ]*",
            re.MULTILINE,
        ),
        lambda match: f"{match['head']}: ",
        _equals,
    ),
    _Kind(
        re.compile(r"^(?P<head>[ ]*-[ ]+(?P<key>question))[ ]+(?P<sign>)(?=[^ \t\n:=：])", re.MULTILINE),
        lambda match: f"{match['head']}: ",
        _equals,
    ),
    _Kind(
        re.compile(rf"^(?P<head>[ ]*(?:-[ ]+)*(?P<key>{KEYS}):)(?P<sign>)(?=[^\s:/])", re.MULTILINE),
        lambda match: f"{match['head']} ",
        lambda match: glued(match["key"]),
    ),
    _Kind(
        re.compile(rf"^(?P<head>[ ]*(?:-[ ]+)*)(?P<sign>\*\*)(?P<key>(?i:{KEYS}))(?::\*\*|\*\*:)[ ]*", re.MULTILINE),
        lambda match: f"{match['head']}{match['key']}: ",
        lambda match: _starred(match["key"]),
    ),
]
