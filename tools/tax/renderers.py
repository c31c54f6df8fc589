"""The forms in which people and programs read problems: text, JSON, Markdown, SARIF, and GitHub's annotations.

What comes from a file is data, so every renderer makes it harmless for its medium first.
"""

import html
import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from urllib.parse import quote

from tax import __version__
from tax.problems import RUNNER_COMMAND, SHOWN, UNSAFE, Level, Problem, hidden, printable

_TOLD = Problem._fields[:-1]  # to programs: they have the file


def summary(checked: int, problems: Sequence[Problem]) -> str:
    """Return the verdict in one line: how many leaves were checked and what was found."""
    counts = Counter(problem.level for problem in problems)
    leaves = f"{checked} {'leaf' if checked == 1 else 'leaves'} checked"
    found = [f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in Level if counts[level]]
    return f"{leaves}: {', '.join(found) if found else 'no problems'}"


def as_text(checked: int, problems: Sequence[Problem]) -> str:
    """Render for people: the verdict, then the problems file by file, each with its line, a caret and its fix."""
    lines = [summary(checked, problems)]
    for path, found in groupby(problems, key=attrgetter("path")):
        lines += ["", printable(f"./{path}" if path.startswith(":") else path)]
        for _, line, column, rule, level, message, fix, part in found:
            lines.append(f"  {line}:{column}  {level}  {printable(message)}  [{rule}]")
            pointed = _pointed(part, column)
            if pointed:
                lines.append(pointed)
            if fix:
                lines.append(f"      fix: {printable(fix)}")
    if problems:
        lines += [
            "",
            f"`tax rules {problems[0].rule}` explains that rule, with examples; `tax rules` lists all.",
        ]
    return "\n".join(lines) + "\n"


def as_json(checked: int, problems: Sequence[Problem]) -> str:
    """Render for programs: {"checked", "errors", "warnings", "problems": [...]}."""
    document = {
        "checked": checked,
        "errors": sum(problem.level == Level.ERROR for problem in problems),
        "warnings": sum(problem.level == Level.WARNING for problem in problems),
        "problems": [dict(zip(_TOLD, problem, strict=False)) for problem in problems],
    }
    return _escaped_json(document)


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
    return UNSAFE.sub("�", escaped).replace(*RUNNER_COMMAND)


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


def as_markdown(checked: int, problems: Sequence[Problem]) -> str:
    """Render for a pull request's comment: the verdict, then a list for each file."""
    lines = [f"**{summary(checked, problems)}**"]
    for path, found in groupby(problems, key=lambda problem: problem.path):
        lines += ["", f"`{_code(path)}`", ""]
        for problem in found:
            fix = f"<br>Fix: {_markdown(problem.fix)}" if problem.fix else ""
            place = f"line {problem.line}, column {problem.column}"
            lines.append(f"- **{problem.level}**, {place}: {_markdown(problem.message)} (`{problem.rule}`){fix}")
    return "\n".join(lines) + "\n"


def as_sarif(checked: int, problems: Sequence[Problem]) -> str:
    """Render as SARIF 2.1.0, which code hosts and editors import."""
    level = {Level.ERROR: "error", Level.WARNING: "warning", Level.HINT: "note"}
    results = []
    for problem in problems:
        place = {
            "artifactLocation": {"uri": quote(problem.path, errors="replace")},
            "region": {"startLine": problem.line, "startColumn": problem.column},
        }
        text = problem.message + (f"\nFix: {problem.fix}" if problem.fix else "")
        results.append(
            {
                "ruleId": problem.rule,
                "level": level[problem.level],
                "message": {"text": text},
                "locations": [{"physicalLocation": place}],
            }
        )
    rules = [_described(rule) for rule in sorted({problem.rule for problem in problems})]
    driver = {"name": "tax", "version": __version__, "rules": rules}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    run = {"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}
    return _escaped_json({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _described(rule: str) -> dict[str, object]:
    from tax.rules import MANUALS

    manual = MANUALS.get(rule, rule)
    return {"id": rule, "shortDescription": {"text": manual.partition("\n")[0]}, "help": {"text": manual}}


def _escaped_json(document: object) -> str:
    written = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    # The line ends are ours: json escapes those of the texts.
    lines = [UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", line) for line in written.split("\n")]
    return "\n".join(lines).replace("##[", "#\\u0023[")


def _pointed(part: str, column: int) -> str:
    """Return the shown part of a faulty line, and a line with a caret under the fault; nothing of a blank one."""
    if column <= SHOWN // 2 and part.isascii() and printable(part) is part:  # most lines
        lead, shown, width = "", part.rstrip(), column - 1
    else:
        start = hidden(column)
        lead, at = "…" if start else "", column - 1 - start
        before, after = printable(part[:at]), printable(part[at:])
        shown, width = (before + after).rstrip(), _width(lead + before)
    return f"      | {lead}{shown}\n      | {' ' * width}^" if shown.strip() else ""


def _width(text: str) -> int:
    """Return how many columns a text takes on a terminal: wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)


def _code(text: str) -> str:
    return printable(text).replace("`", "'")


def _markdown(text: str) -> str:
    escaped = html.escape(printable(text), quote=False)
    for mark in "\\*_[]|#@~":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped


Renderer = Callable[[int, Sequence[Problem]], str]
RENDERERS: dict[str, Renderer] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "markdown": as_markdown,
    "sarif": as_sarif,
}
