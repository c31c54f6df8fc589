"""DeepSpeed against plain torch: two processes on the CPU, every ZeRO stage, checkpoints that any of them goes on from.

One launch of two processes trains all the cases one after the other, since starting them takes longer than training.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tax_training.engine import uses_deepspeed
from tax_training.errors import UserError
from tax_training.plan import Engine
from tax_training.restore import restore

from .conftest import metrics

pytest.importorskip("deepspeed", reason="needs pip install -c constraints.txt -e '.[train]'")

PROCESSES = """
import json, sys
from pathlib import Path
from tax_training.run import train
from tax_training.plan_file import load_plan

plan, data, cases = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
for case, (out, settings) in cases.items():
    train(load_plan(plan, settings), data, Path(out))
"""
STAGES = {
    "zero 0": ["engine.zero=0"],
    "zero 1": ["engine.zero=1"],
    "zero 2": ["engine.zero=2"],
    "zero 3": ["engine.zero=3"],
    "zero 2, offload": ["engine.zero=2", "engine.offload=true"],
    "zero 3, offload": ["engine.zero=3", "engine.offload=true"],
}


@pytest.fixture
def gentle(tiny):
    """`tiny` at a rate where a rounding in the last place stays one."""
    tiny["defaults"]["learning_rate"] = 1e-3
    tiny["checkpoints"]["keep"] = 99
    tiny["student"]["config"]["intermediate_size"] = 65  # which two processes cannot share evenly
    return tiny


def losses(found):
    return [line["loss"] for lines in found.values() for line in lines]


def launch(*arguments):
    """Run something in two processes; return what they told."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launcher, *arguments], capture_output=True, text=True, env=quiet, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stderr


def go_back(folder, out, step):
    """Copy a run as it was when kt2 had reached a step."""
    shutil.copytree(folder, out)
    shutil.rmtree(out / "kt2/model")
    for checkpoint in (out / "kt2/checkpoints").glob("step-*"):
        if int(checkpoint.name.removeprefix("step-")) > step:
            shutil.rmtree(checkpoint)


@pytest.mark.skipif(shutil.which("g++") is None, reason="DeepSpeed compiles its communication on the CPU: needs g++")
def test_every_stage_agrees_with_plain_torch_and_goes_on_from_its_checkpoints(train, plan_of, gentle, tmp_path, data):
    plan = plan_of(gentle)
    plain = train(plan, tmp_path / "plain")
    cases = {}
    for number, (name, settings) in enumerate(STAGES.items()):
        cases[name] = (str(tmp_path / f"whole {number}"), settings)
        if "offload" not in name:
            go_back(tmp_path / "plain", tmp_path / f"resumed {number}", step=2)
            cases[f"{name}, resumed"] = (str(tmp_path / f"resumed {number}"), settings)
    script = tmp_path / "processes.py"
    script.write_text(PROCESSES, encoding="utf-8")
    told = launch(script, tmp_path / "plan.yaml", data, json.dumps(cases))
    for name, (out, _) in cases.items():
        found = metrics(tmp_path / out, plan)
        assert losses(found) == pytest.approx(losses(plain), abs=1e-6), name
        taken = json.loads((tmp_path / out / "kt2/model/training.json").read_text(encoding="utf-8"))["step"]
        restore(tmp_path / out / f"kt2/checkpoints/step-{taken:07d}", tmp_path / "restored")
        model = (tmp_path / out / "kt2/model/model.safetensors").read_bytes()
        assert (tmp_path / "restored/model.safetensors").read_bytes() == model, "in one process, without DeepSpeed"
    assert "kt2 goes on after step 2" in told

    go_back(tmp_path / "whole 3", tmp_path / "alone", step=3)  # of ZeRO-3 with two processes, by plain torch with one
    assert losses(train(plan, tmp_path / "alone")) == pytest.approx(losses(plain), abs=1e-6)

    again = tmp_path / "again"  # with as many processes as before: bit for bit
    go_back(tmp_path / "whole 2", again, step=2)
    shutil.copytree(tmp_path / "whole 2", tmp_path / "expected")
    launch("-m", "tax_training", tmp_path / "plan.yaml", "--data", data, "--out", again, "--set", "engine.zero=2")
    assert metrics(again, plan) == metrics(tmp_path / "expected", plan)


@pytest.mark.skipif(shutil.which("g++") is None, reason="DeepSpeed compiles its communication on the CPU: needs g++")
@pytest.mark.parametrize("setting", ["engine.zero=1", "engine.zero=3"])
def test_one_process_needs_no_launcher(train, plan_of, gentle, tmp_path, data, setting):
    plan = plan_of(gentle, "defaults.epochs=1")
    alone = {name: value for name, value in os.environ.items() if name not in {"LOCAL_RANK", "RANK", "WORLD_SIZE"}}
    command = [sys.executable, "-m", "tax_training", tmp_path / "plan.yaml", "--data", data, "--out", tmp_path / "out"]
    settings = ["--set", "defaults.epochs=1", "--set", setting]
    done = subprocess.run([*command, *settings], capture_output=True, text=True, env=alone, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert losses(metrics(tmp_path / "out", plan)) == pytest.approx(losses(train(plan, tmp_path / "plain")), abs=1e-6)


def test_the_engine_follows_from_plan_and_processes():
    assert not uses_deepspeed(Engine(), 1)
    assert uses_deepspeed(Engine(), 2)
    assert uses_deepspeed(Engine(zero=3), 1)
    assert uses_deepspeed(Engine(kind="deepspeed"), 1)
    with pytest.raises(UserError, match="take deepspeed, or auto"):
        uses_deepspeed(Engine(kind="torch"), 2)


def test_stage_0_refuses_what_it_cannot_do():
    from tax_training.deepspeed_engine import deepspeed_config

    with pytest.raises(UserError, match="take 1, 2 or 3"):
        deepspeed_config(Engine(zero=0), 1.0, half=True)
