"""A branch drawn from as Self-Instruct draws (Wang et al. 2023), to compare with growing leaf by leaf (LAB, Figure 2).

The seeds of all its leaves are one pool: each draw shows the teacher three of them at random. What is drawn belongs to
the branch, not to a leaf. All else is as for a leaf: the same judges, the precise persona, the same near-duplicates.
"""

import random
from collections.abc import Sequence
from typing import Any

from tax import judge
from tax.calls import Caller
from tax.generate.skills import QUESTIONS, SkillPlan
from tax.generate.stages import Draft
from tax.leaf import DialogueSeed, QuestionSeed, SkillLeaf
from tax.load import Loaded
from tax.prompts import Prompt, wording_of
from tax.text.duplicates import Holdouts

SHOWN = 3  # seeds in one prompt (stanford_alpaca, generate_instruction.py)

# Those that a branch's samples depend on.
PROMPTS = ("random_questions", judge.QUESTION.prompt, "response_precise", judge.PAIR.prompt)


class BranchLeaf(SkillLeaf):
    """A branch in the form of a leaf: its seeds are those of its leaves."""


class RandomPlan(SkillPlan):
    """Draws from the pool of a branch; which seeds a draw shows follows from the run's seed and its own number."""

    def __init__(
        self, loaded: Loaded, leaf: BranchLeaf, holdouts: Holdouts, caller: Caller, rank: int, seed: int
    ) -> None:
        super().__init__(loaded, leaf, holdouts, caller, rank)
        self._random = f"{seed}:{loaded.name}"
        self._words = wording_of(leaf.language)
        self.turn = -(-len(self._seeds) // SHOWN)
        self.batch = QUESTIONS

    def seeds_of(self, draw: int) -> list[tuple[int, QuestionSeed | DialogueSeed]]:
        """Return three seeds of the pool, or all where there are fewer."""
        return random.Random(f"{self._random}:{draw}").sample(self._seeds, min(SHOWN, len(self._seeds)))

    def questions_prompt(self, seeds: Sequence[QuestionSeed | DialogueSeed]) -> tuple[Prompt, dict[str, Any]]:
        """Return the prompt that shows some seeds, and what fills it."""
        examples = "\n".join(f"<example>\n{self._shown(seed)}\n</example>" for seed in seeds)
        fields = self._fields | {"count": QUESTIONS, "examples": examples, "none": self._words.none}
        return self._load("random_questions"), fields

    def _shown(self, seed: QuestionSeed | DialogueSeed) -> str:
        words = self._words
        context = getattr(seed, "context", None) or words.none
        return f"{words.context}{words.colon}{context.strip()}\n{words.question}{words.colon}{seed.question.strip()}"

    def _draft(
        self, draw: int, seeds: Sequence[tuple[int, QuestionSeed | DialogueSeed]], question: dict[str, str]
    ) -> Draft:
        indices = tuple(index for index, _ in seeds)
        context = question["context"]
        if context.strip(" .<>()[]。").casefold() == self._words.none:
            return Draft("question", draw, question["question"], indices)
        return Draft("grounded", draw, question["question"], indices, context=context)
