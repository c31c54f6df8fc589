"""The run folder: manifest.json, samples.jsonl, dropped.jsonl and report.md of one command.

The manifest says from the first moment what the run is; samples and drops appear whole, when it is finished. The same
command finds the same folder again, since a run's id is a hash of all that its result depends on.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import NonNegativeInt

from tax.problems import UserError, excerpt, printable
from tax.sample import Dropped, Sample

try:
    import fcntl
except ImportError:  # not on Windows, where two runs into one folder are not told apart
    fcntl = None  # type: ignore[assignment]

Record = TypeVar("Record", Sample, Dropped)

MANIFEST, SAMPLES, DROPPED, REPORT = "manifest.json", "samples.jsonl", "dropped.jsonl", "report.md"
PART = ".part"  # ends the name of a file that is not whole yet
BUFFER = 32_000  # bytes of a leaf's lines that wait in memory


def run_id(identity: Mapping[str, Any]) -> str:
    """Return the id of a run: a hash of all that its result depends on, 10 hexadecimal digits."""
    return identity_of(identity, 5)


def identity_of(facts: Mapping[str, Any], size: int = 10) -> str:
    """Return a hash of some facts, two hexadecimal digits for each byte of its size."""
    written = json.dumps(facts, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(written, digest_size=size).hexdigest()


@dataclass(frozen=True)
class Stretch:
    """The lines of one leaf in a file of a run: byte `at` on, `size` bytes, and a hash of them."""

    at: NonNegativeInt
    size: NonNegativeInt
    digest: str

    def lines(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the lines, as the file holds them by now."""
        file.seek(self.at)
        left = self.size
        while left and (line := file.readline(left)):
            left -= len(line)
            yield line

    def stands(self, file: IO[bytes]) -> bool:
        """Tell whether the file holds the same lines still."""
        digest = _digest()
        for line in self.lines(file):
            digest.update(line)
        return digest.hexdigest() == self.digest


class Lines:
    """Lines that gather until it is their turn to be written: a few in memory, more in a file of their own."""

    def __init__(self, spill: Path) -> None:
        self._spill = spill  # opened for each writing: thousands of leaves may be open at once, not so many files
        self._lines: list[bytes] = []
        self._size = 0
        self._spilled = False

    def add(self, line: bytes) -> None:
        """Add a line, its end included."""
        self._lines.append(line)
        self._size += len(line)
        if self._size > BUFFER:
            with self._spill.open("ab") as file:
                file.writelines(self._lines)
            self._lines, self._size, self._spilled = [], 0, True

    def take(self) -> Iterator[bytes]:
        """Yield all that was added, in chunks, and forget it."""
        if self._spilled:
            with self._spill.open("rb") as file:
                while chunk := file.read(1 << 20):
                    yield chunk
            self._spill.unlink()
        yield b"".join(self._lines)
        self._lines, self._size, self._spilled = [], 0, False


