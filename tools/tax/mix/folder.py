"""The data folder: phase files, heldout/, tokenizer/ and mix.json, built aside and put in place together.

Everything is written into the folder's `.part`, then moved; mix.json goes first when a mix is replaced and comes last,
so a folder with a mix.json is whole. A folder that holds something else is refused, and its files are not touched.
"""

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from tax.problems import UserError

try:
    import fcntl
except ImportError:  # not on Windows, where two mixes into one folder are not told apart
    fcntl = None  # type: ignore[assignment]

RECORD, HELDOUT, TOKENIZER, PART, LOCK = "mix.json", "heldout", "tokenizer", ".part", ".lock"

_OURS = re.compile(r"(?:heldout/)?[A-Za-z_]\w{0,63}\.jsonl|tokenizer/\w{1,64}\.json")  # what a record may have removed


class DataFolder:
    """The folder of one mix, while it is made."""

    def __init__(self, path: Path) -> None:
        """Open a new or an earlier data folder. Raises UserError where it holds something else."""
        self.path = path
        self.part = path / PART
        self.files: dict[str, str] = {}  # path from the folder -> SHA-256
        self._lock: IO[str] | None = None
        with told(path):
            if path.is_dir() and not _is_ours(path):
                raise UserError(f"{path} is no data folder, and not empty: name a new one with --out")
            path.mkdir(parents=True, exist_ok=True)
            self._claim()
            shutil.rmtree(self.part, ignore_errors=True)
            self.part.mkdir()

    def _claim(self) -> None:
        self._lock = (self.path / LOCK).open("w", encoding="utf-8")
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._lock.close()
                raise UserError(f"another process is writing {self.path}: wait for it to end") from error

    def write_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Write a file of the folder, aside for now."""
        digest = hashlib.sha256()
        place = self.part / name
        with told(self.path):
            place.parent.mkdir(exist_ok=True)
            with place.open("wb") as file:
                for line in lines:
                    file.write(line)
                    digest.update(line)
        self.files[name] = digest.hexdigest()

    def take_in(self, folder: str) -> None:
        """Count the files of a folder that was written aside by others."""
        for path in sorted((self.part / folder).iterdir()):
            self.files[f"{folder}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()

    def finish(self, record: dict[str, Any]) -> dict[str, Any]:
        """Put all files in their places, remove what an earlier mix left, and write the record with the digests.

        Returns the record as it was written.
        """
        record = record | {"files": dict(sorted(self.files.items()))}
        with told(self.path):
            text = json.dumps(record, ensure_ascii=False, indent=2)
            (self.part / RECORD).write_text(text + "\n", encoding="utf-8")
            earlier = _earlier_files(self.path)
            (self.path / RECORD).unlink(missing_ok=True)
            for name in earlier - self.files.keys():
                (self.path / name).unlink(missing_ok=True)
            for name in self.files:
                (self.path / name).parent.mkdir(exist_ok=True)
                (self.part / name).replace(self.path / name)
            for folder in (HELDOUT, TOKENIZER):
                with contextlib.suppress(OSError):  # not there, or not empty
                    (self.path / folder).rmdir()
            (self.part / RECORD).replace(self.path / RECORD)
        return record

    def close(self) -> None:
        """Remove what is aside; a folder that was begun and not finished stays as it was."""
        shutil.rmtree(self.part, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
        with contextlib.suppress(OSError):
            (self.path / LOCK).unlink()
            self.path.rmdir()  # where nothing was made


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn a full disk and its like into a sentence for the user."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"the data folder {path} cannot be written: {error.strerror}. Mend it, or name another one with --out"
        ) from error


def _is_ours(path: Path) -> bool:
    """Tell whether a folder is empty, holds a mix, or what is left of one that was killed."""
    names = {each.name for each in path.iterdir()}
    return bool(names & {RECORD, PART}) or not names - {LOCK}


def _earlier_files(path: Path) -> set[str]:
    """Return the files that an earlier mix wrote here, as its record says; only those that a mix writes."""
    try:
        named = json.loads((path / RECORD).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {str(name) for name in named if _OURS.fullmatch(str(name))}
