"""Do replay, the order of phases, a constant learning rate and clean documents do what the papers say?

Four experiments on a student of 0.4 million weights, trained by `tax_training` on made-up facts (made_data.py):

    replay     LAB 3.3: held-out loss on knowledge after the skills phase, with replay 0, 0.1, 0.25 and 1.0
    order      LAB 3.3: knowledge before skills, skills before knowledge, all at once
    schedule   LAB 3.3: a constant rate after the warm-up, against a cosine to zero in every phase
    corpus     Taiwan LLM 3.1 and Table 3: SFT alone, continued pre-training before it, the same with noisy crawl mixed
               in, and without the crawl as many steps

    python benchmarks/experiments/phases.py [replay|order|schedule|corpus]... [--seeds 3]

Held-out questions of knowledge are paraphrases: the facts were trained on, the wording was not. In `corpus` half of the
people stand in the documents alone, and the held-out questions are about them. The last checkpoint of each phase is
taken, so that arms differ in nothing else.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), *(str(Path(__file__).parents[2] / part) for part in ("tools", "training"))]

import made_data as made
import yaml

from tax.mix.plan import NewTokenizer
from tax.mix.tokens import save_tokenizer, train_tokenizer
from tax_training.plan_file import load_plan
from tax_training.progress import Progress
from tax_training.run import train

PEOPLE, EXERCISES, HELD_OUT = 60, 600, 100
EPOCHS = 6
STUDENT = {
    "config": {
        "model_type": "llama",
        "hidden_size": 96,
        "intermediate_size": 256,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 128,
        "tie_word_embeddings": True,
    },
    "tokenizer": {"train": {"vocab_size": 600}},
}
DEFAULTS: dict[str, Any] = {
    "batch_size": 32,
    "context_length": 128,
    "epochs": EPOCHS,
    "learning_rate": 2.0e-3,
    "warmup": 20,
    "select": {"metric": "last", "heldout_samples": 500},
}

Losses = dict[str, float]


class Quiet(Progress):
    """A progress that says nothing."""

    def say(self, text: str) -> None:
        """Keep silent."""

    def step(self, metrics: Mapping[str, Any]) -> None:
        """Keep silent."""


class Bench:
    """A folder of data, and the runs on it."""

    def __init__(self, folder: Path, seed: int, texts: Sequence[str]) -> None:
        self.folder, self.seed = folder, seed
        save_tokenizer(train_tokenizer(NewTokenizer(vocab_size=600), texts), folder / "tokenizer")

    def data(self, name: str, trained: Mapping[str, list[Any]], held_out: Mapping[str, list[Any]]) -> Path:
        """Write a data folder: what each phase is trained on, and what is measured after it."""
        data = self.folder / name
        (data / "heldout").mkdir(parents=True)
        shutil.copytree(self.folder / "tokenizer", data / "tokenizer")
        for phase, items in trained.items():
            _write(data / f"{phase}.jsonl", items)
        for phase, items in held_out.items():
            _write(data / "heldout" / f"{phase}.jsonl", items)
        return data

    def run(self, data: Path, phases: Mapping[str, dict[str, Any]], start: str = "") -> dict[str, Losses]:
        """Train the phases, from another run's finished ones where `start` names it; return the losses after each."""
        out = self.folder / f"out-{data.name}"
        if start:
            shutil.copytree(self.folder / f"out-{start}", out)
        plan = {
            "student": STUDENT,
            "seed": self.seed,
            "engine": {"micro_tokens": 2048, "loss_chunk": 0},
            "checkpoints": {"keep": 1},
            "defaults": DEFAULTS,
            "phases": {name: {"take": ["all"], **settings} for name, settings in phases.items()},
        }
        file = self.folder / f"{data.name}.yaml"
        file.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
        train(load_plan(str(file), []), data, out, progress=Quiet)
        return {name: _heldout(out / name) for name in phases}


def replay(bench: Bench) -> dict[str, Losses]:
    """Skills after knowledge, with shares of it replayed."""
    kt1, kt2, st = _three(bench.seed)
    held_out = {"kt1": kt1[1], "kt2": kt2[1], "st": st[1]}
    both = {"kt1": kt1[0], "kt2": kt2[0] + kt1[0]}
    base = bench.data("knowledge", both, held_out)
    losses = bench.run(base, {"kt1": {}, "kt2": {}})
    found = {"before skills": losses["kt2"]}
    for share in (0.0, 0.1, 0.25, 1.0):
        again = _share(kt1[0], share) + _share(kt2[0], share)
        data = bench.data(f"replay-{share}", {**both, "st": st[0] + again}, held_out)
        found[f"replay {share:g}"] = bench.run(data, {"kt1": {}, "kt2": {}, "st": {}}, "knowledge")["st"]
    return found


