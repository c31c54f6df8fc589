"""All that may enter a phase: the texts in one file on disk, and an entry of some 300 bytes for each in memory."""

import contextlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tax.mix.draw import digest64
from tax.problems import UserError
from tax.sample import Sample

_STOCKS = {"knowledge": "knowledge", "foundational_skills": "foundational", "compositional_skills": "compositional"}

Role = Literal["train", "heldout", "seed"]


@dataclass(slots=True)
class Entry:
    """A sample or document of the pool: what is needed to choose it, and where its text stands.

    `identity`, `said`, `asked` and `parent` are 64 bits of hashes: of its id, of the whole conversation, of the user's
    turns, and of its parent's id (0: none). `choice` tells which of several equal ones stays, whatever the order of the
    inputs: those of a leaf before imported ones.
    """

    identity: int
    said: int
    asked: int
    parent: int
    choice: int
    leaf: str
    stock: str  # knowledge (later -short or -long), foundational, compositional, feedback, corpus
    phase: str | None  # the one phase that it was given to by name
    source: int  # index of its input
    offset: int
    length: int
    role: Role = "train"
    tokens: int = 0  # of all turns
    answer: int = 0  # of the assistant's turns


@dataclass
class Left:
    """What was left out, counted by reason and input."""

    counts: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, reason: str, source: int, count: int = 1) -> None:
        """Count one of this input that was left out."""
        self.counts[reason][source] += count

    def keep(self, entries: Iterable[Entry], reason_of: Callable[[Entry], str | None]) -> list[Entry]:
        """Return the entries for which there is no reason to leave them out, and count the others.

        The taxonomy's seeds are not counted: nobody gave them to be trained on.
        """
        kept = []
        for entry in entries:
            reason = reason_of(entry)
            if reason is None:
                kept.append(entry)
            elif entry.role != "seed":
                self.add(reason, entry.source)
        return kept


class Pool:
    """The texts, appended to a file as they come, and read back by their entries."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = path.open("wb")
        self._reader = os.open(path, os.O_RDONLY)
        self._size = 0
        self._names: dict[str, str] = {}
        self.entries: list[Entry] = []

    def add_sample(
        self, sample: Sample, source: int, *, stock: str | None = None, phase: str | None = None, role: Role = "train"
    ) -> None:
        """Take a sample in; its stock is its branch's, unless another is given."""
        said = [[message.role, message.content] for message in sample.messages]
        asked = [text for role, text in said if role == "user"]
        line = sample.model_dump_json().encode("utf-8")
        self._add(
            line,
            identity=digest64(sample.id),
            said=digest64(json.dumps(said, ensure_ascii=False)),
            asked=digest64(json.dumps(asked, ensure_ascii=False)),
            parent=digest64(sample.parent) if sample.parent else 0,
            choice=(sample.kind == "imported") << 64 | digest64(line),
            leaf=sample.leaf,
            stock=stock or _STOCKS[sample.branch],
            phase=phase,
            source=source,
            role=role,
        )

    def add_document(self, row: dict[str, str], source: int) -> None:
        """Take a document of the corpus in: its id, source, text and license."""
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        said = digest64(row["text"])
        self._add(
            line,
            identity=digest64(row["id"]),
            said=said,
            asked=said,
            parent=0,
            choice=digest64(line),
            leaf=row["source"],
            stock="corpus",
            phase=None,
            source=source,
            role="train",
        )

    def _add(self, line: bytes, *, leaf: str, **what: Any) -> None:
        leaf = self._names.setdefault(leaf, leaf)
        with self._told():
            self._writer.write(line + b"\n")
        self.entries.append(Entry(leaf=leaf, offset=self._size, length=len(line) + 1, **what))
        self._size += len(line) + 1

    def line(self, entry: Entry) -> bytes:
        """Return an entry's line as it goes into a phase file, its line feed included."""
        return os.pread(self._reader, entry.length, entry.offset)

    def texts(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, list[tuple[str, str]]]]:
        """Yield each entry with its turns, (role, text); a document is one turn of the role `document`."""
        for entry in entries:
            row = json.loads(self.line(entry))
            if "text" in row:
                yield entry, [("document", row["text"])]
            else:
                yield entry, [(turn["role"], turn["content"]) for turn in row["messages"]]

    def flush(self) -> None:
        """Put on disk what was taken in, so that it can be read back."""
        with self._told():
            self._writer.flush()

    def close(self) -> None:
        """Close the file; it is the caller's to delete."""
        with contextlib.suppress(OSError):  # what is still to be written, on a full disk
            self._writer.close()
        os.close(self._reader)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"{self._path} cannot be written: {error.strerror}. A mix needs room for what it reads and for what it "
                "writes: make some, or name a folder on another disk with --out"
            ) from error
