"""How long texts are, in words (each CJK character counts as one)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, quantiles

from tax.text.prose import tokens


@dataclass(frozen=True)
class Lengths:
    """Mean and quartiles of some lengths, in words."""

    count: int
    mean: float
    quartiles: tuple[float, float, float]


def words(text: str) -> int:
    """Return how many words a text has."""
    return len(tokens(text))


def lengths(texts: Iterable[str]) -> Lengths | None:
    """Return the lengths of texts, or None where there is no text."""
    counts: Sequence[int] = [words(text) for text in texts]
    if not counts:
        return None
    first, second, third = quantiles(counts, n=4, method="inclusive") if len(counts) > 1 else [float(counts[0])] * 3
    return Lengths(len(counts), mean(counts), (first, second, third))
