"""One of the errors that pydantic finds, with what a message needs to know about its place."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel

from tax.faults.keys import deciding_key, known_keys, nearest_key
from tax.problems import Problem
from tax.source import Loc, Source

_MAX_HELD = 8  # keys below an unknown one that are looked at


@dataclass(frozen=True)
class Fault:
    """One of pydantic's errors: `loc` is its place in the file, `raw` the same with pydantic's own parts in it."""

    source: Source
    model: type[BaseModel]
    kind: str
    raw: Loc
    loc: Loc
    value: Any
    details: dict[str, Any]
    expected: tuple[str, ...]

    def problem(self, rule: str, message: str, fix: str, *, at_key: bool = False) -> Problem:
        return self.source.problem(self.loc, rule, message, fix, at_key=at_key)

    @property
    def group(self) -> Loc:
        """Where pydantic sees the group that a missing or an unknown key belongs to."""
        return self.raw[:-1]

    @property
    def meant(self) -> str | None:
        """The known key that an unknown one was meant to be."""
        present = self.source.keys(self.loc[:-1])
        return nearest_key(str(self.raw[-1]), self.model, self.group, present)

    @property
    def deciding(self) -> str:
        """The key that would have made the group another kind of seed or document."""
        return deciding_key(self.model, self.group)

    @property
    def held(self) -> set[str]:
        """The keys that its group lacks and an unknown one has below it, as `seed1:` has a seed's."""
        if self.kind != "extra_forbidden" or not isinstance(self.value, dict):
            return set()
        in_list = len(self.loc) > 1 and isinstance(self.loc[-2], int)
        if self.meant and not in_list:
            return set()
        present = self.source.keys(self.loc[:-1])
        lacking = {*known_keys(self.model, self.group), self.deciding} - present
        return lacking & {nearest_key(key, self.model, self.group, present) for key in islice(self.value, _MAX_HELD)}
