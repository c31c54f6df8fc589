"""A YAML text with faults, read on: each faulty line is mended by guess, so that what is wrong further on is told too.

A guess changes one line and never the number of lines, and counts only if the reader gets past the line with it. What
is found is used only if the whole text can be read in the end; of the lines that were guessed nothing else is told.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from tax.source.compose import Excess, compose
from tax.yaml_errors import WIDE_COLON, Diagnosis, diagnose

_MAX_TEXT = 50_000  # characters
_MAX_GUESSES = 60  # readings of the text
_KEY_AND_TEXT = re.compile(r"([ ]*(?:-[ ]+)*)([A-Za-z_][\w -]{0,40}):(?!//)[ \t]*(.*)")
_STRANGE_INDENT = re.compile("^[ ]*[\t\u00a0\u2000-\u200b\u202f\u3000][\\s\u200b]*", re.MULTILINE)


@dataclass(frozen=True)
class Recovered:
    """What a text turns out to be: the text as it was guessed, its tree, the lines at fault, the further faults."""

    text: str
    root: yaml.Node
    lines: frozenset[int]
    faults: tuple[tuple[int, Diagnosis], ...]


def recover(text: str, first: Diagnosis) -> Recovered | None:
    """Read a text on that has a first fault; None where no guess leads to its end."""
    if len(text) > _MAX_TEXT or "\r" in text:
        return None
    guesses = 0
    fault = first
    faults: list[tuple[int, Diagnosis]] = []
    lines: set[int] = set()
    while True:
        line = text.count("\n", 0, fault.index) + 1
        if line in lines:
            return None
        lines.add(line)
        for guess in _guesses(text, line - 1):
            guesses += 1
            if guesses > _MAX_GUESSES:
                return None
            root, further = _read(guess)
            if further is None:
                return Recovered(guess, root, frozenset(lines), tuple(faults)) if root else None
            next_line = guess.count("\n", 0, further.index) + 1
            if next_line > line:
                break
        else:
            return None
        if next_line > line + 1 or further.fix != fault.fix:  # else the same slip goes on
            faults.append((next_line, further))
        text, fault = guess, further


def _read(text: str) -> tuple[yaml.Node | None, Diagnosis | None]:
    try:
        return compose(text, patient=False), None
    except yaml.MarkedYAMLError as error:
        return None, diagnose(error, text)
    except (Excess, yaml.reader.ReaderError, UnicodeEncodeError):
        return None, None


def _guesses(text: str, at: int) -> Iterator[str]:
    """Yield the text with line `at` (counted from 0) mended in one way after the other, the likeliest first."""
    lines = text.split("\n")
    if _STRANGE_INDENT.match(lines[at]):
        text = _STRANGE_INDENT.sub(lambda space: " " * len(space[0].expandtabs(2)), text)
        yield text
        lines = text.split("\n")
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
