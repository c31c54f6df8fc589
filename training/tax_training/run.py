"""A run: the phases of a plan, in order, each from the model of the one before it."""

from collections.abc import Iterable
from pathlib import Path

from tax_training import model as models
from tax_training.corpus import is_empty
from tax_training.errors import UserError, quoted
from tax_training.files import only_one
from tax_training.loop import PhaseRun
from tax_training.mixed import ignored
from tax_training.phase_folder import PhaseFolder
from tax_training.plan import Plan
from tax_training.progress import Progress
from tax_training.select import hold_program
from tax_training.stop import Stop
from tax_training.world import World


def train(plan: Plan, data: Path, out: Path, only: str | None = None, *, progress: type[Progress] = Progress) -> None:
    """Train a plan's phases, or only one of them; go on where an earlier call ended. Raises UserError, Interrupted."""
    models.quiet()
    world = World.join()
    if only is not None and only not in plan.phases:
        raise UserError(f"the plan has no phase {quoted(only)}; it has {', '.join(plan.phases)}")
    with world.alone(only_one, out), Stop() as stop:
        tokenizer = models.student_tokenizer(plan.student, data)
        for warning in ignored(plan, data) if world.first else []:
            progress("", 1, 1).say(f"warning: {warning}")
        empty = world.once(lambda: _without_samples(plan, data, out, only))
        asked = [name for name in plan.phases if only in (None, name)]
        world.once(lambda: _hold_programs(plan, out, [name for name in asked if name not in empty]))
        for name in asked:
            PhaseRun(plan, name, data, out, world, tokenizer, stop, progress, empty).run()


def _hold_programs(plan: Plan, out: Path, phases: Iterable[str]) -> None:
    """Raise UserError where the program that measures a phase is not here, and the phase not finished."""
    for name in phases:
        command = plan.phases[name].select.command
        if command is not None and not PhaseFolder(out / name).finished:
            hold_program(command)


def _without_samples(plan: Plan, data: Path, out: Path, only: str | None) -> set[str]:
    """Return the phases that are passed over: their files are empty.

    Raises UserError where none is left to train, or where a file is missing: not after the phases before it.
    """
    missing = [name for name in plan.phases if only in (None, name) and not (data / f"{name}.jsonl").is_file()]
    if missing:
        raise UserError(
            f"there is no {data / missing[0]}.jsonl: write the data of this plan's phases with tax mix, and name its "
            "folder --data"
        )
    empty = {name for name in plan.phases if is_empty(data / f"{name}.jsonl")}
    if len(empty) == len(plan.phases):
        raise UserError(
            f"there is nothing to train on: the file of every phase in {data} is empty. Generate samples for what the "
            "plan's phases take, and run tax mix again"
        )
    if only in empty:
        raise UserError(
            f"{only} has nothing to train on: {data / only}.jsonl is empty. A phase after it starts from the model "
            f"before it: go on with that one; or generate samples for what {only} takes, and run tax mix again"
        )
    return {name for name in empty if not PhaseFolder(out / name).begun}  # one that was begun had other data: refused
