"""Checkpoints: all that a phase needs to go on, in safetensors, in one form for every engine and number of processes.

A checkpoint is a folder `step-N`: `state.json` (plan, phase and the one before, epoch, step, seed, updates, scores, and
the digest of each file) and files of tensors, each parameter whole, under `weight/NAME`, `exp_avg/NAME` and
`exp_avg_sq/NAME`, in fp32. Every process writes the parameters that fall to it. The folder gets its name when all is
written, so that there is no half of one; what was damaged later is found by the digests, and the checkpoint before it
is taken. Random state is not stored: it is drawn anew at each step from (seed, phase, step, process).
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from tax_training.errors import UserError
from tax_training.files import digest, sync, told, write_synced

KINDS = ("weight", "exp_avg", "exp_avg_sq")
FILE_NAME = re.compile(r"tensors-\d+-\d+\.safetensors")
FILE_BYTES = 2 << 30  # a file of tensors is closed at this size: so much of a checkpoint stands in memory

Tensors = Iterator[tuple[str, dict[str, torch.Tensor]]]


class Folder:
    """The checkpoints of one phase."""

    def __init__(self, path: Path, together: Callable[[Any], list[Any]], process: int = 0, processes: int = 1) -> None:
        """Take the folder; `together` gathers a value of every process, in their order, for all of them."""
        self.path = path
        self.process, self.processes, self.together = process, processes, together

    def save(self, step: int, tensors: Tensors, state: dict[str, Any]) -> None:
        """Write the checkpoint of a step; every process calls this, and passes all tensors. Raises UserError."""
        part = self.path / f"step-{step:07d}.part"
        fault = ""
        files: dict[str, str] = {}
        try:
            with told(f"the checkpoint of step {step}"):
                if self.process == 0:
                    shutil.rmtree(part, ignore_errors=True)
                    part.mkdir(parents=True)
                self.together(None)
                files = self._write(part, tensors)
        except UserError as error:
            fault = str(error)
        everyone = self.together((fault, files))
        faults = [fault for fault, _ in everyone if fault]
        if faults:
            if self.process == 0:
                shutil.rmtree(part, ignore_errors=True)
            raise UserError(faults[0])
        if self.process == 0:
            with told(f"the checkpoint of step {step}"):
                digests = {name: value for _, written in everyone for name, value in written.items()}
                write_synced(
                    part / "state.json", json.dumps({**state, "step": step, "files": digests}, indent=2) + "\n"
                )
                shutil.rmtree(self.at(step), ignore_errors=True)
                part.replace(self.at(step))
                sync(self.path)
        self.together(None)

    def at(self, step: int) -> Path:
        """Return the folder of a step's checkpoint."""
        return self.path / f"step-{step:07d}"

    def whole(self, step: int) -> Path:
        """Return the folder of a step's checkpoint. Raises UserError where it is damaged or gone."""
        fault = damage(self.at(step))
        if fault:
            raise UserError(
                f"the checkpoint {self.at(step)} is needed, and damaged: {fault}. Take another --out; or delete "
                f"{self.path.parent} and the phases after it, to train them again"
            )
        return self.at(step)

    def steps(self) -> list[int]:
        """Return the steps that have a checkpoint, in order."""
        found = (re.fullmatch(r"step-(\d+)", path.name) for path in self.path.glob("step-*"))
        return sorted(int(match[1]) for match in found if match)

    def newest(self, report: Callable[[str], None]) -> dict[str, Any] | None:
        """Return the state of the newest checkpoint that is whole; report the damaged ones, and set them aside."""
        for step in reversed(self.steps()):
            fault = damage(self.at(step))
            if not fault:
                return read_state(self.at(step))
            report(f"the checkpoint {self.at(step)} is damaged ({fault}): the one before it is taken")
            aside = self.at(step).with_name(f"damaged-{step:07d}")
            shutil.rmtree(aside, ignore_errors=True)
            self.at(step).replace(aside)
        return None

    def prune(self, keep: set[int]) -> None:
        """Delete the checkpoints of all steps but those to keep, and what unfinished writing left."""
        for path in self.path.glob("step-*.part"):
            shutil.rmtree(path, ignore_errors=True)
        for step in set(self.steps()) - keep:
            shutil.rmtree(self.at(step), ignore_errors=True)

    def _write(self, part: Path, tensors: Tensors) -> dict[str, str]:
        """Write this process's share of the tensors; return each file's digest."""
        from safetensors.torch import save_file

        files: dict[str, str] = {}
        held: dict[str, torch.Tensor] = {}

        def close() -> None:
            name = f"tensors-{self.process:05d}-{len(files):04d}.safetensors"
            save_file(held, part / name)
            sync(part / name)
            files[name] = digest(part / name)
            held.clear()

        for number, (name, kinds) in enumerate(tensors):
            if number % self.processes == self.process:
                held.update({f"{kind}/{name}": value.detach().cpu().contiguous() for kind, value in kinds.items()})
                if sum(value.nbytes for value in held.values()) >= FILE_BYTES:
                    close()
        if held or not files:
            close()
        return files


class Reader:
    """The tensors of a checkpoint, read one by one."""

    def __init__(self, folder: Path) -> None:
        from safetensors import safe_open

        self.state = read_state(folder)
        self._files: dict[str, Any] = {}
        for name in self.state["files"]:
            file = safe_open(folder / name, "pt")  # mapped into memory, not read
            self._files.update(dict.fromkeys(file.keys(), file))

    def weight(self, name: str) -> torch.Tensor:
        """Return a parameter."""
        return self._tensor(f"weight/{name}")

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        """Return a parameter and its two moments, by kind."""
        return {kind: self._tensor(f"{kind}/{name}") for kind in KINDS}

    def _tensor(self, key: str) -> torch.Tensor:
        if key not in self._files:
            raise UserError(f"the checkpoint holds no {key}: it is of another model, or of other adapters")
        found: torch.Tensor = self._files[key].get_tensor(key)
        return found


def damage(folder: Path) -> str:
    """Return what is wrong with a checkpoint, or nothing."""
    try:
        for name, known in read_state(folder)["files"].items():
            if digest(folder / name) != known:
                return f"{name} is not as it was written"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def read_state(folder: Path) -> dict[str, Any]:
    """Return what `state.json` says. Raises ValueError or OSError where it is damaged."""
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    if not isinstance(state, dict) or not isinstance(state.get("files"), dict):
        raise ValueError("state.json is no state")
    if not all(FILE_NAME.fullmatch(name) for name in state["files"]):
        raise ValueError("state.json names files that are none of a checkpoint")
    return state
