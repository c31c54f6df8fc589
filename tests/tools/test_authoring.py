"""new, format, tree, diff, rules and schema: the commands of those who write and tend leaves."""

import json
import shutil

import git
import jsonschema
import pytest

from support.leaves import FREE, GROUNDED, write_leaf
from tax.rules import MANUALS
from tax.source import Source


def test_tree_counts_by_branch(tax):
    code, output, _ = tax("tree")
    assert code == 0
    assert "compositional_skills: 3 leaves, 7 seeds (3 held out)" in output
    assert "foundational_skills: 1 leaf, 1 seed (0 held out), 1 problem template" in output
    assert "knowledge: 1 leaf, 2 seeds (1 held out), 1 document" in output
    assert "  languages: en 3\n  licences: CC-BY-4.0 2, CC0-1.0 1\n" in output
    assert "  handbooks\n    gardening\n      compost  2 seeds\n" in output


def test_tree_of_folders_that_share_a_beginning(tax, taxonomy):
    write_leaf(taxonomy, "compositional_skills/science", FREE)
    write_leaf(taxonomy, "compositional_skills/science/everyday/deeper", FREE)
    _, output, _ = tax("tree", "taxonomy/compositional_skills/science")
    assert "  science  3 seeds\n    everyday  3 seeds\n      deeper  3 seeds\n" in output


def test_tree_as_json_and_with_a_broken_leaf(tax, taxonomy):
    write_leaf(taxonomy, "knowledge/broken", "version: 4\n")
    code, output, _ = tax("tree", "--json")
    found = json.loads(output)
    assert code == 0
    assert (found["knowledge"]["leaves"], found["knowledge"]["unreadable"]) == (2, 1)
    assert tax("tree", "nowhere")[0] == 2
    assert "handbooks" in tax("tree", "knowledge")[1], "as tax new takes it"


def test_diff_of_nothing(tax):
    code, output, _ = tax("diff")
    assert (code, output.startswith("0 leaves differ from ")) == (0, True)


def test_diff_committed_or_not(tax, taxonomy):
    with git.Repo(taxonomy) as repo:
        repo.git.checkout("-b", "work")
        write_leaf(taxonomy, "compositional_skills/new one 文", GROUNDED.replace("pump", "boat"))
        repo.git.add("-A")
        repo.git.commit("-m", "Add")
        repo.git.mv("taxonomy/compositional_skills/science", "taxonomy/compositional_skills/nature")
    moved = taxonomy / "taxonomy/compositional_skills/nature/everyday/qna.yaml"
    moved.write_text(moved.read_text(encoding="utf-8").replace("two sentences", "three sentences"), encoding="utf-8")
    (taxonomy / "taxonomy/foundational_skills/mathematics/addition/qna.yaml").unlink()
    document = taxonomy / "taxonomy/knowledge/handbooks/gardening/compost/compost.md"
    document.write_text(document.read_text(encoding="utf-8") + "\nWorms help.\n", encoding="utf-8")
    code, output, _ = tax("diff", "--base", "main")
    assert code == 0
    assert output.splitlines()[:-1] == [
        "added    compositional_skills/new one 文",
        "changed  knowledge/handbooks/gardening/compost",
        "moved    compositional_skills/science/everyday -> compositional_skills/nature/everyday",
        "removed  foundational_skills/mathematics/addition",
    ]
    _, output, _ = tax("diff", "--json")
    assert json.loads(output)["moved"] == [
        ["compositional_skills/science/everyday", "compositional_skills/nature/everyday"]
    ]


def test_diff_against_what_git_does_not_know(tax):
    code, _, errors = tax("diff", "--base", "nowhere")
    assert (code, "git knows no commit 'nowhere'" in errors) == (2, True)


def test_rules(tax):
    code, output, _ = tax("rules")
    assert code == 0
    assert {line.split()[0] for line in output.splitlines()} == set(MANUALS)
    _, output, _ = tax("rules", "unknown-key")
    assert "Passes:" in output and "Fails:" in output
    code, _, errors = tax("rules", "unknwon-key")
    assert (code, "did you mean unknown-key?" in errors) == (2, True)
    assert json.loads(tax("rules", "--json")[1]) == MANUALS


