"""--dry-run: its arithmetic, by hand."""

import json

import pytest

from tax_training.__main__ import main
from tax_training.errors import UserError
from tax_training.estimate import Size, estimate_phase, memory_of, student_size
from tax_training.plan_file import PLANS, load_plan


def test_the_parameters_of_known_models():
    assert student_size(load_plan("lab-llama-2-13b").student).parameters == 13_015_864_320
    assert student_size(load_plan("lab-mistral-7b").student).parameters == 7_241_732_096
    size = student_size(load_plan("taiwan-llm-7b").student)
    assert (size.parameters, size.trained, size.layers, size.width) == (6_738_415_616, 6_738_415_616, 32, 4096)


def test_the_parameters_of_adapters():
    # Mistral 7B, rank 64: a layer has q and o (4096 + 4096), k and v (4096 + 1024), gate, up and down (4096 + 14336)
    expected = 32 * 64 * (2 * 8192 + 2 * 5120 + 3 * 18432)
    assert student_size(load_plan("one-gpu").student).trained == expected


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("all-linear", 2 * 4 * (16 + 48 + 16 + 16 + 16 + 64 + 64 + 16)),
        ("[h.0.attn.c_attn, mlp.c_fc]", 4 * (64 + 2 * 80)),
    ],
)
def test_the_parameters_of_adapters_in_modules_of_any_kind_and_name(targets, expected):
    config = "student.config={model_type: gpt2, n_embd: 16, n_layer: 2, n_head: 2}"
    student = load_plan("tiny-cpu", [config, f"student.lora={{rank: 4, targets: {targets}}}"]).student
    found = student_size(student)
    assert found.trained == expected
    assert found.parameters - found.trained == student_size(student.model_copy(update={"lora": None})).parameters


def test_a_student_that_sees_is_sized_by_what_reads():
    text = "{hidden_size: 64, num_hidden_layers: 3, vocab_size: 500}"
    seen = "{hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2}"
    config = f"student.config={{model_type: gemma3, text_config: {text}, vision_config: {seen}}}"
    size = student_size(load_plan("tiny-cpu", [config]).student)
    assert (size.layers, size.width, size.vocabulary) == (3, 64, 500)


def test_what_could_not_be_trained_is_not_estimated():
    with pytest.raises(UserError, match=r"'t5' is no student: .*Unrecognized configuration class"):
        student_size(load_plan("tiny-cpu", ["student.config.model_type=t5"]).student)


@pytest.mark.parametrize(("plan", "phase", "steps"), [
    ("lab-llama-2-13b", "kt1", 5 * 165),  # 630,000 / 3,840 = 164.06: 164 whole steps and a rest
    ("lab-llama-2-13b", "st", 7 * 144),
    ("lab-mistral-7b", "kt2", 4 * 60),
])  # fmt: skip
def test_steps_of_new_data_alone_are_those_of_table_2(plan, phase, steps):
    plan = load_plan(plan, [f"{name}.replay={{}}" for name in ("kt2", "st")])
    found = estimate_phase(plan, phase, None, Size(10, 10, 1, 1, 1))
    assert found.steps == steps
    assert found.warmup == plan.phases[phase].warmup
    assert found.tokens == found.samples * plan.phases[phase].context_length * plan.phases[phase].epochs
    assert found.flops == 8 * 10 * found.tokens, "activations are computed twice"
    assert found.new == found.samples


@pytest.mark.parametrize(("plan", "settings", "phase", "new", "samples", "steps"), [
    ("lab-llama-2-13b", [], "kt1", 630_000, 630_000, 825),
    ("lab-llama-2-13b", [], "kt2", 230_000, 860_000, 1568),  # docs/scale.md: with full replay
    ("lab-llama-2-13b", [], "st", 550_000, 1_410_000, 2576),  # what kt2 replays itself comes once
    ("lab-mistral-7b", [], "kt2", 230_000, 860_000, 896),
    ("lab-mistral-7b", ["kt2.replay.kt1=0"], "kt2", 230_000, 230_000, 240),
    ("lab-mistral-7b", ["kt2.replay.kt1=0.5"], "kt2", 230_000, 545_000, 4 * 142),
    ("lab-mistral-7b", ["kt1.samples=null"], "kt2", 230_000, None, None),  # how many it replays is not known
    ("lab-mistral-7b", ["kt1.samples=null", "kt2.replay.kt1=0"], "kt2", 230_000, 230_000, 240),
    ("one-gpu", [], "st", None, None, None),
])  # fmt: skip
def test_replay_counts_among_a_phases_samples(plan, settings, phase, new, samples, steps):
    found = estimate_phase(load_plan(plan, settings), phase, None, Size(10, 10, 1, 1, 1))
    assert (found.new, found.samples, found.steps) == (new, samples, steps)


