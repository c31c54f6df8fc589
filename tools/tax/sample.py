"""A sample, one generated conversation with its provenance: a line of samples.jsonl; a drop: one of dropped.jsonl."""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tax.leaf import Branch, Message

Kind = Literal["question", "grounded", "dialogue", "knowledge", "problem", "imported"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rating(_Record):
    """A judge's rating, with its reason."""

    rubric: str
    rating: int | str
    reason: str


class Source(_Record):
    """Where in a document a sample comes from; spans count characters of the document's text, half-open."""

    document: str  # path from the leaf's folder, or from the root of `repo`
    title: str
    blob: str  # git's id of the document
    commit: str | None  # of `repo`; without one, the taxonomy's, where it holds this document as it was read
    span: tuple[int, int]  # the chunk that the teacher saw
    evidence: tuple[int, int] | None  # the sentences that support the answer, where they were found word for word
    page: int | None = None  # where that is in a paged document, counted from 1
    repo: str | None = None  # the address of the repository that the document is pinned in


class Sample(_Record):
    """One conversation worth training on."""

    id: str  # content hash, 16 hexadecimal digits
    leaf: str
    leaf_blob: str
    branch: Branch
    kind: Kind
    messages: tuple[Message, ...]
    language: str
    source: Source | None
    seeds: tuple[int, ...]  # indices of the leaf's seeds that the teacher was shown
    teacher: str
    prompt: str  # the prompt that wrote the answer, name@digest; template[N] for a computed problem
    ratings: tuple[Rating, ...]
    parent: str | None
    license: str


class Dropped(_Record):
    """What was drawn and not kept: filtered (judged not good enough) or failed (never came to be judged)."""

    leaf: str
    leaf_blob: str
    draw: int
    outcome: Literal["filtered", "failed"]
    stage: str
    reason: str
    detail: str  # the judge's or the server's own words
    question: str
    messages: tuple[Message, ...]
    ratings: tuple[Rating, ...]
    source: Source | None
    seeds: tuple[int, ...]


def content_id(leaf: str, messages: Sequence[Message], source: Source | None) -> str:
    """Return a sample's id: a hash of what it says, for which leaf, and from which place."""
    place = [source.document, source.blob, source.span] if source else None
    said = [[message.role, message.content] for message in messages]
    written = json.dumps([leaf, said, place], ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
