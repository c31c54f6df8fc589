"""A YAML text with faults, read on: each faulty line is mended by guess, so that what is wrong further on is told too.

A guess changes one line, or a slip wherever it occurs, and never the number of lines. It counts only if the reader gets
on with it. What
is found is used only if the whole text can be read in the end; of the lines that were guessed nothing else is told.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from tax.source.compose import Excess, compose
from tax.source.written import Position, Written
from tax.yaml_errors import WIDE_COLON, Diagnosis, diagnose, misread, ordinary_indents

_MAX_TEXT = 50_000  # characters
_MAX_GUESSES = 60  # readings of the text
_KEY_AND_TEXT = re.compile(r"([ ]*(?:-[ ]+)*)([A-Za-z_][\w -]{0,40}):(?!//)[ \t]*(.*)")


@dataclass(frozen=True)
class Recovered:
    """A text's faults; and if its end was reached, what it turned out to be: text, tree, and the lines at fault."""

    faults: tuple[tuple[Position, Diagnosis], ...]
    text: str = ""
    root: yaml.Node | None = None
    lines: frozenset[int] = frozenset()


def recover(text: str) -> Recovered:
    """Read a text that is no YAML, and read on from fault to fault; without a root where no guess leads to its end.

    The text has Unix line ends. Each fault is placed in it, not in the guess that was read when the fault was met.
    """
    faults: list[tuple[Position, Diagnosis]] = []
    lines: set[int] = set()
    guess, guesses = text, 0
    root, fault = _read(text)
    while fault is not None:
        place = Written(guess, text).place(fault.index)
        if not faults or place.line > max(lines) + 1 or fault.fix != faults[-1][1].fix:  # else the same slip goes on
            faults.append((place, fault))
        lines.add(place.line)
        for each in _guesses(guess, fault) if len(text) <= _MAX_TEXT else ():
            guesses += 1
            root, further = _read(each)
            if further is None or _leads_on(each, fault, further, fault.last_line(guess)):
                break
        else:
            return Recovered(tuple(faults))
        if guesses > _MAX_GUESSES:
            return Recovered(tuple(faults))
        guess, fault = each, further
    return Recovered(tuple(faults), guess, root, frozenset(lines))


def _leads_on(guess: str, fault: Diagnosis, further: Diagnosis, line: int) -> bool:
    """Tell whether a guess leads beyond the line that was reached, or to another kind of fault in it."""
    reached = further.last_line(guess)
    return reached > line or (reached == line and guess == fault.meant and further.fix != fault.fix)


def _read(text: str) -> tuple[yaml.Node | None, Diagnosis | None]:
    try:
        root = compose(text, patient=False)
        return root, misread(root, text)
    except yaml.MarkedYAMLError as error:
        return None, diagnose(error, text)
    except (Excess, yaml.reader.ReaderError, UnicodeEncodeError):
        return None, None


def _guesses(text: str, fault: Diagnosis) -> Iterator[str]:
    """Yield the text with the line of the fault mended in one way after the other, the likeliest first."""
    if fault.meant is not None:
        yield fault.meant
    at = text.count("\n", 0, fault.index)
    lines = text.split("\n")
    mended = ordinary_indents(text)
    if mended.split("\n")[at] != lines[at]:
        yield mended
        lines = mended.split("\n")
    line = lines[at]

    def replaced(new: str) -> str:
        return "\n".join([*lines[:at], new, *lines[at + 1 :]])

    wide = WIDE_COLON.match(line)
    if wide:
        yield replaced(f"{wide[1]}{wide[2]}: {json.dumps(wide[3], ensure_ascii=False)}")
    key = _KEY_AND_TEXT.fullmatch(line)
    if key and key[3].startswith(("|", ">")):
        yield replaced(f"{key[1]}{key[2]}: |")
    if key:
        yield replaced(f"{key[1]}{key[2]}: {json.dumps(key[3], ensure_ascii=False)}")
    written = line.strip()
    if written.startswith(("```", "---", "...")):
        yield replaced("")
    for indent in _indents(lines[:at], key is not None):
        yield replaced(" " * indent + written)
    yield replaced("")


def _indents(above: list[str], is_key: bool) -> list[int]:
    """Return the columns where a line might start, nearest first: a key with those above, a text deeper than them."""
    columns: list[int] = []
    for line in reversed(above[-20:]):
        key = _KEY_AND_TEXT.fullmatch(line)
        if key and is_key:
            columns.append(len(key[1]))
        elif line.strip() and not is_key:
            indent = len(line) - len(line.lstrip(" "))
            columns += [indent, indent + 2]
    return list(dict.fromkeys(columns))[:5]
