"""All the questions of one chunk, best and most varied first, without near-duplicates."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rapidfuzz.distance import Indel

from tax.teachers.builtin import chinese, english, english_terms
from tax.teachers.builtin.blanks import cloze_questions, truth_questions
from tax.teachers.builtin.reading import Question, Reading, Statement, number
from tax.teachers.builtin.structure import (
    list_questions,
    opening_questions,
    profile_questions,
    table_questions,
)
from tax.teachers.builtin.wording import CHINESE, ENGLISH, Wording
from tax.text.segments import Span, tokens

FAMILY_ORDER = (
    *("definition", "cause", "list", "number", "date", "subject", "detail", "table", "truth", "term", "person"),
    *("way", "condition", "section", "profile", "cloze"),
)
ALIKE = 0.7  # ROUGE-L at which the pipeline takes two questions for one
PER_SENTENCE = 2
MOST = 300  # candidates that are compared with each other; a chunk of ordinary size has 50
SHARES = {"cloze": 0.2, "truth": 0.2, "table": 0.3}  # the most of a chunk's questions that may be such


@dataclass(frozen=True)
class Language:
    """What differs between languages."""

    wording: Wording
    statements: Callable[[Reading], list[Statement]]
    questions: Callable[[Reading, Sequence[Statement]], Iterator[Question]]
    list_intro: Callable[[str, Reading], tuple[str, ...]]
    defined: Callable[[str], str | None]


ENGLISH_READER = Language(ENGLISH, english.statements, english.questions, english.list_intro, english_terms.defined)
CHINESE_READER = Language(CHINESE, chinese.statements, chinese.questions, chinese.list_intro, chinese.defined)


@dataclass(frozen=True)
class Asked:
    """A question as it is put, its answer, and the place in the chunk that supports it."""

    family: str
    question: str
    answer: str
    evidence: Span


def questions(reading: Reading, language: Language) -> list[Asked]:
    """Return the questions of a chunk in the order in which they are given out."""
    known = language.statements(reading)
    wording = language.wording
    terms = [term for each in known if (term := language.defined(each.text))]
    found = [
        *language.questions(reading, known),
        *list_questions(reading, wording, language.list_intro),
        *table_questions(reading, wording),
        *opening_questions(reading, wording),
        *profile_questions(reading, known, language.defined, wording),
        *truth_questions(reading, known, wording),
        *cloze_questions(reading, known, terms, wording),
    ]
    return _limited(_chosen(_mixed(found)[:MOST]))


def _mixed(found: Iterable[Question]) -> list[Question]:
    """Take the families in turn, so that any few neighbours are of different kinds."""
    by_family: dict[str, list[Question]] = {family: [] for family in FAMILY_ORDER}
    for question in found:
        by_family[question.family].append(question)
    for family in by_family.values():
        family.sort(key=lambda question: number(question.wordings[0]))
    return [each for rank in zip_longest(*by_family.values()) for each in rank if each]


def _chosen(ordered: Iterable[Question]) -> list[Asked]:
    """Word each question unlike those before it; drop it where no wording is, or its sentence has had its share."""
    chosen: list[Asked] = []
    words: list[list[str]] = []
    used: Counter[Span] = Counter()
    mirrors: set[Span] = set()
    for question in ordered:
        blanks = question.family in {"cloze", "truth"}
        mirrored = question.family in {"subject", "detail"}  # what stores X, what does Y store
        if used[question.evidence] >= (1 if blanks else PER_SENTENCE) or (mirrored and question.evidence in mirrors):
            continue
        for wording in question.wordings:
            mine = tokens(wording)
            if all(Indel.normalized_similarity(mine, other) <= ALIKE for other in words):
                chosen.append(Asked(question.family, wording, question.answer, question.evidence))
                words.append(mine)
                used[question.evidence] += 1
                mirrors |= {question.evidence} if mirrored else set()
                break
    return chosen


def _limited(chosen: Sequence[Asked]) -> list[Asked]:
    """Keep the families that could crowd out the others to their share."""
    seen: Counter[str] = Counter()
    kept = []
    for asked in chosen:
        seen[asked.family] += 1
        if seen[asked.family] <= max(2, SHARES.get(asked.family, 1.0) * len(chosen)):
            kept.append(asked)
    return kept
