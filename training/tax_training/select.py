"""Which checkpoint of a phase is the best: the earliest whose score is within a tolerance of the best score.

LAB (section 3.3) prefers earlier checkpoints and does not say by how much; the tolerance is the plan's.
"""

import json
import math
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tax_training.errors import UserError, quoted
from tax_training.plan import Select


@dataclass(frozen=True)
class Score:
    """What was measured of the checkpoint of one step; the score is None where the phase has no metric."""

    step: int
    epoch: int  # epochs that were finished
    score: float | None
    heldout: dict[str, float] = field(default_factory=dict)  # loss on the set-aside samples, by phase


def choose(scores: Sequence[Score], settings: Select) -> Score:
    """Return the score of the checkpoint that the phase ends with."""
    ranked = _contending(scores, settings)
    return ranked[0] if ranked else scores[-1]


def contenders(scores: Sequence[Score], settings: Select) -> set[int]:
    """Return the steps that may still be chosen when better scores follow: each better than all before it."""
    kept: list[Score] = []
    for score in _contending(scores, settings):
        if not kept or _loss(score, settings) < _loss(kept[-1], settings):
            kept.append(score)
    return {score.step for score in kept}


def hold_program(command: str) -> None:
    """Raise UserError where a command's program is not here: before hours are spent on what it is to measure."""
    program = shlex.split(command)[0]
    if shutil.which(program, path=_places()) is None:
        raise UserError(
            f"select.command cannot be run: there is no program {quoted(program)}: install it, or name it by its path"
        )


def run_command(command: str, model: Path, heldout: Path) -> float:
    """Evaluate a model folder with a program, which may be given the phase's held-out file too.

    Return the score that its last line names. Programs of this environment are found even where it is not activated,
    such as `tax` after `.venv/bin/tax train`. Raises UserError.
    """
    arguments = [
        part.replace("{model}", str(model)).replace("{heldout}", str(heldout)) for part in shlex.split(command)
    ]
    own = {**os.environ, "PATH": _places()}
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, errors="replace", env=own, check=False)
    except OSError as error:
        raise UserError(f"select.command cannot be run: {quoted(arguments[0])}: {error.strerror}") from error
    if done.returncode:
        raise UserError(
            f"select.command ended with code {done.returncode}: {quoted(done.stderr.strip()[-400:], 420)}. "
            "Nothing is lost: mend it, and run the same command again"
        )
    last = done.stdout.strip().rpartition("\n")[2]
    try:
        found = json.loads(last)
        score = float(found["score"] if isinstance(found, dict) else found)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f'select.command must print a number or {{"score": number}} as its last line, not {quoted(last)}'
        ) from error
    if not math.isfinite(score):
        raise UserError(f"select.command printed a score that is no finite number: {quoted(last)}")
    return score


def _places() -> str:
    return os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])


def _contending(scores: Sequence[Score], settings: Select) -> list[Score]:
    scored = [score for score in scores if math.isfinite(_loss(score, settings))]
    if not scored:
        return []
    best = min(_loss(score, settings) for score in scored)
    return [score for score in scored if _loss(score, settings) <= best + settings.tolerance]


def _loss(score: Score, settings: Select) -> float:
    """Return a score such that lower is better."""
    if score.score is None:
        return math.inf
    return -score.score if settings.metric == "command" and settings.higher_is_better else score.score
