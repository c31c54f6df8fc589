"""Finished teacher calls: append-only journals in `.tax/calls/`, one file a writer, each answer as it came.

A call is looked up by its key (teachers/base.py), whichever run asks. Writers never share a file and never touch an
old one, so any number of processes on a shared file system may write at once, and a kill loses at most the line that
was being written: a torn last line is not read. What other processes add while one runs, it does not see.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tax.problems import UserError
from tax.teachers.base import Completion, Request

MAX_OPEN = 64  # journals being read: a checkout gathers one a run, and a process may open about a thousand files


class Journal:
    """The finished calls of a checkout. Keeps the place of each answer in memory, and the answers on disk."""

    def __init__(self, folder: Path) -> None:
        """Open the journals of a folder, which need not be there yet. Raises UserError where it cannot be one."""
        there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
        if not there.is_dir():
            raise UserError(
                f"finished calls cannot be kept in {folder}: {there} is no folder. Name a folder with --calls"
            )
        self._folder = folder
        self._files: list[Path] = []
        self._known: _Places | None = None  # the journals are read when a call is first looked for
        self._writer: int | None = None  # file descriptor, opened at the first answer
        self._written = 0  # bytes in the writer's file, which is the last of `_files`
        self._open: dict[int, IO[bytes]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def find(self, key: str) -> Completion | None:
        """Return the finished answer to a call, if there is one; of several the one that came first."""
        for index, offset in self._places.find(bytes.fromhex(key)):
            file = self._reader(index)
            file.seek(offset)
            completion = _completion(file.readline(), key)
            if completion is not None:
                return completion
        return None

    def add(self, request: Request, completion: Completion) -> None:
        """Keep an answer. It is in the hands of the operating system when this returns.

        Raises UserError where it cannot be written, as on a full disk: going on would pay for answers and lose them.
        """
        record = {
            "key": request.key,
            "model": request.model,
            "prompt": request.prompt,
            "text": completion.text,
            "tokens": [completion.prompt_tokens, completion.completion_tokens],
            "finish": completion.finish,
        }
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        places, rest = self._places, line
        try:
            if self._writer is None:
                self._writer = self._new_file()
            while rest:
                rest = rest[os.write(self._writer, rest) :]
        except OSError as error:
            self._close_writer()  # it may end in a torn line, to which nothing may be added
            raise UserError(
                f"an answer cannot be kept in {self._folder}: {error.strerror}. Nothing before it is lost; "
                "make room, or name another folder with --calls, and run the same command again"
            ) from error
        places.add(bytes.fromhex(request.key), len(self._files) - 1, self._written)
        self._written += len(line)

    def close(self) -> None:
        """Close the files."""
        self._close_writer()
        while self._open:
            self._open.popitem()[1].close()

    @property
    def _places(self) -> "_Places":
        if self._known is None:
            self._known = _Places()
            for path in sorted(self._folder.glob("*.jsonl")):
                self._read(path, self._known)
        return self._known

    def _read(self, path: Path, places: "_Places") -> None:
        index, offset = len(self._files), 0
        self._files.append(path)
        with _opened(path) as lines:
            for line in lines:
                key = _key(line)
                if key:
                    places.add(key, index, offset)
                offset += len(line)

    def _reader(self, index: int) -> IO[bytes]:
        if index not in self._open:
            if len(self._open) >= MAX_OPEN:
                self._open.pop(next(iter(self._open))).close()
            self._open[index] = _opened(self._files[index])
        return self._open[index]

    def _new_file(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        writer = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._files.append(self._folder / name)
        self._written = 0
        return writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None


class _Places:
    """Where the answers stand: 16 bytes a call, where a dict would take 180. Keys are cut, so a find is a candidate.

    A call is filed by the first two bytes of its key, as the next six and its place: file and offset, packed.
    """

    _SIZE = 14  # bytes of one entry

    def __init__(self) -> None:
        self._shelves: list[bytearray | None] = [None] * 65536
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, key: bytes, file: int, offset: int) -> None:
        """File a call. Offsets are below a terabyte, files below 16 million."""
        number = int.from_bytes(key[:2])
        shelf = self._shelves[number]
        if shelf is None:
            shelf = self._shelves[number] = bytearray()
        shelf += key[2:8] + (file << 40 | offset).to_bytes(8)
        self._count += 1

    def find(self, key: bytes) -> Iterator[tuple[int, int]]:
        """Yield file and offset of each call whose key may be this one, in the order in which they were filed."""
        shelf, wanted = self._shelves[int.from_bytes(key[:2])] or b"", key[2:8]
        at = shelf.find(wanted)
        while at >= 0:
            if at % self._SIZE == 0:
                place = int.from_bytes(shelf[at + 6 : at + self._SIZE])
                yield place >> 40, place & (1 << 40) - 1
            at = shelf.find(wanted, at + 1)


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(
            f"the finished calls in {path} cannot be read: {error.strerror}. Mend it, or move it away: "
            "what it holds is then asked again"
        ) from error


def _key(line: bytes) -> bytes | None:
    """Return the key of a whole journal line, and None for a torn or foreign one."""
    if not (line.startswith(b'{"key": "') and line.endswith(b"}\n")):
        return None
    try:
        return bytes.fromhex(line[9:41].decode())
    except ValueError:
        return None


def _completion(line: bytes, key: str) -> Completion | None:
    """Return the answer that a journal line holds, and None where it is another call's or not readable."""
    try:
        record = json.loads(line)
        prompt_tokens, completion_tokens = record["tokens"]
        found = Completion(record["text"], prompt_tokens, completion_tokens, record["finish"])
        return found if record["key"] == key and isinstance(found.text, str) else None
    except (ValueError, KeyError, TypeError):
        return None
