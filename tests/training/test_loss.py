"""The loss: packed rows against plain torch, sample by sample; and samples that must not see each other."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForCausalLM

from tax_training import attention
from tax_training.data import Row, pack
from tax_training.errors import UserError
from tax_training.loss import LearntLoss, check
from tax_training.model import load_student  # noqa: F401  # as a run has it: our attention is registered with the model

KINDS = ["llama", "mistral", "qwen2"]
SETTINGS = {
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip


def student(kind="llama", implementation="tax_segments", dtype=torch.float64, **settings):
    attention.register()
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **{**SETTINGS, **settings})
    model = AutoModelForCausalLM.from_config(config, attn_implementation=implementation).to(dtype)
    for parameter in model.parameters():  # away from the small numbers of the initialisation
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def samples(lengths, seed=0):
    chance = np.random.default_rng(seed)
    return [(chance.integers(0, 97, length), chance.random(length) < 0.6) for length in lengths]


LENGTHS = [3, 17, 2, 40, 9, 9, 25, 31, 5, 60]


def plainly(kind, given):
    """Mean loss over the learnt tokens and its gradients: one sample at a time, its logits whole."""
    model = student(kind, "sdpa")
    total, count = torch.zeros((), dtype=torch.float64), 0
    for tokens, learnt in given:
        logits = model(input_ids=torch.tensor(tokens)[None]).logits[0, :-1]
        wanted = torch.tensor(learnt[1:])
        total = total + cross_entropy(logits[wanted], torch.tensor(tokens[1:])[wanted], reduction="sum")
        count += int(wanted.sum())
    (total / count).backward()
    return float(total.detach()) / count, {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("implementation", "capacity", "chunk"),
    [("tax_segments", 64, 7), ("tax_segments", 1000, 1024), ("sdpa", 64, 0), ("eager", 128, 16), ("sdpa", 0, 7)],
)
def test_packed_rows_have_the_loss_and_gradient_of_plain_torch(kind, implementation, capacity, chunk):
    given = samples(LENGTHS)
    model = LearntLoss(student(kind, implementation), chunk)
    (share,) = pack([len(tokens) - 1 for tokens, _ in given], capacity)
    rows = [Row.of([given[number] for number in row]) for row in share]
    learnt = sum(row.learnt for row in rows)
    total = 0.0
    for row in rows:
        loss = model(row)
        (loss / learnt).backward()
        total += float(loss.detach())
    expected, gradients = plainly(kind, given)
    near = 1e-6 if implementation == "eager" else 1e-9  # transformers' eager softmax is in fp32, whatever the model
    assert total / learnt == pytest.approx(expected, abs=near)
    for name, parameter in model.language_model.named_parameters():
        assert torch.allclose(parameter.grad, gradients[name], atol=near), name


@pytest.mark.parametrize("implementation", ["tax_segments", "sdpa", "eager"])
def test_a_poisoned_neighbour_changes_nothing(implementation):
    given = samples([12, 20, 8])
    model = LearntLoss(student(implementation=implementation), 1024)
    poisoned = [(np.full_like(given[0][0], 96), given[0][1]), given[1], (given[2][0][::-1].copy(), given[2][1])]
    with torch.no_grad():
        clean, beside = (model.hidden(Row.of(row))[11:30] for row in (given, poisoned))
    assert torch.equal(clean, beside), "to the last bit: nothing of a neighbour is even added and taken away"


def test_check_finds_a_model_whose_samples_see_each_other():
    model = LearntLoss(student(implementation="sdpa"), 1024)
    check(model, 97, packing=True)
    inner = model.language_model.base_model
    forward = inner.forward
    inner.forward = lambda position_ids, **given: forward(**given)  # as a model does that knows no packed positions
    with pytest.raises(UserError, match=r"engine\.packing"):
        check(model, 97, packing=True)
    check(model, 97, packing=False)


def test_check_tries_a_model_before_it_is_on_the_gpu_that_its_attention_needs():
    model = LearntLoss(student(implementation="tax_varlen"), 1024)
    check(model, 97, packing=True)
    assert model.language_model.config._attn_implementation == "tax_varlen", "it is trained with what was asked for"


def test_check_finds_a_model_that_changes_its_logits():
    model = LearntLoss(student("granite", "sdpa", logits_scaling=8.0), 1024)
    with pytest.raises(UserError, match=r"engine\.loss_chunk to 0"):
        check(model, 97, packing=True)
    model.chunk = 0
    check(model, 97, packing=True)


def test_a_sliding_window_shorter_than_the_samples_is_refused():
    model = LearntLoss(student("mistral", sliding_window=16), 1024)
    model(Row.of(samples([17])))
    with pytest.raises(UserError, match="sliding_window"):
        model(Row.of(samples([30])))


def test_logits_never_stand_whole_in_memory():
    model = LearntLoss(student(), 8)
    seen = []
    model.language_model.get_output_embeddings().register_forward_hook(lambda *hook: seen.append(len(hook[2])))
    model(Row.of(samples([60, 60]))).backward()
    assert max(seen) <= 8


def test_varlen_is_given_what_its_kernel_takes_under_autocast(monkeypatch):
    """Rotated queries and keys come in fp32 from weights in fp32, whatever autocast says; the kernel takes 16 bits."""
    given = []

    def kernel(query, key, value, *_, **__):
        given.extend(part.dtype for part in (query, key, value))
        return query

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", kernel)
    model = LearntLoss(student(implementation="tax_varlen", dtype=torch.float32), 1024)
    with torch.autocast("cpu", torch.bfloat16):
        model(Row.of(samples([12, 20])))
    assert set(given) == {torch.bfloat16}


def test_attention_that_cannot_run_here_says_so():
    cpu = torch.device("cpu")
    assert attention.implementation("auto", cpu, half=False) == "tax_segments"
    for name in ("flash", "varlen"):
        with pytest.raises(UserError, match="needs a GPU"):
            attention.implementation(name, cpu, half=True)
