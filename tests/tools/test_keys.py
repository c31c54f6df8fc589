"""Keys that a leaf does not know: what their authors meant by them, told once and without loss of their work."""

import pytest

from tax.load import load

HEAD = """\
version: 4
created_by: octocat
license: CC-BY-4.0
task_description: Answer questions about everyday physics in one sentence.
seed_examples:
"""
KNOWLEDGE = """\
version: 4
created_by: octocat
license: CC-BY-4.0
domain: Geography
document_outline: Rivers
documents: [{path: rivers.md, license: CC0-1.0}]
seed_examples:
"""


@pytest.fixture
def told(tmp_path):
    """What is told of a leaf: told(text, branch) -> each problem's rule, the key that it names, and its fix."""

    def read(text, branch="compositional_skills"):
        path = tmp_path / branch / "a" / "qna.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        read.version = (loaded := load(path)).version
        return [(each.rule, each.message.split("`")[1], each.fix) for each in loaded.problems]

    return read


@pytest.mark.parametrize(
    ("keys", "meant"),
    [
        (["Q", "A"], ["question", "answer"]),
        (["Question", "Answer"], ["question", "answer"]),
        (["prompt", "completion"], ["question", "answer"]),
        (["input", "output"], ["question", "answer"]),
        (["instruction", "input", "output"], ["question", "context", "answer"]),
        (["question", "input", "response"], ["", "context", "answer"]),
        (["question", "answer", "passage"], ["", "", "context"]),
        (["question", "answer", "held-out"], ["", "", "holdout"]),
    ],
)
def test_another_name_of_a_key_is_told_once(told, keys, meant):
    seed = "  - " + "\n    ".join(f"{key}: {'true' if key == 'held-out' else 'a b'}" for key in keys)
    expected = [("unknown-key", key, f"did you mean `{each}`?") for key, each in zip(keys, meant, strict=True) if each]
    assert told(HEAD + seed) == expected


@pytest.mark.parametrize(
    ("key", "letter"), [("question\u200b", "U+200B"), ("questi\u043en", "U+043E"), ("“question”", "")]
)
def test_a_key_that_only_looks_right_has_its_strange_letter_named(told, key, letter):
    [(rule, found, fix)] = told(HEAD + f"  - {key}: a b\n    answer: a b\n")
    strange = f" Type it anew, as {letter} in it is invisible or looks like another letter" if letter else ""
    assert (rule, found, fix) == ("unknown-key", key, f"did you mean `question`?{strange}")


@pytest.mark.parametrize("key", ["qa", "qna", "Q&A", "questions", "question_and_answers"])
def test_other_names_of_the_pairs_of_a_passage(told, key):
    pairs = f"  - context: The Rhine is long.\n    {key}: [{{question: Is it?, answer: It is.}}]\n"
    fix = "did you mean `questions_and_answers`?"
    assert told(KNOWLEDGE + pairs, "knowledge") == [("unknown-key", key, fix)]


def test_a_pair_outside_of_its_list(told):
    found = told(KNOWLEDGE + "  - {context: The Rhine is long., q: Is it?, a: It is.}", "knowledge")
    assert {fix for rule, _, fix in found if rule == "unknown-key"} == {
        "put each question with its answer under `questions_and_answers`, as an item of that list"
    }


@pytest.mark.parametrize("key", ["conversations", "dialogue", "turns"])
def test_other_names_of_a_dialogue(told, key):
    seed = f"  - {key}: [{{role: user, content: a}}, {{role: assistant, content: b}}]\n"
    assert told(HEAD + seed) == [("unknown-key", key, "did you mean `messages`?")]


@pytest.mark.parametrize(
    ("seed", "fix"),
    [
        ("  - seed1:\n      question: a\n      answer: b\n", "to the dash, as in `- question: ...`"),
        ("  - seed1: {Q: a, A: b}\n", "to the dash, as in `- question: ...`"),
        ("  - question1: {question: a, answer: b}\n", "to the dash, as in `- question: ...`"),
        ("  - seed1:\n      messages: [{role: user, content: a}]\n", "to the dash, as in `- messages: ...`"),
        ("  - question: a\n    rest: {answer: b}\n", "no deeper than `rest:` stands now"),
    ],
)
def test_keys_below_a_name_of_their_own(told, seed, fix):
    [(rule, key, text)] = told(HEAD + seed)
    assert rule == "unknown-key" and f"{key}:" in seed
    assert text.startswith(f"delete {'the line ' if key == 'rest' else ''}`{key}:`") and text.endswith(fix)


def test_a_group_that_holds_nothing_of_the_leaf_s_is_deleted(told):
    [(rule, key, fix)] = told(HEAD + "  - {question: a, answer: b, meta: {question: c, source: d}}\n")
    assert (rule, key) == ("unknown-key", "meta") and fix.startswith("delete it; the keys here are")


def test_a_whole_leaf_below_one_name(told):
    lines = (HEAD + "  - {question: a, answer: b}").splitlines()
    [(_, key, fix)] = told("leaf:\n" + "\n".join(f"  {line}" for line in lines))
    assert key == "leaf" and fix.startswith("delete the line `leaf:` and move its keys up")


SEEDS = "  - {question: a, answer: b}\n"


@pytest.mark.parametrize("key", ["Version", "VERSION"])
def test_a_version_in_capitals_counts(told, key):
    text = (HEAD + SEEDS).replace("version", key).replace("license", "License")
    meant = {key: "version", "License": "license"}
    assert told(text) == [("unknown-key", each, f"did you mean `{name}`?") for each, name in meant.items()]
    assert told.version == 4


def test_what_a_version_in_capitals_says_may_be_wrong(told):
    assert told(f"Version: 9\nseed_examples:\n{SEEDS}")[0][:2] == ("unsupported-version", "version")
    assert told.version == 0
    assert told(f"version: 4\nVersion: 9\nseed_examples:\n{SEEDS}") and told.version == 4


@pytest.mark.parametrize("key", ["license", "License", "licence"])
def test_a_licence_in_an_older_leaf_is_not_to_be_lost(told, key):
    [(_, found, fix)] = told((HEAD + SEEDS).replace("version: 4\n", "").replace("license", key))
    name = "it" if key == "license" else "`license`"
    assert (found, fix) == (key, f"version 4 of the format has {name}: write `version: 4` at the top; else delete it")


@pytest.mark.parametrize(
    ("line", "key", "fix"),
    [
        ("created_by: [octocat, hubot]", "created_by", 'write one text with the names in it: "octocat, hubot"'),
        ("license: [CC-BY-4.0, MIT]", "license", "write CC-BY-4.0 AND MIT (OR in the place of AND, if one may choose)"),
        ("license: [MIT]", "license", "write it without brackets and dashes: MIT"),
        ("created_by:\n  - octocat", "created_by", "write it without brackets and dashes: octocat"),
    ],
)
def test_a_list_where_names_are_one_text(told, line, key, fix):
    lines = [line if each.startswith(key) else each for each in (HEAD + SEEDS).splitlines()]
    assert told("\n".join(lines)) == [("wrong-type", key, fix)]
