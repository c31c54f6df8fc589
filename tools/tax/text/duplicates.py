"""Near-duplicates by ROUGE-L, as Self-Instruct and Alpaca drop them: F-measure above 0.7 to an earlier instruction.

ROUGE-L's F-measure of token sequences a and b is 2 LCS(a, b) / (|a| + |b|) (Lin 2004), which is rapidfuzz's
normalised Indel similarity. A token is a word, a number or a CJK character.
"""

import re
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

from rapidfuzz.distance import Indel
from rapidfuzz.process import extractOne

from tax.text.prose import tokens

THRESHOLD = 0.7
NEAR_HOLDOUT = "near a hold-out"  # the reason of a drop

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def rouge_l(a: str, b: str) -> float:
    """Return ROUGE-L's F-measure of two texts, 0.0 to 1.0."""
    return float(Indel.normalized_similarity(tokens(a), tokens(b)))


class Sequences:
    """Token sequences, and whether a new one is near any of them: the verdict of comparing with all, without doing so.

    Two near ones of m and n tokens share o > 0.35 (m + n) tokens. So, both sorted by one order of all tokens, they
    share one of the first m - o + 1 and n - o + 1 (the prefix filter of set similarity joins: Chaudhuri et al. 2006).
    The order is that of first sight, the last seen first: rare words come late, so few sequences stand under one.
    """

    def __init__(self) -> None:
        self._words: dict[str, int] = {}  # numbered as they are first seen
        self._rows: list[_Row] = []
        self._under: dict[int, array[int]] = {}  # rows by the words of their prefixes

    def add(self, words: Sequence[str]) -> None:
        """Take a sequence in."""
        ids = [self._words.setdefault(word, len(self._words)) for word in words]
        for word in _prefix(ids):
            self._under.setdefault(word, array("I")).append(len(self._rows))
        self._rows.append(_row(ids))

    def near(self, words: Sequence[str]) -> bool:
        """Tell whether a sequence's F-measure with any of these is above the threshold."""
        unknown: dict[str, int] = {}
        ids = [
            self._words[word] if word in self._words else unknown.setdefault(word, len(self._words) + len(unknown))
            for word in words
        ]
        alike = set[int]().union(*(self._under.get(word, ()) for word in _prefix(ids)))
        scorer = Indel.normalized_similarity
        found = extractOne(_row(ids), map(self._rows.__getitem__, alike), scorer=scorer, score_cutoff=THRESHOLD)
        return found is not None and found[1] > THRESHOLD


# A sequence's numbers as the characters of a text, the smallest thing that rapidfuzz compares; it takes a tuple for
# the same where a number is beyond the last character.
_Row = str | tuple[int, ...]


def _row(ids: Sequence[int]) -> _Row:
    return "".join(map(chr, ids)) if max(ids, default=0) <= sys.maxunicode else tuple(ids)


def _prefix(ids: Sequence[int]) -> set[int]:
    """Return the numbers under which a sequence is filed, those of its rarest words; -1 for one without words."""
    shortest = 7 * len(ids) // 13 + 1  # tokens of the shortest sequence that can be near
    shared = 7 * (len(ids) + shortest) // 20 + 1  # tokens shared with that one, at least
    return set(sorted(ids, reverse=True)[: len(ids) - shared + 1]) or {-1}


class Holdouts:
    """The instructions of a run's hold-outs: nothing generated, for whichever leaf, may repeat one."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._all = Sequences()
        self._by_numbers: dict[frozenset[str], Sequences] = defaultdict(Sequences)
        for text in texts:
            self._all.add(tokens(text))
            self._by_numbers[_numbers(text)].add(tokens(text))

    def near(self, text: str) -> bool:
        """Tell whether an instruction is near a hold-out."""
        return self._all.near(tokens(text))

    def near_problem(self, text: str) -> bool:
        """Tell whether a computed problem is near a hold-out that holds the same numbers.

        Other numbers make another problem, whose answer has to be worked out anew.
        """
        same = self._by_numbers.get(_numbers(text))
        return same is not None and same.near(tokens(text))


class Instructions:
    """The instructions of a leaf so far: what a new one must not repeat."""

    def __init__(self, holdouts: Holdouts) -> None:
        self._holdouts = holdouts
        self._earlier = Sequences()

    def admit(self, text: str) -> str | None:
        """Take an instruction in and return None, or return the reason why it is dropped."""
        words = tokens(text)
        if self._holdouts.near(text):
            return NEAR_HOLDOUT
        if self._earlier.near(words):
            return "near-duplicate"
        self._earlier.add(words)
        return None


def _numbers(text: str) -> frozenset[str]:
    return frozenset(_NUMBER.findall(text))
