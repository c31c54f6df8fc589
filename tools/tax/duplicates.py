"""Near-duplicates by ROUGE-L, as Self-Instruct and Alpaca drop them: F-measure above 0.7 to an earlier instruction.

ROUGE-L's F-measure of token sequences a and b is 2 LCS(a, b) / (|a| + |b|) (Lin 2004), which is rapidfuzz's
normalised Indel similarity. A token is a word, a number or a CJK character.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from rapidfuzz.distance import Indel

from tax.segments import tokens

THRESHOLD = 0.7

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def rouge_l(a: str, b: str) -> float:
    """Return ROUGE-L's F-measure of two texts, 0.0 to 1.0."""
    return float(Indel.normalized_similarity(tokens(a), tokens(b)))


class Sequences:
    """Token sequences, and whether a new one is near any of them."""

    def __init__(self) -> None:
        self._by_length: dict[int, list[list[str]]] = defaultdict(list)

    def add(self, words: list[str]) -> None:
        """Take a sequence in."""
        self._by_length[len(words)].append(words)

    def near(self, words: list[str]) -> bool:
        """Tell whether a sequence's F-measure with any of these is above the threshold."""
        # F > t needs |shorter| / |longer| > t / (2 - t): most pairs are settled by their lengths.
        least, most = len(words) * THRESHOLD / (2 - THRESHOLD), len(words) * (2 - THRESHOLD) / THRESHOLD
        return any(
            Indel.normalized_similarity(words, other, score_cutoff=THRESHOLD) > THRESHOLD
            for length in range(int(least), int(most) + 2)
            for other in self._by_length.get(length, ())
        )


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
            return "near a hold-out"
        if self._earlier.near(words):
            return "near-duplicate"
        self._earlier.add(words)
        return None


def _numbers(text: str) -> frozenset[str]:
    return frozenset(_NUMBER.findall(text))