def test_the_small_student_of_one_gpus_comment_is_not_estimated_as_mistral():
    comment = [
        line for line in (PLANS / "one-gpu.yaml").read_text("utf-8").splitlines() if line.startswith("#   --set")
    ]
    student = load_plan("one-gpu", " ".join(comment).replace("#", "").split()[1::2]).student
    assert (student.architecture, student.lora) == (None, None)
    assert "Qwen" in student.model


def test_tokens_are_those_that_mix_counted(tmp_path):
    (tmp_path / "kt1.jsonl").write_text("{}\n" * 130, encoding="utf-8")
    mixed = {"phases": {"kt1": {"own": 120, "tokens": {"own": 9000, "replayed": 1000}}}}
    (tmp_path / "mix.json").write_text(json.dumps(mixed), encoding="utf-8")
    found = estimate_phase(
        load_plan("tiny-cpu", ["kt1.epochs=3", "kt1.batch_size=64"]), "kt1", tmp_path, Size(1000, 1000, 1, 1, 1)
    )
    assert (found.new, found.samples, found.steps, found.tokens, found.exact) == (120, 130, 9, 30_000, True)
    assert found.flops == 6 * 1000 * 30_000


SIZE = Size(parameters=1000, trained=1000, layers=3, width=10, vocabulary=50)


def memory(*settings, processes=1, half=True, size=SIZE):
    plan = load_plan("tiny-cpu", ["kt1.context_length=100", "engine.micro_tokens=100", *settings])
    return memory_of(plan, plan.phases["kt1"], size, processes, half=half)


def test_memory_of_plain_torch():
    assert memory(half=False, processes=1) == {
        "weights": 4000, "gradients": 4000, "optimizer": 8000,
        "activations": 3 * 17 * 4 * 10 * 100, "logits": 100 * 50 * 12,
    }  # fmt: skip
    assert memory()["weights"] == 6000, "fp32, and autocast's copies"
    assert memory(size=Size(1100, 100, 3, 10, 50))["weights"] == 2 * 1000 + 6 * 100, "frozen ones in 16 bits"


@pytest.mark.parametrize(
    ("settings", "weights", "gradients", "optimizer"),
    [
        (["engine.zero=1"], 2000, 4000, 3000),
        (["engine.zero=2"], 2000, 1000, 3000),
        (["engine.zero=3"], 500, 1000, 3000),
        (["engine.zero=2", "engine.offload=true"], 2000, 1000, 0),
        (["engine.zero=3", "engine.offload=true"], 0, 1000, 0),
    ],
)
def test_memory_of_zero_over_four_processes(settings, weights, gradients, optimizer):
    found = memory(*settings, processes=4)
    assert (found["weights"], found["gradients"], found["optimizer"]) == (weights, gradients, optimizer)


def test_memory_with_activations_computed_again():
    found = memory("engine.activation_checkpointing=true", "engine.loss_chunk=20")
    assert found["activations"] == 3 * 2 * 10 * 100 + 17 * 2 * 10 * 100
    assert found["logits"] == 20 * 50 * 10


def test_the_command_prints_text_and_json(capsys):
    assert main(["lab-mistral-7b", "--dry-run", "--processes", "8"]) == 0
    text = capsys.readouterr().out
    assert "7,241,732,096 parameters" in text
    assert "warning: kt1: the warm-up of 800 steps outlasts the phase's 660" in text
    assert "warning: kt2" not in text
    table = text[text.index("\nphase ") :].splitlines()
    assert table[1].split()[:5] == ["phase", "new", "with", "replay", "epochs"]
    assert table[3].split()[:6] == ["kt2", "230,000", "860,000", "4", "896", "800"]
    assert main(["lab-mistral-7b", "--dry-run", "--json", "--set", "kt1.learning_rate=1e-5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plan"]["phases"]["kt1"]["learning_rate"] == 1e-5
    assert found["phases"][1]["steps"] == 896
