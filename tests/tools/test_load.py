"""One leaf, read: any bytes end in problems and never in an exception; old versions are lifted."""

import copy
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tax.leaf import (
    UNSTATED_LICENSE,
    DialogueSeed,
    KnowledgeLeaf,
    PinnedDocument,
    QuestionSeed,
    SkillLeaf,
    UnpinnedDocument,
)
from tax.load import load

GOOD = Path(__file__).parent.parent / "leaves" / "good"
SKILL = (GOOD / "compositional_skills/free/qna.yaml").read_bytes()


@pytest.fixture
def file(tmp_path):
    """A place for a skill leaf: file(bytes) -> what was loaded."""
    path = tmp_path / "taxonomy" / "compositional_skills" / "writing" / "qna.yaml"
    path.parent.mkdir(parents=True)

    def write(data):
        path.write_bytes(data)
        return load(path, "qna.yaml")

    write.path = path
    return write


def rules(loaded):
    return [(problem.rule, problem.line, problem.column) for problem in loaded.problems]


def test_a_leaf(file):
    leaf = file(SKILL)
    assert isinstance(leaf.leaf, SkillLeaf)
    assert (leaf.version, leaf.branch, leaf.name) == (4, "compositional_skills", "compositional_skills/writing")
    assert leaf.problems == ()
    assert leaf.leaf.seed_examples[4].holdout
    written = subprocess.run(["git", "hash-object", file.path], capture_output=True, text=True, check=True).stdout
    assert leaf.blob == written.strip()


@pytest.mark.parametrize(
    ("path", "name", "branch"),
    [
        ("taxonomy/knowledge/sea/tides/qna.yaml", "knowledge/sea/tides", "knowledge"),
        ("foundational_skills/maths/qna.yaml", "foundational_skills/maths", "foundational_skills"),
        ("knowledge/home/taxonomy/compositional_skills/x/qna.yaml", "compositional_skills/x", "compositional_skills"),
        ("knowledge/home/compositional_skills/x/qna.yaml", "compositional_skills/x", "compositional_skills"),
        (
            "taxonomy/knowledge/compositional_skills/x/qna.yaml",
            "knowledge/compositional_skills/x",
            "knowledge",
        ),
        ("taxonomy/../knowledge/./x/qna.yaml", "knowledge/x", "knowledge"),
        ("elsewhere/qna.yaml", "elsewhere", "compositional_skills"),
    ],
)
def test_the_path_says_the_name_and_the_branch(tmp_path, monkeypatch, path, name, branch):
    monkeypatch.chdir(tmp_path)
    loaded = load(Path(path))
    assert (loaded.name, loaded.branch, loaded.shown) == (name, branch, Path(path).as_posix())


def test_a_leaf_named_from_its_own_folder(tmp_path, monkeypatch):
    folder = tmp_path / "knowledge" / "tides"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert load(Path("qna.yaml")).name == "knowledge/tides"


def test_without_a_branch_the_keys_say_it(tmp_path):
    path = tmp_path / "qna.yaml"
    path.write_bytes((GOOD / "knowledge/pinned/qna.yaml").read_bytes())
    assert load(path).branch == "knowledge"
    assert isinstance(load(path).leaf, KnowledgeLeaf)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (SKILL.replace(b"Norway", b"Norw\xe4y"), [("not-utf8", 6, 42)]),
        (SKILL.replace(b"version: 4", b"version: 4 # \xf0\x9f\x8e\xb5 \xff"), [("not-utf8", 1, 16)]),
        (b"\xef\xbb\xbf" + SKILL, [("byte-order-mark", 1, 1)]),
        (b"\xef\xbb\xbf" + SKILL.replace(b"lee", b"l\xffe"), [("byte-order-mark", 1, 1), ("not-utf8", 2, 14)]),
        (SKILL.decode().encode("utf-16"), [("not-utf8", 1, 1)]),
        (SKILL.replace(b"Oslo", b"Os\0lo"), [("forbidden-character", 7, 15)]),
        (SKILL.replace(b"\n", b"\r\n"), [("line-ends", 1, 11)]),
        (b"", [("empty-file", 1, 1)]),
        (b"# soon\n", [("empty-file", 1, 1)]),
        (b"{}\n", [("empty-file", 1, 1)]),
        (b"# a text\nhello\n", [("no-keys", 2, 1)]),
        (b"- a\n", [("no-keys", 1, 1)]),
        (b"version:\n", [("unsupported-version", 1, 9)]),
        (b"version: true\n", [("unsupported-version", 1, 10)]),
        (b"version: [4]\n", [("unsupported-version", 1, 10)]),
        (b"version: 0\n", [("unsupported-version", 1, 10)]),
        (b"a: " + b"x" * 2_000_000, [("too-large", 1, 1)]),
    ],
    ids=range(17),
)
def test_bytes_that_are_no_sound_leaf(file, data, expected):
    assert rules(file(data)) == expected


