"""`tax train` and `tax chat`: start `tax_training` as a process, pass signals on, and tell what came of it.

The trainer is a package of its own with heavy needs; the two meet in files only. Every launcher runs the same program,
`python -m tax_training`, once or many times.
"""

import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tax.problems import UserError, excerpt, printable

INSTALL = "training needs packages that are not here: pip install 'tax[train]'"
MODEL, ABOUT = "model", "training.json"

_TRAINER = "tax_training"


@dataclass(frozen=True)
class Launch:
    """What is trained, and on how many processes."""

    plan: str
    data: Path | None = None  # default: data/PLAN
    out: Path | None = None  # default: models/PLAN
    phase: str | None = None
    settings: tuple[str, ...] = ()
    launcher: str = "local"
    processes: int = 1  # of this machine; over all machines for ray
    hostfile: Path | None = None
    dry_run: bool = False
    as_json: bool = False

    @property
    def folder(self) -> Path:
        """Where the run's phases lie."""
        return self.out or Path("models") / Path(self.plan).stem

    def arguments(self) -> list[str]:
        """Return the trainer's own arguments."""
        data = self.data or Path("data") / Path(self.plan).stem
        given = [self.plan, "--data", str(data)]
        given += [] if self.dry_run else ["--out", str(self.folder)]
        given += ["--phase", self.phase] if self.phase else []
        given += [part for setting in self.settings for part in ("--set", setting)]
        if self.dry_run:
            given += ["--dry-run"] + (["--processes", str(self.processes)] if self.processes > 1 else [])
            given += ["--json"] if self.as_json else []
        return given


def command(launch: Launch) -> list[str]:
    """Return the command line that trains. Raises UserError where an option does not fit the launcher."""
    if launch.hostfile is not None and launch.launcher != "deepspeed":
        raise UserError("--hostfile goes with --launcher deepspeed")
    if launch.dry_run:
        return [sys.executable, "-m", _TRAINER, *launch.arguments()]
    return [sys.executable, *_LAUNCHERS[launch.launcher](launch), *launch.arguments()]


def _local(launch: Launch) -> list[str]:
    return ["-m", _TRAINER] if launch.processes == 1 else _torchrun(launch)


def _torchrun(launch: Launch) -> list[str]:
    # Several machines are told by torchrun's own variables: PET_NNODES, PET_NODE_RANK, PET_RDZV_ENDPOINT.
    return ["-m", "torch.distributed.run", f"--nproc-per-node={launch.processes}", "-m", _TRAINER]


def _deepspeed(launch: Launch) -> list[str]:
    hosts = ["--hostfile", str(launch.hostfile)] if launch.hostfile else ["--num_gpus", str(launch.processes)]
    return ["-m", "deepspeed.launcher.runner", *hosts, "--no_local_rank", "--module", _TRAINER]


def _ray(launch: Launch) -> list[str]:
    return ["-m", f"{_TRAINER}.cluster", "--workers", str(launch.processes)]


_LAUNCHERS: dict[str, Callable[[Launch], list[str]]] = {
    "local": _local,
    "torchrun": _torchrun,
    "deepspeed": _deepspeed,
    "ray": _ray,
}
LAUNCHERS = tuple(_LAUNCHERS)


def train(launch: Launch) -> int:
    """Train, and return the trainer's exit code. Raises UserError where it cannot be started."""
    return run(command(launch))


def run(line: Sequence[str]) -> int:
    """Run a process of the trainer; SIGINT and SIGTERM go to it, and it ends when it has saved its state."""
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", _TRAINER)):
        raise UserError(INSTALL)
    process = subprocess.Popen(line, start_new_session=True)  # so that Ctrl-C reaches it once, through us

    def forward(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code


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


def trained(out: Path) -> Iterator[Trained]:
    """Yield the finished phases of a run, in the order in which they were trained. Raises UserError."""
    found = sorted(out.glob(f"*/{MODEL}/{ABOUT}"), key=lambda path: path.stat().st_mtime)
    for file in found:
        try:
            about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            first = about["scores"][0]["heldout"] if about["scores"] else {}
            yield Trained(
                about["phase"], about["samples"], about["step"], about["steps"], about["heldout"], first, file.parent
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise UserError(f"{file} is not what the trainer writes: {excerpt(error, 200)}") from error


def table(phases: Sequence[Trained]) -> str:
    """Return the phases as a table: a column for each held-out file, first and chosen measurement."""
    names = list(dict.fromkeys(name for phase in phases for name in phase.heldout))
    head = ["phase", "samples", "steps", "taken", *(f"held-out {name}" for name in names)]
    rows = [
        [
            printable(phase.phase),
            f"{phase.samples:,}",
            f"{phase.steps:,}",
            f"{phase.step:,}",
            *(_change(phase, name) for name in names),
        ]
        for phase in phases
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(
            f"{each:{'<' if column == 0 else '>'}{width}}"
            for column, (each, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join(lines) + "\n"


def _change(phase: Trained, name: str) -> str:
    if name not in phase.heldout:
        return ""
    first, last = phase.first.get(name), phase.heldout[name]
    return f"{last:.3f}" if first is None or first == last else f"{first:.3f} -> {last:.3f}"


def find_model(path: Path) -> Path:
    """Return the model folder that a path names: a model itself, a phase, or a run (its last phase). Raises UserError.

    A name without such a folder is left to `transformers`, as a hub's.
    """
    if not path.exists():
        return path
    if (path / "config.json").is_file():
        return path
    if (path / MODEL / "config.json").is_file():
        return path / MODEL
    phases = list(trained(path))
    if not phases:
        raise UserError(f"{path} holds no model: name a model folder, or the --out of a tax train that has finished")
    return phases[-1].model


def chat_command(model: Path, prompt: str | None, temperature: float, max_tokens: int) -> list[str]:
    """Return the command line that chats."""
    asked = ["--prompt", prompt] if prompt is not None else []
    settings = ["--temperature", str(temperature), "--max-tokens", str(max_tokens)]
    return [sys.executable, "-m", f"{_TRAINER}.chat", str(find_model(model)), *asked, *settings]
