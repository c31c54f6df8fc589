"""`tax train` and its processes: started, told, stopped, started again, by each launcher that one machine can try."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tax.cli import run as tax

ALONE = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def plan(tiny, tmp_path, monkeypatch):
    """The tiny plan's file, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny, sort_keys=False), encoding="utf-8")
    return "tiny.yaml"


def started(plan, data, *options, env=None):
    """Start `tax train` as a process of its own; `env` is added to this one's variables."""
    line = [sys.executable, "-m", "tax", "train", plan, "--data", str(data), "--out", "out", *options]
    return subprocess.Popen(line, env=ALONE | (env or {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stopped_in_mid_run(process, number=signal.SIGTERM, step=2):
    """Send a signal once so many steps are logged; return exit code, output and errors."""
    steps = 0
    while process.poll() is None and steps < step:
        try:
            with Path("out/kt1/metrics.jsonl").open(encoding="utf-8") as file:
                steps = sum(1 for _ in file)
        except FileNotFoundError:
            pass
        time.sleep(0.01)
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def test_a_run_ends_with_a_table_a_report_and_what_to_do_next(plan, data, capfd):
    assert tax(["train", plan, "--data", str(data), "--out", "out", "--set", "kt2.epochs=1"]) == 0
    told = capfd.readouterr()
    rows = [line.split() for line in told.out.splitlines()]
    assert rows[1][:2] == ["phase", "samples"]
    assert [row[:3] for row in rows[2:4]] == [["kt1", "24", "6"], ["kt2", "18", "3"]]
    assert "Talk to it: tax chat out/kt2/model" in told.out
    assert "kt1 step 3:  held-out loss" in told.err
    assert Path("out/report.html").read_text(encoding="utf-8").count("<svg") == 2
    assert "Report: out/report.html" in told.out


@pytest.mark.parametrize("launcher", [[], ["--launcher", "torchrun", "--processes", "2"]], ids=["local", "torchrun"])
def test_a_signal_leaves_a_checkpoint_and_the_run_goes_on(plan, data, tiny, tmp_path, plan_of, train, capfd, launcher):
    settings = ["kt1.epochs=30", "checkpoints.every=1000", "kt1.select.every=1000"]
    options = [part for setting in settings for part in ("--set", setting)]
    code, _, errors = stopped_in_mid_run(started(plan, data, *options, *launcher))
    assert code == 130, errors
    assert errors.count("the same command goes on from there") == 1, "one process speaks"
    assert Path("out/report.html").exists()
    before = [json.loads(line) for line in Path("out/kt1/metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert 2 <= len(before) < 90
    resumed = plan_of(tiny, *settings)
    found = train(resumed, tmp_path / "out", only="kt1")["kt1"]
    assert f"kt1 goes on after step {len(before)}" in capfd.readouterr().err
    assert [line["step"] for line in found] == list(range(1, 91)), "no step twice, none left out"
    assert [line["loss"] for line in found[: len(before)]] == [line["loss"] for line in before]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word that a parent is gone is Linux's")
@pytest.mark.parametrize("launcher", [[], ["--launcher", "torchrun", "--processes", "2"]], ids=["local", "torchrun"])
def test_a_command_that_is_killed_outright_leaves_no_trainer_behind(plan, data, launcher):
    settings = ["kt1.epochs=300", "checkpoints.every=10000", "kt1.select.every=10000"]
    options = [part for setting in settings for part in ("--set", setting)]
    # communicate() returns once nobody holds the output's other end any more: the trainer has ended too.
    code, _, errors = stopped_in_mid_run(started(plan, data, *options, *launcher), signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert errors.count("the same command goes on from there") == 1, errors
    steps = len(Path("out/kt1/metrics.jsonl").read_text(encoding="utf-8").splitlines())
    assert 2 <= steps < 900
    saved = [int(step.name.removeprefix("step-")) for step in Path("out/kt1/checkpoints").glob("step-*")]
    assert max(saved) == steps, "the step in work was finished and saved"


def test_two_machines_train_one_model_by_torchrun(plan, data):
    """Two starts of the command find each other, as on two machines; here both are this one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = {"PET_MASTER_ADDR": "127.0.0.1", "PET_MASTER_PORT": str(probe.getsockname()[1]), "PET_NNODES": "2"}
    starts = [
        started(plan, data, "--phase", "kt1", "--launcher", "torchrun", env=place | {"PET_NODE_RANK": rank})
        for rank in "10"
    ]
    ends = [process.communicate(timeout=240) for process in starts]
    assert [process.returncode for process in starts] == [0, 0], ends
    assert Path("out/kt1/model/training.json").exists()
    assert sum(errors.count("the checkpoint of step") for _, errors in ends) == 1, "one process speaks"


PDSH = """#!/usr/bin/env bash
while [[ $1 == -* ]]; do
  case $1 in -w) hosts=$2; shift 2 ;; -f | -l | -R) shift 2 ;; *) shift ;; esac
done
number=0
for host in ${hosts//,/ }; do bash -c "${*//%n/$number}" & number=$((number + 1)); done
wait
"""
SSH = """#!/usr/bin/env bash
while [[ $1 == -* ]]; do case $1 in -o | -p | -l) shift 2 ;; *) shift ;; esac; done
shift
exec bash -c "$*"
"""


def test_a_hostfile_names_the_machines(plan, data, tmp_path):
    """DeepSpeed's own runner, with an ssh and a pdsh that run the commands for both machines here."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, script in {"pdsh": PDSH, "ssh": SSH}.items():
        (tools / name).write_text(script, encoding="utf-8")
        (tools / name).chmod(0o755)
    Path("hosts").write_text("localhost slots=1\n127.0.0.1 slots=1\n", encoding="utf-8")
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    process = started(
        plan, data, "--phase", "kt1", "--launcher", "deepspeed", "--hostfile", "hosts", env={"PATH": path}
    )
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert "dist_world_size=2" in output + errors
    assert Path("out/kt1/model/training.json").exists()


def test_what_the_user_must_change_is_told_once(plan, capfd):
    assert tax(["train", plan, "--data", "nowhere", "--out", "out"]) == 2
    errors = capfd.readouterr().err
    assert errors.count("error: ") == 1
    assert "--data nowhere is not there: name the folder that tax mix wrote" in errors


def test_a_dry_run_writes_nothing_and_counts_the_steps(plan, data, capfd, tmp_path):
    before = sorted(tmp_path.iterdir())
    options = ["--data", str(data), "--dry-run", "--json", "--set", "kt1.epochs=5", "--processes", "4"]
    assert tax(["train", plan, *options]) == 0
    found = json.loads(capfd.readouterr().out)
    assert {phase["phase"]: phase["steps"] for phase in found["phases"]} == {"kt1": 15, "kt2": 6}
    assert found["processes"] == 4
    assert found["plan"]["phases"]["kt1"]["epochs"] == 5
    assert sorted(tmp_path.iterdir()) == before
