"""Slips in writing a text: its quotes, its colons, and the signs it starts with."""

import re

from tax.problems import excerpt
from tax.yaml_errors.fault import CURLY, KEY, Diagnosis, Fault, quoted

_GLUED_KEY = re.compile(r"[ ]*(?:-[ ]+)*([a-z_]{1,40}):(?!//)[^\s:]")


def special_start(fault: Fault) -> Diagnosis | None:
    start = fault.began if "alias" in fault.words or "anchor" in fault.words else fault.index
    if "tag" in fault.words or "directive" in fault.words:
        start = fault.began
    sign = fault.text[start : start + 1]
    if sign not in set("@`%*&!"):
        return None
    line, column = fault.line(start), fault.column(start)
    key = KEY.match(line)
    fix = quoted(key.group(1), line[column:]) if key and key.end() <= column else "put the text in double quotes"
    return Diagnosis(start, f"a text cannot start with {_named(sign)}, which has a meaning of its own in YAML", fix)


def _named(sign: str) -> str:
    return "a backtick" if sign == "`" else f"`{sign}`"


def text_beside_indicator(fault: Fault) -> Diagnosis | None:
    sign = fault.text[fault.began : fault.began + 1]
    rest = fault.line(fault.index)[fault.column(fault.index) :]
    if not rest.strip():
        return None
    return Diagnosis(
        fault.index,
        f"text stands beside the `{sign}`, but a text that `{sign}` announces starts on the next line",
        f"move it to the next line, indented deeper than its key; or delete the `{sign}`",
    )


def quotes_end_early(fault: Fault) -> Diagnosis | None:
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


def glued_key(fault: Fault) -> Diagnosis | None:
    """No space after the colon of the line above, which makes it a text that goes on in this line."""
    place = fault.began if "simple key" in fault.words else fault.line_before(fault.index)
    if place is None or not KEY.match(fault.line(fault.index)):
        return None
    match = _GLUED_KEY.match(fault.line(place))
    if not match:
        return None
    return Diagnosis(
        fault.start_of_line(place) + match.end() - 1,
        f"a space is missing after `{match.group(1)}:`",
        f"write `{match.group(1)}: ` and then its value",
    )


def colon_in_text(fault: Fault) -> Diagnosis | None:
    before = fault.line(fault.index)[: fault.column(fault.index)]
    key = KEY.match(before)
    if key:
        text = fault.line(fault.index)[key.end() :].strip()
        message = f"the text of `{key.group(1)}` contains a colon followed by a space, which starts a new key in YAML"
        if text[:1] in set(CURLY):
            message = f"the curly quotes of `{key.group(1)}` are no quotes to YAML, so that this colon starts a new key"
        return Diagnosis(fault.index, message, quoted(key.group(1), text))
    name = excerpt(before.strip(" -"), 40)
    above = fault.line_before(fault.index)
    key_above = KEY.match(fault.line(above)) if above is not None else None
    if before.lstrip().startswith("- "):
        fix = "write the key of the list (such as `seed_examples:`) on a line of its own above it"
    elif key_above:
        fix = f"a key starts in column {key_above.start(1) + 1}, as `{key_above.group(1)}` does; a text goes after `|`"
    else:
        fix = "if it belongs to the text, put the whole text in double quotes, or after `|` on lines of its own"
    message = f"`{name}:` looks like a key, but its place makes it part of the text above it"
    return Diagnosis(fault.first_character(fault.index), message, fix)


def open_quote(fault: Fault) -> Diagnosis | None:
    return Diagnosis(fault.began, "the quote that opens here is never closed", "add the same quote where the text ends")


def open_bracket(fault: Fault) -> Diagnosis | None:
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


def escape(fault: Fault) -> Diagnosis | None:
    return Diagnosis(
        max(fault.text.rfind("\\", 0, fault.index + 1), fault.began),
        "a backslash within double quotes announces a special character, and this is none",
        "double the backslash, or use single quotes, or put the text after `|` without quotes",
    )


def second_anchor(fault: Fault) -> Diagnosis | None:
    return Diagnosis(
        fault.index,
        "a name with `&` is given here a second time",
        "if this is a text, put it in double quotes",
    )