class RunFolder:
    """The folder of a run that is being written. Only one process writes a run at a time."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        """Open the folder of the run that `manifest["id"]` names. Raises UserError where it holds another run."""
        self.path = path
        self.manifest = manifest
        self._lock: IO[str] | None = None
        try:
            with self.told():
                path.mkdir(parents=True, exist_ok=True)
                self._refuse_others()
                self._lock = (path / ".lock").open("w", encoding="utf-8")
                self._claim()
                self._sweep()  # what a killed process left
                self._files = {name: (path / f"{name}{PART}").open("wb") for name in (SAMPLES, DROPPED)}
                self._write_manifest("running")
        except UserError:
            self._unlock()
            raise

    def lines(self, name: str, of: int) -> Lines:
        """Return a place where lines for the file `name` gather, told from others' by the number `of`."""
        return Lines(self.path / f"{of}-{name}{PART}")

    def add(self, samples: Iterable[Sample], dropped: Iterable[Dropped]) -> None:
        """Write what came of one leaf."""
        self.write(SAMPLES, (line_of(sample) for sample in samples))
        self.write(DROPPED, (line_of(drop) for drop in dropped))

    def write(self, name: str, chunks: Iterable[bytes]) -> Stretch:
        """Write lines to the end of samples.jsonl or dropped.jsonl, and return where they stand."""
        with self.told():
            file = self._files[name]
            at, digest = file.tell(), _digest()
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
            return Stretch(at, file.tell() - at, digest.hexdigest())

    def finish(self, report: str) -> None:
        """Put samples, drops and report in their places, and the manifest last."""
        with self.told():
            for name, file in self._files.items():
                file.flush()
                os.fsync(file.fileno())
                file.close()
                (self.path / f"{name}{PART}").replace(self.path / name)
            write_whole(self.path / REPORT, report)
            self._write_manifest("finished")
        self._unlock()

    def abandon(self, status: str) -> None:
        """Leave the folder as a run that ended early: what its teacher answered is in the journal."""
        for file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()
        with contextlib.suppress(OSError):
            self._sweep()
            self._write_manifest(status)
        self._unlock()

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Turn a full disk and its like into a sentence for the user."""
        try:
            yield
        except OSError as error:
            raise UserError(
                f"the run folder {self.path} cannot be written: {error.strerror}. Finished calls are kept: "
                "mend it, or name another folder with --out, and run the same command again"
            ) from error

    def _refuse_others(self) -> None:
        """Raise UserError where the folder holds files and no run: they would be written over, and parts swept."""
        ours = (".lock", MANIFEST, *(f"{name}*{PART}" for name in (MANIFEST, SAMPLES, DROPPED)))
        others = (each for each in self.path.iterdir() if not any(each.match(name) for name in ours))
        if not (self.path / MANIFEST).exists() and (other := next(others, None)):
            raise UserError(f"{self.path} holds {printable(other.name)} and no run. Name another folder with --out")

    def _claim(self) -> None:
        if fcntl is not None and self._lock is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UserError(f"another process is writing the run folder {self.path}: wait for it to end") from error
        earlier = read_manifest(self.path) if (self.path / MANIFEST).exists() else None
        if earlier is not None and earlier.get("id") != self.manifest["id"]:
            raise UserError(
                f"{self.path} holds another run: its leaves, teacher or settings were other ones. "
                "Name another folder with --out"
            )

    def _sweep(self) -> None:
        for path in self.path.glob(f"*{PART}"):
            path.unlink(missing_ok=True)

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def _write_manifest(self, status: str) -> None:
        self.manifest["status"] = status
        write_whole(self.path / MANIFEST, json.dumps(self.manifest, ensure_ascii=False, indent=2) + "\n")


def _digest() -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=12)


def line_of(record: Sample | Dropped) -> bytes:
    """Return a sample or a drop as a line of its file."""
    return record.model_dump_json().encode() + b"\n"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it appears whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)  # on a full disk it would stand in the way
        raise


def write_named(path: Path, text: str) -> None:
    """Write a file that the user named. Raises UserError."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder that is there and may be written to"
        ) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a run's manifest. Raises UserError."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{folder} is no run folder: it has no {MANIFEST}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{folder / MANIFEST} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise UserError(f"{folder / MANIFEST} is no manifest")
    return manifest


def finished_run(folder: Path) -> dict[str, Any]:
    """Return the manifest of a finished run. Raises UserError where the run is not finished or this is none."""
    manifest = read_manifest(folder)
    if "status" not in manifest:
        raise UserError(f"{folder / MANIFEST} is no manifest of a run, as it has no `status`: name a folder of `tax`")
    if manifest["status"] != "finished":
        status = excerpt(manifest["status"])
        raise UserError(f"the run {folder} is not finished: it is {status}. Run its command again to go on")
    return manifest


def pooled_seeds(entry: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], int]]:
    """Return the seeds of an input that pools those of many leaves, in the order in which its samples number them.

    Each is the leaf's own entry (`leaf`, `path`, `blob`) and the seed's index there; none of an input that is a leaf.
    """
    return [(leaf, index) for leaf in entry.get("pool", ()) for index in leaf["seeds"]]


def read_samples(folder: Path) -> Iterator[Sample]:
    """Read a finished run's samples, one by one. Raises UserError."""
    return _read(folder, SAMPLES, Sample)


def read_dropped(folder: Path) -> Iterator[Dropped]:
    """Read what a finished run dropped, one by one. Raises UserError."""
    return _read(folder, DROPPED, Dropped)


def _read(folder: Path, name: str, record: type[Record]) -> Iterator[Record]:
    try:
        with (folder / name).open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield record.model_validate_json(line)
                except ValueError as error:
                    noun = "sample" if record is Sample else "dropped draft"
                    raise UserError(f"{folder / name}, line {number}, is no {noun}") from error
    except FileNotFoundError as error:
        status = read_manifest(folder).get("status", "unfinished")
        raise UserError(f"the run {folder} has no {name}: it is {status}. Run its command again to go on") from error
    except OSError as error:
        raise UserError(f"{folder / name} cannot be read: {error.strerror}") from error


def run_folders(parent: Path) -> list[Path]:
    """Return the run folders in a folder, the newest first."""
    found = [path.parent for path in parent.glob(f"*/{MANIFEST}")]
    return sorted(found, key=lambda path: (path / MANIFEST).stat().st_mtime, reverse=True)


def newest_run(parent: Path) -> Path:
    """Return the newest run folder in a folder. Raises UserError where there is none."""
    folders = run_folders(parent)
    if not folders:
        raise UserError(f"there is no run in {parent}: `tax generate` makes one")
    return folders[0]
