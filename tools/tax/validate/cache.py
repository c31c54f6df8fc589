"""What `tax validate` found the last time: one file for all leaves, from which unchanged leaves are judged unread.

An entry holds for the bytes of its leaf and of the documents that the leaf names. As in git's index, a file whose size,
times and inode are the same is taken for unchanged, unless it was written so lately that a later change could bear
the same time; any other is read, and compared by content. So the file may be copied, shared by people and machines, and
deleted at any time. It is read as data (JSON and numbers), appears whole or not at all, and is ignored where it is not
what was written. Writers do not wait for each other: the last one's entries stay.

    tax verdicts, format 1, CRC-32 of the rest, length of the lines   one line
    [path, blob, status, documents, problems, length of the print]   JSON, one a leaf; a document: [path, blob, status]
    the prints of all leaves (rules/elsewhere.py)
"""

import contextlib
import json
import os
import stat
import tempfile
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tax.documents import MAX_DOCUMENT
from tax.load import blob_id
from tax.problems import Level
from tax.rules.elsewhere import Print
from tax.source import MAX_BYTES

_HEAD = b"tax verdicts, format 1, %08x, %d\n"
_RACY = 2_000_000_000  # nanoseconds: the coarsest clock of a file system that is in use (FAT)
_KEPT_FILES, _KEPT_SECONDS = 4, 30 * 24 * 3600  # of other versions and settings

Status = tuple[int, int, int, int]  # size, mtime, ctime, inode
Found = tuple[int, int, str, Level, str, str]  # a Problem without its path


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was when it was read: git's id of its bytes; its status, where that suffices to know it again."""

    path: str
    blob: str
    status: Status | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a leaf. `problems` is None where only its print was wanted."""

    leaf: Seen
    documents: tuple[Seen, ...]
    problems: tuple[Found, ...] | None
    print: bytes | memoryview


class Cache:
    """The entries of a checkout's leaves, by path; `file` is None where nothing is to be kept."""

    def __init__(self, file: Path | None, root: str) -> None:
        self._file = file
        self._root = root + os.sep
        self.started = time.time_ns()
        self._changed = False
        self._entries: dict[str, Entry] = {}
        self._lines: dict[str, bytes] = {}  # of the entries as they were read
        if file is not None:
            with contextlib.suppress(OSError, ValueError, TypeError, LookupError):
                self._read(file.read_bytes())

    def find(self, key: str, status: os.stat_result | None, *, judged: bool) -> Entry | None:
        """Return what is known of a leaf as it is now; `judged`: only if that includes its problems."""
        entry = self._entries.get(self._name(key))
        if entry is None or status is None or (judged and entry.problems is None):
            return None
        if not entry.documents and entry.leaf.status == _status(status):
            return entry  # most leaves
        leaf = self._same(entry.leaf, key, status, MAX_BYTES)
        documents = [self._same_document(each, os.path.dirname(key)) for each in entry.documents]  # noqa: PTH120
        if leaf is None or None in documents:
            return None
        renewed = replace(entry, leaf=leaf, documents=tuple(each for each in documents if each))
        if renewed != entry:
            self.add(key, renewed)
        return renewed

    def add(self, key: str, entry: Entry) -> None:
        """Take in what was found out about a leaf."""
        name = self._name(key)
        self._entries[name] = entry
        self._lines.pop(name, None)
        self._changed = True

    def drop_missing(self, folder: str, keys: Iterable[str]) -> None:
        """Forget the leaves below a folder that are not among `keys`."""
        inside = self._name(folder) + "/"
        kept = {self._name(key) for key in keys}
        for name in [name for name in self._entries if name.startswith(inside) and name not in kept]:
            del self._entries[name]
            self._changed = True

    def save(self) -> None:
        """Write the file anew, if there is anything new. A folder that cannot be written to is left as it is."""
        if self._file is None or not self._changed:
            return
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            ignore = self._file.parent / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            _write_whole(self._file, self._packed())
            _remove_old(self._file)
            self._changed = False

    def _name(self, key: str) -> str:
        return key.removeprefix(self._root).replace(os.sep, "/")

    def _same_document(self, seen: Seen, folder: str) -> Seen | None:
        status = plain_file(folder, seen.path)
        return self._same(seen, os.path.join(folder, seen.path), status, MAX_DOCUMENT) if status else None  # noqa: PTH118

    def _same(self, seen: Seen, path: str, status: os.stat_result, most: int) -> Seen | None:
        """Return what is known of a file if it has not changed, with its status as it is now."""
        if seen.status == _status(status):
            return seen
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            return None
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                same = blob_id(file.read()) == seen.blob
        except OSError:
            return None
        return replace(seen, status=lasting(status, self.started)) if same else None

    def _packed(self) -> bytes:
        lines = []
        for name, entry in self._entries.items():
            line = self._lines.get(name)
            lines.append(_line(name, entry) if line is None else line)
        listed = b"[\n" + b",\n".join(lines) + b"\n]"
        body = b"".join([listed, *(entry.print for entry in self._entries.values())])
        return _HEAD % (zlib.crc32(body), len(listed)) + body

    def _read(self, data: bytes) -> None:
        end = data.index(b"\n") + 1
        view = memoryview(data)[end:]
        length = int(data[:end].rpartition(b", ")[2])
        if data[:end] != _HEAD % (zlib.crc32(view), length):
            return
        entries: dict[str, Entry] = {}
        lines: dict[str, bytes] = {}
        at = length
        listed = bytes(view[:length])
        for row, line in zip(json.loads(listed), listed[2:-2].split(b",\n"), strict=True):
            seeds = view[at : at + row[-1]]
            Print(seeds)  # which raises where it is none
            entries[row[0]] = _entry(row, seeds)
            lines[row[0]] = line
            at += len(seeds)
        self._entries, self._lines = entries, lines


