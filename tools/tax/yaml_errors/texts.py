"""Slips in writing a text: its quotes, its colons, and the signs it starts with."""

import re

from tax.problems import excerpt
from tax.yaml_errors.fault import CURLY, KEY, Diagnosis, Fault, below_bar, quoted
from tax.yaml_errors.layout import colon_expected
from tax.yaml_errors.lookalikes import KEYS, glued

# what follows a line, as far as no key that leaves have begins there
_LINES_BELOW = re.compile(rf"(?:\n(?![ ]*(?:-[ ]+)?(?:{KEYS})[ ]*:(?:\s|$)).*)+")
_TEXT_LINE = re.compile(r"(?<=\n)[ ]*(?=\S)")
_FENCED = re.compile(r"[ ]*(?:-[ ]+)*(question|answer|context|content|task_description):[ ]*(\|?[ ]*\n\s*)?(?=```)")
_KEY_IN_TEXT = re.compile(r"\b(question|answer|context|holdout|created_by|license|task_description|seed_examples)$")
_GLUED_KEY = re.compile(r"[ ]*(?:-[ ]+)*([a-z_]{1,40}):(?!//)[^\s:]")


def fenced(fault: Fault) -> Diagnosis | None:
    """Code between fences that is the whole text of a key, or begins it."""
    above = fault.line_before(fault.index)
    for start in (fault.start_of_line(fault.index), *([above] if above is not None else [])):
        key = _FENCED.match(fault.text, start)
        if key:
            message = "a text that begins with ``` goes on lines of its own"
            return Diagnosis(key.end(), message, below_bar(key[1]), _with_bar(fault, start, key))
    return None


def _with_bar(fault: Fault, start: int, key: re.Match[str]) -> str | None:
    """Return the text with the lines below a key as its text after a bar; None where there are none."""
    end = start + len(fault.line(start))
    lines = _LINES_BELOW.match(fault.text, end)
    if not lines or not lines[0].strip():
        return None
    below = _TEXT_LINE.sub(" " * (key.start(1) - start + 2), lines[0])
    return f"{fault.text[: key.end(1)]}: |{below}{fault.text[lines.end() :]}"


def special_start(fault: Fault) -> Diagnosis | None:
    start = fault.began if "alias" in fault.words or "anchor" in fault.words else fault.index
    if "tag" in fault.words or "directive" in fault.words:
        start = fault.began
    sign = fault.text[start : start + 1]
    if sign not in set("@`%*&!?"):
        return None
    line, column = fault.line(start), fault.column(start)
    key = KEY.match(line)
    if not column and not key and fault.line_before(start) is not None:  # quotes would make it no part of a text
        return colon_expected(fault)
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
    if not match or fault.start_of_line(place) in fault.texts:
        return None
    return Diagnosis(fault.start_of_line(place) + match.end() - 1, *glued(match[1]))


def colon_in_text(fault: Fault) -> Diagnosis | None:
    before = fault.line(fault.index)[: fault.column(fault.index)]
    key = KEY.match(fault.text, fault.start_of_line(fault.index))
    if key and key.end() <= fault.index:
        return _colon_after_key(fault, key)
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


def _colon_after_key(fault: Fault, key: re.Match[str]) -> Diagnosis:
    """A colon in the text of a key; it may end the first of several lines, or follow what was meant as a key."""
    start = fault.start_of_line(fault.index)
    written = fault.line(fault.index)[key.end() - start :].strip()
    meant = _with_bar(fault, start, key) if fault.column(fault.index) + 1 == len(fault.line(start).rstrip()) else None
    if meant:
        message = f"the text of `{key[1]}` has several lines, and a colon ends the first of them, as if it were a key"
        return Diagnosis(fault.index, message, below_bar(key[1]), meant)
    message = f"the text of `{key[1]}` contains a colon followed by a space, which starts a new key in YAML"
    if written[:1] in set(CURLY):
        message = f"the curly quotes of `{key[1]}` are no quotes to YAML, so that this colon starts a new key"
    fix, other = quoted(key[1], written), _KEY_IN_TEXT.search(fault.text, key.end(), fault.index)
    if other:
        fix = f"{fix}; or if `{other[1]}` is a key, start a line of its own with it"
    return Diagnosis(fault.index, message, fix)


def open_quote(fault: Fault) -> Diagnosis | None:
    return Diagnosis(fault.began, "the quote that opens here is never closed", "add the same quote where the text ends")


def open_bracket(fault: Fault) -> Diagnosis | None:
    sign = fault.text[fault.began : fault.began + 1]
    if "block node" in fault.words or sign not in "[{":
        sign, place = fault.character, fault.index
        message = f"a text cannot start with `{sign}`, which has a meaning of its own in YAML"
        return Diagnosis(place, message, "put the text in double quotes") if sign.strip() else None
    closing = "]" if sign == "[" else "}"
    above = fault.line_before(fault.index)
    fix = f"close it with `{closing}`; if it belongs to a text, put the whole text in double quotes"
    if not fault.text[fault.index :].strip() or above is None:
        return Diagnosis(fault.began, f"the `{sign}` that opens here is not closed", fix)
    line = fault.line_number(fault.index)
    message = f"the `{sign}` that opens here is not closed, or a comma is missing before line {line}"
    if fault.starts_line:
        fix = f"put a comma at the end of line {fault.line_number(above)}; or {fix}"
    return Diagnosis(fault.began, message, fix)


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
