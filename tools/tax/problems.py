"""Problem: one thing that is wrong in one place of a file; and how a stranger's text is made harmless.

Checking never prints and printing never checks: rules return Problems, renderers.py turns them into text.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

# C0 and C1 controls, the bidi overrides and isolates, and the line separators: all that could move a cursor,
# reorder a line or forge a new one.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

RUNNER_COMMAND = ("##[", "# #[")  # which GitHub's runner obeys wherever it stands in a line


class UserError(Exception):
    """The call or the set-up must be changed by the user; the message says what, and how."""


def install(extra: str) -> str:
    """Return the line that installs an extra, from the clone: constraints.txt keeps torch small."""
    return f"pip install -c constraints.txt -e '.[{extra}]'"


class Level(StrEnum):
    """How much a problem weighs: an error fails the leaf, a warning and a hint do not."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class Problem(NamedTuple):
    """One fault: where it is (line and column count from 1), which rule found it, what is wrong and how to mend it.

    `shown` is the part of the faulty line that people are shown (`shown_part`); empty where there is no such line.
    """

    path: str
    line: int
    column: int
    rule: str
    level: Level
    message: str
    fix: str = ""
    shown: str = ""


SHOWN = 100  # characters of a faulty line


def shown_part(line: str, column: int) -> str:
    """Return the part of a faulty line that is shown; nothing of one that is no text at all."""
    start = hidden(column)
    part = line[start : start + SHOWN]
    return "" if "\x00" in part else part


def hidden(column: int) -> int:
    """Return how many characters of a line are left out before the part that is shown."""
    return max(0, column - 1 - SHOWN // 2)


def printable(text: str) -> str:
    """Return text that steers neither a terminal nor a workflow: unsafe characters are written as \\x1b or \\u202e."""
    if text.isprintable() and RUNNER_COMMAND[0] not in text:  # for speed: nothing unsafe is printable
        return text
    return UNSAFE.sub(_escaped, text).replace(*RUNNER_COMMAND)


def excerpt(value: object, width: int = 60) -> str:
    """Return a value as a message quotes it: harmless, on one line, at most `width` characters."""
    text = printable(" ".join(str(value).split()) if isinstance(value, str) else str(value))
    return text if len(text) <= width else text[: width - 1] + "…"


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "backslashreplace").decode()


def failed(problems: Iterable[Problem], *, strict: bool = False) -> bool:
    """Tell whether any problem is an error; if strict, or a warning."""
    return any(problem.level == Level.ERROR or (strict and problem.level == Level.WARNING) for problem in problems)
