"""Samples, plans and files for the tests of mixing."""

import json
import random

from support.leaves import lines
from tax.leaf import Message
from tax.runs import MANIFEST, SAMPLES
from tax.sample import Sample, content_id

PLAN = """
description: LAB's three phases
student:
  tokenizer: {train: {vocab_size: 300}}
mix: {heldout: 0}
phases:
  kt1: {take: [knowledge-short]}
  kt2: {take: [knowledge-long, foundational], replay: {kt1: 1.0}}
  st: {take: [compositional], replay: {kt1: 1.0, kt2: 0.5}, learning_rate: 1.0e-3}
"""
HELD = "HOLDOUT-QUESTION Why does a spoon look bent in a glass of water?"  # of the leaf FREE in support/leaves.py
TALK = [{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Hello"}]
_WORDS = "amber basin cedar delta ember fjord grove inlet jetty kelp ledge marsh nectar otter pebble quartz".split()


def sample(leaf, question, answer="Yes.", **changed):
    """A sample of a leaf; its branch is the first part of the leaf's name."""
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    branch = leaf.split("/")[0]
    made = Sample(
        id=content_id(leaf, messages, None),
        leaf=leaf,
        leaf_blob="0" * 40,
        branch=branch,
        kind="knowledge" if branch == "knowledge" else "question",
        messages=messages,
        language="en",
        source=None,
        seeds=(),
        teacher="test",
        prompt="test@0",
        ratings=(),
        parent=None,
        license="CC0-1.0",
    )
    return made.model_copy(update=changed)


def question(rng, words=12):
    """A question that is near no other."""
    return " ".join(f"{rng.choice(_WORDS)}{rng.randrange(1000)}" for _ in range(words)) + "?"


def some(count, seed=0):
    """Samples of five leaves in all branches, with answers of many lengths."""
    rng = random.Random(seed)
    leaves = ["knowledge/a", "knowledge/b", "foundational_skills/c", "compositional_skills/d", "compositional_skills/e"]
    return [
        sample(rng.choice(leaves), question(rng), " ".join(rng.choices(_WORDS, k=rng.randint(1, 30))))
        for _ in range(count)
    ]


def write_run(folder, samples):
    """A finished run folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps({"id": folder.name, "status": "finished"}), encoding="utf-8")
    text = "".join(each.model_dump_json() + "\n" for each in samples)
    (folder / SAMPLES).write_text(text, encoding="utf-8")
    return folder


def write_rows(path, rows):
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def files_of(folder):
    """All files below a folder with their bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_plan(folder):
    """The plan of LAB's three phases, as plan.yaml."""
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return folder / "plan.yaml"


def mixer(tax, root):
    """Return a function that mixes in a folder: inputs to mix.json, and a function from a file's name to its rows."""

    def mixed(*arguments):
        code, out, err = tax("mix", *arguments, "--plan", "plan.yaml", "--out", "data", "--json", "--quiet")
        assert code == 0, err
        return json.loads(out), lambda name: lines(root / "data" / f"{name}.jsonl")

    return mixed


def ids(rows):
    """The ids of rows."""
    return [row["id"] for row in rows]
