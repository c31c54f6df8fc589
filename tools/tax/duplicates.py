"""Near-duplicates by ROUGE-L, as Self-Instruct and Alpaca drop them: F-measure above 0.7 to an earlier instruction.

ROUGE-L's F-measure of token sequences a and b is 2 LCS(a, b) / (|a| + |b|) (Lin 2004), which is rapidfuzz's
normalised Indel similarity. A token is a word, a number or a CJK character.
"""

from collections.abc import Iterable

from rapidfuzz.distance import Indel

from tax.segments import tokens

THRESHOLD = 0.7


def rouge_l(a: str, b: str) -> float:
    """Return ROUGE-L's F-measure of two texts, 0.0 to 1.0."""
    return float(Indel.normalized_similarity(tokens(a), tokens(b)))


class Instructions:
    """The instructions of a leaf so far, and its hold-outs: what a new one must not repeat."""

    def __init__(self, holdouts: Iterable[str] = ()) -> None:
        self._holdouts = [tokens(text) for text in holdouts]
        self._earlier: list[list[str]] = []

    def admit(self, text: str) -> str | None:
        """Take an instruction in and return None, or return the reason why it is dropped."""
        words = tokens(text)
        if _near(words, self._holdouts):
            return "near a hold-out"
        if _near(words, self._earlier):
            return "near-duplicate"
        self._earlier.append(words)
        return None


def _near(words: list[str], others: list[list[str]]) -> bool:
    # F > t needs |shorter| / |longer| > t / (2 - t): most pairs are settled by their lengths.
    least, most = len(words) * 0.7 / 1.3, len(words) * 1.3 / 0.7
    return any(
        least <= len(other) <= most and Indel.normalized_similarity(words, other) > THRESHOLD
        for other in others
    )
