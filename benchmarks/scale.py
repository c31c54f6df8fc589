"""Memory and CPU of `tax generate` from ten thousand samples to a million: a teacher in process that answers at once.

    python benchmarks/scale.py SAMPLES [--leaves N] [--resume | --computed]

The samples are spread over some leaves; with --leaves 1 they are all of one. Every sample goes through the four stages
of skills, its calls are journalled and its line is written, as with a real teacher. `--resume` runs the same command
once more: every answer then comes from the journal. `--computed` asks no teacher: the samples are problems of
templates, which takes a tenth of the time and all of the rest of the pipeline. Results: docs/log.md.
"""

import argparse
import contextlib
import json
import random
import resource
import tempfile
import time
from itertools import accumulate
from pathlib import Path

import tax.generate.session
from tax.cli import run
from tax.teachers.base import Completion, Request

LEAF = """version: 4
created_by: benchmark
license: CC0-1.0
task_description: Task number {number}.
seed_examples:
  - {{question: Why does bread number {number} rise?, answer: Yeast lets off gas.}}
  - {{question: Why do wet clothes feel cold?, answer: Water takes heat away.}}
"""


COMPUTED = (
    LEAF.replace("Why does bread number {number} rise?", "What is {number} plus 0?")
    + """problem_templates:
  - question: What is {{a}} plus {{b}}?
    variables:
      a: {{from: 1, to: 1000000}}
      b: {{from: 1, to: 1000000}}
    derived:
      total: a + b
    answer: "{{a}} plus {{b}} is {{total}}."
"""
)
VOCABULARY = 50_000


class Instant:
    """Answers at once, in few words; those of its questions are about as frequent as the words of real ones."""

    name = model = "instant"
    free = grounded_only = False

    def __init__(self) -> None:
        self._words = [f"word{number}" for number in range(VOCABULARY)]
        self._up_to = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))  # Zipf's law

    def reads(self, language: str, text: str) -> bool:
        return True

    async def complete(self, request: Request) -> Completion:
        words = random.Random(request.key)
        if request.prompt == "skill_questions":
            return self._answer({"questions": [{"question": self._sentence(words, 12)} for _ in range(10)]})
        if request.prompt.startswith("judge"):
            return self._answer({"reason": "It is good.", "rating": 1 if request.prompt == "judge_question" else 3})
        return Completion(self._sentence(words, 8), 400, 60)

    async def close(self) -> None:
        pass

    def _sentence(self, words: random.Random, length: int) -> str:
        return " ".join(words.choices(self._words, cum_weights=self._up_to, k=length)) + "."

    def _answer(self, fields: object) -> Completion:
        return Completion(json.dumps(fields), 400, 60)


async def _open(*_: object) -> Instant:
    return Instant()


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=int)
    parser.add_argument("--leaves", type=int, default=0, help="default: a leaf for each hundred samples")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--computed", action="store_true")
    options = parser.parse_args()
    leaves = options.leaves or options.samples // 100
    tax.generate.session.open_teacher = _open
    with tempfile.TemporaryDirectory(dir=".") as folder:
        text = COMPUTED if options.computed else LEAF
        for number in range(leaves):
            path = Path(folder, "taxonomy/compositional_skills", f"{number // 100}/{number}/qna.yaml")
            path.parent.mkdir(parents=True)
            path.write_text(text.format(number=number), encoding="utf-8")
        command = ["generate", f"{folder}/taxonomy", "--teacher", "instant", "--quiet"]
        command += ["--samples", str(options.samples // leaves), "--out", f"{folder}/run", "--calls", f"{folder}/calls"]
        for again in range(1 + options.resume):
            wall, cpu = time.monotonic(), time.process_time()
            with contextlib.redirect_stdout(None):
                assert run(command) == 0
            wall, cpu = time.monotonic() - wall, time.process_time() - cpu
            manifest = json.loads(Path(folder, "run/manifest.json").read_text(encoding="utf-8"))
            calls = manifest["calls"]["reused" if again else "asked"]
            print(json.dumps(_figures(manifest, sum(calls.values()), wall, cpu)), flush=True)


def _figures(manifest: dict, calls: int, wall: float, cpu: float) -> dict:
    return {
        "leaves": len(manifest["leaves"]),
        "kept": manifest["kept"],
        "calls": calls,
        "wall_s": round(wall, 1),
        "cpu_ms_per_sample": round(1000 * cpu / manifest["kept"], 2),
        "cpu_ms_per_call": round(1000 * cpu / calls, 3) if calls else None,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
