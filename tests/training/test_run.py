"""A whole run in this process: phases in their order, what each starts from, what it is measured by and leaves."""

import json
import shutil
import sys

import pytest
import torch

from tax_training.phase_folder import PhaseFolder

from .conftest import Killed, kill_at


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


def test_a_finished_run_is_left_as_it_is(train, plan_of, tiny, tmp_path, capsys):
    plan, out = plan_of(tiny), tmp_path / "out"
    train(plan, out)
    before = (out / "kt2/model/model.safetensors").stat().st_mtime_ns
    train(plan, out)
    assert (out / "kt2/model/model.safetensors").stat().st_mtime_ns == before
    assert "kt2 is finished" in capsys.readouterr().err


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
