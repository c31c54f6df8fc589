"""A plan that changed since its data was mixed: what is trained on is the data, and that is said."""

import json

import pytest

from tax.cli import run as tax
from tax.mix import plan
from tax_training.__main__ import main
from tax_training.mixed import ignored
from tax_training.plan import Phase, Plan, Student

DAMAGED = '{"settings": {"seed": 0, "heldout": 0}, "threshold": {"from": "the median"}, "tokenizer": 1, "phases": {}}'


@pytest.fixture
def mixed(tiny, plan_of, tmp_path):
    """A data folder that `tax mix` made by the plan `tiny`."""
    plan_of(tiny)
    rows = [{"instruction": f"Say {number}.", "output": f"It is {number}."} for number in range(40)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = ["kt1=" + str(tmp_path / "rows.jsonl"), "--license", "CC0-1.0", "--without-taxonomy", "--quiet"]
    assert tax(["mix", *given, "--plan", str(tmp_path / "plan.yaml"), "--out", str(tmp_path / "data")]) == 0
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("seed=1", []),
        ("kt2.replay.kt1=0.5", ["kt2.replay is {'kt1': 0.5} in the plan, but", "was mixed with {'kt1': 1.0}"]),
        ("kt1.take=[all]", ["kt1.take is ['all'] in the plan, but", "was mixed with ['knowledge-short']"]),
        ("student.tokenizer.train.vocab_size=500", ["student.tokenizer.train.vocab_size is 500", "mixed with 400"]),
        ("student.tokenizer=some/where", []),
        ("mix.heldout=0.5", ["mix.heldout is 0.5", "0.05"]),
        ("mix.threshold=7", ["mix.threshold is 7", "'median'"]),
    ],
)
def test_what_the_data_was_mixed_by_is_held_against_the_plan(plan_of, tiny, mixed, change, told):
    warnings = ignored(plan_of(tiny, change), mixed)
    assert len(warnings) == bool(told)
    assert all(part in warnings[0] for part in told)


def test_what_the_trainer_alone_reads_is_no_misspelt_setting_of_tax_mix():
    whole = {"phases": {"kt1": dict.fromkeys(Phase.model_fields) | {"kind": "sft", "take": ["all"], "replay": {}}}}
    whole["student"] = dict.fromkeys(Student.model_fields) | {"model": "some/where"}
    read = plan.Plan.model_validate(dict.fromkeys(Plan.model_fields) | {"description": "", "mix": {}} | whole)
    assert read.phases["kt1"].take == ["all"]


def test_the_run_and_the_dry_run_tell_of_it(plan_of, tiny, mixed, tmp_path, capsys):
    tiny["mix"] = {"seed": 3}
    plan_of(tiny)
    where = [str(tmp_path / "plan.yaml"), "--data", str(mixed)]
    for option in (["--dry-run"], ["--out", str(tmp_path / "out"), "--phase", "kt1", "--set", "kt1.epochs=1"]):
        assert main([*where, *option]) == 0
        told = capsys.readouterr()
        assert "warning: mix.seed is 3 in the plan, but" in told.out + told.err


@pytest.mark.parametrize("written", [None, "{", "[]", '{"settings": {}}', '{"settings": [], "phases": 1}', DAMAGED])
def test_data_without_a_record_is_taken_as_it_is(plan_of, tiny, tmp_path, written):
    if written is not None:
        (tmp_path / "mix.json").write_text(written, encoding="utf-8")
    assert ignored(plan_of(tiny), tmp_path) == []
