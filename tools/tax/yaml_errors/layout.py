"""Slips in the layout: tabs, indentation, dashes, and a second document."""

import re
from itertools import islice

from tax.yaml_errors.fault import BLOCK_TEXT, KEY, MAX_ABOVE, Diagnosis, Fault
from tax.yaml_errors.lookalikes import NEXT_KEY, also

_ITEM = re.compile(r"([ ]*)-[ ]+([a-z_]+):(?=\s|$)")


def tab(fault: Fault) -> Diagnosis | None:
    if "tab character" not in fault.words and fault.character != "\t":
        return None
    lines = sum("\t" in line[: len(line) - len(line.lstrip())] for line in fault.text.split("\n"))
    if not fault.starts_line:
        message, fix = "a tab stands here, where YAML allows spaces only", "replace the tab with a space"
    elif lines > 1:
        message = f"this line is indented with a tab, as {lines - 1} more are; YAML allows spaces only"
        fix = "replace every tab at the start of a line with two spaces (most editors convert all of them at once)"
    else:
        message = "this line is indented with a tab; YAML allows spaces only"
        fix = "replace the tab with spaces, as many as the lines around it have"
    return Diagnosis(fault.index, message, fix)


def shallow_text(fault: Fault) -> Diagnosis | None:
    """A line that leaves the text after a `|` too early: it is not indented as deep as that text must be."""
    if "'-' indicator" in fault.words and KEY.match(fault.line(fault.index)):
        return None
    start = fault.began if "simple key" in fault.words else fault.index
    place = fault.first_character(start)
    depth = fault.column(place)
    deeper: list[int] = []
    for above in fault.lines_above(place):
        line = fault.line(above)
        header = BLOCK_TEXT.match(line)
        if header:
            break
        indent = len(line) - len(line.lstrip(" "))
        if indent <= depth:
            return None
        deeper.append(indent)
    else:
        return None
    needed = deeper[-1] if deeper else len(line) - len(line.lstrip(" ")) + len(header.group(1)) + 2
    if depth >= needed:
        return None
    what = "the lines of this text" if deeper else f"a text after `{line.split(':')[0].strip(' -')}:`"
    message = f"this line is indented by {depth} spaces, but {what} must be indented by {needed} or more"
    fix = f"start it, and all lines of the text, with {needed} spaces or more"
    return Diagnosis(place, message, fix if depth else f"{fix}; if it belongs to no text, delete it")


def colon_expected(fault: Fault) -> Diagnosis | None:
    return Diagnosis(
        fault.first_character(fault.began),
        "this line is neither a key with a colon nor indented deep enough to belong to the text above it",
        "indent it deeper than the key of its text, and put a text of several lines after `|`; "
        "if it belongs to no text, delete the line, or start it with #",
    )


def item_expected(fault: Fault) -> Diagnosis | None:
    key = KEY.match(fault.line(fault.index)) if fault.starts_line else None
    if key:
        fix = "line it up with the keys that it belongs with"
        for above in fault.lines_above(fault.index):
            item = re.match("[ ]*- +(?=[^ ])", fault.line(above))
            if item:
                fix = f"a key of the item in line {fault.line_number(above)} starts in column {item.end() + 1}"
                break
        fix = f"if it is no item of its own, delete its dash; {fix}" if fault.character == "-" else fix
        return Diagnosis(fault.index, f"the key `{key.group(1)}` is out of line with the list above it", fix)
    return Diagnosis(
        fault.index,
        "an item of the list was expected here: a line that starts with `- `, in one column with the items above",
        "line the items up, and indent what belongs to an item deeper than its `-`",
    )


def item_out_of_line(fault: Fault) -> Diagnosis | None:
    """An item in another column than the one above with the same first key, or in the same after its list has ended."""
    item = _ITEM.match(fault.text, fault.start_of_line(fault.index))
    if not item:
        return None
    end = None  # the uppermost line that is no deeper than the dash, and ends the list so
    for above in islice(fault.lines_above(fault.index), MAX_ABOVE):
        before = _ITEM.match(fault.text, above)
        if before and before[2] == item[2]:
            return _in_line(fault, before, item) if before[1] != item[1] else _in_list(fault, end, above, before)
        first = fault.first_character(above)
        if fault.column(first) < len(item[1]) and fault.text[first] == "-":
            return None  # the lines above are of another list, in another item
        if fault.column(first) <= len(item[1]) and fault.text[first] not in "-#":
            end = above
    return None


