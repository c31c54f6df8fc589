"""What libyaml found wrong, in words for somebody who has never seen YAML: where, what, and the likely cause.

libyaml names the place where it gave up and the rule of its grammar. The functions of `_DIAGNOSES` look at the lines
around that place for the slip that leads there (a text beside its `|`, a quote within quotes, no space after a colon)
and point at the slip. They are ordered from the most telling sign to the least.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from tax.problems import excerpt

_KEY = re.compile(r"[ ]*(?:-[ ]+)*(\w[\w -]{0,40}):(?=\s|$)")
_BLOCK_TEXT = re.compile(r"[ ]*((?:-[ ]+)*)\w[\w -]*:[ \t]+[|>][-+0-9]*[ \t]*(?:#.*)?$")
_GLUED_KEY = re.compile(r"[ ]*(?:-[ ]+)*([a-z_]{1,40}):(?!//)[^\s:]")


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a YAML text: the index of the character at fault, the message and the fix."""

    index: int
    message: str
    fix: str


@dataclass(frozen=True)
class _Fault:
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
        end = self.start_of_line(index) - 1
        while end >= 0:
            start = self.start_of_line(end)
            if self.text[start:end].strip():
                return start
            end = start - 1
        return None

    @property
    def character(self) -> str:
        return self.text[self.index : self.index + 1]

    @property
    def starts_line(self) -> bool:
        """Tell whether only spaces stand before the place in its line."""
        return not self.text[self.start_of_line(self.index) : self.index].strip(" ")


def diagnose(error: yaml.MarkedYAMLError, text: str) -> Diagnosis:
    """Return what led to an error that libyaml's scanner, parser or composer raised."""
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text)) if mark else 0
    began = min(error.context_mark.index, len(text)) if error.context_mark else index
    words = " ".join(filter(None, [error.context, error.problem]))
    fault = _Fault(text, words, index, began)
    for signs, diagnosis in _DIAGNOSES:
        if any(sign in words for sign in signs):
            found = diagnosis(fault)
            if found:
                return found
    return Diagnosis(
        index,
        f"this is not valid YAML: {excerpt(words, 160)}",
        "put a text with special characters in quotes",
    )


def _tab(fault: _Fault) -> Diagnosis | None:
    if "tab character" not in fault.words and fault.character != "\t":
        return None
    return Diagnosis(
        fault.index,
        "this line is indented with a tab; YAML allows spaces only",
        "replace the tab with spaces, as many as the lines around it have",
    )


def _special_start(fault: _Fault) -> Diagnosis | None:
    start = fault.began if "alias" in fault.words or "anchor" in fault.words else fault.index
    if "tag" in fault.words or "directive" in fault.words:
        start = fault.began
    sign = fault.text[start : start + 1]
    if sign not in set("@`%*&!"):
        return None
    return Diagnosis(
        start,
        f"a text cannot start with `{sign}`, which has a meaning of its own in YAML",
        "put the text in double quotes",
    )


def _text_beside_indicator(fault: _Fault) -> Diagnosis | None:
    sign = fault.text[fault.began : fault.began + 1]
    rest = fault.line(fault.index)[fault.column(fault.index) :]
    if not rest.strip():
        return None
    return Diagnosis(
        fault.index,
        f"text stands beside the `{sign}`, but a text that `{sign}` announces starts on the next line",
        f"move it to the next line, indented deeper than its key; or delete the `{sign}`",
    )


def _quotes_end_early(fault: _Fault) -> Diagnosis | None:
    before = fault.text[: fault.index].rstrip(" ")
    if fault.starts_line or not before or before[-1] not in "'\"]}":
        return None
    if before[-1] in "]}":
        closed = f"the value ends with this `{before[-1]}`, but more text follows it"
        return Diagnosis(len(before) - 1, closed, "put the whole text in double quotes, as it contains brackets")
    within = "''" if before[-1] == "'" else '\\"'
    return Diagnosis(
        len(before) - 1,
        f"the quoted text ends with this {before[-1]}, but more text follows it",
        f"write a quote within the text as {within}, or put the text after `|` on lines of its own, without quotes",
    )


