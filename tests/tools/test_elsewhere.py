"""Seeds that repeat those of other leaves: what is told, and that it depends on the leaves alone."""

import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tax.config import Config
from tax.load import load
from tax.rules import elsewhere
from tax.rules.elsewhere import EXACT, NEARLY, renewed, repeats
from tax.rules.prints import Prints, prints_of
from tax.validate import validate, verdicts

HEAD = "version: 4\ncreated_by: ada\nlicense: CC-BY-4.0\ntask_description: Explain the sea.\nseed_examples:\n"


@pytest.fixture
def leaf(tmp_path, monkeypatch):
    """Write a leaf of question and answer pairs into a taxonomy, which is below the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(name, *pairs, context=None):
        path = Path("taxonomy/compositional_skills", name, "qna.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        more = f"    context: {context}\n" if context else ""
        path.write_text(
            HEAD + "".join(f"  - question: {q}\n    answer: {a}\n{more}" for q, a in pairs), encoding="utf-8"
        )
        return path

    return write


def told(*paths):
    """What is told of repeats: the leaf, the line, the rule and the message."""
    report = validate([Path(path) for path in paths] or [Path("taxonomy")], Config(), Path.cwd())
    return [
        (Path(p.path).parent.name, p.line, p.rule, p.message.replace("taxonomy/compositional_skills/", ""))
        for p in report.problems
        if p.rule in {EXACT, NEARLY}
    ]


TIDE = ("How often does the sea rise in one day?", "It rises twice a day.")
SPRING = ("What is a spring tide?", "A tide of large range.")


def test_a_question_that_stands_in_another_leaf(leaf):
    leaf("a", SPRING, TIDE)
    leaf("b", ("How often does the sea   RISE in one day?", "Nobody knows."))
    assert told() == [
        ("a", 8, EXACT, "this question stands in another leaf too: b/qna.yaml, line 6"),
        ("b", 6, EXACT, "this question stands in another leaf too: a/qna.yaml, line 8"),
    ]


def test_several_other_leaves(leaf):
    for name in "abcd":
        leaf(name, TIDE)
    assert [message.partition(": ")[2] for _, _, _, message in told()] == [
        "b/qna.yaml, line 6, and in 2 more",
        "a/qna.yaml, line 6, and in 2 more",
        "a/qna.yaml, line 6, and in 2 more",
        "a/qna.yaml, line 6, and in 2 more",
    ]


def test_near_repeats(leaf):
    leaf("a", SPRING, TIDE)
    leaf("b", ("How often does the sea rise in a day?", "It rises twice a day, roughly."))
    assert told() == [
        ("a", 8, NEARLY, "question and answer nearly repeat those of b/qna.yaml, line 6"),
        ("b", 6, NEARLY, "question and answer nearly repeat those of a/qna.yaml, line 8"),
    ]


@pytest.mark.parametrize(
    "pair",
    [
        ("How often does the sea rise in a day?", "Ask the harbour master, who keeps the tables."),
        ("What rises twice?", "It rises twice a day."),
        ("How high does the sea rise in Brest?", "It rises seven metres."),
    ],
)
def test_what_is_alike_in_part_passes(leaf, pair):
    leaf("a", TIDE)
    leaf("b", pair)
    assert told() == []


def test_a_context_counts_with_its_question(leaf):
    leaf("a", ("Sum it up.", "A short text."), context="The first text is about the sea.")
    leaf("b", ("Sum it up.", "A short text."), context="Quite another one tells of bread and of those who bake it.")
    assert told() == []
    leaf("c", ("Sum it up.", "Something else."), context="The first text is  about the sea.")
    assert [(name, rule) for name, _, rule, _ in told()] == [("a", EXACT), ("c", EXACT)]


def test_repeats_within_a_leaf_are_not_told_here(leaf):
    leaf("a", TIDE, TIDE, ("How often does the sea rise in a day?", "It rises twice a day."))
    assert told() == []


def test_chinese_seeds(leaf):
    leaf("a", ("潮汐是什麼？請用一句話說明。", "潮汐是海水受月球與太陽引力而漲落的現象。"))
    leaf("b", ("潮汐是什麼？請用兩句話說明。", "潮汐是海水受月球與太陽引力而漲落的現象。"))
    assert [(name, rule) for name, _, rule, _ in told()] == [("a", NEARLY), ("b", NEARLY)]


def test_one_leaf_is_compared_with_the_whole_taxonomy(leaf):
    path = leaf("a", TIDE)
    leaf("b", TIDE)
    assert [name for name, *_ in told(path)] == ["a"]
    assert validate([path], Config(), Path.cwd()).checked == 1


def test_a_leaf_elsewhere_is_compared_too(leaf, tmp_path):
    leaf("a", TIDE)
    other = tmp_path / "drafts" / "compositional_skills" / "x" / "qna.yaml"
    other.parent.mkdir(parents=True)
    other.write_text(textwrap.dedent(leaf("b", TIDE).read_text()))
    assert [name for name, *_ in told(other)] == ["x"]


def test_the_order_of_the_paths_and_the_number_of_processes_change_nothing(leaf, monkeypatch):
    paths = [leaf(name, TIDE, SPRING, (f"{name} is what?", f"A letter called {name}.")) for name in "abcdef"]
    one = told()
    assert sorted(told(*reversed(paths))) == sorted(one)
    monkeypatch.setattr(verdicts, "PARALLEL_FROM", 2)
    monkeypatch.setattr(verdicts, "_BATCH", 2)
    assert told() == one


LONG = "the sea rises twice a day and sinks as often in most harbours of this coast".split()
# sentences that are the same but for a word or two, and some short ones: many are near each other
TEXTS = st.tuples(st.integers(0, 14), st.sampled_from("ebb flood moon".split())).map(
    lambda pick: " ".join([*LONG[: pick[0]], pick[1], *LONG[pick[0] + 1 :]])
) | st.sampled_from(["the sea", "a tide", "a", "the moon rises"])
SEEDS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4)
TREES = st.dictionaries(st.sampled_from("abcdefghij"), SEEDS, max_size=8)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Return the prints of a tree; of leaves that are the same, the same object, as a cache does."""
    path = tmp_path_factory.mktemp("one") / "compositional_skills" / "x" / "qna.yaml"
    path.parent.mkdir(parents=True)
    known = {}

    def prints(seeds):
        text = HEAD + "".join(f"  - question: {q}\n    answer: {a}\n" for q, a in seeds)
        if text not in known:
            path.write_text(text)
            known[text] = prints_of(load(path))
        return known[text]

    return lambda tree: {name: prints(seeds) for name, seeds in tree.items()}


