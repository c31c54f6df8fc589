"""The run folder: manifest.json, samples.jsonl, dropped.jsonl and report.md of one command.

The manifest says from the first moment what the run is; samples and drops appear whole, when it is finished. The same
command finds the same folder again, since a run's id is a hash of all that its result depends on.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

from tax.problems import UserError
from tax.sample import Dropped, Sample

try:
    import fcntl
except ImportError:  # not on Windows, where two runs into one folder are not told apart
    fcntl = None  # type: ignore[assignment]

Record = TypeVar("Record", Sample, Dropped)

MANIFEST, SAMPLES, DROPPED, REPORT = "manifest.json", "samples.jsonl", "dropped.jsonl", "report.md"


def run_id(identity: Mapping[str, Any]) -> str:
    """Return the id of a run: a hash of all that its result depends on, 10 hexadecimal digits."""
    written = json.dumps(identity, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(written, digest_size=5).hexdigest()


class RunFolder:
    """The folder of a run that is being written. Only one process writes a run at a time."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        """Open the folder of the run that `manifest["id"]` names. Raises UserError where it holds another run."""
        self.path = path
        self.manifest = manifest
        self._lock: IO[str] | None = None
        try:
            with self._told():
                path.mkdir(parents=True, exist_ok=True)
                self._lock = (path / ".lock").open("w", encoding="utf-8")
                self._claim()
                self._samples = (path / f"{SAMPLES}.part").open("w", encoding="utf-8")
                self._dropped = (path / f"{DROPPED}.part").open("w", encoding="utf-8")
                self._write_manifest("running")
        except UserError:
            self._unlock()
            raise

    def add(self, samples: Iterable[Sample], dropped: Iterable[Dropped]) -> None:
        """Write what came of one leaf."""
        with self._told():
            self._samples.writelines(sample.model_dump_json() + "\n" for sample in samples)
            self._dropped.writelines(drop.model_dump_json() + "\n" for drop in dropped)

    def finish(self, report: str) -> None:
        """Put samples, drops and report in their places, and the manifest last."""
        with self._told():
            for file, name in [(self._samples, SAMPLES), (self._dropped, DROPPED)]:
                file.flush()
                os.fsync(file.fileno())
                file.close()
                (self.path / f"{name}.part").replace(self.path / name)
            write_whole(self.path / REPORT, report)
            self._write_manifest("finished")
        self._unlock()

    def abandon(self, status: str) -> None:
        """Leave the folder as a run that ended early: what its teacher answered is in the journal."""
        for file, name in [(self._samples, SAMPLES), (self._dropped, DROPPED)]:
            with contextlib.suppress(OSError):
                file.close()
            (self.path / f"{name}.part").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._write_manifest(status)
        self._unlock()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn a full disk and its like into a sentence for the user."""
        try:
            yield
        except OSError as error:
            raise UserError(
                f"the run folder {self.path} cannot be written: {error.strerror}. Finished calls are kept: "
                "mend it, or name another folder with --out, and run the same command again"
            ) from error

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

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def _write_manifest(self, status: str) -> None:
        self.manifest["status"] = status
        write_whole(self.path / MANIFEST, json.dumps(self.manifest, ensure_ascii=False, indent=2) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it appears whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a run's manifest. Raises UserError."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{folder} is no run folder: it has no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / MANIFEST} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise UserError(f"{folder / MANIFEST} is no manifest")
    return manifest


def read_samples(folder: Path) -> Iterator[Sample]:
    """Read a finished run's samples, one by one. Raises UserError."""
    return _read(folder, SAMPLES, Sample)


def read_dropped(folder: Path) -> Iterator[Dropped]:
    """Read what a finished run dropped, one by one. Raises UserError."""
    return _read(folder, DROPPED, Dropped)


def _read(folder: Path, name: str, record: type[Record]) -> Iterator[Record]:
    try:
        with (folder / name).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield record.model_validate_json(line)
                except ValueError as error:
                    noun = "sample" if record is Sample else "dropped draft"
                    raise UserError(f"{folder / name}, line {number}, is no {noun}") from error
    except FileNotFoundError as error:
        status = read_manifest(folder).get("status")
        raise UserError(f"the run {folder} has no {name}: it is {status}. Run its command again to go on") from error


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
