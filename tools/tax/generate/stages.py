"""What a stage is: a draft goes in, and the draft goes on or is dropped with a reason. Nothing vanishes.

A Plan says how one leaf is drawn from: `draft` brings the drafts of one draw, `stages` is what each goes through.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tax.leaf import Message
from tax.load import Loaded
from tax.sample import Kind, Rating, Source
from tax.teachers.base import CallFailed


@dataclass(frozen=True)
class Draft:
    """A sample in the making."""

    kind: Kind
    draw: int
    question: str  # for a dialogue its opening message
    seeds: tuple[int, ...] = ()
    context: str = ""  # of a grounded question; of knowledge, the chunk
    plan: str = ""  # of a dialogue: what the user is after in the later turns
    turns: int = 1  # of the user
    answer: str = ""
    messages: tuple[Message, ...] = ()
    ratings: tuple[Rating, ...] = ()
    source: Source | None = None
    license: str = ""
    prompt: str = ""

    @property
    def instruction(self) -> str:
        """What must not repeat an earlier one: the question, after the context it is about."""
        return f"{self.context}\n\n{self.question}" if self.kind == "grounded" else self.question


@dataclass(frozen=True)
class Drop:
    """A draft that does not go on: filtered (not good enough) or failed (no answer to judge)."""

    stage: str
    reason: str
    outcome: Literal["filtered", "failed"] = "filtered"
    detail: str = ""
    draft: Draft | None = None


Stage = tuple[str, Callable[[Draft], Awaitable[Draft | Drop]]]


class Plan(Protocol):
    """How one leaf is drawn from."""

    turn: int  # draws until every seed, chunk or template has had its turn
    batch: int  # drafts that a draw is expected to bring
    stages: Sequence[Stage]

    async def draft(self, draw: int) -> list[Draft | Drop]:
        """Return what draw number `draw` brings; nothing where there is nothing more to draw."""
        ...

    def fresh(self, draft: Draft) -> str | None:
        """Take a draft in as new and return None, or return the reason why it is a repetition."""
        ...


@dataclass
class Tally:
    """How many drafts entered a stage and how many went on; the rest are dropped, by reason."""

    entered: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class Board:
    """The tallies of a run's stages, in the order in which they were first entered."""

    def __init__(self) -> None:
        self.stages: dict[str, Tally] = {}
        self.kept = 0  # drafts that went through all their stages

    def tally(self, stage: str) -> Tally:
        """Return the tally of a stage."""
        return self.stages.setdefault(stage, Tally())

    def note(self, stage: str, result: Draft | Drop) -> None:
        """Count one draft's way through a stage."""
        tally = self.tally(stage)
        tally.entered += 1
        if isinstance(result, Drop):
            tally.dropped[result.reason] += 1
        else:
            tally.kept += 1


async def refine(draft: Draft, stages: Sequence[Stage], board: Board) -> Draft | Drop:
    """Take a draft through its stages, to the end or to its drop."""
    for name, stage in stages:
        try:
            result = await stage(draft)
        except CallFailed as error:
            result = failed(name, error, draft)
        board.note(name, result)
        if isinstance(result, Drop):
            return result
        draft = result
    return draft


def failed(stage: str, error: CallFailed, draft: Draft | None = None) -> Drop:
    """Return the drop of a draft whose call failed; the reason is short enough to be counted by."""
    reason, _, detail = str(error).partition(": ")
    return Drop(stage, reason, "failed", detail, draft)


def folder_name(leaf: Loaded) -> str:
    """Return a leaf's place in the taxonomy as prompts show it: its folders, outermost first."""
    return " > ".join(part.replace("_", " ") for part in leaf.name.split("/"))