@settings(max_examples=120, deadline=None)
@given(before=TREES, changes=TREES, gone=st.sets(st.sampled_from("abcdefghij")))
def test_what_is_renewed_is_what_is_found_anew(printed, before, changes, gone):
    old = printed(before)
    new = printed({name: seeds for name, seeds in {**before, **changes}.items() if name not in gone})
    few = elsewhere._FEW
    elsewhere._FEW = 100
    try:
        assert renewed(repeats(old), old, new) == repeats(new)
    finally:
        elsewhere._FEW = few


@settings(max_examples=100, deadline=None)
@given(tree=TREES)
def test_every_exact_repeat_is_found(printed, tree):
    found = repeats(printed(tree))
    for name, seeds in tree.items():
        others = [question for other, each in tree.items() if other != name for question, _ in each]
        exact = [each.seed for each in found[name] if each.leaves]
        assert exact == [index for index, (question, _) in enumerate(seeds) if question in others]


def test_a_crowd_of_seeds_that_are_alike_takes_few_comparisons(printed, monkeypatch):
    """Boilerplate in each of 300 leaves: 44,850 pairs, of which a few a seed are looked at."""
    shared = "please read the tables of this harbour with care and say how high the sea will stand on day"
    tree = {f"leaf{index:03}": [(f"{shared} {index}", f"it will stand at mark {index}")] for index in range(300)}
    prints = printed(tree)
    compared = []
    alike = elsewhere._alike
    monkeypatch.setattr(elsewhere, "_alike", lambda *pair: compared.append(pair) or alike(*pair))
    found = repeats(prints)
    assert all(found.values())
    assert len(compared) < 300 * 5


@given(data=st.binary(max_size=400))
def test_no_bytes_make_prints_fail_otherwise_than_told(data):
    try:
        prints = Prints(data)
    except ValueError:
        return
    for seed in range(prints.count):
        assert all(isinstance(each, str) for each in prints.words(seed))
        assert len(prints.place(seed)) == 2
