"""tree, diff, rules and schema: what those who write and tend leaves look things up with."""

import json

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