def _shallow_text(fault: _Fault) -> Diagnosis | None:
    """A line that leaves the text after a `|` too early: it is not indented as deep as that text must be."""
    start = fault.began if "simple key" in fault.words else fault.index
    place = fault.first_character(start)
    depth = fault.column(place)
    above = fault.line_before(place)
    deeper: list[int] = []
    while above is not None:
        line = fault.line(above)
        header = _BLOCK_TEXT.match(line)
        if header:
            break
        indent = len(line) - len(line.lstrip(" "))
        if indent <= depth:
            return None
        deeper.append(indent)
        above = fault.line_before(above)
    else:
        return None
    needed = deeper[-1] if deeper else len(line) - len(line.lstrip(" ")) + len(header.group(1)) + 2
    if depth >= needed:
        return None
    what = "the lines of this text" if deeper else f"a text after `{line.split(':')[0].strip(' -')}:`"
    return Diagnosis(
        place,
        f"this line is indented by {depth} spaces, but {what} must be indented by {needed} or more",
        f"start it, and all lines of the text, with {needed} spaces or more",
    )


def _glued_key(fault: _Fault) -> Diagnosis | None:
    """No space after the colon of the line above, which makes it a text that goes on in this line."""
    place = fault.began if "simple key" in fault.words else fault.line_before(fault.index)
    if place is None or not _KEY.match(fault.line(fault.index)):
        return None
    match = _GLUED_KEY.match(fault.line(place))
    if not match:
        return None
    return Diagnosis(
        fault.start_of_line(place) + match.end() - 1,
        f"a space is missing after `{match.group(1)}:`",
        f"write `{match.group(1)}: ` and then its value",
    )


def _colon_in_text(fault: _Fault) -> Diagnosis | None:
    before = fault.line(fault.index)[: fault.column(fault.index)]
    key = _KEY.match(before)
    if key:
        return Diagnosis(
            fault.index,
            f"the text of `{key.group(1)}` contains a colon followed by a space, which starts a new key in YAML",
            "put the whole text in double quotes, or after `|` on lines of its own",
        )
    name = excerpt(before.strip(" -"), 40)
    above = fault.line_before(fault.index)
    key_above = _KEY.match(fault.line(above)) if above is not None else None
    if before.lstrip().startswith("- "):
        fix = "write the key of the list (such as `seed_examples:`) on a line of its own above it"
    elif key_above:
        fix = f"a key starts in column {key_above.start(1) + 1}, as `{key_above.group(1)}` does; a text goes after `|`"
    else:
        fix = "if it belongs to the text, put the whole text in double quotes, or after `|` on lines of its own"
    message = f"`{name}:` looks like a key, but its place makes it part of the text above it"
    return Diagnosis(fault.first_character(fault.index), message, fix)


def _colon_expected(fault: _Fault) -> Diagnosis | None:
    return Diagnosis(
        fault.first_character(fault.began),
        "this line is neither a key with a colon nor indented deep enough to belong to the text above it",
        "indent it deeper than the key of its text; a text of several lines goes after `|`",
    )


def _open_quote(fault: _Fault) -> Diagnosis | None:
    return Diagnosis(fault.began, "the quote that opens here is never closed", "add the same quote where the text ends")


def _open_bracket(fault: _Fault) -> Diagnosis | None:
    sign = fault.text[fault.began : fault.began + 1]
    if "block node" in fault.words or sign not in "[{":
        sign, place = fault.character, fault.index
        message = f"a text cannot start with `{sign}`, which has a meaning of its own in YAML"
        return Diagnosis(place, message, "put the text in double quotes") if sign.strip() else None
    line = fault.line_number(fault.index)
    closing = "]" if sign == "[" else "}"
    return Diagnosis(
        fault.began,
        f"the `{sign}` that opens here is not closed, or a comma is missing before line {line}",
        f"close it with `{closing}`; if it belongs to a text, put the whole text in double quotes",
    )


