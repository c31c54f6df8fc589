"""What a rule is: a function from a leaf to findings, with an id, a level, and its docstring as its manual."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tax.config import Config
from tax.load import NEWEST, Loaded
from tax.problems import Level, Problem
from tax.source import Loc


@dataclass(frozen=True)
class Finding:
    """What a rule found: the place in the leaf, what is wrong there, and how to mend it."""

    loc: Loc
    message: str
    fix: str = ""
    at_key: bool = False


Check = Callable[[Loaded, Config], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A check of what a leaf says, beyond its schema. It runs on faulty leaves too, so it takes nothing for granted.

    `older` is the level for versions 1 to 3: what their readers accept is no error here. None: not checked there.
    `counts`: the rule counts what the leaf has, so it has nothing to say of a file that could only be guessed at.
    """

    id: str
    level: Level
    older: Level | None
    check: Check
    counts: bool = False

    def __call__(self, leaf: Loaded, config: Config) -> Iterator[Problem]:
        """Yield the problems of a leaf."""
        level = self.level if leaf.version == NEWEST else self.older
        if level is None or (self.counts and leaf.source.guessed):
            return
        for finding in self.check(leaf, config):
            problem = leaf.source.problem(
                finding.loc, self.id, finding.message, finding.fix, level=level, at_key=finding.at_key
            )
            if problem.line not in leaf.source.guessed:
                yield problem

    @property
    def manual(self) -> str:
        """What the rule asks and why, with a snippet that passes and one that fails."""
        return inspect.getdoc(self.check) or ""


def rule(id: str, level: Level, older: Level | None = None, *, counts: bool = False) -> Callable[[Check], Rule]:
    """Make a rule of a function."""
    return lambda check: Rule(id, level, older, check, counts)
