"""`tax generate --changed`: what has not changed is carried over, and the run is what a full one would be."""

import json
import re
from collections import Counter

import git
import pytest

from support.leaves import COMPOST, DIALOGUE, FREE, GROUNDED, KNOWLEDGE, lines, write_leaf
from support.loopback import RunningLoopback

SCIENCE, NOTES = "compositional_skills/science/everyday", "compositional_skills/summary/notes"
COMPOST_LEAF = "knowledge/handbooks/gardening/compost"


@pytest.fixture
def grow(tax, taxonomy):
    """Run the command against one server: grow(*arguments) -> (manifest, its folder, calls asked)."""
    with RunningLoopback() as server:

        def call(*arguments):
            before = server.seen
            command = ["generate", "--teacher", server.url, "--samples", 6, "--json", "--quiet", *arguments]
            code, output, errors = tax(*command)
            assert code == 0, errors
            manifest = json.loads(output)
            out = arguments[arguments.index("--out") + 1] if "--out" in arguments else f"runs/{manifest['id']}"
            return manifest, taxonomy / out, server.seen - before

        yield call


def carried(manifest):
    return {leaf["leaf"] for leaf in manifest["leaves"] if leaf["carried"]}


def content(folder, name):
    """The lines of a file but for the commit, which in a carried sample is the one at which it was drawn."""
    return [re.sub(r'"commit": ("\w*"|null)', "", json.dumps(line)) for line in lines(folder / name)]


def assert_as_full(grow, folder):
    """The run is what a full run with no earlier answers is."""
    full = grow("--calls", "elsewhere", "--out", f"full/{folder.name}")[1]
    assert content(folder, "samples.jsonl") == content(full, "samples.jsonl") != []
    assert content(folder, "dropped.jsonl") == content(full, "dropped.jsonl")


def commit(root, message="Change"):
    with git.Repo(root) as repo:
        repo.git.add("-A")
        repo.git.commit("-m", message)


def test_one_edit_draws_for_one_leaf(grow, taxonomy):
    first, _, _ = grow()
    write_leaf(taxonomy, SCIENCE, FREE.replace("two sentences", "three sentences"))
    commit(taxonomy)
    manifest, folder, calls = grow("--changed")
    assert carried(manifest) == {leaf["leaf"] for leaf in first["leaves"]} - {SCIENCE}
    assert {leaf["carried"] for leaf in manifest["leaves"] if leaf["carried"]} == {first["id"]}
    assert calls == sum(manifest["calls"]["asked"].values()) <= 30
    assert_as_full(grow, folder)


def test_a_document_that_changed_draws_anew(grow, taxonomy):
    grow()
    text = COMPOST.replace("60 °C", "65 °C")
    (taxonomy / "taxonomy" / COMPOST_LEAF / "compost.md").write_text(text.lstrip(), encoding="utf-8")
    manifest, folder, _ = grow("--changed")
    assert COMPOST_LEAF not in carried(manifest) and len(carried(manifest)) == 4
    assert_as_full(grow, folder)


def test_a_removed_leaf_leaves_and_a_new_one_joins(grow, taxonomy):
    grow()
    (taxonomy / "taxonomy" / NOTES / "qna.yaml").unlink()
    write_leaf(taxonomy, "compositional_skills/dialogues/trees", DIALOGUE.replace("a plant", "a tree"))
    manifest, folder, _ = grow("--changed")
    counted = Counter(sample["leaf"] for sample in lines(folder / "samples.jsonl"))
    assert NOTES not in counted and counted["compositional_skills/dialogues/trees"] == 6
    assert len(carried(manifest)) == 4
    assert_as_full(grow, folder)


def test_where_nothing_changed_the_run_stays_as_it_is(grow, tax, taxonomy):
    _, folder, _ = grow()
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    _, again, calls = grow("--changed")
    assert (again, calls) == (folder, 0)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_what_was_reverted_is_taken_from_the_older_run(grow, taxonomy):
    grow()
    write_leaf(taxonomy, SCIENCE, FREE.replace("two sentences", "three sentences"))
    grow("--changed")
    write_leaf(taxonomy, SCIENCE, FREE)
    write_leaf(taxonomy, NOTES, GROUNDED.replace("one sentence", "few words"))
    manifest, folder, _ = grow("--changed")
    assert len(carried(manifest)) == 4 and NOTES not in carried(manifest)
    assert_as_full(grow, folder)


@pytest.mark.parametrize("change", [["--samples", 7], ["--seed", 1]])
def test_another_setting_carries_nothing_over(grow, change):
    grow()
    assert carried(grow("--changed", *change)[0]) == set()


def test_another_prompt_draws_anew_for_the_leaves_that_it_is_for(grow, monkeypatch):
    from tax.generate.inputs import prompt_digests

    grow()
    changed = {"judge_pair": "another"}
    monkeypatch.setattr(
        "tax.generate.inputs.prompt_digests",
        lambda *asked: {name: changed.get(name, digest) for name, digest in prompt_digests(*asked).items()},
    )
    assert carried(grow("--changed")[0]) == {COMPOST_LEAF}


def test_a_licence_that_is_allowed_no_longer(grow, tax, taxonomy):
    grow()
    (taxonomy / "tax.toml").write_text('[licenses]\nallowed = ["CC-BY-4.0"]\n', encoding="utf-8")
    code, output, _ = tax("generate", "--changed", "--quiet")
    assert code == 1
    assert re.search(rf"{NOTES} .*skipped: has errors", output)


