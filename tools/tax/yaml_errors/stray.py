"""What does not belong to the file: fences, the marks of a merge, prose around the keys, marks of word processors."""

import re

from tax.yaml_errors.fault import KEY, Diagnosis, Fault, end_of_quotes

_MARK = re.compile(r"(?:<{7}|\|{7}|={7}|>{7})(?=\s|$)")
_DIVIDER = re.compile(r"^(?:\|{7}|={7})(?=\s)", re.MULTILINE)
_END = re.compile(r"^>{7}[^\n]*", re.MULTILINE)
_SEPARATOR = re.compile("[\x85\u2028\u2029]")
_FOREIGN_COMMENT = re.compile(r"[ ]*(?://|/\*|<!--|-->)")
_LINE = re.compile(r"^.*$", re.MULTILINE)
_ONE_LINE = re.compile(
    r"[ ]*(?:-[ ]+)*(?:version|created_by|license|language|response_style|holdout|role|path|url|repo|commit):[ ]+\S"
)
_LIKE_A_KEY = re.compile(r"[ ]*(?:-|[{\[]|\.\.\.|[a-z_]+[:=]|(?:version|created_by|license|task_description)\b)")


def rich_text(fault: Fault) -> Diagnosis | None:
    if not fault.text.startswith("{\\rtf"):
        return None
    fix = "save it as plain text (in TextEdit: Format, Make Plain Text)"
    return Diagnosis(0, "this file is saved as rich text (RTF), with marks of its layout between the words", fix)


def fence(fault: Fault) -> Diagnosis | None:
    line = fault.line(fault.index)
    if not line.strip().startswith("```"):
        return None
    message = "this line is a fence, which surrounds code in a chat or on a web page, and does not belong to the file"
    return Diagnosis(fault.first_character(fault.index), message, "delete the line, and the other one with ```")


def conflict(fault: Fault) -> Diagnosis | None:
    """A mark of Git, in the line of the fault, where it began, or in the line above."""
    for start in _nearby(fault):
        mark = _MARK.match(fault.text, start)
        if mark:
            message = f"{mark[0]} is a mark that Git leaves where two versions of a file changed the same lines"
            fix = "keep the right ones of the lines between <<<<<<< and >>>>>>>, and delete these marks and ======="
            return Diagnosis(start, message, fix, _first_side(fault.text, start))
    return None


def _first_side(text: str, start: int) -> str:
    """Return a text with only the first of the two versions, or without the mark where the others are missing."""
    end = start + len(_line(text, start))
    divider = _DIVIDER.search(text, end) if text.startswith("<", start) else None
    close = _END.search(text, divider.end()) if divider else None
    if divider and close:
        breaks = text.count("\n", divider.start(), close.end())
        text = text[: divider.start()] + "\n" * breaks + text[close.end() :]
    return text[:start] + text[end:]


def stray(fault: Fault) -> Diagnosis | None:
    """Lines that can belong to no text: the first of the file, those after a value of one line, a foreign comment."""
    for start in _nearby(fault):
        line = fault.line(start)
        if _belongs(line):
            continue
        top, above = start, fault.line_before(start)
        while above is not None and not _belongs(fault.line(above)):
            top, above = above, fault.line_before(above)
        while above is not None and fault.line(above).startswith("#"):
            above = fault.line_before(above)
        if above is None or _ONE_LINE.match(fault.line(above)):
            return _cut(fault, top, _last(fault, start))
        if _FOREIGN_COMMENT.match(line):
            return _cut(fault, start, start)
    return None


def stray_mark(fault: Fault) -> Diagnosis | None:
    """A stray line that starts with one of YAML's signs, as **Note** does."""
    line = fault.line(fault.began)
    outside = line[:1] in set("*&!`@") and not KEY.match(line) and fault.line_before(fault.began) is not None
    return stray(fault) if outside else None


def line_separator(fault: Fault) -> Diagnosis | None:
    """A line break that is none to editors, as word processors leave it."""
    for index in (fault.began, fault.index):
        start = fault.start_of_line(index)
        sign = _SEPARATOR.search(fault.text, end_of_quotes(fault.text, start), start + len(fault.line(index)))
        if sign:
            message = f"the invisible character U+{ord(sign[0]):04X}, which ends a line to YAML, stands here"
            return Diagnosis(sign.start(), message, "write a space in its place", _SEPARATOR.sub(" ", fault.text))
    return None


def _belongs(line: str) -> bool:
    return bool(not line.strip() or line.lstrip().startswith("#") or KEY.match(line) or _LIKE_A_KEY.match(line))


def _last(fault: Fault, start: int) -> int:
    """Return the start of the last of the stray lines that go on from the one at `start`."""
    for match in _LINE.finditer(fault.text, start):
        if _belongs(match[0]) and match[0].strip():
            break
        start = match.start() if match[0].strip() else start
    return start


def _cut(fault: Fault, top: int, start: int) -> Diagnosis:
    """Return the diagnosis of the lines from `top` to the one at `start`, which are to be deleted."""
    end = start + len(_line(fault.text, start))
    breaks = fault.text.count("\n", top, end)
    message = "this line belongs to no key, and is no comment to YAML"
    fix = "delete the line, or start it with # to keep it as a comment"
    if breaks:
        message = f"the lines {fault.line_number(top)} to {fault.line_number(start)} belong to no key"
        fix = "delete the lines, or start each with # to keep them as comments"
    return Diagnosis(fault.first_character(top), message, fix, fault.text[:top] + "\n" * breaks + fault.text[end:])


def _nearby(fault: Fault) -> list[int]:
    """Return where the lines start that may have led to the fault: the line above, where it began, and its own."""
    above = fault.line_before(fault.index)
    places = [above, fault.start_of_line(fault.began), fault.start_of_line(fault.index)]
    return sorted({place for place in places if place is not None})


def _line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)]
