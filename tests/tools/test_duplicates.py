import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.text.duplicates import Holdouts, Instructions, Sequences, rouge_l


def test_rouge_l_by_hand():
    """Lin 2004: police killed the gunman / police kill the gunman share 'police the gunman': F = 2 * 3 / 8."""
    assert rouge_l("police killed the gunman", "police kill the gunman") == pytest.approx(0.75)
    assert rouge_l("police killed the gunman", "the gunman kill police") == pytest.approx(0.5)
    assert rouge_l("a b c d", "a b c d e f") == pytest.approx(0.8)


def test_a_chinese_character_is_a_token():
    assert rouge_l("臺灣的地震", "臺灣的颱風") == pytest.approx(0.6)


def instructions(*holdouts):
    return Instructions(Holdouts(holdouts))


def test_above_the_threshold_is_dropped_and_at_it_is_not():
    seven = "one two three four five six seven"
    # LCS 7, lengths 7 and 13: 14 / 20 = 0.7 exactly, which is not above
    assert instructions(seven).admit(f"{seven} a b c d e f") is None
    # LCS 7, lengths 7 and 12: 14 / 19 = 0.74
    assert instructions(seven).admit(f"{seven} a b c d e") == "near a hold-out"


def test_what_is_dropped_is_not_compared_with():
    earlier = instructions()
    assert earlier.admit("a b c d e f g h") is None
    assert earlier.admit("a b c d e f g x") == "near-duplicate"
    assert earlier.admit("a b c d e y z x") is None


def test_a_holdout_is_never_repeated():
    found = instructions("Why does the tide rise twice a day?").admit("Why does the tide rise twice each day?")
    assert found == "near a hold-out"


def test_a_problem_with_other_numbers_is_another_problem():
    holdouts = Holdouts(["What is 3 plus 4?", "What is the plural of mouse?"])
    assert holdouts.near_problem("What is 3 plus 4 then?")
    assert not holdouts.near_problem("What is 3 plus 5?")
    assert holdouts.near("What is 3 plus 5?")


@given(st.lists(st.text("abcd ", min_size=1, max_size=12), max_size=8), st.text("abcd ", min_size=1, max_size=12))
def test_the_short_cut_finds_what_comparing_with_all_finds(earlier, text):
    slow = any(rouge_l(text, other) > 0.7 for other in earlier)
    assert Holdouts(earlier).near(text) == slow


@given(st.randoms(use_true_random=False), st.integers(1, 40), st.integers(2, 60))
def test_the_filter_loses_no_near_one_among_edits_of_one_text(random, length, vocabulary):
    text = [f"w{random.randrange(vocabulary)}" for _ in range(length)]
    sequences, earlier = Sequences(), []
    for _ in range(12):
        edited = [word for word in text if random.random() > 0.15]
        for _ in range(random.randrange(1 + length // 3)):
            edited.insert(random.randrange(len(edited) + 1), f"w{random.randrange(2 * vocabulary)}")
        assert sequences.near(edited) == any(rouge_l(" ".join(edited), " ".join(other)) > 0.7 for other in earlier)
        sequences.add(edited)
        earlier.append(edited)


def test_more_words_than_there_are_characters(monkeypatch):
    monkeypatch.setattr("sys.maxunicode", 5)
    earlier = instructions()
    assert earlier.admit("a b c d e f g h") is None
    assert earlier.admit("a b c d e f g x") == "near-duplicate"
    assert earlier.admit("a b c") is None
    assert earlier.admit("a b c") == "near-duplicate"
