"""`tax train` and `tax chat`: start `tax_training` as a process, pass signals on, and say how it ended.

The trainer is a package of its own with heavy needs; the two meet in files only. Every launcher runs the same program,
`python -m tax_training`, once or many times.
"""

import base64
import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tax.problems import UserError, install
from tax.tether import tethered
from tax.train.trained import find_model, is_checkpoint

INSTALL = f"training and chatting need packages that are not here: {install('train')}"
INTERRUPTED = 130

_TRAINER = "tax_training"
_PATIENCE = 24 * 3600  # seconds that torchrun lets its processes save a checkpoint after Ctrl-C, before it kills them
_A_LINE = "node0 slots=8"  # of a hostfile
_SEVERAL_MACHINES = ("PET_NNODES", "PET_RDZV_ENDPOINT", "PET_MASTER_ADDR")


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
        mixed = Path("data") / Path(self.plan).stem
        data = self.data or (mixed if mixed.is_dir() or not self.dry_run else None)  # else the plan's own numbers serve
        given = [self.plan]
        given += ["--data", str(data)] if data else []
        given += [] if self.dry_run else ["--out", str(self.folder)]
        given += ["--phase", self.phase] if self.phase else []
        given += [part for setting in self.settings for part in ("--set", setting)]
        if self.dry_run:
            processes = _slots(self.hostfile) if self.hostfile else self.processes
            given += ["--dry-run"] + (["--processes", str(processes)] if processes > 1 else [])
            given += ["--json"] if self.as_json else []
        return given


def command(launch: Launch) -> list[str]:
    """Return the command line that trains. Raises UserError where options do not go together."""
    if launch.as_json and not launch.dry_run:
        raise UserError("--json goes with --dry-run")
    if launch.dry_run and launch.phase:
        raise UserError("--dry-run shows all phases of the plan: leave --phase out")
    if launch.hostfile is not None and launch.launcher != "deepspeed":
        raise UserError("--hostfile goes with --launcher deepspeed")
    if launch.hostfile is not None and launch.processes > 1:
        raise UserError("--hostfile says how many processes each machine has: leave --processes out")
    if launch.dry_run:
        return [sys.executable, "-m", _TRAINER, *launch.arguments()]
    return [sys.executable, *_LAUNCHERS[launch.launcher](launch), *launch.arguments()]


def _local(launch: Launch) -> list[str]:
    return ["-m", _TRAINER] if launch.processes == 1 else _torchrun(launch)


def _torchrun(launch: Launch) -> list[str]:
    # Several machines are told by torchrun's own variables; alone, any free port will do.
    alone = [] if any(name in os.environ for name in _SEVERAL_MACHINES) else ["--standalone"]
    settings = [f"--nproc-per-node={launch.processes}", f"--shutdown-timeout={_PATIENCE}"]
    return ["-m", "torch.distributed.run", *alone, *settings, "-m", _TRAINER]


def _deepspeed(launch: Launch) -> list[str]:
    own = ["--no_local_rank", "--module", _TRAINER]
    if launch.hostfile:
        _needs_pdsh(launch.hostfile)
        return ["-m", "deepspeed.launcher.runner", "--hostfile", str(launch.hostfile), *own]
    # Of one machine, the runner passes no signal on: what it would start is started here.
    visible = [device for device in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if device.isdigit()]
    devices = [int(device) for device in visible] or list(range(launch.processes))
    if len(devices) < launch.processes:
        raise UserError(f"--processes {launch.processes}: CUDA_VISIBLE_DEVICES names {len(devices)} devices only")
    world = base64.urlsafe_b64encode(json.dumps({"localhost": devices[: launch.processes]}).encode()).decode()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = [f"--world_info={world}", "--master_addr=127.0.0.1", f"--master_port={port}"]
    return ["-m", "deepspeed.launcher.launch", *place, *own]


def _machines(hostfile: Path) -> list[str]:
    """Return the lines of a hostfile that name a machine. Raises UserError."""
    try:
        lines = hostfile.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--hostfile {hostfile} cannot be read: {error}. A line of it is: {_A_LINE}") from error
    return [line for line in (line.split("#")[0].strip() for line in lines) if line]


def _slots(hostfile: Path) -> int:
    """Return how many processes a hostfile's machines have together. Raises UserError."""
    slots = [re.fullmatch(r"\S+\s+slots=(\d+)", line) for line in _machines(hostfile)]
    if not slots or None in slots:
        raise UserError(f"--hostfile {hostfile} must name a machine and its slots on each line: {_A_LINE}")
    return sum(int(found[1]) for found in slots if found)


def _needs_pdsh(hostfile: Path) -> None:
    """Check that the machines can be reached as DeepSpeed's runner does it. Raises UserError."""
    machines = _machines(hostfile)
    if len(machines) > 1 and shutil.which("pdsh") is None:
        raise UserError(
            f"--hostfile names {len(machines)} machines, which DeepSpeed reaches by pdsh, and that is not here: "
            "install it (apt install pdsh), or start tax train on each with --launcher torchrun (docs/training.md)"
        )


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
    """Train, and return the trainer's exit code. Raises UserError where it cannot be started.

    Ctrl-C and SIGTERM go to the trainer, which ends when it has saved its state; a terminal that closes counts as one,
    and so does, on Linux, the end of this process.
    """
    line = command(launch)
    _needs_trainer()
    # In a session of its own, so that Ctrl-C reaches it once, through us, and not each of its processes beside.
    process = subprocess.Popen(tethered(line), start_new_session=True)
    asked = []

    def forward(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        process.send_signal(signal.SIGTERM if number == signal.SIGHUP else number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if code and asked:  # torchrun and deepspeed have codes of their own for it
        return INTERRUPTED
    return 128 - code if code < 0 else code


def chat(model: Path, prompt: str | None, temperature: float, max_tokens: int) -> int:
    """Talk to a model in this terminal; return the exit code. Raises UserError."""
    asked = ["--prompt", prompt] if prompt is not None else []
    settings = ["--temperature", str(temperature), "--max-tokens", str(max_tokens)]
    line = [sys.executable, "-m", f"{_TRAINER}.chat", str(find_model(model)), *asked, *settings]
    _needs_trainer()
    before = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the chat's: it ends an answer
    try:
        code = subprocess.run(line, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    return 128 - code if code < 0 else code


@contextlib.contextmanager
def model_folder(path: Path) -> Iterator[Path]:
    """Yield the model folder that a path names; that of a checkpoint is there for the time. Raises UserError."""
    found = find_model(path)
    if not is_checkpoint(found):
        yield found
        return
    _needs_trainer()
    with tempfile.TemporaryDirectory(prefix="tax-") as place:
        folder = Path(place, "checkpoint")
        line = [sys.executable, "-m", f"{_TRAINER}.restore", str(found), str(folder)]
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            raise UserError(done.stderr.strip().removeprefix("error: "))
        print(done.stderr, end="", file=sys.stderr)
        yield folder


def _needs_trainer() -> None:
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", _TRAINER)):
        raise UserError(INSTALL)
