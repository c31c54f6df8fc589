"""`python -m tax_training.restore CHECKPOINT FOLDER`: write a checkpoint's model as a folder that transformers loads.

A checkpoint is of one form whatever engine wrote it (checkpoints.py), so this takes one process and no DeepSpeed. Its
state says plan, phase and the phase before; the tokenizer lies in the phase's folder. The model that the phase started
from must be there still: adapters are merged into it, and without adapters it says what the weights are put into.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tax_training import model as models
from tax_training.checkpoints import Folder, damage, read_state
from tax_training.conversation import load_tokenizer
from tax_training.errors import UserError
from tax_training.phase_folder import PhaseFolder
from tax_training.plan import Plan


def names_checkpoint(path: Path) -> bool:
    """Tell whether a path names a checkpoint, or the folder of a phase's checkpoints."""
    place = path.resolve()
    return path.is_dir() and ("checkpoints" in (place.name, place.parent.name) or (path / "state.json").is_file())


def restore(path: Path, folder: Path) -> None:
    """Write the model of a checkpoint. Of a phase's `checkpoints`, the newest that is whole is taken, and said.

    Raises UserError where it is damaged, or where what it stands on is gone.
    """
    models.quiet()
    checkpoint = _newest(path) if path.resolve().name == "checkpoints" else _whole(path)
    state = read_state(checkpoint)
    plan = _plan(checkpoint, state)
    phase = PhaseFolder(checkpoint.resolve().parents[1])
    if not phase.tokenizer.is_dir():
        raise UserError(f"{phase.tokenizer} is missing: name the checkpoint in its place, RUN/PHASE/checkpoints/step-N")
    about = {"phase": state["phase"], "step": state["step"]}
    start = _start(phase, state["start"], plan)
    models.export(checkpoint, plan, start, load_tokenizer(phase.tokenizer), folder, about)


def _whole(checkpoint: Path) -> Path:
    fault = damage(checkpoint)
    if fault:
        raise UserError(
            f"the checkpoint {checkpoint} is damaged: {fault}. Name another one; or {checkpoint.parent}, of which the "
            "newest that is whole is taken"
        )
    return checkpoint


def _newest(folder: Path) -> Path:
    """Return the newest whole checkpoint of a phase. Nothing is set aside: a run may be writing here."""
    checkpoints = Folder(folder, lambda value: [value])
    for step in reversed(checkpoints.steps()):
        found = checkpoints.at(step)
        fault = damage(found)
        if not fault:
            print(f"this is the newest whole checkpoint: {found}", file=sys.stderr)
            return found
        print(f"passed over: the checkpoint {found} is damaged: {fault}", file=sys.stderr)
    raise UserError(f"{folder} holds no whole checkpoint: the same tax train goes on, and writes the next one")


def _plan(checkpoint: Path, state: dict[str, Any]) -> Plan:
    try:
        return Plan.model_validate_json(json.dumps(state.get("plan")))
    except ValueError as error:
        raise UserError(
            f"{checkpoint} says no plan that is known here: another version wrote it. The same tax train goes on from "
            "it, and its next checkpoint does"
        ) from error


def _start(phase: PhaseFolder, before: str | None, plan: Plan) -> Path | None:
    """Return the model that a phase started from, None for the student. Raises UserError where it is not that one."""
    if before is None:
        return None
    earlier = PhaseFolder(phase.path.with_name(before))
    if not earlier.finished or (plan.student.lora and earlier.fingerprint() != phase.start()):
        raise UserError(
            f"{phase.path.name} was trained from the model of {before}, and {earlier.model} is gone, or another one by "
            "now. Where the checkpoints of that phase are there, the same tax train writes it again"
        )
    return earlier.model


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = argparse.ArgumentParser(prog="python -m tax_training.restore", description="Write a checkpoint's model.")
    options.add_argument("checkpoint", type=Path, help="RUN/PHASE/checkpoints/step-N; without step-N, the newest")
    options.add_argument("folder", type=Path, help="the model folder to write")
    given = options.parse_args(arguments)
    try:
        restore(given.checkpoint, given.folder)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