@pytest.mark.parametrize("kind", ["skill", "knowledge"])
def test_schema(tax, taxonomy, kind):
    code, output, _ = tax("schema", kind)
    schema = json.loads(output)
    assert code == 0
    jsonschema.Draft202012Validator.check_schema(schema)
    leaf = {"skill": "compositional_skills/science/everyday", "knowledge": "knowledge/handbooks/gardening/compost"}[
        kind
    ]
    text = (taxonomy / "taxonomy" / leaf / "qna.yaml").read_text(encoding="utf-8")
    jsonschema.validate(Source("qna.yaml", text).data, schema)


def test_schemas_are_written(tax, taxonomy):
    assert tax("schema", "--write")[0] == 0
    assert {path.name for path in (taxonomy / "schemas").iterdir()} == {"skill.schema.json", "knowledge.schema.json"}
    assert tax("schema", "--write", "elsewhere/deep")[0] == 0
    assert (taxonomy / "elsewhere/deep/skill.schema.json").is_file()
    assert tax("schema")[0] == 2
    (taxonomy / "file").write_text("")
    assert tax("schema", "--write", taxonomy / "file")[0] == 2


NEW = ["--created-by", "ada", "--license", "CC-BY-4.0", "--description", "Writing haiku about tools."]


@pytest.mark.parametrize("kind", ["skill", "grounded", "dialogue", "templates"])
def test_a_new_leaf_only_lacks_content(tax, taxonomy, kind):
    code, output, errors = tax("new", kind, "compositional_skills/poetry/haiku", *NEW)
    assert code == 0, errors
    assert "Fill in what says TODO" in output
    written = (taxonomy / "taxonomy/compositional_skills/poetry/haiku/qna.yaml").read_text(encoding="utf-8")
    assert "Writing haiku about tools." in written
    assert "TODO" in written
    _, output, _ = tax("validate", "taxonomy/compositional_skills/poetry/haiku", "--format", "json")
    assert {problem["rule"] for problem in json.loads(output)["problems"]} <= {"placeholder", "near-duplicate-seed"}


def test_a_new_knowledge_leaf_lacks_its_document(tax):
    assert tax("new", "knowledge", "taxonomy/knowledge/textbooks/physics", *NEW)[0] == 0
    _, output, _ = tax("validate", "taxonomy/knowledge/textbooks/physics", "--format", "json")
    assert "document" in {problem["rule"] for problem in json.loads(output)["problems"]}


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("skill", "compositional_skills/science/everyday", "is there already"),
        ("skill", "poetry/haiku", "names no branch"),
        ("skill", ".", "names no branch"),
        ("skill", "../compositional_skills/poetry", "names no branch"),
        ("skill", "compositional_skills/../knowledge/x", "does not belong in knowledge"),
        ("knowledge", "foundational_skills/x", "does not belong in foundational_skills"),
        ("skill", "knowledge/x", "does not belong in knowledge"),
        ("skill", "compositional_skills/science/everyday/qna.yaml", "is there already"),
        ("skill", "compositional_skills", "is the branch itself"),
        ("skill", "compositional_skills/Writing/My Haiku", "rename it to my_haiku"),
        ("skill", "compositional_skills/寫作", "name its subject in English"),
    ],
)
def test_a_leaf_that_cannot_be_started(tax, kind, path, said):
    code, _, errors = tax("new", kind, path, *NEW)
    assert (code, said in errors) == (2, True)


def test_a_folder_above_the_taxonomy_is_no_branch(tax, taxonomy, tmp_path, monkeypatch):
    checkout = tmp_path / "knowledge" / "checkout"
    shutil.copytree(taxonomy, checkout)
    monkeypatch.chdir(checkout)
    code, _, errors = tax("new", "skill", "compositional_skills/poetry/haiku", *NEW)
    assert code == 0, errors
    assert (checkout / "taxonomy/compositional_skills/poetry/haiku/qna.yaml").is_file()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--license", "MITT", "MITT is not the SPDX id"), ("--license", "CC-BY-NC-4.0", "CC-BY-NC-4.0"),
     ("--language", "Chinese language", "a language is named by its tag of BCP 47")],
)  # fmt: skip
def test_what_the_rules_refuse_starts_no_leaf(tax, taxonomy, option, value, said):
    code, _, errors = tax("new", "skill", "compositional_skills/poetry/haiku", *NEW, option, value)
    assert (code, said in errors) == (2, True), errors
    assert not (taxonomy / "taxonomy/compositional_skills/poetry").exists()


