"""The built-in teacher: questions and answers lifted from documents by rule; no model, no network, deterministic.

Every answer is a stretch of the document, or a table's cells with their column. English and Traditional Chinese are
read; a chunk in another language yields no questions. It grows knowledge only: it can quote, not invent. As a judge it
counts words, and says so.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tax.teachers.base import Completion, Request, TeacherError
from tax.teachers.builtin.asking import CHINESE_READER, ENGLISH_READER, Asked, Language, questions
from tax.teachers.builtin.judging import (
    judge_faithfulness,
    judge_reference,
    judge_relevance,
    judge_self_contained,
)
from tax.teachers.builtin.reading import Reading
from tax.text.prose import CJK

_JUDGES = {
    "judge_faithfulness": judge_faithfulness,
    "judge_reference": judge_reference,
    "judge_relevance": judge_relevance,
    "judge_self_contained": judge_self_contained,
}
_SIMPLIFIED = re.compile("[这国时为会来说对发经过动现点问关开长两实气东车马语们个]")
_TRADITIONAL = re.compile("[這國時為會來說對發經過動現點問關開長兩實氣東車馬語們個]")


class Builtin:
    """The teacher of `--teacher builtin`: it reads a request's fields, not its messages."""

    name = "builtin"
    model = "builtin-1"
    free = True
    grounded_only = True

    def reads(self, language: str, text: str) -> bool:
        """Tell whether a text can be read: English and Traditional Chinese can."""
        return language_of(language, text) is not None

    async def complete(self, request: Request) -> Completion:
        """Answer a knowledge prompt with JSON. Raises TeacherError for any other prompt."""
        if request.prompt == "knowledge_questions":
            return Completion(json.dumps({"questions": _group(request.fields)}, ensure_ascii=False))
        if request.prompt in _JUDGES:
            rating, reason = _JUDGES[request.prompt](request.fields)
            return Completion(json.dumps({"reason": reason, "rating": rating}, ensure_ascii=False))
        raise TeacherError(
            "the built-in teacher grows knowledge leaves and problem_templates; a skill without problem_templates "
            "needs a model teacher, for example: --teacher http://localhost:8000/v1 --model NAME"
        )

    async def close(self) -> None:
        """Do nothing: it holds nothing."""


def language_of(tag: str, text: str) -> Language | None:
    """Return how a text is read, by its leaf's BCP 47 tag ("" where it is unknown); None where it cannot be."""
    primary = tag.lower().split("-")[0]
    if len(re.findall(f"[{CJK}]", text)) <= len(text) / 4:
        return ENGLISH_READER if primary in {"en", ""} else None
    simplified = len(_SIMPLIFIED.findall(text)) > len(_TRADITIONAL.findall(text))
    return CHINESE_READER if primary in {"zh", "cmn", ""} and not simplified else None


def _group(fields: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the questions of one turn: as many as asked for, none after the last."""
    chunk = str(fields["chunk"])
    headings = fields.get("headings", ())
    path = tuple(headings.split(" > ")) if isinstance(headings, str) else tuple(map(str, headings))
    tag = str(fields.get("language_tag") or fields.get("language", ""))
    asked = _questions(chunk, str(fields.get("title", "")), path, tag)
    count = max(1, int(fields.get("count", 5)))
    first = int(fields.get("turn", 0)) * count
    return [
        {
            "question": each.question,
            "answer": each.answer,
            "evidence": chunk[each.evidence.start : each.evidence.end],
        }
        for each in asked[first : first + count]
    ]


@lru_cache(maxsize=256)
def _questions(chunk: str, title: str, headings: tuple[str, ...], tag: str) -> tuple[Asked, ...]:
    language = language_of(tag, chunk)
    return tuple(questions(Reading(chunk, title, headings), language)) if language else ()