def _in_line(fault: Fault, before: re.Match[str], item: re.Match[str]) -> Diagnosis:
    """An item that is out of line with one above, and with it all of their list that are in its column."""
    shallower = re.compile(rf"^(?![ ]{{{min(len(before[1]), len(item[1]))}}}|[ ]*(?:#|$))", re.MULTILINE)
    end = shallower.search(fault.text, item.start())
    items = fault.text[item.start() : end.start() if end else len(fault.text)]
    same = re.compile(rf"^{item[1]}-[ ]+(?={item[2]}:(?:\s|$))", re.MULTILINE)
    first = fault.line_number(item.start())
    others = [line for line, written in enumerate(items.split("\n"), first) if same.match(written)][1:]
    message = f"this list item is out of line with the one in line {fault.line_number(before.start())}"
    fix = f"start it in column {len(before[1]) + 1}, as that one, and its other keys in one column with `{item[2]}`"
    mended = same.sub(lambda each: _dash(each, before), items)
    meant = fault.text[: item.start()] + mended + fault.text[item.start() + len(items) :]
    return Diagnosis(item.end(1), message + also(others), fix, meant)


def _dash(item: re.Match[str], before: re.Match[str]) -> str:
    """Return what an item starts with in the column of `before`; its key in that of its next key, if that can be."""
    following = NEXT_KEY.match(item.string, item.end())
    fits = following and len(following[1]) > len(before[1]) + 1
    return f"{before[1]}-".ljust(len(following[1]) if following and fits else before.start(2) - before.start())


def _in_list(fault: Fault, end: int | None, above: int, before: re.Match[str]) -> Diagnosis | None:
    if end is None:
        return None
    place, column, line = fault.first_character(end), fault.column(before.start(2)), fault.line_number(fault.index)
    message = f"this line is no deeper than the dashes of the list, which it ends before line {line}"
    fix = f"start it in column {column + 1}, below `{before[2]}` of line {fault.line_number(above)}"
    start = fault.start_of_line(fault.index)
    deeper = re.sub(rf"^[ ]{{0,{len(before[1])}}}(?=[^ \n])", " " * column, fault.text[end:start], flags=re.MULTILINE)
    meant = fault.text[:end] + deeper + fault.text[start:]
    return Diagnosis(place, message, f"{fix}, if it belongs to that item; else move it above the list", meant, start)


def key_expected(fault: Fault) -> Diagnosis | None:
    fix = "line the keys up in one column; a text of several lines goes after `|` and is indented below it"
    return Diagnosis(
        fault.index,
        "a key was expected here: this line is indented otherwise than its neighbours, or a text broke off before it",
        f"{fix}; if it belongs to no text, delete the line" if fault.character == "-" else fix,
    )


def item_beside_key(fault: Fault) -> Diagnosis | None:
    return Diagnosis(
        fault.index,
        "a list item cannot stand on the line of its key",
        "start the list on the next line; if this is a text that starts with `-`, put it in double quotes",
    )


def second_document(fault: Fault) -> Diagnosis | None:
    above = fault.line_before(fault.index)
    for place in [fault.start_of_line(fault.index), above if above is not None else 0]:
        sign = fault.text[place : place + 3]
        if sign in {"---", "..."}:
            message = f"the line `{sign}` starts a second document, but a leaf is one"
            return Diagnosis(
                place,
                message,
                f"delete the line `{sign}`, and move another leaf to a folder of its own; within a text, indent it",
            )
    if fault.character in set("{["):
        message = "another value starts here, but a leaf is one group of keys"
        fix = "write the keys of a leaf, and below `seed_examples:` each of these as an item, `- {...}`"
        return Diagnosis(fault.index, message, fix)
    return Diagnosis(
        fault.index,
        "this line is indented less than the first key of the file",
        "start all keys of the first level at the beginning of their lines",
    )