def test_every_prompt_that_is_asked_counts(grow):
    from tax.generate import knowledge, skills

    skill = set(grow("taxonomy/compositional_skills", "--out", "a")[0]["calls"]["asked"])
    assert skill | {"response_precise"} == set(skills.PROMPTS)
    assert set(grow("taxonomy/knowledge", "--out", "b")[0]["calls"]["asked"]) == set(knowledge.PROMPTS)


def a_holdout(question):
    return f"  - {{question: {json.dumps(question)}, answer: Kept back., holdout: true}}\n"


def test_a_new_hold_out_weeds_the_other_leaves(grow, taxonomy):
    _, folder, _ = grow()
    taken = next(sample for sample in lines(folder / "samples.jsonl") if sample["leaf"] == COMPOST_LEAF)
    write_leaf(taxonomy, SCIENCE, FREE + a_holdout(taken["messages"][0]["content"]))
    manifest, folder, _ = grow("--changed")
    assert len(carried(manifest)) == 3
    assert taken["id"] not in {sample["id"] for sample in lines(folder / "samples.jsonl")}
    assert next(leaf for leaf in manifest["leaves"] if leaf["leaf"] == COMPOST_LEAF)["dropped"]["near a hold-out"] == 1
    assert_as_full(grow, folder)


def test_a_hold_out_that_has_gone_gives_back_what_it_weeded(grow, taxonomy):
    _, folder, _ = grow()
    taken = next(sample for sample in lines(folder / "samples.jsonl") if sample["leaf"] == COMPOST_LEAF)
    write_leaf(taxonomy, SCIENCE, FREE + a_holdout(taken["messages"][0]["content"]))
    grow("--changed")
    write_leaf(taxonomy, SCIENCE, FREE + a_holdout("Something else altogether"))
    manifest, folder, _ = grow("--changed", "--out", "other/run")
    assert taken["id"] in {sample["id"] for sample in lines(folder / "samples.jsonl")}
    assert len(carried(manifest)) == 4, "the compost leaf from the first run"
    assert_as_full(grow, folder)


@pytest.mark.parametrize("name", ["samples.jsonl", "dropped.jsonl", "manifest.json"])
def test_a_run_that_was_tampered_with_is_not_trusted(grow, taxonomy, name):
    _, folder, _ = grow()
    text = (folder / name).read_text(encoding="utf-8")
    (folder / name).write_text(text.replace("leaf", "laef") if text else "{}\n", encoding="utf-8")
    write_leaf(taxonomy, SCIENCE, FREE.replace("two sentences", "three sentences"))
    manifest, again, _ = grow("--changed")
    assert len(carried(manifest)) < 4
    assert_as_full(grow, again)


@pytest.mark.parametrize(
    ("place", "value"),
    [(("lines", "samples.jsonl", "at"), -5), (("lines",), {}), (("leaf",), "x"), (("kept",), "many")],
)
def test_a_manifest_that_was_tampered_with_is_not_trusted(grow, taxonomy, place, value):
    _, folder, _ = grow()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["leaves"]:
        for key in place[:-1]:
            entry = entry[key]
        entry[place[-1]] = value
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert carried(grow("--changed", "--out", "again")[0]) == set()


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param("[" * 100_000, id="deep"),
        "[]",
        "{",
        '{"status": "finished", "leaves": 3}',
        '{"status": "running"}',
    ],
)
def test_what_is_no_finished_run_is_passed_over(grow, taxonomy, manifest):
    (taxonomy / "runs/odd").mkdir(parents=True)
    (taxonomy / "runs/odd/manifest.json").write_text(manifest, encoding="utf-8")
    assert carried(grow("--changed")[0]) == set()


def test_a_part_of_the_taxonomy_is_carried_over_too(grow):
    grow()
    manifest, _, calls = grow("taxonomy/knowledge", "--changed")
    assert carried(manifest) == {COMPOST_LEAF} and calls == 0


def test_a_pull_request_is_grown_by_itself(grow, taxonomy):
    with git.Repo(taxonomy) as repo:
        repo.git.checkout("-b", "work")
    write_leaf(taxonomy, COMPOST_LEAF, KNOWLEDGE.replace("Gardening", "Gardens"))
    commit(taxonomy)
    manifest, _, _ = grow("--changed", "--base", "main")
    assert [leaf["leaf"] for leaf in manifest["leaves"]] == [COMPOST_LEAF]


def test_what_is_told(grow, tax, taxonomy):
    manifest, _, _ = grow()
    write_leaf(taxonomy, SCIENCE, FREE.replace("two sentences", "three sentences"))
    server = manifest["teacher"]["name"]
    code, output, errors = tax("generate", "--changed", "--teacher", server, "--samples", 6)
    assert code == 0
    assert f"4 of 5 leaves carried over from {manifest['id']}" in errors
    assert "[1/1] " + SCIENCE in errors
    assert COMPOST_LEAF not in output and SCIENCE in output
    assert "4 leaves are carried over from earlier runs." in output
    _, _, errors = tax("generate", "--changed", "--teacher", server, "--samples", 7)
    assert "0 of 5 leaves carried over: no run in runs/ has one as it would be grown now" in errors
    _, output, _ = tax("generate", "--changed", "--teacher", server, "--samples", 6, "--quiet")
    assert output.startswith("Nothing has changed since this run.")
    _, output, _ = tax("generate", "--changed", "--teacher", server, "--samples", 6, "--dry-run", "--quiet")
    assert "0 calls at least, 0 at most" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "main"], "--base goes with --changed"),
        (["taxonomy", "--changed", "--base", "main"], "leave out the paths"),
        (["--changed", "--base", "nowhere"], "git knows no commit 'nowhere'"),
    ],
)
def test_calls_that_contradict_themselves(tax, arguments, said):
    code, _, errors = tax("generate", *arguments)
    assert code == 2
    assert said in errors
