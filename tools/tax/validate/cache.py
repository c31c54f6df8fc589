"""What `tax validate` found the last time: one file for all leaves, from which unchanged leaves are judged unread.

An entry holds for the bytes of its leaf and of the documents that the leaf names. As in git's index, a file whose size,
times and inode are the same is taken for unchanged, unless it was written so lately that a later change could bear
the same time; any other is read, and compared by content. So the file may be copied, shared by people and machines, and
deleted at any time. It is read as data (JSON and numbers), appears whole or not at all, and is ignored where it is not
what was written. Writers do not wait for each other: the last one's entries stay.

    tax verdicts, format 2, CRC-32 of the rest, length of the list   one line
    the list of entries, as JSON, an entry a line                    `_line` says what it holds
    the prints of all leaves, in the order of the entries            rules/prints.py
"""

import contextlib
import json
import os
import stat
import time
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tax.documents.document import MAX_PACKED
from tax.load import blob_id
from tax.problems import Level
from tax.rules.elsewhere import Repeat, Repeats
from tax.rules.prints import Prints
from tax.source import MAX_BYTES
from tax.validate.disk import Beside, read_regular, write_whole
from tax.validate.files import File

_HEAD = b"tax verdicts, format 2, %08x, %d\n"
_RACY = 2_000_000_000  # nanoseconds: the coarsest clock of a file system that is in use (FAT)
_KEPT_FILES, _KEPT_SECONDS = 4, 30 * 24 * 3600  # of other versions and settings

Status = tuple[int, int, int, int]  # size, mtime, ctime, inode
Found = tuple[int, int, str, Level, str, str, str]  # a Problem without its path


class Seen(NamedTuple):
    """A file as it was when it was read: git's id of its bytes; its status, where that suffices to know it again.

    `path` is that of a document from its leaf's folder; that of a leaf as it was named, if its verdict depends on it,
    else empty.
    """

    path: str
    blob: str
    status: Status | None


class Entry(NamedTuple):
    """What is known of a leaf. `problems` is None where only its prints were wanted.

    `repeats` was true among all entries that have it, and is None of a leaf that has not been compared.
    """

    leaf: Seen
    documents: tuple[Seen, ...]
    problems: tuple[Found, ...] | None
    prints: Prints
    repeats: Repeats | None = None


class Cache:
    """The entries of a checkout's leaves, by name: their paths from its root. Nothing is kept if `file` is None.

    `compared` holds the entries of the leaves that were compared with each other the last time, as they were then.
    """

    def __init__(self, file: Path | None, root: str) -> None:
        self._file = file
        self._root = root + os.sep
        self.started = time.time_ns()
        self._changed = False
        self._entries: dict[str, Entry] = {}
        self._lines: dict[str, bytes] = {}  # of the entries as they were read
        self.compared: dict[str, Entry] = {}
        self._reading = Beside(partial(_sound, file)) if file else None

    def load(self) -> None:
        """Take in what the file holds, which is read meanwhile; before this, nothing is known of any leaf."""
        if self._reading is None:
            return
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError, RecursionError):
            self._take(*self._reading.result())
        self.compared = {name: entry for name, entry in self._entries.items() if entry.repeats is not None}

    def find(self, name: str, file: File, *, judged: bool) -> Entry | None:
        """Return what is known of a leaf as it is now; `judged`: only if that includes its problems."""
        entry, status = self._entries.get(name), file.status
        if entry is None or status is None or (judged and entry.problems is None):
            return None
        if entry.leaf.path not in {"", file.path}:
            return None
        if not entry.documents and entry.leaf.status == _status(status):
            return entry  # most leaves
        leaf = self._same(entry.leaf, file.key, status, MAX_BYTES)
        documents = [self._same_document(each, os.path.dirname(file.key)) for each in entry.documents]  # noqa: PTH120
        if leaf is None or None in documents:
            return None
        renewed = entry._replace(leaf=leaf, documents=tuple(each for each in documents if each))
        if renewed != entry:
            self.add(name, renewed)
        return renewed

    def add(self, name: str, entry: Entry) -> None:
        """Take in what was found out about a leaf."""
        self._entries[name] = entry
        self._lines.pop(name, None)
        self._changed = True

    def keep(self, repeats: Mapping[str, Repeats]) -> None:
        """Take in what the comparison of leaves with each other brought, for all that were compared."""
        for name, entry in self._entries.items():
            found = repeats.get(name)
            if entry.repeats != found:
                self._entries[name] = entry._replace(repeats=found)
                self._lines.pop(name, None)
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
            write_whole(self._file, *self._packed())
            _remove_old(self._file)
            self._changed = False

    def name(self, key: str) -> str:
        """Return what the leaf of an absolute path is called: its path from the root; the same, if it lies outside."""
        return key.removeprefix(self._root).replace(os.sep, "/")

    def _same_document(self, seen: Seen, folder: str) -> Seen | None:
        status = plain_file(folder, seen.path)
        return self._same(seen, os.path.join(folder, seen.path), status, MAX_PACKED) if status else None  # noqa: PTH118

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
        return seen._replace(status=lasting(status, self.started)) if same else None

    def _packed(self) -> tuple[bytes, bytes]:
        """Return the file's first line and the rest of it."""
        entries = {name: each for name, each in self._entries.items() if each.repeats is not None or self._exists(name)}
        lines = [self._lines.get(name) or _line(name, entry) for name, entry in entries.items()]
        listed = b"[\n" + b",\n".join(lines) + b"\n]"
        body = b"".join([listed, *(entry.prints.data for entry in entries.values())])
        return _HEAD % (zlib.crc32(body), len(listed)), body

    def _exists(self, name: str) -> bool:
        return os.path.lexists(os.path.join(self._root, name))  # noqa: PTH118

    def _take(self, listed: bytes, prints: memoryview) -> None:
        entries: dict[str, Entry] = {}
        lines: dict[str, bytes] = {}
        at = 0
        for row, line in zip(json.loads(listed), listed[2:-2].split(b",\n"), strict=True):
            entries[row[0]] = _entry(row, Prints(prints[at : at + row[-1]]))
            lines[row[0]] = line
            at += row[-1]
        counts = {name: entry.prints.count for name, entry in entries.items()}
        for name, entry in entries.items():
            for seed, other, other_seed, _ in entry.repeats or ():
                if not (0 <= seed < counts[name] and 0 <= other_seed < counts[other]):
                    raise ValueError("there is no such seed")
        self._entries, self._lines = entries, lines


