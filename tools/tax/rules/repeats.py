"""Seeds that nearly repeat each other within a leaf, and the questions of a leaf as they are compared."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level
from tax.rules.rule import Finding, rule
from tax.rules.walk import questions
from tax.rules.wording import likeness, words
from tax.source import Loc, Source
from tax.text.duplicates import THRESHOLD

MOST_COMPARED = 30  # questions of one leaf: their pairs grow with the square
_FEW_SHARED = 0.6  # of two answers' words: with fewer in common, they are hardly near


class Asked(NamedTuple):
    """A question with its answer: its place, a digest of what it asks (64 bits), and the words of both (wording.py)."""

    loc: Loc
    digest: int
    question: str
    answer: str


_ASKED: WeakKeyDictionary[Source, list[Asked]] = WeakKeyDictionary()


def asked(leaf: Loaded) -> list[Asked]:
    """Return every question of a leaf, in order; the context of a skill's seed counts with its question."""
    found = _ASKED.get(leaf.source)
    if found is None:
        found = _ASKED[leaf.source] = list(_asked(leaf))
    return found


@rule("near-duplicate-seed", Level.WARNING, older=Level.WARNING)
def varied(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No seed nearly repeats another: of the words of two questions, and of their answers, 0.7 or more are the same.

    The measure is ROUGE-L (F) of the first 100 words, by which the teacher's questions are weeded out too. The context
    of a skill's seed counts with its question. Questions that are alike but have other answers pass: that may be the
    skill. Of a leaf with more than 30 questions, the first 30 are compared.

    Passes:
        seed_examples:
          - {question: Which sea has the largest tides?, answer: "None: it is a bay, the Bay of Fundy."}
          - {question: Which sea has the smallest tides?, answer: The Baltic Sea has almost none.}

    Fails:
        seed_examples:
          - {question: How often does the sea rise in one day?, answer: It rises twice a day.}
          - {question: How often does the sea rise in a day?, answer: "It rises twice a day, or nearly."}
    """
    known: dict[int, tuple[frozenset[str], Asked]] = {}
    for each in asked(leaf):
        if each.digest in known:
            continue  # which duplicate-seed tells
        answer = frozenset(each.answer)
        near = next((other for parts, other in known.values() if _share(answer, parts) and _near(each, other)), None)
        if near:
            place = leaf.source.position(near.loc)
            message = f"question and answer nearly repeat those at line {place.line}, column {place.column}"
            yield Finding(each.loc, message, "ask something else, so that the teacher sees what may vary")
        known[each.digest] = answer, each
        if len(known) == MOST_COMPARED:
            return


def _asked(leaf: Loaded) -> Iterator[Asked]:
    for loc, key, seed in questions(leaf):
        text, answer = "\n".join(key), seed.get("answer")
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        reply = words(answer) if isinstance(answer, str) else ""
        yield Asked(loc, int.from_bytes(digest), words(text), reply)


def _share(a: frozenset[str], b: frozenset[str]) -> bool:
    """Tell whether two answers might be near each other: a quick look, since most pairs end here."""
    return 2 * len(a & b) >= _FEW_SHARED * (len(a) + len(b))


def _near(a: Asked, b: Asked) -> bool:
    return (
        likeness(a.answer, b.answer, THRESHOLD) > THRESHOLD and likeness(a.question, b.question, THRESHOLD) > THRESHOLD
    )
