"""The loop under Ray Train: two workers of this machine, one killed in mid-run; and faults that are the user's."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from .conftest import metrics

pytest.importorskip("ray", reason="pip install -c constraints.txt -e '.[cluster]'")
psutil = pytest.importorskip("psutil", reason="it comes with deepspeed")

pytestmark = pytest.mark.slow

ALONE = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def under_ray(tiny, tmp_path, data):
    """Start the tiny plan under Ray, in the temporary folder: under_ray("--phase", "kt1") -> the process."""
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny, sort_keys=False), encoding="utf-8")

    def start(*options):
        line = [sys.executable, "-m", "tax", "train", "tiny.yaml", "--data", str(data), "--out", "out"]
        line += ["--launcher", "ray", "--processes", "2", *options]
        with (tmp_path / "log").open("w") as log:
            return subprocess.Popen(line, cwd=tmp_path, env=ALONE, stdout=log, stderr=subprocess.STDOUT)

    return start


def workers_of(process):
    """Return the processes in which Ray runs the loop."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "RayTrainWorker" in " ".join(child.cmdline()):
                found.append(child)
    return found


def steps_of(out):
    with contextlib.suppress(FileNotFoundError):
        return len((out / "kt1/metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return 0


def test_a_killed_worker_is_replaced_and_the_curve_is_that_of_one_process(under_ray, tmp_path, train, plan_of, tiny):
    process = under_ray("--set", "kt1.epochs=12")
    while process.poll() is None and steps_of(tmp_path / "out") < 5:
        time.sleep(0.05)
    killed = workers_of(process)
    assert len(killed) == 2, (tmp_path / "log").read_text(errors="replace")
    killed[-1].kill()
    assert process.wait(timeout=400) == 0, (tmp_path / "log").read_text(errors="replace")
    assert "kt1 goes on after step" in (tmp_path / "log").read_text(errors="replace")
    plan = plan_of(tiny, "kt1.epochs=12")
    alone = train(plan, tmp_path / "alone")
    for phase, lines in metrics(tmp_path / "out", plan).items():
        assert [line["step"] for line in lines] == [line["step"] for line in alone[phase]]
        assert [line["loss"] for line in lines] == pytest.approx([line["loss"] for line in alone[phase]], abs=1e-3)
    assert json.loads((tmp_path / "out/kt2/model/training.json").read_text("utf-8"))["phase"] == "kt2"


def test_what_the_user_must_change_is_told_once_and_not_tried_again(under_ray, tmp_path):
    process = under_ray("--phase", "kt2")
    assert process.wait(timeout=300) == 2
    log = (tmp_path / "log").read_text(errors="replace")
    assert "error: kt2 starts from the model of kt1, which is not finished" in log


def test_an_address_where_no_cluster_listens_is_told_at_once(tiny, tmp_path, data, capsys, monkeypatch):
    from tax_training.cluster import main

    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny, sort_keys=False), encoding="utf-8")
    with socket.socket() as probe:  # bound, and not listening
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert main([str(tmp_path / "tiny.yaml"), "--data", str(data), "--out", str(tmp_path / "out")]) == 2
    errors = capsys.readouterr().err
    assert f"error: no Ray cluster answers at '{address}'" in errors
    assert "RAY_ADDRESS names the cluster" in errors


def test_what_needs_no_cluster_is_told_without_one(tiny, tmp_path, data, capsys):
    from tax_training.cluster import main

    assert main(["no-such-plan", "--data", str(data), "--out", str(tmp_path)]) == 2
    assert main(["tiny-cpu", "--data", str(data)]) == 2
    assert main(["tiny-cpu", "--dry-run"]) == 2
    told = capsys.readouterr().err
    assert "there is no plan 'no-such-plan'" in told
    assert "--out is missing" in told
    assert Path(tmp_path / ".ray").exists() is False