def _sound(file: Path) -> tuple[bytes, memoryview]:
    """Return the list and the prints of a file. Raises OSError or ValueError where they are not what was written."""
    data = read_regular(file)
    end = data.index(b"\n") + 1
    rest = memoryview(data)[end:]
    length = int(data[:end].rpartition(b", ")[2])
    if data[:end] != _HEAD % (zlib.crc32(rest), length):
        raise ValueError("this file is damaged")
    return bytes(rest[:length]), rest[length:]


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
    repeats = entry.repeats and [(each.seed, each.other, each.other_seed, each.leaves) for each in entry.repeats]
    leaf = (entry.leaf.path, entry.leaf.blob, entry.leaf.status)
    row = (name, leaf, documents, entry.problems, repeats, len(entry.prints.data))
    return json.dumps(row, separators=(",", ":")).encode()


def _entry(row: Any, prints: Prints) -> Entry:
    _, leaf, documents, problems, repeats, _ = row
    seen = tuple([_seen(*each) for each in documents])
    judged = None if problems is None else tuple([_found(*each) for each in problems])
    compared = None if repeats is None else tuple([Repeat(*each) for each in repeats])
    return Entry(_seen(*leaf), seen, judged, prints, compared)


def _seen(path: str, blob: str, status: list[int] | None) -> Seen:
    if status is None:
        return Seen(path, blob, None)
    size, changed, moved, inode = status
    return Seen(path, blob, (size, changed, moved, inode))


def _found(line: int, column: int, rule: str, level: str, message: str, fix: str, shown: str) -> Found:
    if not type(line) is type(column) is int or not type(rule) is type(message) is type(fix) is type(shown) is str:
        raise TypeError("these are no values of a problem")
    return line, column, rule, _LEVELS[level], message, fix, shown


_LEVELS = {str(level): level for level in Level}


def _remove_old(own: Path) -> None:
    """Remove what other versions and settings left here long ago, and all but the newest few of them."""
    others = [(path.stat().st_mtime, path) for path in own.parent.glob("*.verdicts") if path != own]
    others += [(0.0, path) for path in own.parent.glob(".part-*") if path.stat().st_mtime < time.time() - 3600]
    for index, (changed, path) in enumerate(sorted(others, reverse=True)):
        if index >= _KEPT_FILES or changed < time.time() - _KEPT_SECONDS:
            path.unlink(missing_ok=True)
