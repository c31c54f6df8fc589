"""How fast `tax mix` sorts samples into LAB's phases, and in how much memory: LAB's own numbers of samples, generated.

    python benchmarks/mix.py                    # 1,205,000 samples: 617,000 of knowledge, 588,000 of skills (LAB, 4)
    python benchmarks/mix.py --samples 100000

The samples are sentences of random words in 250 leaves, about as long as real ones; the taxonomy holds a hold-out for
each leaf. The mix runs in a process of its own, whose peak of resident memory is what counts.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tax.leaf import Message
from tax.runs import MANIFEST, SAMPLES
from tax.sample import Sample, content_id

LEAVES = {"knowledge": 100, "foundational_skills": 50, "compositional_skills": 100}
SHARES = {
    "knowledge": 617,
    "foundational_skills": 94,
    "compositional_skills": 494,
}  # LAB has 588 of both kinds of skill
PLAN = """
student: {tokenizer: {train: {vocab_size: 8192}}}
phases:
  kt1: {take: [knowledge-short]}
  kt2: {take: [knowledge-long, foundational], replay: {kt1: 1.0}}
  st: {take: [compositional], replay: {kt1: 1.0, kt2: 1.0}}
"""
LEAF = """
version: 4
created_by: ada
license: CC0-1.0
task_description: Answering questions.
seed_examples:
  - {question: "%s", answer: An answer., holdout: true}
"""


def words(rng: random.Random, vocabulary: list[str], least: int, most: int) -> str:
    """Return a sentence of random words, the frequent ones first in the vocabulary."""
    chosen = (vocabulary[int(len(vocabulary) * rng.random() ** 3)] for _ in range(rng.randint(least, most)))
    return " ".join(chosen).capitalize() + "."


def make(folder: Path, count: int, rng: random.Random, vocabulary: list[str]) -> int:
    """Write a run folder with so many samples, and return the bytes of its samples."""
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps({"id": "benchmark", "status": "finished"}), encoding="utf-8")
    branches = list(SHARES)
    with (folder / SAMPLES).open("w", encoding="utf-8") as file:
        for branch in rng.choices(branches, list(SHARES.values()), k=count):
            leaf = f"{branch}/area/leaf_{rng.randrange(LEAVES[branch])}"
            said = (words(rng, vocabulary, 8, 40), words(rng, vocabulary, 5, 220))
            messages = (Message(role="user", content=said[0]), Message(role="assistant", content=said[1]))
            sample = Sample(
                id=content_id(leaf, messages, None),
                leaf=leaf,
                leaf_blob="0" * 40,
                branch=branch,
                kind="knowledge" if branch == "knowledge" else "question",
                messages=messages,
                language="en",
                source=None,
                seeds=(0,),
                teacher="benchmark",
                prompt="benchmark@0",
                ratings=(),
                parent=None,
                license="CC0-1.0",
            )
            file.write(sample.model_dump_json() + "\n")
    return (folder / SAMPLES).stat().st_size


def main() -> None:
    """Generate, mix, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_205_000)
    parser.add_argument(
        "--folder", help="where the files go (several gigabytes); default: the system's temporary folder"
    )
    options = parser.parse_args()
    rng = random.Random(0)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(20_000)]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        for branch, leaves in LEAVES.items():
            for number in range(leaves if branch != "knowledge" else 0):
                leaf = root / "taxonomy" / branch / "area" / f"leaf_{number}"
                leaf.mkdir(parents=True)
                (leaf / "qna.yaml").write_text(LEAF % words(rng, vocabulary, 8, 40), encoding="utf-8")
        (root / "plan.yaml").write_text(PLAN, encoding="utf-8")
        size = make(root / "run", options.samples, rng, vocabulary)
        print(f"{options.samples:,} samples, {size / 1e9:.2f} GB", flush=True)
        start = time.monotonic()
        command = [sys.executable, "-m", "tax", "mix", "run", "--plan", "plan.yaml", "--out", "data"]
        subprocess.run(command, cwd=root, check=True)
        seconds = time.monotonic() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{seconds:.1f} s, {options.samples / seconds:,.0f} samples/s, {peak:,.0f} MB resident at most")


if __name__ == "__main__":
    main()