def test_a_mark_of_windows_keeps_no_leaf_from_being_read(file):
    loaded = file(b"\xef\xbb\xbf" + SKILL.replace(b"\n", b"\r\n"))
    assert loaded.leaf == file(SKILL).leaf
    assert {problem.level for problem in loaded.problems} <= {"warning"} and loaded.leaf is not None


def test_a_leaf_with_an_error_is_not_handed_on(file):
    assert file(SKILL.replace(b"Oslo", b"Os\xfflo")).leaf is None
    assert file(SKILL + b"license: MIT\n").leaf is None


def test_what_is_no_file(tmp_path):
    folder = tmp_path / "compositional_skills"
    (folder / "qna.yaml").mkdir(parents=True)
    assert rules(load(folder / "qna.yaml")) == [("unreadable-file", 1, 1)]
    assert rules(load(folder / "missing" / "qna.yaml")) == [("unreadable-file", 1, 1)]
    assert rules(load(folder / "a\0b" / "qna.yaml")) == [("unreadable-file", 1, 1)]
    os.mkfifo(folder / "pipe")
    assert rules(load(folder / "pipe")) == [("unreadable-file", 1, 1)]
    assert load(folder / "pipe").blob == ""


def test_links_stay_within_the_taxonomy(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "qna.yaml").write_bytes(SKILL)
    branch = tmp_path / "taxonomy" / "compositional_skills"
    for name in "abc":
        (branch / name).mkdir(parents=True)
    (branch / "a" / "qna.yaml").write_bytes(SKILL)
    (branch / "b" / "qna.yaml").symlink_to("../a/qna.yaml")
    (branch / "c" / "qna.yaml").symlink_to(tmp_path / "secret" / "qna.yaml")
    (branch / "d").symlink_to(tmp_path / "secret")
    (branch / "e").symlink_to(branch / "e")
    assert load(branch / "b" / "qna.yaml").leaf is not None
    for name in "cd":
        loaded = load(branch / name / "qna.yaml")
        assert rules(loaded) == [("symlink", 1, 1)]
        assert (loaded.leaf, loaded.blob, loaded.source.text) == (None, "", "")
    assert load(branch / "e" / "qna.yaml").leaf is None


def test_a_checkout_behind_a_link_is_read(tmp_path):
    folder = tmp_path / "real" / "taxonomy" / "compositional_skills" / "a"
    folder.mkdir(parents=True)
    (folder / "qna.yaml").write_bytes(SKILL)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert load(tmp_path / "link/taxonomy/compositional_skills/a/qna.yaml").leaf is not None


def test_a_dialogue(file):
    leaf = file((GOOD / "compositional_skills/dialogue/qna.yaml").read_bytes()).leaf
    assert isinstance(leaf.seed_examples[0], DialogueSeed)
    assert leaf.seed_examples[2].messages[1].content == "No"


def test_version_1_is_lifted():
    loaded = load(GOOD / "compositional_skills/v1_without_version/qna.yaml")
    leaf = loaded.leaf
    assert (loaded.version, leaf.version, leaf.license, leaf.language) == (1, 4, UNSTATED_LICENSE, "en")
    assert leaf.task_description == "V1 without version"
    assert leaf.response_style == "precise" and leaf.problem_templates == [] and leaf.dataset is None
    no, blank, number = leaf.seed_examples
    assert isinstance(no, QuestionSeed) and no.answer == "No" and no.context is None and not no.holdout
    assert blank.answer == " "
    assert (number.answer, number.context) == ("08", "1e5")
    assert number.messages[0].content == "1e5\n\nHow is eight written with two digits?"


def test_a_description_is_made_from_the_folders(file):
    data = b"task_description: ''\ncreated_by: a\nseed_examples: [{question: q, answer: a}]\n"
    assert file(data).leaf.task_description == "Writing"
    folder = file.path.parent / "free_verse" / "sea-side"
    folder.mkdir(parents=True)
    (folder / "qna.yaml").write_bytes(data)
    assert load(folder / "qna.yaml").leaf.task_description == "Sea side (writing, free verse)"


