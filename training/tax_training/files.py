"""Files that appear whole or not at all, and what is said when they cannot."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from tax_training.errors import UserError

try:
    import fcntl
except ImportError:  # not on Windows, where two runs into one folder are not told apart
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Turn a full disk and its like into a sentence for the user."""
    from safetensors import SafetensorError

    try:
        yield
    except UserError:
        raise
    except Exception as error:
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        if not full and not isinstance(error, OSError | SafetensorError):  # tokenizers raises Exception itself
            raise
        reason = os.strerror(errno.ENOSPC) if full else str(error)
        raise UserError(
            f"{what} cannot be written: {reason}. Nothing is lost: what was saved before is whole. "
            "Make room (or lower checkpoints.keep), and run the same command again"
        ) from error


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder for this process. Raises UserError where another one holds it."""
    with told(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w", encoding="utf-8")
    with lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UserError(
                    f"another process is training into {folder}: wait for it, or take another --out"
                ) from error
        yield


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it appears whole or not at all. Raises UserError."""
    part = path.with_name(f"{path.name}.part")
    with told(str(path)):
        write_synced(part, text)
        part.replace(path)


def write_synced(path: Path, text: str) -> None:
    """Write a file, and have the system put it on its disk."""
    path.write_text(text, encoding="utf-8")
    sync(path)


def sync(path: Path) -> None:
    """Have the system write a file or a folder to its disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal. Raises OSError."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