def test_a_licence_that_is_written_twice_is_refused_once(tax):
    code, _, errors = tax("new", "knowledge", "knowledge/textbooks/physics", *NEW, "--license", "MITT")
    assert (code, errors.count("MITT is not the SPDX id")) == (2, 1)


def test_formatting_keeps_what_a_leaf_says(tax, taxonomy):
    text = FREE.replace("seed_examples:", "# mine\nseed_examples:  # all").replace("CC-BY-4.0", "   'CC-BY-4.0'   ")
    path = write_leaf(taxonomy, "compositional_skills/wide", text) / "qna.yaml"
    before = path.read_text(encoding="utf-8")
    code, output, _ = tax("format", "--check", "taxonomy/compositional_skills/wide")
    assert (code, "would format" in output, path.read_text(encoding="utf-8")) == (1, True, before)
    assert tax("format", "taxonomy/compositional_skills/wide")[0] == 0
    after = path.read_text(encoding="utf-8")
    assert after != before
    assert "# mine" in after and "# all" in after
    assert Source("x", after).data == Source("x", before).data
    assert tax("format", "--check", "taxonomy/compositional_skills/wide")[0] == 0


def test_an_upgrade_asks_for_a_licence(tax, taxonomy):
    old = "created_by: ada\ntask_description: Adding.\nseed_examples:  # few\n- question: 1 + 1?\n  answer: two\n"
    folder = write_leaf(taxonomy, "compositional_skills/old", old)
    code, _, errors = tax("format", "--upgrade", "taxonomy/compositional_skills/old")
    assert (code, "--license" in errors) == (1, True)
    for wrong in (["--upgrade", "--license", "MITT"], ["--upgrade", "--license", "CC-BY-NC-4.0"], ["--license", "MIT"]):
        code, _, errors = tax("format", *wrong, "taxonomy/compositional_skills/old")
        assert (code, "--license" in errors) == (2, True)
    assert tax("format", "--upgrade", "--license", "MIT", "taxonomy/compositional_skills/old")[0] == 0
    text = (folder / "qna.yaml").read_text(encoding="utf-8")
    assert Source("x", text).data["version"] == 4
    assert "license: MIT" in text and "# few" in text
    assert tax("validate", "taxonomy/compositional_skills/old")[0] == 0


def test_a_version_in_capitals_is_no_older_leaf(tax, taxonomy):
    folder = write_leaf(taxonomy, "compositional_skills/loud", FREE.replace("version: 4", "Version: 4"))
    code, _, errors = tax("format", "--upgrade", "--license", "MIT", "taxonomy/compositional_skills/loud")
    assert (code, "line 1: `Version` is no key: write `version`" in errors) == (1, True)
    assert (folder / "qna.yaml").read_text(encoding="utf-8").startswith("Version: 4")


def test_a_link_is_left_as_it_is(tax, taxonomy, tmp_path):
    target = tmp_path / "elsewhere.yaml"
    target.write_text(FREE.replace("license: ", "license:   "), encoding="utf-8")
    link = taxonomy / "taxonomy/compositional_skills/linked/qna.yaml"
    link.parent.mkdir()
    link.symlink_to(target)
    code, _, errors = tax("format", link)
    assert (code, "this is a link" in errors) == (1, True)
    assert link.is_symlink()


def test_a_leaf_with_a_syntax_error_is_left_as_it_is(tax, taxonomy):
    folder = write_leaf(taxonomy, "compositional_skills/torn", "a: [1,\nb: 2\n")
    code, output, errors = tax("format", "taxonomy/compositional_skills/torn")
    assert code == 1
    assert "torn/qna.yaml: line" in errors
    assert "1 left as they are" in output
    assert (folder / "qna.yaml").read_text(encoding="utf-8") == "a: [1,\nb: 2\n"
