"""A leaf's YAML as a tree that holds its comments: what formatting and upgrading work on.

A comment belongs to the entry that it stands above or beside, or to the end of a group.
"""

from dataclasses import dataclass, field
from typing import Any

from tax.problems import UserError
from tax.source.values import plain_value


class WriteError(UserError):
    """A leaf cannot be written as asked; the message says why, with the line where there is one."""


@dataclass
class Scalar:
    """A value without parts: its characters, and how they stand in the file.

    `style` is "" (plain), a quote, "|" or ">"; `folds` are the lines of a text after ">" as its author broke them.
    """

    value: str
    style: str = ""
    folds: tuple[str, ...] = ()

    @property
    def data(self) -> object:
        """The value that a reader of YAML 1.2 gets."""
        return self.value if self.style else plain_value(self.value)


@dataclass
class Entry:
    """A key with its value, or an item of a list (no key), with its comments ("" is an empty line)."""

    value: "Scalar | Group"
    key: Scalar | None = None
    above: list[str] = field(default_factory=list)
    beside: str = ""


@dataclass
class Group:
    """A mapping (`keyed`) or a list; `flow` where it is written in brackets; `below` are the comments at its end."""

    entries: list[Entry]
    keyed: bool
    flow: bool = False
    below: list[str] = field(default_factory=list)

    def get(self, key: str) -> Entry | None:
        """Return the entry of a key; of several, the last, which counts."""
        found = [entry for entry in self.entries if entry.key and entry.key.value == key]
        return found[-1] if self.keyed and found else None

    def index(self, entry: Entry) -> int:
        """Return the place of an entry (equal ones are told apart)."""
        return next(index for index, each in enumerate(self.entries) if each is entry)

    def above(self, index: int) -> list[str]:
        """Return the comments above the entry at `index`, or at the group's end where there is none."""
        return self.entries[index].above if index < len(self.entries) else self.below

    def remove(self, entry: Entry) -> None:
        """Take an entry out; its comments stay, with the next entry."""
        index = self.index(entry)
        del self.entries[index]
        self.above(index)[:0] = [comment for comment in comments_of(entry) if comment]


def comments_of(entry: Entry) -> list[str]:
    """Return the comments of an entry and of all in it, in order."""
    found = [*entry.above, *([entry.beside] if entry.beside else [])]
    if isinstance(entry.value, Group):
        for child in entry.value.entries:
            found += comments_of(child)
        found += entry.value.below
    return found


def data_of(value: Scalar | Group) -> Any:
    """Return a tree as plain data; of a key that stands there twice the last value counts."""
    if isinstance(value, Scalar):
        return value.data
    if value.keyed:
        return {entry.key.value: data_of(entry.value) for entry in value.entries if entry.key}
    return [data_of(entry.value) for entry in value.entries]
