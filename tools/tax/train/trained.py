"""What `tax train` left in its --out folder: the finished phases, as a table, and the model that a path names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tax.problems import UserError, excerpt, printable

MODEL, ABOUT, CHECKPOINTS, STATE = "model", "training.json", "checkpoints", "state.json"


@dataclass(frozen=True)
class Trained:
    """A finished phase: how long it was, which checkpoint was taken, and the held-out losses measured with it."""

    phase: str
    samples: int
    step: int
    steps: int
    heldout: Mapping[str, float]
    first: Mapping[str, float]  # the losses at the phase's first measurement
    model: Path
    plan: Mapping[str, Any]


def trained(out: Path) -> list[Trained]:
    """Return the finished phases of a run, in the order of their plan. Raises UserError."""
    found = [_read(file) for file in sorted(out.glob(f"*/{MODEL}/{ABOUT}"))]
    order = {name: number for each in found for number, name in enumerate(each.plan["phases"])}
    return sorted(found, key=lambda each: order.get(each.phase, len(order)))


def _read(file: Path) -> Trained:
    try:
        about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        first = about["scores"][0]["heldout"] if about["scores"] else {}
        plan = {**about["plan"], "phases": dict(about["plan"]["phases"])}
        taken, began = ({str(name): float(loss) for name, loss in each.items()} for each in (about["heldout"], first))
        samples, step, steps = (int(about[name]) for name in ("samples", "step", "steps"))
        return Trained(str(about["phase"]), samples, step, steps, taken, began, file.parent, plan)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"{file} is not what the trainer writes: {excerpt(error, 200)}") from error


def table(phases: Sequence[Trained]) -> str:
    """Return the phases as a table: for each held-out file the loss at the phase's first measurement, and as taken."""
    names = list(dict.fromkeys(name for phase in phases for name in phase.heldout))
    rows = [["phase", "samples", "steps", "taken", *(f"held-out {name}" for name in names)]]
    for phase in phases:
        counts = [f"{count:,}" for count in (phase.samples, phase.steps, phase.step)]
        rows.append([phase.phase, *counts, *(change(phase, name) for name in names)])
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = [
        "  ".join(f"{cell:{'>' if column else '<'}{widths[column]}}" for column, cell in enumerate(row)).rstrip()
        for row in shown
    ]
    return "\n".join(lines) + "\n"


def change(phase: Trained, name: str) -> str:
    """Return how the loss on a held-out file changed in a phase: `6.931 -> 5.960`."""
    if name not in phase.heldout:
        return ""
    first, last = phase.first.get(name), phase.heldout[name]
    return f"{last:.3f}" if first is None or first == last else f"{first:.3f} -> {last:.3f}"


def find_model(path: Path) -> Path:
    """Return the model folder that a path names: a model itself, a phase, or a run (its last phase). Raises UserError.

    Where the phase, or a phase of the run, is not finished, that is the folder of its checkpoints; a checkpoint is
    itself. A name without such a folder is left to `transformers`, as a hub's.
    """
    if not path.exists() or (path / "config.json").is_file() or is_checkpoint(path):
        return path
    if (path / MODEL / "config.json").is_file():
        return path / MODEL
    begun = [state for of in ("", "*/") for state in path.glob(f"{of}{CHECKPOINTS}/step-*/{STATE}")]
    unfinished = [state for state in begun if not (state.parents[2] / MODEL / ABOUT).is_file()]
    if unfinished:
        return max(unfinished, key=lambda state: state.stat().st_mtime).parents[1]
    phases = trained(path)
    if not phases:
        raise UserError(f"{path} holds no model: name a model folder, a checkpoint, or the --out of a tax train")
    return phases[-1].model


def is_checkpoint(path: Path) -> bool:
    """Tell whether a path is a checkpoint, or the folder of a phase's checkpoints, which stands for the newest."""
    place = path.resolve()
    return path.is_dir() and (CHECKPOINTS in (place.name, place.parent.name) or (path / STATE).is_file())
