"""Leaves as text: format one, lift an old one to version 4, start a new one. Comments are kept.

ruamel.yaml's round trip is not used: it drops comments within brackets, moves others to foreign columns, and changed
the content of 18 of 515 leaves that people had contributed. Here the text is laid out anew from a tree that holds its
comments, and what comes out is read again: it must hold the same values and comments, and must not change when it is
formatted once more.
"""

import json
from collections import Counter
from dataclasses import dataclass

from tax.problems import Level
from tax.source import Source
from tax.write.layout import render
from tax.write.new import KINDS, Kind, new_leaf
from tax.write.read import comments, read
from tax.write.tree import Group, WriteError, data_of
from tax.write.upgrade import lift

__all__ = ["KINDS", "Formatted", "Kind", "WriteError", "format_text", "new_leaf"]


@dataclass(frozen=True)
class Formatted:
    """A leaf's new text, whether it differs from the old one, and what an upgrade changed beyond the form."""

    text: str
    changed: bool
    notes: tuple[str, ...] = ()


def format_text(text: str, name: str, *, upgrade: bool, license: str | None = None) -> Formatted:
    """Return a leaf's text in the usual form; with `upgrade` lifted to version 4 (one in version 4 is only formatted).

    `name` is the leaf's identity, such as compositional_skills/poetry/ballad. `license` is the SPDX id that an upgrade
    writes for the leaf and for its documents, as older versions state none. An empty file stays as it is. Raises
    WriteError, with the line, where the text is no sound YAML or where the upgrade needs a decision of its author.
    """
    source = Source(name, text)
    for problem in source.problems:
        # a key that stands twice is kept twice, and is for `tax validate` to report
        if problem.level == Level.ERROR and problem.rule != "duplicate-key":
            fix = f"; {problem.fix}" if problem.fix else ""
            raise WriteError(f"line {problem.line}: {problem.message}{fix}")
    root = read(source.text)
    if root is None or not root.entries:
        return Formatted(text, False)
    notes = lift(root, source, name, license) if upgrade else []
    expected = data_of(root) if upgrade else source.data
    written = render(root)
    _check(written, expected, source)
    return Formatted(written, written != text, tuple(notes))


def _check(written: str, expected: object, source: Source) -> None:
    """Raise WriteError unless the new text holds what it should, every comment too, and is in its final form."""
    again = Source(source.path, written)
    if _canonical(again.data) != _canonical(expected):
        raise WriteError("this leaf was left as it is: formatting it would change what it says")
    if _comments(written) != _comments(source.text):
        raise WriteError("this leaf was left as it is: formatting it would lose a comment")
    tree = read(written)
    if not isinstance(tree, Group) or render(tree) != written:
        raise WriteError("this leaf was left as it is: formatting it twice would change it twice")


def _canonical(data: object) -> str:
    return json.dumps(data)  # which tells 1 from 1.0 and from true, and finds nan equal to itself


def _comments(text: str) -> Counter[str]:
    return Counter(comment.text for comment in comments(text.replace("\r\n", "\n").replace("\r", "\n")) if comment.text)
