"""Finished teacher calls: append-only journals in `.tax/calls/`, one file a writer, each answer as it came.

A call is looked up by its key (teachers/base.py), whichever run asks. Writers never share a file and never touch an
old one, so any number of processes on a shared file system may write at once, and a kill loses at most the line that
was being written: a torn last line is not read.
"""

import json
import os
import secrets
import time
from pathlib import Path
from typing import IO

from tax.problems import UserError
from tax.teachers.base import Completion, Request

MAX_OPEN = 64  # journals being read: a checkout gathers one a run, and a process may open about a thousand files


class Journal:
    """The finished calls of a checkout. Keeps the place of each answer in memory, and the answers on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[Path] = []
        self._places: dict[bytes, tuple[int, int]] = {}  # key -> (index of its file, byte offset of its line)
        self._writer: int | None = None  # file descriptor, opened at the first answer
        self._open: dict[int, IO[bytes]] = {}
        for path in sorted(folder.glob("*.jsonl")):
            self._index(path)

    def __len__(self) -> int:
        return len(self._places)

    def find(self, key: str) -> Completion | None:
        """Return the finished answer to a call, if there is one."""
        place = self._places.get(bytes.fromhex(key))
        if place is None:
            return None
        index, offset = place
        file = self._reader(index)
        file.seek(offset)
        record = json.loads(file.readline())
        prompt_tokens, completion_tokens = record["tokens"]
        return Completion(record["text"], prompt_tokens, completion_tokens, record["finish"])

    def _reader(self, index: int) -> IO[bytes]:
        if index not in self._open:
            if len(self._open) >= MAX_OPEN:
                self._open.pop(next(iter(self._open))).close()
            self._open[index] = self._files[index].open("rb")
        return self._open[index]

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
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            if self._writer is None:
                self._writer = self._new_file()
            while line:
                line = line[os.write(self._writer, line) :]
        except OSError as error:
            raise UserError(
                f"an answer cannot be kept in {self._folder}: {error.strerror}. Nothing before it is lost; "
                "make room, or name another folder with --calls, and run the same command again"
            ) from error

    def close(self) -> None:
        """Close the files."""
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None
        while self._open:
            self._open.popitem()[1].close()

    def _new_file(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        return os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def _index(self, path: Path) -> None:
        index, offset = len(self._files), 0
        self._files.append(path)
        with path.open("rb") as lines:
            for line in lines:
                key = _key(line)
                if key:
                    self._places[key] = (index, offset)
                offset += len(line)


def _key(line: bytes) -> bytes | None:
    """Return the key of a whole journal line, and None for a torn or foreign one."""
    if not (line.startswith(b'{"key": "') and line.endswith(b"}\n")):
        return None
    try:
        return bytes.fromhex(line[9:41].decode())
    except ValueError:
        return None
