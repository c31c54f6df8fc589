"""Rules about a leaf's seeds."""

import re
from collections.abc import Iterator
from typing import Any

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.rules.walk import questions
from tax.source import Loc

FEWEST, ENOUGH = 3, 5
_ASK_FOR_FIVE = {2, 3}  # versions whose schema does


@rule("duplicate-seed", Level.WARNING, older=Level.WARNING)
def different(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No seed repeats another: its question, with its context where a skill has one, is asked once in a leaf.

    Upper and lower case and white space make no difference.

    Passes:
        seed_examples:
          - {question: What is a spring tide?, answer: A tide of large range.}
          - {question: What is a neap tide?, answer: A tide of small range.}

    Fails:
        seed_examples:
          - {question: What is a tide?, answer: The rise and fall of the sea.}
          - {question: What is a tide?, answer: A daily change of the sea's level.}
    """
    first: dict[tuple[str, ...], tuple[Loc, object]] = {}
    for loc, key, content in questions(leaf):
        earlier, same = first.setdefault(key, (loc, content))
        if earlier == loc or (leaf.version in {2, 3} and same == content):  # the latter is the schema's to tell
            continue
        place = leaf.source.position(earlier)
        message = f"this repeats the question at line {place.line}, column {place.column}"
        yield Finding(loc, message, "ask something else, or delete one of the two")


@rule("answer-repeats-question", Level.WARNING, older=Level.WARNING)
def answered(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """An answer says more than its question; case, white space and punctuation make no difference.

    Passes:
        seed_examples:
          - {question: What is a tide?, answer: The rise and fall of the sea.}

    Fails:
        seed_examples:
          - {question: What is a tide?, answer: What is a tide}
    """
    for loc, _, pair in questions(leaf):
        question, answer = pair.get("question"), pair.get("answer")
        if not isinstance(question, str) or not isinstance(answer, str):
            continue
        first, begins = question[:1], answer[:1]
        if first.isalpha() and begins.isalpha() and first.lower() != begins.lower():
            continue  # a quick look, for speed
        heads = _letters(question[:_HEAD]), _letters(answer[:_HEAD])
        if not heads[0].startswith(heads[1]) and not heads[1].startswith(heads[0]):
            continue  # the same
        if _letters(question) == _letters(answer) != "":
            message = f"the answer only repeats the question, {excerpt(answer, 40)}"
            yield Finding((*loc[:-1], "answer"), message, "write what the model should answer")


@rule("very-few-seeds", Level.WARNING, older=Level.HINT, counts=True)
def some_variety(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A leaf has three seeds or more: from one or two the teacher cannot tell what may vary, and copies them.

    Passes:
        seed_examples:
          - {question: Name a tide., answer: The spring tide.}
          - {question: Name a sea., answer: The North Sea.}
          - {question: Name an ocean., answer: The Pacific.}

    Fails:
        seed_examples:
          - {question: Name a tide., answer: The spring tide.}
    """
    if 0 < len(leaf.seeds) < FEWEST and leaf.version not in _ASK_FOR_FIVE:
        yield _too_few(leaf, f"from fewer than {FEWEST}, the teacher cannot tell what may vary")


@rule("few-seeds", Level.WARNING, older=Level.HINT, counts=True)
def enough(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A leaf has five seeds or more: the teacher sees from them what may vary.

    Passes:
        seed_examples:
          - {question: Name a tide., answer: The spring tide.}
          - {question: Name a sea., answer: The North Sea.}
          - {question: Name an ocean., answer: The Pacific.}
          - {question: Name a current., answer: The Gulf Stream.}
          - {question: Name a bay., answer: The Bay of Fundy.}

    Fails:
        seed_examples:
          - {question: Name a tide., answer: The spring tide.}
          - {question: Name a sea., answer: The North Sea.}
          - {question: Name an ocean., answer: The Pacific.}
    """
    if FEWEST <= len(leaf.seeds) < ENOUGH and leaf.version not in _ASK_FOR_FIVE:
        yield _too_few(leaf, f"with {ENOUGH} or more, what grows from it varies")


def _too_few(leaf: Loaded, why: str) -> Finding:
    count = len(leaf.seeds)
    message = f"this leaf has {'1 seed' if count == 1 else f'{count} seeds'}; {why}"
    fix = f"add {ENOUGH - count} or more that differ in subject, length and form"
    return Finding(("seed_examples",), message, at_key=True, fix=fix)


@rule("no-holdout", Level.HINT, counts=True)
def held_out(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """One seed is held out: it is kept from teacher and training, to measure what the student has learned.

    Passes:
        seed_examples:
          - {question: Name a tide., answer: The spring tide.}
          - {question: Name a sea., answer: The North Sea., holdout: true}

    Fails:
        seed_examples:
          - {question: Name a tide., answer: The spring tide.}
          - {question: Name a sea., answer: The North Sea.}
    """
    seeds = leaf.seeds
    if seeds and not any(seed.get("holdout") is True for _, seed in seeds):
        message = "no seed is held out, so that nobody can measure what a model learns from this leaf"
        yield Finding(("seed_examples",), message, "add `holdout: true` to one seed", at_key=True)


@rule("all-holdouts", Level.ERROR, counts=True)
def some_taught(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """Not every seed is held out: the teacher needs some to learn from.

    Passes:
        seed_examples:
          - {question: Name a tide., answer: The spring tide.}
          - {question: Name a sea., answer: The North Sea., holdout: true}

    Fails:
        seed_examples:
          - {question: Name a sea., answer: The North Sea., holdout: true}
    """
    seeds = leaf.seeds
    if seeds and all(seed.get("holdout") is True for _, seed in seeds):
        message = "every seed is held out, so that the teacher has none to learn from"
        yield Finding(("seed_examples",), message, "leave `holdout` to one or two seeds", at_key=True)


@rule("mixed-seeds", Level.WARNING, older=Level.WARNING)
def alike(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """The seeds of a skill are of one kind: all with a context or none, all dialogues or none.

    Passes:
        seed_examples:
          - {context: It rained., question: What fell?, answer: Rain.}
          - {context: It snowed., question: What fell?, answer: Snow.}

    Fails:
        seed_examples:
          - {context: It rained., question: What fell?, answer: Rain.}
          - {question: What falls in winter?, answer: Snow.}
    """
    if leaf.branch == "knowledge":
        return
    kinds = [(index, _kind(seed)) for index, seed in leaf.seeds if "question" in seed or "messages" in seed]
    for index, kind in kinds:
        if kind != kinds[0][1]:
            message = f"seed {index + 1} is {kind}, but seed {kinds[0][0] + 1} is {kinds[0][1]}"
            yield Finding(
                ("seed_examples", index),
                message,
                "make all seeds alike (a context in each or in none), or make two leaves of them",
            )
            return


def _kind(seed: dict[str, Any]) -> str:
    if "messages" in seed:
        return "a dialogue"
    return "a question with a context" if seed.get("context") is not None else "a question without a context"


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text.lower())


_HEAD = 40  # characters
_NO_LETTER = re.compile(r"[\W_]+")
