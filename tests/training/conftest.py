"""A tiny student and a small data folder, made on the spot: what `tax mix` would have written for a plan of ours."""

import json
import random

import pytest
import yaml

pytest.importorskip("torch", reason="training needs pip install -c constraints.txt -e '.[train]'")

from support.students import TEMPLATE, conversation, train_tokenizer


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A data folder of two phases with 24 and 18 conversations, held-out ones, documents, and a tokenizer."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "heldout").mkdir()
    chance = random.Random(7)
    files = {"kt1": (24, 4), "kt2": (18, 30), "heldout/kt1": (6, 4), "heldout/kt2": (5, 30)}
    texts = []
    for name, (count, longest) in files.items():
        samples = [conversation(f"{name}-{number}", chance, longest) for number in range(count)]
        texts += [message["content"] for sample in samples for message in sample["messages"]]
        write_samples(folder / f"{name}.jsonl", samples)
    documents = [{"id": f"d{number}", "source": "s", "text": text * 3, "license": "CC0-1.0"} for number, text in
                 enumerate(texts[:10])]  # fmt: skip
    write_samples(folder / "cpt.jsonl", documents)
    train_tokenizer(texts).save_pretrained(folder / "tokenizer")
    return folder


def write_samples(file, samples):
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")


@pytest.fixture
def tiny():
    """The settings of a plan of two phases for a student of 30,000 parameters."""
    return {
        "student": {
            "config": {
                "model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
                "tie_word_embeddings": True,
            },
            "tokenizer": {"train": {"vocab_size": 400}},
            "chat_template": TEMPLATE,
        },
        "checkpoints": {"every": 1, "keep": 2},
        "defaults": {"batch_size": 8, "context_length": 128, "epochs": 2, "learning_rate": 0.01, "warmup": 2},
        "phases": {"kt1": {"take": ["knowledge-short"]}, "kt2": {"take": ["knowledge-long"], "replay": {"kt1": 1.0}}},
    }  # fmt: skip


@pytest.fixture
def plan_of(tmp_path):
    """Write settings as a plan's file and read it: plan_of(settings, "kt1.epochs=1")."""
    from tax_training.plan_file import load_plan

    def read(settings, *overrides):
        file = tmp_path / "plan.yaml"
        file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        return load_plan(str(file), overrides)

    return read


@pytest.fixture
def train(data):
    """Train a plan in this process: train(plan, out) -> the metrics of every step, by phase."""
    from tax_training.run import train as run

    def trained(plan, out, only=None, folder=data):
        run(plan, folder, out, only)
        return metrics(out, plan)

    return trained


def metrics(out, plan):
    """Return what was logged of each step, but for the time that it took."""
    found = {}
    for phase in plan.phases:
        file = out / phase / "metrics.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found[phase] = [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]
    return found


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
