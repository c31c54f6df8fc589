"""Draws and choices of mixing, without files: shares are exact, and no order of the inputs changes anything."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.mix import choose
from tax.mix.draw import apportion, draw, ranker
from tax.mix.plan import Plan
from tax.mix.pool import Entry, Left

SHARES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])


def entry(identity, leaf="leaf", stock="compositional", **changed):
    made = Entry(identity, identity, identity, 0, identity, leaf, stock, None, 0, 0, 0)
    return replace(made, **changed)


def plan(phases, **mix):
    return Plan.model_validate({"student": {"model": "m"}, "mix": mix, "phases": phases})


@st.composite
def pools(draw_from):
    """Entries of several leaves and stocks, a few of them recycled from others, a few asking the same."""
    count = draw_from(st.integers(0, 60))
    rng = random.Random(draw_from(st.integers(0, 2**32)))
    made = []
    for number in range(1, count + 1):
        earlier = rng.randrange(1, number) if number > 1 else 0
        stock = rng.choice(["knowledge", "foundational", "compositional"])
        made.append(
            entry(
                rng.getrandbits(40) * 100 + number,
                leaf=f"{stock}/{rng.choice('abc')}",
                stock=stock,
                parent=made[earlier - 1].identity if made and rng.random() < 0.15 else 0,
                asked=made[earlier - 1].asked if made and rng.random() < 0.1 else number,
                answer=rng.randrange(20),
            )
        )
    return made


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 1000), max_size=20), SHARES)
def test_a_draw_is_exact_as_a_whole_and_within_one_by_leaf(counts, share):
    drawn = apportion(counts, share)
    total = sum(counts.values())
    assert abs(sum(drawn.values()) - share * total) <= 0.5
    assert all(abs(drawn[name] - share * counts[name]) < 1 for name in counts)
    assert all(0 <= drawn[name] <= counts[name] for name in counts)


def test_a_share_is_what_was_written():
    assert apportion({"a": 1000}, 0.1) == {"a": 100}  # 0.1 is more than a tenth as it is stored
    assert apportion({"a": 5, "b": 5}, 0.5) == {"a": 3, "b": 2} or apportion({"a": 5, "b": 5}, 0.5) == {"a": 2, "b": 3}
    assert sum(apportion(dict.fromkeys("abcdefgh", 1), 0.25).values()) == 2


@given(st.sets(st.integers(1, 2**40), min_size=1, max_size=100), SHARES, st.integers(0, 9))
def test_a_draw_does_not_depend_on_order_and_hardly_on_others(identities, share, seed):
    rank = ranker(seed, "x")

    def drawn(numbers):
        return set(draw(numbers, share, lambda number: "leaf", lambda number: number, rank))

    ordered = sorted(identities)
    assert drawn(ordered) == drawn(reversed(ordered))
    before, after = drawn(ordered), drawn([*ordered, 2**41])
    assert len(before - after) <= 1  # the one that the new sample displaces


def test_another_seed_draws_others():
    numbers = range(1, 1000)
    one, two = (
        set(draw(numbers, 0.5, lambda number: "leaf", lambda number: number, ranker(seed, "x"))) for seed in (0, 1)
    )
    assert one != two and 150 < len(one & two) < 350


@given(pools(), SHARES)
def test_a_replay_is_a_stratified_share_of_the_phases_own(entries, share):
    phases = {"kt": {"take": ["foundational"]}, "st": {"take": ["compositional"], "replay": {"kt": share}}}
    filled = choose.fill(entries, plan(phases))
    own, replayed = filled["kt"].own, filled["st"].replayed["kt"]
    assert abs(len(replayed) - share * len(own)) <= 0.5
    assert {each.identity for each in replayed} <= {each.identity for each in own}
    assert len({each.identity for each in replayed}) == len(replayed)
    drawn = Counter(each.leaf for each in replayed)
    for leaf, count in Counter(each.leaf for each in own).items():
        assert abs(drawn[leaf] - share * count) < 1


def test_a_replay_does_not_take_what_the_phase_replayed_itself():
    entries = [entry(1, stock="knowledge-short"), entry(2, stock="knowledge-long"), entry(3)]
    phases = {
        "kt1": {"take": ["knowledge-short"]},
        "kt2": {"take": ["knowledge-long"], "replay": {"kt1": 1.0}},
        "st": {"take": ["compositional"], "replay": {"kt2": 1.0}},
    }
    filled = choose.fill(entries, plan(phases))
    assert [each.identity for each in filled["kt2"].replayed["kt1"]] == [1]
    assert [each.identity for each in filled["st"].replayed["kt2"]] == [2]


def test_a_replay_repeats_nothing_that_the_phase_has_itself():
    entries = [entry(1), entry(2, stock="foundational")]
    phases = {"one": {"take": ["all"]}, "two": {"take": ["compositional"], "replay": {"one": 1.0}}}
    filled = choose.fill(entries, plan(phases))
    assert [each.identity for each in filled["two"].replayed["one"]] == [2]


@given(pools(), SHARES, st.integers(0, 3))
def test_what_is_set_aside_shares_no_question_and_no_ancestor_with_what_is_trained_on(entries, share, seed):
    family_of = choose.families(entries)
    choose.set_aside(entries, share, seed, family_of)
    held = [each for each in entries if each.role == "heldout"]
    trained = [each for each in entries if each.role == "train"]
    assert not {each.asked for each in held} & {each.asked for each in trained}
    parent_of = {each.identity: each.parent for each in entries}

    def root(identity):
        while parent_of.get(identity):
            identity = parent_of[identity]
        return identity

    assert not {root(each.identity) for each in held} & {root(each.identity) for each in trained}
    if share in (0, 1):
        assert len(held) == share * len(entries)


@given(pools(), st.randoms(use_true_random=False))
def test_the_order_of_the_inputs_changes_nothing(entries, shuffler):
    phases = {
        "kt": {"take": ["knowledge-short", "foundational"]},
        "st": {"take": ["knowledge-long", "compositional"], "replay": {"kt": 0.5}},
    }

    def result(order):
        order = [replace(each) for each in order]
        family_of = choose.families(order)
        chosen = choose.distinct(order, Left())
        choose.set_aside(chosen, 0.25, 0, family_of)
        threshold = choose.split_knowledge(chosen, "median")
        filled = choose.fill(chosen, plan(phases))
        told = {
            name: [sorted(each.identity for each in group) for group in (f.own, f.heldout, *f.replayed.values())]
            for name, f in filled.items()
        }
        return threshold, told

    shuffled = list(entries)
    shuffler.shuffle(shuffled)
    assert result(entries) == result(shuffled)


def test_short_answers_are_those_up_to_the_median():
    entries = [entry(number, stock="knowledge", answer=number) for number in (1, 2, 3, 4, 90)]
    held = entry(9, stock="knowledge", answer=1000, role="heldout")
    assert choose.split_knowledge([*entries, held], "median") == (3, 5)
    assert [each.stock for each in entries] == ["knowledge-short"] * 3 + ["knowledge-long"] * 2
    assert held.stock == "knowledge-long"


def test_a_threshold_of_the_plan_is_taken_as_it_is():
    entries = [entry(1, stock="knowledge", answer=50), entry(2, stock="knowledge", answer=51), entry(3)]
    assert choose.split_knowledge(entries, 50) == (50, 2)
    assert [each.stock for each in entries] == ["knowledge-short", "knowledge-long", "compositional"]


def test_of_equal_conversations_one_stays():
    left = Left()
    entries = [entry(1, said=7, choice=2), entry(2, said=7, choice=1, source=1), entry(3)]
    assert {each.identity for each in choose.distinct(entries, left)} == {2, 3}
    assert left.counts == {choose.REPEATED: {0: 1}}


def test_an_id_is_given_once():
    left = Left()
    entries = [entry(1, said=7, choice=2), entry(1, said=8, choice=1)]
    assert [each.said for each in choose.distinct(entries, left)] == [8]
    assert left.counts == {choose.ALIAS: {0: 1}}


def test_recycled_samples_replace_their_parents():
    left = Left()
    entries = [entry(1), entry(2, parent=1), entry(3, parent=2), entry(4)]
    assert [each.identity for each in choose.without_parents(entries, left)] == [3, 4]
    assert left.counts == {choose.REPLACED: {0: 2}}


def test_what_no_phase_takes_is_left_out():
    left = Left()
    entries = [
        entry(1),
        entry(2, stock="knowledge"),
        entry(3, stock="feedback"),
        entry(4, stock="feedback", phase="kt"),
    ]
    kept = choose.used(entries, plan({"kt": {"take": ["knowledge-short"]}}), left)
    assert [each.identity for each in kept] == [2, 4]
    assert left.counts == {"no phase takes compositional": {0: 1}, "no phase takes feedback": {0: 1}}


@pytest.mark.parametrize(
    ("phases", "reason"),
    [
        ({"a": {"take": ["compositional"], "replay": {"b": 1.0}}}, "no earlier phase"),
        ({"a": {"take": ["compositional"], "replay": {"a": 1.0}}}, "no earlier phase"),
        ({"a": {"take": ["corpus"]}}, "kind cpt"),
        ({"a": {"take": ["all", "corpus"], "kind": "cpt"}}, "kind cpt"),
        ({"a": {"kind": "cpt", "take": ["corpus"]}, "b": {"take": ["all"], "replay": {"a": 0.1}}}, "documents"),
        ({"a": {"take": ["compositional"]}, "b": {"take": ["all"], "replay": {"a": 1.5}}}, "less than or equal to 1"),
        ({"heldout": {"take": ["all"]}}, "another file"),
        ({"../a": {"take": ["all"]}}, "pattern"),
        ({"a": {"take": ["everything"]}}, "compositional"),
        ({"a": {"take": []}}, "at least 1"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(phases, reason):
    with pytest.raises(ValueError, match=reason):
        plan(phases)
