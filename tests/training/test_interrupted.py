"""A run that something breaks off, and that goes on: kills, signals, damage, a full disk, no memory, a sick loss."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
import torch

from tax_training.__main__ import main
from tax_training.checkpoints import Folder
from tax_training.engine import TorchEngine
from tax_training.errors import UserError
from tax_training.loop import PhaseRun
from tax_training.phase_folder import PhaseFolder

from .conftest import Killed, kill_at, metrics

KILLED = """
import os, signal, sys
from pathlib import Path
from tax_training import checkpoints, phase_folder, run
from tax_training.plan_file import load_plan
place, count = sys.argv[4], int(sys.argv[5])
module, name = {"metrics": (phase_folder.PhaseFolder, "log"), "checkpoint": (checkpoints, "write_synced")}[place]
whole, left = getattr(module, name), [count]
def deadly(*given):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*given)
setattr(module, name, deadly)
run.train(load_plan(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def runs():
    """The metrics of unbroken runs, by what was asked."""
    return {}


@pytest.fixture
def unbroken(runs, train, plan_of, tiny, tmp_path):
    """The metrics of a run of `tiny` that nothing interrupted."""
    if "tiny" not in runs:
        runs["tiny"] = train(plan_of(tiny), tmp_path / "unbroken")
    return runs["tiny"]


@pytest.mark.parametrize(
    ("place", "count"),
    [((PhaseFolder, "log"), count) for count in (1, 3, 6, 8)]
    + [((Folder, "prune"), count) for count in (1, 6, 12)]
    + [((PhaseFolder, "write_scores"), count) for count in (1, 2, 4, 6)],
)
def test_killed_anywhere_it_goes_on_to_the_same_curve(
    train, plan_of, tiny, tmp_path, monkeypatch, unbroken, place, count
):
    plan, out = plan_of(tiny), tmp_path / "out"
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_at(patched, *place, count)
        train(plan, out)
    assert train(plan, out) == unbroken, "bit for bit"


@pytest.mark.parametrize(("place", "count"), [("metrics", 5), ("checkpoint", 8)])
def test_kill_9_and_the_same_command_gives_the_same_curve(plan_of, tiny, tmp_path, data, train, unbroken, place, count):
    plan, out = plan_of(tiny), tmp_path / "out"
    command = [sys.executable, "-c", KILLED, str(tmp_path / "plan.yaml"), str(data), str(out), place, str(count)]
    ended = subprocess.run(command, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert metrics(out, plan)["kt1"], "it was under way"
    assert train(plan, out) == unbroken, "bit for bit, from another process"


def test_ctrl_c_saves_the_step_and_ends_with_130(plan_of, tiny, tmp_path, data, monkeypatch, train, unbroken, capsys):
    tiny["checkpoints"]["every"] = 100
    plan_of(tiny)
    whole = PhaseFolder.log

    def pressed(folder, line):
        whole(folder, line)
        if line["step"] == 2:
            signal.raise_signal(signal.SIGINT)

    command = [str(tmp_path / "plan.yaml"), "--data", str(data), "--out", str(tmp_path / "out")]
    with monkeypatch.context() as patched:
        patched.setattr(PhaseFolder, "log", pressed)
        assert main(command) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert main(command) == 0
    assert "kt1 goes on after step" in capsys.readouterr().err
    assert metrics(tmp_path / "out", plan_of(tiny)) == unbroken


def test_ctrl_c_waits_for_no_other_step_than_the_one_in_work(plan_of, tiny, tmp_path, data, monkeypatch, capsys):
    tiny["checkpoints"]["every"] = 100
    plan_of(tiny)
    whole = TorchEngine._loss

    def pressed(engine, row):
        if engine.updates == 1:  # in step 2
            signal.raise_signal(signal.SIGINT)
            monkeypatch.undo()
        return whole(engine, row)

    monkeypatch.setattr(TorchEngine, "_loss", pressed)
    assert main([str(tmp_path / "plan.yaml"), "--data", str(data), "--out", str(tmp_path / "out")]) == 130
    assert "stopped after step 2 of kt1" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_passed_over(train, plan_of, tiny, tmp_path, monkeypatch, unbroken, capsys):
    plan, out = plan_of(tiny), tmp_path / "out"
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_at(patched, PhaseFolder, "log", 6)
        train(plan, out)
    newest = max((out / "kt1/checkpoints").glob("step-*"))
    file = next(newest.glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-8])
    assert train(plan, out) == unbroken
    assert f"{newest} is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("writer", "error", "told"),
    [
        ("transformers.PreTrainedTokenizerFast.save_pretrained", Exception("No space left (os error 28)"), "tokenizer"),
        ("torch.utils.tensorboard.SummaryWriter.add_scalar", OSError(errno.ENOSPC, "full"), "tensorboard"),
        ("torch.utils.tensorboard.SummaryWriter.flush", OSError(errno.ENOSPC, "full"), "tensorboard"),
        ("torch.utils.tensorboard.SummaryWriter.__init__", OSError(errno.ENOSPC, "full"), "tensorboard"),
    ],
)
def test_a_full_disk_is_told_whoever_finds_it(train, plan_of, tiny, tmp_path, monkeypatch, writer, error, told):
    pytest.importorskip("tensorboard")

    def full(*_, **__):
        raise error

    monkeypatch.setattr(writer, full)
    with pytest.raises(UserError, match=rf"{told} cannot be written: No space left on device\. Nothing is lost"):
        train(plan_of(tiny), tmp_path / "out")


@pytest.mark.parametrize("harm", ["cut short", "gone"])
def test_a_damaged_checkpoint_that_a_phase_ends_with_is_told(train, plan_of, tiny, tmp_path, harm):
    tiny["phases"]["kt1"]["select"] = {"tolerance": 100.0}  # the earliest that is measured, after 3 of 6 steps
    tiny["phases"]["kt2"]["optimizer"] = "carried"
    plan, out = plan_of(tiny), tmp_path / "out"
    train(plan, out, only="kt1")
    checkpoint = out / "kt1/checkpoints/step-0000003"
    if harm == "gone":
        shutil.rmtree(checkpoint)
    else:
        file = next(checkpoint.glob("*.safetensors"))
        file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(UserError, match="step-0000003 is needed, and damaged"):
        train(plan, out)
    shutil.rmtree(out / "kt1/model")
    with pytest.raises(UserError, match="step-0000003 is needed, and damaged"):
        train(plan, out)


def test_a_loss_that_is_no_number_ends_with_what_to_do(train, plan_of, tiny, tmp_path, monkeypatch, unbroken):
    plan, out = plan_of(tiny), tmp_path / "out"
    whole, calls = TorchEngine._loss, [0]

    def sick(engine, row):
        calls[0] += 1
        return whole(engine, row) * (float("nan") if calls[0] == 6 else 1.0)

    with monkeypatch.context() as patched, pytest.raises(UserError, match="no finite number") as error:
        patched.setattr(TorchEngine, "_loss", sick)
        train(plan, out)
    assert "--set kt1.learning_rate=0.005" in str(error.value)
    assert re.search(r"samples: kt1-\d+", str(error.value))
    assert train(plan, out) == unbroken, "nothing of it was kept"


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_out_of_memory_ends_with_what_to_do(train, plan_of, tiny, tmp_path, monkeypatch, unbroken, error):
    plan, out = plan_of(tiny), tmp_path / "out"

    def full(*_):
        raise error

    with monkeypatch.context() as patched, pytest.raises(UserError, match="memory ran out in step 1 of kt1"):
        patched.setattr(TorchEngine, "_loss", full)
        patched.setattr("tax_training.loop.check", lambda *_, **__: None)
        train(plan, out)
    assert train(plan, out) == unbroken


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
@pytest.mark.parametrize(("place", "told"), [("_open", "loaded and set up"), ("_finish", "written")])
def test_out_of_memory_around_the_steps_too(train, plan_of, tiny, tmp_path, monkeypatch, unbroken, error, place, told):
    plan, out = plan_of(tiny), tmp_path / "out"

    def full(*_):
        raise error

    with (
        monkeypatch.context() as patched,
        pytest.raises(UserError, match=f"memory ran out while the model of kt1 was {told}"),
    ):
        patched.setattr(PhaseRun, place, full)
        train(plan, out)
    assert train(plan, out) == unbroken


def test_any_other_runtime_error_stays_a_fault(train, plan_of, tiny, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(PhaseRun, "_open", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        train(plan_of(tiny), tmp_path / "out")


def test_a_damaged_model_is_found_before_the_next_phase_starts_from_it(train, plan_of, tiny, tmp_path):
    out = tmp_path / "out"
    train(plan_of(tiny), out, only="kt1")
    file = out / "kt1/model/model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(UserError, match="is not as it was written: delete the folder"):
        train(plan_of(tiny), out)
