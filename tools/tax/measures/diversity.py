"""How unlike each other texts are: distinct-n, mean pairwise ROUGE-L, self-BLEU.

All three work on tokens as text/prose.py cuts them, lower case, each CJK character by itself. More texts lower
distinct-n and raise self-BLEU whatever they say, so figures are compared at equal counts only.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import Indel

from tax.text.prose import tokens

PAIRS = 20_000  # above it, pairs are drawn rather than all compared
TEXTS = 2_000  # above it, self-BLEU is of a draw of the texts
SMOOTHING = 0.1  # the numerator of a precision without a match (method 1 of Chen and Cherry 2014)


def distinct(texts: Sequence[str], n: int) -> float | None:
    """Return distinct-n (Li et al. 2016): the share of the texts' n-grams that are different ones, 0 to 1."""
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        grams.update(_grams(tokens(text), n))
    total = grams.total()
    return len(grams) / total if total else None


def pairwise_rouge(texts: Sequence[str], *, pairs: int = PAIRS) -> float | None:
    """Return the mean ROUGE-L F-measure over all pairs of texts, or over so many pairs drawn with a fixed seed."""
    words = [tokens(text) for text in texts]
    if len(words) < 2:
        return None
    chosen = list(_pairs(len(words), pairs))
    return sum(float(Indel.normalized_similarity(words[a], words[b])) for a, b in chosen) / len(chosen)


def self_bleu(texts: Sequence[str], n: int = 4, *, most: int = TEXTS) -> float | None:
    """Return self-BLEU (Zhu et al. 2018): the mean BLEU-n of each text against all others, 0 to 1.

    BLEU with uniform weights up to n (fewer for shorter texts), the length of the closest other text for its brevity
    penalty, and smoothing of empty matches. A text without a token is left out.
    """
    chosen = list(texts) if len(texts) <= most else random.Random(0).sample(list(texts), most)
    words = [found for text in chosen if (found := tokens(text))]
    if len(words) < 2:
        return None
    grams = [[Counter(_grams(each, order)) for each in words] for order in range(1, n + 1)]
    most_common = [_two_highest(counts) for counts in grams]
    lengths = Counter(len(each) for each in words)
    total = 0.0
    for index, each in enumerate(words):
        precisions = [_precision(grams[order][index], most_common[order]) for order in range(min(n, len(each)))]
        score = math.exp(sum(math.log(precision) for precision in precisions) / len(precisions))
        total += _brevity(len(each), lengths) * score
    return total / len(words)


def _grams(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return (tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _pairs(count: int, most: int) -> Iterator[tuple[int, int]]:
    if count * (count - 1) // 2 <= most:
        yield from ((a, b) for a in range(count) for b in range(a))
        return
    drawn = random.Random(0)
    for _ in range(most):
        a, b = drawn.randrange(count), drawn.randrange(count - 1)
        yield a, b + (b >= a)


def _two_highest(counts: Sequence[Counter[tuple[str, ...]]]) -> dict[tuple[str, ...], tuple[int, int]]:
    """Return each n-gram's two highest counts within one text: for any text, one of them is of another text."""
    highest: dict[tuple[str, ...], tuple[int, int]] = {}
    for counted in counts:
        for gram, times in counted.items():
            first, second = highest.get(gram, (0, 0))
            highest[gram] = (times, first) if times > first else (first, max(second, times))
    return highest


def _precision(own: Counter[tuple[str, ...]], highest: dict[tuple[str, ...], tuple[int, int]]) -> float:
    matched = 0
    for gram, times in own.items():
        first, second = highest[gram]
        matched += min(times, second if times == first else first)
    return (matched or SMOOTHING) / own.total()


def _brevity(length: int, lengths: Counter[int]) -> float:
    """Return the penalty of a text shorter than the other text whose length is closest (the shorter of two)."""
    others = (each for each, times in lengths.items() if each != length or times > 1)
    closest = min(others, key=lambda other: (abs(other - length), other))
    return 1.0 if length >= closest else math.exp(1 - closest / length)