def order(bench: Bench) -> dict[str, Losses]:
    """Knowledge and skills in three orders; without replay every sample is seen equally often in each."""
    kt1, kt2, st = _three(bench.seed)
    knowledge, exercises = kt1[0] + kt2[0], st[0]
    held_out = {"knowledge": kt1[1] + kt2[1], "skills": st[1]}
    found = {}
    for name, first, second, again in (
        ("knowledge, skills", "knowledge", "skills", False),
        ("skills, knowledge", "skills", "knowledge", False),
        ("knowledge, skills with replay", "knowledge", "skills", True),
        ("skills, knowledge with replay", "skills", "knowledge", True),
    ):
        own = {"knowledge": knowledge, "skills": exercises}
        trained = {first: own[first], second: own[second] + (own[first] if again else [])}
        data = bench.data(name.replace(", ", "-").replace(" ", "-"), trained, held_out)
        found[name] = bench.run(data, {first: {}, second: {}})[second]
    # One phase of everything; the second set of held-out samples is measured through a phase of one sample's training.
    data = bench.data("at-once", {"everything": knowledge + exercises}, {"everything": held_out["knowledge"]})
    first = bench.run(data, {"everything": {}})["everything"]["everything"]
    data = bench.data("at-once-skills", {"everything": knowledge + exercises}, {"everything": held_out["skills"]})
    second = bench.run(data, {"everything": {}})["everything"]["everything"]
    found["all at once"] = {"knowledge": first, "skills": second}
    return found


def schedule(bench: Bench) -> dict[str, Losses]:
    """LAB's three phases with full replay, the rate constant or falling to zero in each."""
    kt1, kt2, st = _three(bench.seed)
    trained = {"kt1": kt1[0], "kt2": kt2[0] + kt1[0], "st": st[0] + kt1[0] + kt2[0]}
    held_out = {"kt1": kt1[1], "kt2": kt2[1], "st": st[1]}
    found = {}
    for kind in ("constant", "cosine"):
        data = bench.data(kind, trained, held_out)
        found[kind] = bench.run(data, {name: {"schedule": kind} for name in trained})["st"]
    return found


def corpus(bench: Bench) -> dict[str, Losses]:
    """Questions on people of whom only documents tell."""
    persons = made.people(PEOPLE, bench.seed)
    known, told_of = persons[: PEOPLE // 2], persons[PEOPLE // 2 :]
    sft = made.short(known)[0]
    held_out = {"sft": made.short(told_of)[0]}
    clean = made.documents(persons)
    found = {}
    for name, documents in (
        ("SFT alone", None),
        ("documents, SFT", clean),
        ("documents twice, SFT", clean * 2),  # as many steps as with the crawl
        ("documents and crawl, SFT", clean + made.crawl(persons, bench.seed)),
    ):
        trained: dict[str, list[Any]] = {"cpt": documents, "sft": sft} if documents else {"sft": sft}
        data = bench.data(name.replace(", ", "-").replace(" ", "-"), trained, held_out)
        phases: dict[str, dict[str, Any]] = {"cpt": {"kind": "cpt", "select": {"metric": "last"}}} if documents else {}
        found[name] = bench.run(data, {**phases, "sft": {}})["sft"]
    return found


EXPERIMENTS: dict[str, Callable[[Bench], dict[str, Losses]]] = {
    "replay": replay,
    "order": order,
    "schedule": schedule,
    "corpus": corpus,
}


def main() -> None:
    """Run the experiments that are named, or all."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("experiments", nargs="*", choices=[*EXPERIMENTS, []], metavar="EXPERIMENT")
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args()
    for name in chosen.experiments or EXPERIMENTS:
        began = time.monotonic()
        results = [_one(name, seed) for seed in range(chosen.seeds)]
        print(f"\n{name}: held-out loss, mean of {chosen.seeds} seeds (each), {time.monotonic() - began:.0f} s")
        for arm in results[0]:
            cells = []
            for measured in results[0][arm]:
                values = [result[arm][measured] for result in results]
                each = ", ".join(f"{value:.2f}" for value in values)
                cells.append(f"{measured} {statistics.mean(values):.3f} ({each})")
            print(f"  {arm:32} {'   '.join(cells)}", flush=True)


def _one(name: str, seed: int) -> dict[str, Losses]:
    with tempfile.TemporaryDirectory() as folder:
        persons = made.people(PEOPLE, seed)
        said = [text for kind in _three(seed) for part in kind for pair in part for text in pair]
        texts = said + made.documents(persons) + made.crawl(persons, seed)
        return EXPERIMENTS[name](Bench(Path(folder), seed, texts))


def _three(seed: int) -> tuple[tuple[list[made.Pair], list[made.Pair]], ...]:
    persons = made.people(PEOPLE, seed)
    return made.short(persons), made.long(persons), made.skills(EXERCISES, HELD_OUT, seed)


def _share(pairs: list[made.Pair], share: float) -> list[made.Pair]:
    """Return an even share of pairs that are ordered by person."""
    return [pair for index, pair in enumerate(pairs) if int((index + 1) * share) > int(index * share)]


def _heldout(folder: Path) -> Losses:
    about = json.loads((folder / "model" / "training.json").read_text(encoding="utf-8"))
    return {name: float(loss) for name, loss in about["heldout"].items()}


def _write(path: Path, items: Sequence[Any]) -> None:
    lines = []
    for index, item in enumerate(items):
        if isinstance(item, str):
            row: dict[str, Any] = {"id": f"{path.stem}-{index}", "source": "made", "text": item, "license": "CC0-1.0"}
        else:
            turns = [{"role": "user", "content": item[0]}, {"role": "assistant", "content": item[1]}]
            row = {"id": f"{path.stem}-{index}", "leaf": "made", "messages": turns}
        lines.append(json.dumps(row) + "\n")
    path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
