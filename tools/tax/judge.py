"""The judge: a rubric and what is to be judged, to a rating with its reason.

A filter in generation keeps what is rated within `keep`; an evaluation reads the rating itself. The scales are LAB's
where the paper gives one (3.2.1: three points for pairs), else those of its public code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tax.calls import Caller
from tax.prompts import ENGLISH, load
from tax.sample import Rating
from tax.throttle import Priority


@dataclass(frozen=True)
class Rubric:
    """A scale, in a prompt file that asks for `reason` and `rating`, and which of its ratings pass."""

    name: str
    prompt: str
    keep: frozenset[int | str] = frozenset()

    def passes(self, rating: Rating) -> bool:
        """Tell whether a rating is good enough."""
        return rating.rating in self.keep


QUESTION = Rubric("question", "judge_question", frozenset({1}))
PAIR = Rubric("pair", "judge_pair", frozenset({2, 3}))
FAITHFULNESS = Rubric("faithfulness", "judge_faithfulness", frozenset({"YES"}))
RELEVANCE = Rubric("relevance", "judge_relevance", frozenset({2}))
SELF_CONTAINED = Rubric("self-contained", "judge_self_contained", frozenset({1}))
REFERENCE = Rubric("reference", "judge_reference")  # of evaluation, which reads the rating itself


async def rate(
    caller: Caller, rubric: Rubric, fields: Mapping[str, Any], priority: Priority, language: str = ENGLISH
) -> Rating:
    """Ask for a rating, by the prompt in a language. Raises CallFailed where the judge gives none that is readable."""
    answer = await caller.ask(load(rubric.prompt, language), fields, priority=priority)
    return Rating(rubric=rubric.name, rating=answer.values["rating"], reason=answer.values["reason"])
