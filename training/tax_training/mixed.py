"""What `tax mix` says of the data in mix.json, held against the plan that is to be trained on it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tax_training.errors import quoted
from tax_training.plan import Plan, TrainTokenizer


def ignored(plan: Plan, data: Path) -> list[str]:
    """Return a warning for each setting of the plan that the data was mixed otherwise by; none without a mix.json."""
    try:
        about = json.loads((data / "mix.json").read_text(encoding="utf-8"))
        compared = list(_compared(plan, about))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [
        f"{name} is {quoted(asked)} in the plan, but {data} was mixed with {quoted(mixed)}, and that counts: "
        "run tax mix again to have it as the plan says"
        for name, asked, mixed in compared
        if asked != mixed
    ]


def _compared(plan: Plan, about: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield each setting that both know: its name, what the plan says, what the data was mixed with."""
    yield "mix.seed", plan.mix.seed, about["settings"]["seed"]
    yield "mix.heldout", plan.mix.heldout, about["settings"]["heldout"]
    threshold = about["threshold"]
    yield "mix.threshold", plan.mix.threshold, "median" if threshold["from"] == "the median" else threshold["tokens"]
    if isinstance(plan.student.tokenizer, TrainTokenizer):
        asked, trained = plan.student.tokenizer.train.vocab_size, about["tokenizer"].get("trained")
        yield "student.tokenizer.train.vocab_size", asked, trained
    for name, phase in plan.phases.items():
        if name in about["phases"]:
            yield f"{name}.take", list(phase.take), about["phases"][name]["take"]
            yield f"{name}.replay", phase.replay, about["phases"][name]["replay"]
