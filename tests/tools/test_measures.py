"""Measures of diversity and coverage, worked by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.measures.coverage import _united, coverage
from tax.measures.diversity import distinct, pairwise_rouge, self_bleu
from tax.text.duplicates import rouge_l


def test_distinct_by_hand():
    # the cat sat, the cat ran: 6 words, 4 different; 4 pairs of words, 3 different
    texts = ["The cat sat.", "The cat ran!"]
    assert distinct(texts, 1) == pytest.approx(4 / 6)
    assert distinct(texts, 2) == pytest.approx(3 / 4)
    assert distinct(texts, 4) is None
    assert distinct([], 1) is None


def test_distinct_counts_each_chinese_character():
    assert distinct(["潮汐潮汐"], 1) == pytest.approx(2 / 4)


def test_pairwise_rouge_by_hand():
    # LCS(a b c d, a c d e) = 3 of 4 and 4: F = 6 / 8; with x y nothing in common
    assert pairwise_rouge(["a b c d", "a c d e", "x y"]) == pytest.approx((0.75 + 0 + 0) / 3)
    assert pairwise_rouge(["alone"]) is None


def test_drawn_pairs_are_the_same_each_time_and_near_the_mean_of_all():
    texts = [f"{word} {number}" for word in ("a b c", "a b", "x") for number in range(40)]
    drawn = pairwise_rouge(texts, pairs=2000)
    assert drawn == pairwise_rouge(texts, pairs=2000)
    assert drawn == pytest.approx(pairwise_rouge(texts, pairs=10**9), abs=0.02)


def test_self_bleu_of_equal_texts_is_one():
    assert self_bleu(["the tide is high now"] * 3) == pytest.approx(1.0)


def test_self_bleu_by_hand():
    # "a b c" against "a b d e": 2 of 3 words, 1 of 2 pairs, 0 of 1 triples (smoothed 0.1), 3 words against 4.
    # "a b d e" against "a b c": 2 of 4, 1 of 3, 0 of 2, 0 of 1 (0.1 each); longer, so no penalty.
    first = math.exp(1 - 4 / 3) * (2 / 3 * 1 / 2 * 0.1) ** (1 / 3)
    second = (2 / 4 * 1 / 3 * 0.1 / 2 * 0.1) ** (1 / 4)
    assert self_bleu(["a b c", "a b d e"]) == pytest.approx((first + second) / 2)


def test_self_bleu_clips_by_the_highest_count_in_another_text():
    # "a a a": another text has "a" at most twice, so 2 of 3; pairs: "a a" once elsewhere, 1 of 2.
    one = self_bleu(["a a a", "a a", "a"], n=2)
    first = (2 / 3 * 1 / 2) ** 0.5
    second = (2 / 2 * 1 / 1) ** 0.5  # the other length that is closest, the shorter of 1 and 3, is 1
    third = math.exp(1 - 2 / 1) * 1.0
    assert one == pytest.approx((first + second + third) / 3)


@given(st.lists(st.text("ab 潮汐", max_size=12), max_size=6))
def test_measures_are_shares(texts):
    for value in (distinct(texts, 2), pairwise_rouge(texts), self_bleu(texts)):
        assert value is None or -1e-9 <= value <= 1 + 1e-9


@given(st.text("ab ", max_size=12), st.text("ab ", max_size=12))
def test_the_rouge_of_a_pair_is_that_of_duplicates(a, b):
    assert pairwise_rouge([a, b]) == pytest.approx(rouge_l(a, b))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: tuple(sorted(pair)))))
def test_united_spans_count_each_character_once(spans):
    assert _united(spans) == len({at for start, end in spans for at in range(start, end)})


def test_coverage_without_documents_is_unknown():
    assert coverage([], {}) is None
    assert coverage([], {"blob": 10}) == 0
