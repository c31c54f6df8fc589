"""The examination: a student answers every hold-out, and a judge holds each answer against the person's own.

This is the grading of single answers, guided by a reference, of MT-Bench (Zheng et al. 2023, 3.1 and 3.4), and its
scale of 1 to 10: by MT-Bench LAB chooses the checkpoint of its skills phase, so a score here reads like its figures,
and ten steps tell checkpoints apart that three would not. One answer is graded rather than two compared, since a
checkpoint has no opponent. Simplified: MT-Bench's reference is a strong model's answer, ours is the contributor's; and
a dialogue is asked for its last answer only, after the turns that the contributor wrote.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tax import judge
from tax.calls import Caller
from tax.generate.skills import dialogue
from tax.generate.stages import Board
from tax.prompts import load
from tax.sample import Rating, Sample
from tax.teachers.base import CallFailed
from tax.text.languages import language_name

QUESTION = "student_answer"
PROMPTS = (QUESTION, judge.REFERENCE.prompt)
LEAST = 1  # the rating of an answer that says nothing; the judge is not asked
BEST = 10

_CLOSING = re.compile(r"</(?=\s*(?:conversation|reference|answer)\s*>)", re.IGNORECASE)  # of the prompt's own tags


@dataclass(frozen=True)
class Result:
    """What came of one hold-out: a rated answer, or why there is none."""

    sample: Sample
    answer: str = ""
    cut: bool = False  # the answer broke off at its limit, or at the student's context
    rating: Rating | None = None
    failure: str = ""  # in words that can be counted by, before a colon

    @property
    def reason(self) -> str:
        """Why there is no rating, without what is peculiar to this one call."""
        return self.failure.partition(": ")[0]

    def as_row(self) -> dict[str, Any]:
        """Return the line that tells a reader of it."""
        *before, last = self.sample.messages
        return {
            "id": self.sample.id,
            "leaf": self.sample.leaf,
            "language": self.sample.language,
            "messages": [message.model_dump() for message in before],
            "reference": last.content,
            "answer": self.answer,
            "cut": self.cut,
            "rating": self.rating.rating if self.rating else None,
            "reason": self.rating.reason if self.rating else self.failure,
        }


class Examination:
    """One student and one judge. `ended` is called with the count of hold-outs that are through."""

    def __init__(self, student: Caller, examiner: Caller, ended: Callable[[int], None] = lambda count: None) -> None:
        self.board = Board()
        self.caller = examiner  # whose calls the progress shows
        self._student = student
        self._ended = ended

    async def run(self, samples: Sequence[Sample]) -> list[Result]:
        """Return what came of each hold-out, in their order. Raises TeacherError where one of the two is gone."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._examined(sample, rank)) for rank, sample in enumerate(samples)]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _examined(self, sample: Sample, rank: int) -> Result:
        result = await self._answered(sample, rank)
        if not result.failure:
            result = await self._rated(result, rank)
        self.board.kept += 1
        self._ended(self.board.kept)
        return result

    async def _answered(self, sample: Sample, rank: int) -> Result:
        asked = [(message.role, message.content) for message in sample.messages[:-1]]
        try:
            completion = await self._student.answer(load(QUESTION, sample.language), asked, priority=(rank,))
        except CallFailed as error:
            return self._noted("answered", Result(sample, failure=f"not answered, {_told(error, 'model')}"))
        text = completion.text.encode("utf-8", "replace").decode().strip()
        return self._noted("answered", Result(sample, text, completion.finish in {"length", "room"}))

    async def _rated(self, result: Result, rank: int) -> Result:
        if not result.answer:
            rating = Rating(rubric=judge.REFERENCE.name, rating=LEAST, reason="The answer is empty.")
            return self._noted("rated", replace(result, rating=rating))
        sample, fields = result.sample, fields_of(result.sample, result.answer)
        try:
            rating = await judge.rate(self.caller, judge.REFERENCE, fields, (rank,), sample.language)
        except CallFailed as error:
            return self._noted("rated", replace(result, failure=f"not rated, {_told(error, 'judge')}"))
        return self._noted("rated", replace(result, rating=rating))

    def _noted(self, stage: str, result: Result) -> Result:
        tally = self.board.tally(stage)
        tally.entered += 1
        tally.kept += not result.failure
        tally.dropped.update([result.reason] if result.failure else [])
        return result


def _told(error: CallFailed, role: str) -> str:
    return str(error).replace("the teacher", f"the {role}")


def fields_of(sample: Sample, answer: str) -> dict[str, Any]:
    """Return what fills the judge's prompt. No text can close the tag that it stands in, and speak from outside."""
    texts = {
        "dialogue": dialogue(sample.messages[:-1], sample.language),
        "reference": sample.messages[-1].content.strip(),
        "answer": answer,
    }
    fields = {name: _CLOSING.sub("< /", text) for name, text in texts.items()}
    return fields | {"language": language_name(sample.language, sample.language)}


def by_leaf(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """Return for each leaf how many hold-outs it has, how many were rated, why not the others, and the mean rating."""
    leaves: dict[str, list[Result]] = {}
    for result in results:
        leaves.setdefault(result.sample.leaf, []).append(result)
    return {leaf: counted(found) for leaf, found in leaves.items()}


def counted(results: Sequence[Result]) -> dict[str, Any]:
    """Return the counts and the mean rating of some results; the score is None where none was rated."""
    ratings = [int(result.rating.rating) for result in results if result.rating]
    return {
        "score": sum(ratings) / len(ratings) if ratings else None,
        "holdouts": len(results),
        "rated": len(ratings),
        "cut": sum(result.cut for result in results),
        "failed": dict(Counter(result.reason for result in results if result.failure).most_common()),
    }