def test_keys_of_version_1_are_merged_as_its_readers_did():
    seeds = load(GOOD / "compositional_skills/v1_merged_keys/qna.yaml").leaf.seed_examples
    assert [(seed.context, seed.question, seed.answer) for seed in seeds] == [
        ("It rained.", "What fell?", "Rain."),
        ("It rained.", "What was the weather?", "Rain."),
        ("It rained.", "Was it dry?", "No."),
    ]


def test_of_a_key_that_stands_twice_version_1_takes_the_last():
    leaf = load(GOOD / "compositional_skills/v1_same_key_twice/qna.yaml").leaf
    assert leaf.task_description == "Name rivers of Europe."
    assert leaf.seed_examples[0].question == "Name a river in Spain."


@pytest.mark.parametrize("name", ["knowledge/v3", "foundational_skills/v3_with_document"])
def test_version_3_knowledge_is_lifted(name):
    leaf = load(GOOD / name / "qna.yaml").leaf
    assert isinstance(leaf, KnowledgeLeaf)
    [document] = leaf.documents
    assert isinstance(document, UnpinnedDocument if name == "knowledge/v3" else PinnedDocument)
    assert (document.repo, document.license) == ("git@example.org:rivers.git", UNSTATED_LICENSE)
    assert document.patterns == ["*.md"] and document.title is None
    assert leaf.seed_examples[0].questions_and_answers[0].question == "Which river flows through Tours?"
    assert leaf.domain == "Geography" and leaf.license == UNSTATED_LICENSE


def test_too_few_seeds_are_told_with_the_faults_of_the_seeds(file):
    loaded = file(b"version: 3\ncreated_by: a\ntask_description: b\nseed_examples:\n  - {question: 1, answer: b}\n")
    assert rules(loaded) == [("too-few", 5, 3), ("wrong-type", 5, 16)]


def test_very_many_faults_are_cut(file):
    loaded = file(b"version: 4\n" + b"".join(b"key%d: x\n" % number for number in range(2_000)))
    assert len(loaded.problems) == 501
    assert "more-faults" in {problem.rule for problem in loaded.problems}


LEAVES = [load(path).data for path in sorted(GOOD.rglob("qna.yaml")) if "empty" not in path.parts]
JUNK = st.sampled_from(
    [None, True, 0, -1.5, "", " ", "x", [], {}, ["x"], [None], {"x": 1}, {"question": 1}, [[[]]], "\u202e"]
)
KEYS = ["question", "messages", "repo", "holdout", "answers", "<<", "(question)", "version", "int", "x" * 100, ""]


@st.composite
def spoilt_leaves(draw):
    """A good leaf in which some values are replaced, some keys renamed or removed."""
    leaf = copy.deepcopy(draw(st.sampled_from(LEAVES)))
    for _ in range(draw(st.integers(1, 4))):
        part, parents = leaf, []
        while isinstance(part, dict | list) and part and (not parents or draw(st.booleans())):
            key = draw(st.sampled_from(list(part) if isinstance(part, dict) else range(len(part))))
            parents.append((part, key))
            part = part[key]
        if not parents:
            continue
        holder, key = parents[-1]
        how = draw(st.sampled_from(["replace", "remove", "add", "repeat"]))
        if how == "replace":
            holder[key] = copy.deepcopy(draw(JUNK))
        elif how == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(KEYS))] = copy.deepcopy(draw(JUNK))
        else:
            holder.append(holder[key])
    return leaf


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(leaf=spoilt_leaves(), branch=st.sampled_from(["knowledge", "compositional_skills"]))
def test_every_fault_is_told_in_plain_words(tmp_path, leaf, branch):
    path = tmp_path / branch / "qna.yaml"
    path.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(leaf, allow_unicode=True, default_flow_style=None)
    path.write_text(text, encoding="utf-8")
    loaded = load(path)
    assert (loaded.leaf is None) == any(p.level == "error" for p in loaded.problems) or loaded.version == 0
    lines = text.split("\n")
    for problem in loaded.problems:
        assert problem.line <= len(lines) and problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.fix, problem
        for jargon in ("Input", "should", "valid", "dictionary", "Extra", "Field", "instance"):
            assert jargon not in problem.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_no_bytes_make_reading_fail(file, data):
    loaded = file(data)
    assert loaded.leaf is None
    assert loaded.problems
