"""How a single value is written: plain, quoted, after `|`, or folded after `>`."""

import json
import re
from itertools import pairwise

import yaml
from yaml.cyaml import CBaseLoader

from tax.write.tree import Scalar

WIDTH = 100  # columns that a text is wrapped to
LIMIT = 110  # columns beyond which it is wrapped: who wraps by hand does not keep to one width
_INDENT = 6  # of most texts; line breaks that do not depend on it stay where they are when a text moves

_UNPRINTABLE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
_NOT_RAW = re.compile(f"[{_UNPRINTABLE}]")
_ESCAPED = re.compile(f"[{_UNPRINTABLE}\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Scripts without spaces between words: a fold would put one there.
_UNSPACED = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U0001b000-\U0001b2ff\U00020000-\U0003ffff]")
_BREAK = re.compile(r"(?<=\S) (?=\S)")
_PLAIN = re.compile(r"[A-Za-z](?:[\w .,()/-]*[\w.)])?")
_MISREAD = yaml.SafeLoader.yaml_implicit_resolvers


def text_scalar(value: str) -> Scalar:
    """Return a text as a new scalar, quoted unless it is surely read as that text."""
    plain = _PLAIN.fullmatch(value) and isinstance(Scalar(value).data, str)
    return Scalar(value, "" if plain else '"')


def inline(scalar: Scalar, *, in_brackets: bool = False) -> str:
    """Return a value on one line. A plain text that YAML 1.1 takes for something else, such as No, gets quotes."""
    value = scalar.value
    if not scalar.style:
        if not value:
            return "null" if in_brackets else ""
        unsafe = in_brackets and re.search(r"[,\[\]{}]", value)
        if not isinstance(scalar.data, str) or not (unsafe or "\n" in value or _is_misread(value)):
            return value
    if scalar.style == "'" and "\n" not in value and not _ESCAPED.search(value):
        return "'" + value.replace("'", "''") + "'"
    return _ESCAPED.sub(_escape, json.dumps(value, ensure_ascii=False))


def block(scalar: Scalar, column: int, indent: int) -> list[str]:
    """Return the lines of a value that starts at `column`, with `indent` spaces before the lines of a text."""
    for lines in _texts(scalar, column, indent):
        if _reads_back(lines, scalar.value):
            return [lines[0], *(" " * indent + line if line else "" for line in lines[1:])]
    return [inline(scalar)]


def _texts(scalar: Scalar, column: int, indent: int) -> list[list[str]]:
    """Return the ways to write a value as a block scalar, the best first; none where one line is better."""
    value = scalar.value
    body = value.rstrip("\n")
    if not body or not isinstance(scalar.data, str) or _NOT_RAW.search(value):
        return []
    literal = [f"|{_indicators(value)}", *value.removesuffix("\n").split("\n")]
    folded = [f">{_indicators(value)}", *_folded(body)]
    if scalar.folds and indent + max(map(len, scalar.folds)) <= LIMIT:
        return [[folded[0], *scalar.folds], literal]
    if "\n" in body and scalar.folds:
        wrapped = [part for line in scalar.folds for part in (_folded(line) if indent + len(line) > LIMIT else [line])]
        return [[folded[0], *wrapped], literal]
    if "\n" in body:
        return [literal]
    is_block = scalar.style in {"|", ">"} or value != body
    width = indent + len(body) if is_block else column + len(inline(scalar))
    if width > LIMIT and len(folded) > 2:
        return [folded, literal]
    return [literal] if is_block else []


def _indicators(value: str) -> str:
    """Return what stands after `|` or `>`: the indentation where a space begins the text, and what ends it."""
    trailing = len(value) - len(value.rstrip("\n"))
    return ("2" if value.lstrip("\n").startswith(" ") else "") + ("-" if not trailing else "+" if trailing > 1 else "")


def _folded(text: str) -> list[str]:
    """Break a line at its single spaces; one line where it cannot be folded without change."""
    if text != text.strip() or _UNSPACED.search(text):
        return [text]
    starts = [0, *(match.end() for match in _BREAK.finditer(text)), len(text) + 1]
    lines = [""]
    for start, end in pairwise(starts):
        word = text[start : end - 1]
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDTH - _INDENT:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _is_misread(value: str) -> bool:
    resolvers = [*_MISREAD.get(value[0], []), *_MISREAD.get(None, [])]
    return any(pattern.match(value) for _, pattern in resolvers)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def _reads_back(lines: list[str], value: str) -> bool:
    text = "\n".join([f"a: {lines[0]}", *("  " + line if line else "" for line in lines[1:]), ""])
    try:
        node = yaml.compose(text, Loader=CBaseLoader)
    except yaml.YAMLError:
        return False
    return isinstance(node, yaml.MappingNode) and len(node.value) == 1 and node.value[0][1].value == value
