"""Two conversations compared by a judge, in both orders (Reflection-Tuning 4.3.1).

The newer one wins if it is rated higher in both orders, or higher in one and equal in the other; it loses likewise; all
else is a tie. An order whose ratings cannot be read decides nothing: the comparison has failed, it is no tie.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tax.calls import Caller
from tax.generate.skills import dialogue
from tax.leaf import Message
from tax.prompts import load
from tax.sample import Rating

PROMPT = "judge_comparison"
CALLS = 2

Verdict = Literal["won", "tie", "lost"]


@dataclass(frozen=True)
class Comparison:
    """The verdict on the newer conversation, and the ratings that it rests on: one an order."""

    verdict: Verdict
    ratings: tuple[Rating, ...]


async def compare(
    caller: Caller, newer: Sequence[Message], older: Sequence[Message], priority: tuple[int, ...], language: str
) -> Comparison:
    """Have two conversations rated in both orders. Raises CallFailed where a rating cannot be read."""
    signs = 0
    ratings = []
    for newer_first in (True, False):
        fields = fields_of(*((newer, older) if newer_first else (older, newer)), language)
        values = (await caller.ask(load(PROMPT, language), fields, priority=priority)).values
        first, second = int(values["first"]), int(values["second"])
        mine, its = (first, second) if newer_first else (second, first)
        signs += (mine > its) - (mine < its)
        place = "first" if newer_first else "second"
        ratings.append(
            Rating(rubric=f"against its parent, shown {place}", rating=f"{mine}:{its}", reason=values["reason"])
        )
    verdict: Verdict = "won" if signs > 0 else "lost" if signs < 0 else "tie"
    return Comparison(verdict, tuple(ratings))


def fields_of(first: Sequence[Message], second: Sequence[Message], language: str) -> dict[str, Any]:
    """Return what fills the judge's prompt."""
    return {"first": dialogue(first, language), "second": dialogue(second, language)}
