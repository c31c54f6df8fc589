import pytest

from tax.duplicates import Instructions, rouge_l


def test_rouge_l_by_hand():
    """Lin 2004: police killed the gunman / police kill the gunman share 'police the gunman': F = 2 * 3 / 8."""
    assert rouge_l("police killed the gunman", "police kill the gunman") == pytest.approx(0.75)
    assert rouge_l("police killed the gunman", "the gunman kill police") == pytest.approx(0.5)
    assert rouge_l("a b c d", "a b c d e f") == pytest.approx(0.8)


def test_a_chinese_character_is_a_token():
    assert rouge_l("臺灣的地震", "臺灣的颱風") == pytest.approx(0.6)


def test_above_the_threshold_is_dropped_and_at_it_is_not():
    instructions = Instructions()
    assert instructions.admit("one two three four five six seven") is None
    # LCS 7, lengths 7 and 13: 14 / 20 = 0.7 exactly, which is not above
    assert instructions.admit("one two three four five six seven a b c d e f") is None
    # LCS 7, lengths 7 and 12: 14 / 19 = 0.74
    assert Instructions(["one two three four five six seven"]).admit("one two three four five six seven a b c d e")


def test_what_is_dropped_is_not_compared_with():
    instructions = Instructions()
    assert instructions.admit("a b c d e f g h") is None
    assert instructions.admit("a b c d e f g x") == "near-duplicate"
    assert instructions.admit("a b c d e y z x") is None


def test_a_holdout_is_never_repeated():
    instructions = Instructions(["Why does the tide rise twice a day?"])
    assert instructions.admit("Why does the tide rise twice each day?") == "near a hold-out"