def lasting(status: os.stat_result, started: int) -> Status | None:
    """Return a status by which a file can be known again; None where it was written too lately for that.

    `started` is a time before the file was read, in nanoseconds since 1970.
    """
    latest = max(status.st_mtime_ns, status.st_ctime_ns)
    return _status(status) if latest < started - _RACY else None


def plain_file(folder: str, path: str) -> os.stat_result | None:
    """Return the status of a file below a folder; None where it is missing, no file, elsewhere, or behind a link."""
    full = os.path.normpath(os.path.join(folder, path))  # noqa: PTH118
    try:
        status = os.lstat(full)
    except (OSError, ValueError):
        return None
    inside = full.startswith(folder + os.sep) and os.path.realpath(full) == full
    return status if inside and stat.S_ISREG(status.st_mode) else None


def _status(status: os.stat_result) -> Status:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _line(name: str, entry: Entry) -> bytes:
    documents = [(each.path, each.blob, each.status) for each in entry.documents]
    row = (name, entry.leaf.blob, entry.leaf.status, documents, entry.problems, len(entry.print))
    return json.dumps(row, separators=(",", ":")).encode()


def _entry(row: Any, seeds: memoryview) -> Entry:
    _, blob, status, documents, problems, _ = row
    seen = tuple(Seen(path, document, found and tuple(found)) for path, document, found in documents)
    judged = None if problems is None else tuple(_found(*each) for each in problems)
    return Entry(Seen("", blob, status and tuple(status)), seen, judged, seeds)


def _found(line: int, column: int, rule: str, level: str, message: str, fix: str) -> Found:
    if not type(line) is type(column) is int or not type(rule) is type(message) is type(fix) is str:
        raise TypeError("these are no values of a problem")
    return line, column, rule, _LEVELS[level], message, fix


_LEVELS = {str(level): level for level in Level}


def _write_whole(path: Path, data: bytes) -> None:
    descriptor, part = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(part, 0o666 & ~mask)  # noqa: PTH101 (mkstemp's files are for one person alone)
        os.replace(part, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)  # noqa: PTH108
        raise


def _remove_old(own: Path) -> None:
    """Remove what other versions and settings left here long ago, and all but the newest few of them."""
    others = [(path.stat().st_mtime, path) for path in own.parent.glob("*.verdicts") if path != own]
    others += [(0.0, path) for path in own.parent.glob(".part-*") if path.stat().st_mtime < time.time() - 3600]
    for index, (changed, path) in enumerate(sorted(others, reverse=True)):
        if index >= _KEPT_FILES or changed < time.time() - _KEPT_SECONDS:
            path.unlink(missing_ok=True)
