"""Problem: one thing that is wrong in one place of a file, and the forms in which people and programs read it.

Checking never prints and printing never checks: rules return Problems, and only the renderers here turn them into
text. What comes from a file is data, so every renderer makes it harmless for its medium first.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

# C0 and C1 controls, the bidi overrides and isolates, and the line separators: all that could move a cursor,
# reorder a line or forge a new one.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


_RUNNER_COMMAND = ("##[", "# #[")  # which GitHub's runner obeys wherever it stands in a line


class UserError(Exception):
    """The call or the set-up must be changed by the user; the message says what, and how."""


class Level(StrEnum):
    """How much a problem weighs: an error fails the leaf, a warning and a hint do not."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, order=True)
class Problem:
    """One fault: where it is (line and column count from 1), which rule found it, what is wrong and how to mend it."""

    path: str
    line: int
    column: int
    rule: str
    level: Level
    message: str
    fix: str = ""


def printable(text: str) -> str:
    """Return text that steers neither a terminal nor a workflow: unsafe characters are written as \\x1b or \\u202e."""
    return _UNSAFE.sub(_escaped, text).replace(*_RUNNER_COMMAND)


def excerpt(value: object, width: int = 60) -> str:
    """Return a value as a message quotes it: harmless, on one line, at most `width` characters."""
    text = printable(" ".join(str(value).split()) if isinstance(value, str) else str(value))
    return text if len(text) <= width else text[: width - 1] + "…"


def summary(checked: int, problems: Sequence[Problem]) -> str:
    """Return the verdict in one line: how many leaves were checked and what was found."""
    counts = {level: sum(problem.level == level for problem in problems) for level in Level}
    leaves = f"{checked} {'leaf' if checked == 1 else 'leaves'} checked"
    found = [f"{count} {level}{'s' if count != 1 else ''}" for level, count in counts.items() if count]
    return f"{leaves}: {', '.join(found) if found else 'no problems'}"


def as_text(checked: int, problems: Sequence[Problem]) -> str:
    """Render for people: the verdict first, then the problems file by file, each with its fix."""
    lines = [summary(checked, problems)]
    path = None
    for problem in problems:
        if problem.path != path:
            path = problem.path
            lines += ["", printable(f"./{path}" if path.startswith(":") else path)]
        lines.append(
            f"  {problem.line}:{problem.column}  {problem.level}  {printable(problem.message)}  [{problem.rule}]"
        )
        if problem.fix:
            lines.append(f"      fix: {printable(problem.fix)}")
    return "\n".join(lines) + "\n"


def as_json(checked: int, problems: Sequence[Problem]) -> str:
    """Render for programs: {"checked", "errors", "warnings", "problems": [...]}."""
    document = {
        "checked": checked,
        "errors": sum(problem.level == Level.ERROR for problem in problems),
        "warnings": sum(problem.level == Level.WARNING for problem in problems),
        "problems": [asdict(problem) for problem in problems],
    }
    written = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    # The line ends are ours: json escapes those of the texts.
    lines = [_UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", line) for line in written.split("\n")]
    return "\n".join(lines).replace("##[", "#\\u0023[")


def as_github(checked: int, problems: Sequence[Problem]) -> str:
    """Render as GitHub workflow commands: an annotation beside each faulty line of the pull request."""
    command = {Level.ERROR: "error", Level.WARNING: "warning", Level.HINT: "notice"}
    lines = []
    for problem in problems:
        properties = {
            "file": problem.path,
            "line": problem.line,
            "col": problem.column,
            "title": f"tax {problem.rule}",
        }
        written = ",".join(f"{name}={_github_property(str(value))}" for name, value in properties.items())
        message = problem.message + (f"\nFix: {problem.fix}" if problem.fix else "")
        lines.append(f"::{command[problem.level]} {written}::{_github_data(message)}")
    # The verdict comes last and starts with a letter, so that no text from a file can begin a line with "::".
    return "\n".join([*lines, summary(checked, problems)]) + "\n"


def _github_data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return _UNSAFE.sub("�", escaped).replace(*_RUNNER_COMMAND)


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "backslashreplace").decode()


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


Renderer = Callable[[int, Sequence[Problem]], str]
RENDERERS: dict[str, Renderer] = {"text": as_text, "json": as_json, "github": as_github}


def failed(problems: Iterable[Problem]) -> bool:
    """Tell whether any problem is an error."""
    return any(problem.level == Level.ERROR for problem in problems)
