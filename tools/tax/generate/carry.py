"""Samples carried over from earlier runs (`tax generate --changed`), for as long as nothing that made them changes.

A leaf's lines are carried over where an earlier run grew the same leaf from the same documents by the same prompts,
teacher and settings (its identity, inputs.py), and where the hold-outs of other leaves that have come or gone since
would not have changed what was dropped. So the result is what a full run would give. Two things are simplified: a
carried sample names the commit at which it was drawn, which still holds what it came from, and the counts of the
stages are those of this run.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from tax.generate.inputs import Input
from tax.generate.results import LeafResult
from tax.problems import UserError
from tax.runs import DROPPED, MANIFEST, SAMPLES, identity_of, read_manifest, run_folders
from tax.text.duplicates import NEAR_HOLDOUT, Holdouts

RECENT = 50  # runs that are looked through, the newest: a manifest of thousands of leaves takes some time to read


@dataclass(frozen=True)
class Carried:
    """A leaf's result in an earlier run, and where that run's files are."""

    folder: Path
    result: LeafResult


class _EarlierInput(BaseModel):
    identity: str


class _Earlier(BaseModel):
    """What is read of an earlier run's manifest; one of another form is passed over."""

    id: str
    status: Literal["finished"]
    holdouts: list[str]
    inputs: list[_EarlierInput]
    leaves: list[LeafResult]


def find_carried(inputs: Sequence[Input], parents: Iterable[Path]) -> dict[int, Carried]:
    """Return which of a run's leaves can be carried over, by their rank, each from the newest run that has it.

    The runs are those in the folders `parents`, the newest 50.
    """
    texts = {holdout_id(text): text for each in inputs for text in each.holdouts}
    missing = {each.identity: rank for rank, each in enumerate(inputs)}
    found: dict[int, Carried] = {}
    for folder in _newest_first(parents)[:RECENT]:
        if not missing:
            break
        earlier = _read(folder)
        if earlier is None:
            continue
        same = [
            (missing[entry.identity], result)
            for entry, result in zip(earlier.inputs, earlier.leaves, strict=True)
            if entry.identity in missing and result.leaf == inputs[missing[entry.identity]].name and not result.skipped
        ]
        for rank, result in _unaffected(same, folder, earlier, texts):
            found[rank] = Carried(folder, result.carried_from(earlier.id))
            del missing[inputs[rank].identity]
    return found


def holdout_id(text: str) -> str:
    """Return how a manifest names a hold-out, whose text it keeps to the leaf."""
    return identity_of({"holdout": text}, 8)


def _newest_first(parents: Iterable[Path]) -> list[Path]:
    """Return the run folders in some folders, the newest first."""
    found = [folder for parent in {parent.resolve() for parent in parents} for folder in run_folders(parent)]
    return sorted(found, key=lambda folder: (folder / MANIFEST).stat().st_mtime, reverse=True)


def _read(folder: Path) -> _Earlier | None:
    try:
        earlier = _EARLIER.validate_python(read_manifest(folder))
    except (UserError, ValidationError):
        return None
    return earlier if len(earlier.inputs) == len(earlier.leaves) else None


_EARLIER = TypeAdapter(_Earlier)


def _unaffected(
    same: Sequence[tuple[int, LeafResult]], folder: Path, earlier: _Earlier, texts: dict[str, str]
) -> list[tuple[int, LeafResult]]:
    """Return those whose lines stand in the run still, and that the change of hold-outs since then leaves alone."""
    known = set(earlier.holdouts)
    gone = not known <= texts.keys()
    come = Holdouts(text for id, text in texts.items() if id not in known) if texts.keys() - known else None
    with ExitStack() as stack:
        try:
            files = {name: stack.enter_context((folder / name).open("rb")) for name in (SAMPLES, DROPPED)}
        except OSError:
            return []
        return [
            (rank, result)
            for rank, result in same
            if not (gone and NEAR_HOLDOUT in (result.dropped or {}))
            and all(name in result.lines and result.lines[name].stands(files[name]) for name in files)
            and not (come and _meets(result, files, come))
        ]


def _meets(result: LeafResult, files: Mapping[str, IO[bytes]], holdouts: Holdouts) -> bool:
    """Tell whether anything that a leaf drew is near one of these hold-outs, or cannot be read."""
    try:
        samples = (json.loads(line)["messages"][0]["content"] for line in result.lines[SAMPLES].lines(files[SAMPLES]))
        dropped = (json.loads(line)["question"] for line in result.lines[DROPPED].lines(files[DROPPED]))
        return any(holdouts.near(text) for texts in (samples, dropped) for text in texts if text)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return True
