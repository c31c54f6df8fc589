"""What a run refuses before it starts, and how it is stopped."""

import signal

import pytest

from tax_training.__main__ import main
from tax_training.errors import UserError
from tax_training.stop import Stop


def test_another_plan_or_other_data_in_the_same_folder_is_refused(train, plan_of, tiny, tmp_path, data):
    out = tmp_path / "out"
    train(plan_of(tiny), out, only="kt1")
    with pytest.raises(UserError, match="begun with another settings"):
        train(plan_of(tiny, "kt1.learning_rate=0.02"), out)
    with pytest.raises(UserError, match="begun with another seed: 0, and not 1"):
        train(plan_of(tiny, "seed=1"), out)
    train(plan_of(tiny, "kt2.epochs=1", "checkpoints.keep=5", "engine.micro_tokens=300"), out)


def test_a_phase_waits_for_the_one_before_it(train, plan_of, tiny, tmp_path):
    with pytest.raises(UserError, match="kt2 starts from the model of kt1, which is not finished"):
        train(plan_of(tiny), tmp_path / "out", only="kt2")
    with pytest.raises(UserError, match="no phase 'st'; it has kt1, kt2"):
        train(plan_of(tiny), tmp_path / "out", only="st")


def test_two_runs_do_not_write_one_folder(train, plan_of, tiny, tmp_path):
    from tax_training.files import only_one

    with only_one(tmp_path / "out"), pytest.raises(UserError, match="another process is training into"):
        train(plan_of(tiny), tmp_path / "out")


def test_the_command_says_what_is_missing(plan_of, tiny, tmp_path, capsys):
    plan_of(tiny)
    plan = str(tmp_path / "plan.yaml")
    assert main([plan, "--out", str(tmp_path)]) == 2
    assert main([plan, "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert main([plan, "--json", "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "--data is missing" in told
    assert "run tax mix" in told
    assert "--json goes with --dry-run only" in told


def test_one_process_of_many_says_what_is_wrong_with_the_plan(plan_of, tiny, tmp_path, monkeypatch, capsys):
    plan_of(tiny)
    call = [str(tmp_path / "plan.yaml"), "--set", "kt1.learnin_rate=1", "--data", str(tmp_path), "--out", str(tmp_path)]
    told = []
    for rank in "012":
        monkeypatch.setenv("RANK", rank)
        assert main(call) == 2
        told.append(capsys.readouterr().err)
    assert "learnin_rate" in told[0]
    assert told[1:] == ["", ""]


def test_a_second_ctrl_c_ends_at_once(capsys):
    with Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert "Ctrl-C again ends at once" in capsys.readouterr().err
