"""How a call of `tax mix` ends: folders whole or untouched, errors that say what to change."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.mixing import (
    PLAN,
    TALK,
    files_of,
    some,
    write_rows,
    write_run,
)
from tax.mix.plan import read_plan, shipped_plans
from tax.tree import find_root

PLANS = sorted((Path(__file__).parents[2] / "training/plans").glob("*.yaml"))


def test_a_smaller_plan_leaves_no_file_of_the_earlier_one(mixed, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(30))
    mixed("runs/a")
    (taxonomy / "data/mine.txt").write_text("mine", encoding="utf-8")
    plan.write_text(PLAN[: PLAN.index("  kt2:")], encoding="utf-8")
    record, _ = mixed("runs/a")
    assert set(files_of(taxonomy / "data")) == {*record["files"], "mix.json", "mine.txt"}


def test_a_record_cannot_have_other_files_removed(mixed, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(10))
    mixed("runs/a")
    names = ["../plan.yaml", "../runs/a/samples.jsonl", "/etc/passwd", ".hidden.jsonl", "notes.txt", "heldout/../../x"]
    (taxonomy / "data/mix.json").write_text(json.dumps({"files": dict.fromkeys(names)}), encoding="utf-8")
    (taxonomy / "data/notes.txt").write_text("mine", encoding="utf-8")
    mixed("runs/a")
    assert plan.exists() and (taxonomy / "runs/a/samples.jsonl").exists() and (taxonomy / "data/notes.txt").exists()


def test_a_folder_with_something_else_is_refused_and_kept(tax, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(5))
    before = files_of(taxonomy / "runs")
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "runs")
    assert code == 2 and "no data folder" in err
    assert files_of(taxonomy / "runs") == before


def test_a_mix_that_fails_leaves_the_earlier_one_as_it_was(mixed, tax, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(30))
    mixed("runs/a")
    before = files_of(taxonomy / "data")
    with (taxonomy / "runs/a/samples.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data")
    assert code == 2 and "line 31, is no sample" in err
    assert files_of(taxonomy / "data") == before


def test_a_full_disk_is_told_and_leaves_nothing(taxonomy, plan):
    write_run(taxonomy / "runs/a", some(200))
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); from tax.cli import run;"
        "sys.exit(run(['mix', 'runs/a', '--plan', 'plan.yaml', '--out', 'data', '--quiet']))"
    )
    made = subprocess.run([sys.executable, "-c", script], cwd=taxonomy, capture_output=True, text=True, check=False)
    assert made.returncode == 2 and "cannot be written: File too large" in made.stderr
    assert not (taxonomy / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere"], "there is no file or run folder nowhere"),
        (["st=nowhere"], "there is no file or run folder nowhere"),
        (["sft=a.jsonl"], "'sft' is no target; there are kt1, kt2, st, knowledge"),
        (["."], "is no run folder"),
        ([], "nothing to mix"),
        (["a.jsonl", "--license", "b.jsonl=MIT"], "--license names b.jsonl"),
        (["a.jsonl", "--unverified"], "go with --corpus"),
        (["a.jsonl", "--corpus", "plan.yaml"], "no phase of plan.yaml takes corpus"),
        (["a.jsonl", "--taxonomy", "runs"], "there is no folder runs"),
        (["a.jsonl", "--taxonomy", ".", "--without-taxonomy"], "contradicts"),
        (["--seeds", "--without-taxonomy"], "contradicts"),
    ],
)
def test_a_call_that_makes_no_sense_says_why(tax, taxonomy, plan, arguments, reason):
    write_rows(taxonomy / "a.jsonl", [{"messages": TALK}])
    code, _, err = tax("mix", *arguments, "--plan", "plan.yaml", "--out", "data")
    assert code == 2 and reason in err
    assert not (taxonomy / "data").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("phases: {a: {take: [compositional]}}", "line 1: `student` is missing"),
        (PLAN.replace("heldout: 0", "heldout: 2"), "line 5: `mix.heldout` is 2: Input should be less than 1"),
        (PLAN.replace("heldout: 0", "held: 0"), "line 5: there is no setting `mix.held`"),
        (PLAN.replace("{take: [knowledge-short]}", "{take: [x]}"), "line 7: `phases.kt1.take.0` is x"),
        (PLAN.replace("replay", "replya"), "line 8: `phases.kt2` there is no setting `replya`; did you mean `replay`?"),
        (PLAN.replace("mix:", "mixx:"), "there is no setting `mixx`; did you mean `mix`?"),
        (PLAN + "defaults: {tak: [all]}\n", "there is no setting `tak`; did you mean `take`?"),
        (PLAN.replace("kt1: 1.0", "kt9: 1.0", 1), "replays kt9, which is no earlier phase"),
        ("student: [", "line 1"),
        ("", "holds no keys"),
    ],
)
def test_a_faulty_plan_is_told_with_its_line(tax, taxonomy, plan, text, reason):
    plan.write_text(text, encoding="utf-8")
    write_run(taxonomy / "runs/a", some(5))
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data")
    assert code == 2 and reason in err


def test_the_defaults_are_those_of_every_phase(tmp_path):
    file = tmp_path / "plan.yaml"
    defaults = "defaults: {take: [all], replay: {a: 0.5}, learning_rate: 1.0}"
    file.write_text(
        f"student: {{model: x}}\n{defaults}\nphases: {{a: {{replay: {{}}}}, b: {{}}, c: {{take: [feedback]}}}}",
        encoding="utf-8",
    )
    plan, _ = read_plan(file)
    assert {name: (phase.take, phase.replay) for name, phase in plan.phases.items()} == {
        "a": (["all"], {}), "b": (["all"], {"a": 0.5}), "c": (["feedback"], {"a": 0.5})
    }  # fmt: skip


def test_a_shipped_plan_is_found_by_its_name(tax, taxonomy):
    write_run(taxonomy / "runs/a", some(60))
    tiny = next(path for path in PLANS if path.stem == "tiny-cpu")
    for out, name in (("by-name", "tiny-cpu"), ("by-path", tiny)):
        code, _, err = tax("mix", "runs/a", "--plan", name, "--out", out)
        assert code == 0, err
    assert files_of(taxonomy / "by-name") == files_of(taxonomy / "by-path")
    (taxonomy / "tiny-cpu").write_text("student: {}", encoding="utf-8")
    code, _, err = tax("mix", "runs/a", "--plan", "tiny-cpu", "--out", "data")
    assert code == 2 and "phases" in err, "a file of that name comes first, as it does for the trainer"


def test_an_unknown_plan_is_told_with_the_shipped_ones(tax, taxonomy):
    write_run(taxonomy / "runs/a", some(5))
    code, _, err = tax("mix", "runs/a", "--plan", "tiny-gpu", "--out", "data")
    assert code == 2 and "there is no plan tiny-gpu: name a file, or one of lab-llama-2-13b, " in err


def test_the_trainer_finds_the_same_plans():
    plan_file = pytest.importorskip("tax_training.plan_file")
    assert shipped_plans() == {path.stem: path for path in sorted(plan_file.PLANS.glob("*.yaml"))}


def test_a_tokenizer_that_is_not_there_is_told(tax, taxonomy, plan, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    plan.write_text(PLAN.replace("{train: {vocab_size: 300}}", "./nowhere"), encoding="utf-8")
    write_run(taxonomy / "runs/a", some(5))
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data")
    assert code == 2 and "the student's tokenizer ./nowhere cannot be read" in err


def test_outside_of_a_taxonomy_one_must_be_named_or_done_without(tax, taxonomy, plan, monkeypatch, tmp_path):
    write_run(tmp_path / "run", some(5))
    monkeypatch.chdir(tmp_path)
    if find_root(tmp_path) is not None:
        pytest.skip("the temporary folder lies below a taxonomy")
    code, _, err = tax("mix", "run", "--plan", plan, "--out", "data")
    assert code == 2 and "--without-taxonomy" in err
    assert tax("mix", "run", "--plan", plan, "--out", "data", "--without-taxonomy")[0] == 0
    assert tax("mix", "run", "--plan", plan, "--out", "data", "--taxonomy", taxonomy)[0] == 0


def test_what_a_killed_mix_left_does_not_matter(mixed, taxonomy):
    write_run(taxonomy / "runs/a", some(10))
    (taxonomy / "data/.part").mkdir(parents=True)
    (taxonomy / "data/.part/kt1.jsonl").write_text("half a li", encoding="utf-8")
    (taxonomy / "data/.lock").touch()
    record, _ = mixed("runs/a")
    assert set(files_of(taxonomy / "data")) == {*record["files"], "mix.json"}


def test_a_mix_that_was_killed_while_its_files_were_put_in_place_is_made_again(mixed, taxonomy):
    write_run(taxonomy / "runs/a", some(30))
    record, _ = mixed("runs/a")
    (taxonomy / "data/mix.json").unlink()
    (taxonomy / "data/.part").mkdir()
    assert mixed("runs/a")[0] == record
    assert set(files_of(taxonomy / "data")) == {*record["files"], "mix.json"}


def test_one_process_writes_a_folder_at_a_time(tax, taxonomy, plan):
    fcntl = pytest.importorskip("fcntl")
    write_run(taxonomy / "runs/a", some(10))
    (taxonomy / "data").mkdir()
    with (taxonomy / "data/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data")
    assert code == 2 and "another process is writing data" in err


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_every_plan_that_is_shipped_can_be_mixed(path):
    plan, digest = read_plan(path)
    assert plan.student.tokenizer_source and len(digest) == 64
