"""Computed problems: instances of a leaf's problem_templates, right by construction. No teacher is asked.

Instances of one template are alike by design, so what tells two apart is their text: a repetition is one that is
equal, and a hold-out is repeated by an instance that is near it and holds the same numbers.
"""

import hashlib
import random
from collections.abc import Sequence

from tax.generate.stages import Draft, Drop, Stage
from tax.leaf import Message, SkillLeaf
from tax.load import Loaded
from tax.templates.template import Template, TemplateError
from tax.text.duplicates import NEAR_HOLDOUT, Holdouts

PROBLEMS = 10  # instances that a draw brings


class ComputedPlan:
    """Draws from the problem_templates of one leaf, which take turns."""

    stages: Sequence[Stage] = ()
    batch = PROBLEMS

    def __init__(self, loaded: Loaded, leaf: SkillLeaf, holdouts: Holdouts, seed: int) -> None:
        self._templates = [Template(template) for template in leaf.problem_templates]
        self._random = f"{seed}:{loaded.name}"
        self._holdouts = holdouts
        self._seen: set[bytes] = set()
        self.turn = -(-len(self._templates) // PROBLEMS)

    async def draft(self, draw: int) -> list[Draft | Drop]:
        """Draw instances, from one template after the other. A function of the draw's number alone."""
        generator = random.Random(f"{self._random}:{draw}")
        start = draw * PROBLEMS
        return [self._draw(number % len(self._templates), draw, generator) for number in range(start, start + PROBLEMS)]

    def fresh(self, draft: Draft) -> str | None:
        """Compare with the leaf's earlier problems and the run's hold-outs."""
        text = _digest(draft)
        if text in self._seen:
            return "repetition"
        self._seen.add(text)
        return NEAR_HOLDOUT if self._holdouts.near_problem(draft.question) else None

    def _draw(self, index: int, draw: int, generator: random.Random) -> Draft | Drop:
        try:
            instance = self._templates[index].instance(generator)
        except TemplateError as error:
            return Drop("drawn", "problem template", "failed", str(error))
        return Draft(
            "problem",
            draw,
            instance.question,
            answer=instance.response,
            messages=(
                Message(role="user", content=instance.question),
                Message(role="assistant", content=instance.response),
            ),
            prompt=f"template[{index}]",
        )


def _digest(draft: Draft) -> bytes:
    """Return a hash of a problem's text, case and spaces aside: a leaf may have a million of them."""
    text = " ".join(draft.question.split()).casefold()
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
