"""A whole run in this process or another: phases in their order, killed and resumed, chosen, mended, refused."""

import errno
import json
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

from .conftest import metrics

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


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, nothing is tidied up."""


def kill_at(monkeypatch, place, name, count):
    """Have the count-th call of a method end everything."""
    whole, left = getattr(place, name), [count]

    def deadly(*given, **named):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return whole(*given, **named)

    monkeypatch.setattr(place, name, deadly)


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


def test_a_run_trains_every_phase_and_leaves_models_that_transformers_loads(train, plan_of, tiny, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    found = train(plan_of(tiny), tmp_path / "out")
    assert [(line["epoch"], line["step"], line["samples"]) for line in found["kt1"]] == [
        (0, 1, 8), (0, 2, 8), (0, 3, 8), (1, 4, 8), (1, 5, 8), (1, 6, 8)
    ]  # fmt: skip
    assert [line["samples"] for line in found["kt2"]] == [8, 8, 2, 8, 8, 2], "every sample once an epoch"
    assert found["kt1"][-1]["loss"] < found["kt1"][0]["loss"] - 0.3
    assert [line["learning_rate"] for line in found["kt2"][:3]] == [0.005, 0.01, 0.01], "a fresh warm-up"
    folder = tmp_path / "out/kt2/model"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Say moss."}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    answer = AutoModelForCausalLM.from_pretrained(folder).generate(**asked, max_new_tokens=4, do_sample=False)
    assert answer.shape[1] > asked["input_ids"].shape[1]
    about = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert (about["phase"], about["steps"], len(about["scores"])) == ("kt2", 6, 2)
    assert set(about["heldout"]) == {"kt1", "kt2"}, "forgetting is seen"
    assert about["plan"]["phases"]["kt1"]["learning_rate"] == 0.01


def test_the_held_out_loss_is_that_of_the_model_that_is_written(train, plan_of, tiny, tmp_path, data):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from support.students import TEMPLATE
    from tax_training.conversation import Encoder

    train(plan_of(tiny), tmp_path / "out", only="kt1")
    folder = tmp_path / "out/kt1/model"
    model = AutoModelForCausalLM.from_pretrained(folder)
    lines = (data / "heldout/kt1.jsonl").read_text(encoding="utf-8").splitlines()
    total, count = 0.0, 0
    for sample in Encoder(AutoTokenizer.from_pretrained(folder), TEMPLATE).conversations(map(json.loads, lines)):
        tokens, learnt = torch.tensor(sample.tokens[:128]), torch.tensor(sample.learnt[:128])
        with torch.no_grad():
            surprise = -model(input_ids=tokens[None]).logits[0, :-1].log_softmax(-1)
        total += float(surprise[torch.arange(len(tokens) - 1), tokens[1:]][learnt[1:]].sum())
        count += int(learnt[1:].sum())
    about = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert about["score"] == pytest.approx(total / count, abs=1e-5)


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


def test_a_finished_run_is_left_as_it_is(train, plan_of, tiny, tmp_path, capsys):
    plan, out = plan_of(tiny), tmp_path / "out"
    train(plan, out)
    before = (out / "kt2/model/model.safetensors").stat().st_mtime_ns
    train(plan, out)
    assert (out / "kt2/model/model.safetensors").stat().st_mtime_ns == before
    assert "kt2 is finished" in capsys.readouterr().err


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


def test_the_rounding_of_a_layout_is_all_that_changes(train, plan_of, tiny, tmp_path):
    tiny["defaults"]["learning_rate"] = 1e-4  # at large steps AdamW makes much of a rounding in the sixth place
    settings = ["engine.packing=false", "engine.loss_chunk=3", "engine.activation_checkpointing=true"]
    plain = train(plan_of(tiny), tmp_path / "plain")
    other = train(plan_of(tiny, *settings), tmp_path / "out")
    for phase, lines in plain.items():
        assert [line["loss"] for line in lines] == pytest.approx([line["loss"] for line in other[phase]], abs=1e-6)


def test_the_next_phase_starts_from_the_chosen_checkpoint(train, plan_of, tiny, tmp_path):
    scores = tmp_path / "evaluate.py"
    scores.write_text(
        "import json, sys\nfrom pathlib import Path\nassert (Path(sys.argv[1]) / 'model.safetensors').exists()\n"
        "step = json.loads((Path(sys.argv[1]) / 'training.json').read_text())['step']\n"
        "print({2: 50.0, 4: 58.9, 6: 59.0}[step])\n",
        encoding="utf-8",
    )
    tiny["phases"]["kt1"]["select"] = {
        "metric": "command", "command": f"{sys.executable} {scores} {{model}}", "every": 2, "tolerance": 0.2
    }  # fmt: skip
    out = tmp_path / "out"
    train(plan_of(tiny, "checkpoints.keep=1"), out)
    about = json.loads((out / "kt1/model/training.json").read_text(encoding="utf-8"))
    assert (about["step"], about["score"]) == (4, 58.9)
    assert [score["score"] for score in about["scores"]] == [50.0, 58.9, 59.0], "all scores are kept"
    assert not (out / "kt1/candidate").exists(), "what was evaluated is there for the time only"
    kept = json.loads((out / "kt2/phase.json").read_text(encoding="utf-8"))
    assert kept["start"] == PhaseFolder(out / "kt1").fingerprint()


def test_adapters_are_trained_resumed_and_merged(train, plan_of, tiny, tmp_path, monkeypatch):
    from safetensors.torch import load_file

    tiny["student"]["lora"] = {"rank": 4, "dropout": 0.1}
    plan = plan_of(tiny)
    whole = train(plan, tmp_path / "whole")
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_at(patched, PhaseFolder, "log", 4)
        train(plan, tmp_path / "out")
    assert train(plan, tmp_path / "out") == whole, "dropout too goes on as it was"
    assert whole["kt1"][-1]["loss"] < whole["kt1"][0]["loss"]
    model = load_file(tmp_path / "out/kt1/model/model.safetensors")
    assert not any("lora" in name for name in model)
    after = load_file(tmp_path / "out/kt2/model/model.safetensors")
    assert not torch.equal(model["model.layers.0.mlp.up_proj.weight"], after["model.layers.0.mlp.up_proj.weight"])
    assert torch.equal(model["model.embed_tokens.weight"], after["model.embed_tokens.weight"])


def test_weights_that_no_sample_goes_through_are_saved_as_they_are(train, plan_of, tiny, tmp_path, monkeypatch):
    from safetensors.torch import load_file

    text = {**tiny["student"]["config"], "model_type": "gemma3_text", "head_dim": 8, "vocab_size": 400}
    seen = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    tiny["student"]["config"] = {"model_type": "gemma3", "text_config": text, "vision_config": seen}
    plan = plan_of(tiny, "kt1.epochs=1")
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_at(patched, PhaseFolder, "log", 3)
        train(plan, tmp_path / "out", only="kt1")
    train(plan, tmp_path / "out", only="kt1")
    name = "model.vision_tower.embeddings.patch_embedding.weight"
    checkpoint = next((tmp_path / "out/kt1/checkpoints").glob("step-0000003/*.safetensors"))
    assert not load_file(checkpoint)[f"exp_avg/{name}"].any()


def test_documents_then_conversations(train, plan_of, tiny, tmp_path, data):
    tiny["phases"] = {
        "cpt": {"kind": "cpt", "take": ["corpus"], "too_long": "split", "context_length": 32},
        "kt1": {"take": ["all"], "optimizer": "carried"},
    }
    found = train(plan_of(tiny), tmp_path / "out")
    assert found["cpt"][0]["learnt"] == found["cpt"][0]["tokens"], "every token of a document is learnt"
    assert found["kt1"][0]["learnt"] < found["kt1"][0]["tokens"]
    state = json.loads((max((tmp_path / "out/kt1/checkpoints").glob("step-*")) / "state.json").read_text("utf-8"))
    assert state["updates"] == state["step"] + len(found["cpt"]), "the moments were carried on"


def test_held_out_samples_that_cannot_be_measured_are_told_of(train, plan_of, tiny, tmp_path, data, capsys):
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    (folder / "heldout/kt1.jsonl").write_text('{"id": "a", "messages": [{"role": "user", "content": "Hm"}]}\n')
    (folder / "heldout/kt2.jsonl").unlink()
    train(plan_of(tiny), tmp_path / "out", folder=folder)
    told = capsys.readouterr().err
    assert "heldout/kt1.jsonl: no sample is left to train on (no turn of the assistant: 1)" in told
    assert "without held-out samples the last checkpoint of kt2 is taken" in told
    assert "kt2 step" not in told, "nothing was measured, so nothing is said of it"
    about = json.loads((tmp_path / "out/kt2/model/training.json").read_text(encoding="utf-8"))
    assert (about["step"], about["score"]) == (6, None)