def _item_expected(fault: _Fault) -> Diagnosis | None:
    key = _KEY.match(fault.line(fault.index)) if fault.starts_line else None
    if key:
        fix = "line it up with the keys that it belongs with"
        above = fault.line_before(fault.index)
        while above is not None:
            item = re.match("[ ]*- +(?=[^ ])", fault.line(above))
            if item:
                fix = f"a key of the item in line {fault.line_number(above)} starts in column {item.end() + 1}"
                break
            above = fault.line_before(above)
        return Diagnosis(fault.index, f"the key `{key.group(1)}` is out of line with the list above it", fix)
    return Diagnosis(
        fault.index,
        "an item of the list was expected here: a line that starts with `- `, in one column with the items above",
        "line the items up, and indent what belongs to an item deeper than its `-`",
    )


def _key_expected(fault: _Fault) -> Diagnosis | None:
    return Diagnosis(
        fault.index,
        "a key was expected here: this line is indented otherwise than its neighbours, or a text broke off before it",
        "line the keys up in one column; a text of several lines goes after `|` and is indented below it",
    )


def _item_beside_key(fault: _Fault) -> Diagnosis | None:
    return Diagnosis(
        fault.index,
        "a list item cannot stand on the line of its key",
        "start the list on the next line; if this is a text that starts with `-`, put it in double quotes",
    )


def _second_document(fault: _Fault) -> Diagnosis | None:
    above = fault.line_before(fault.index)
    for place in [fault.start_of_line(fault.index), above if above is not None else 0]:
        sign = fault.text[place : place + 3]
        if sign in {"---", "..."}:
            message = f"the line `{sign}` starts a second document, but a leaf is one"
            return Diagnosis(place, message, f"delete the line `{sign}`; within a text, indent it below its key")
    return Diagnosis(
        fault.index,
        "this line is indented less than the first key of the file",
        "start all keys of the first level at the beginning of their lines",
    )


def _escape(fault: _Fault) -> Diagnosis | None:
    return Diagnosis(
        max(fault.text.rfind("\\", 0, fault.index + 1), fault.began),
        "a backslash within double quotes announces a special character, and this is none",
        "double the backslash, or use single quotes, or put the text after `|` without quotes",
    )


def _second_anchor(fault: _Fault) -> Diagnosis | None:
    return Diagnosis(
        fault.index,
        "a name with `&` is given here a second time",
        "if this is a text, put it in double quotes",
    )


_DIAGNOSES: list[tuple[tuple[str, ...], Callable[[_Fault], Diagnosis | None]]] = [
    (("tab character", "cannot start any token"), _tab),
    (
        ("cannot start any token", "undefined alias", "an alias", "an anchor", "a tag", "a directive"),
        _special_start,
    ),
    (("did not find expected comment or line break",), _text_beside_indicator),
    (("expected key", "expected '-' indicator", "expected ',' or", "block sequence"), _quotes_end_early),
    (("mapping values are not allowed", "could not find expected ':'"), _glued_key),
    (("could not find expected ':'", "did not find expected key"), _shallow_text),
    (("mapping values are not allowed",), _colon_in_text),
    (("could not find expected ':'",), _colon_expected),
    (("quoted scalar found unexpected end", "unexpected document indicator"), _open_quote),
    (("expected ',' or", "expected node content"), _open_bracket),
    (("did not find expected '-' indicator",), _item_expected),
    (("did not find expected key",), _key_expected),
    (("block sequence entries are not allowed",), _item_beside_key),
    (("found another document", "expected <document start>"), _second_document),
    (("unknown escape character", "expected hexdecimal number", "Unicode character escape"), _escape),
    (("duplicate anchor",), _second_anchor),
]
