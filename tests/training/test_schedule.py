"""The learning rate, step by step."""

import pytest

from tax_training import schedule
from tax_training.plan import Phase


def phase(**settings):
    return Phase(take=["all"], learning_rate=0.1, **settings)


def test_linear_warm_up_then_constant():
    rates = [schedule.learning_rate(phase(warmup=4), step, 8) for step in range(8)]
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1, 0.1])


def test_a_warm_up_below_1_is_a_share_of_the_steps():
    assert schedule.warmup_steps(phase(warmup=0.03), 1000) == 30
    assert schedule.warmup_steps(phase(warmup=385), 1000) == 385


def test_cosine_ends_near_zero_and_is_halved_midway():
    rates = [schedule.learning_rate(phase(schedule="cosine", warmup=2), step, 10) for step in range(10)]
    assert rates[1] == rates[2] == 0.1
    assert rates[6] == pytest.approx(0.05)  # 4 of 8 steps after the warm-up: 0.1 x (1 + cos(pi / 2)) / 2
    assert rates[9] == pytest.approx(0.1 * 0.0380602)  # (1 + cos(7 pi / 8)) / 2


def test_cosine_before_another_phase_and_endless_warm_up_are_warned_of():
    cosine = phase(schedule="cosine")
    assert schedule.warnings([("sft", cosine)], {"sft": 10}) == []
    told = schedule.warnings([("kt", cosine), ("st", phase(warmup=800))], {"kt": 10, "st": 240})
    assert len(told) == 2
    assert "LAB, section 3.3" in told[0]
    assert "outlasts the phase's 240" in told[1]
