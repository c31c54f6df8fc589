"""Whom a dataset owes credit: each sample's leaf and document as they were when the run was made.

A taxonomy moves on, a run does not: a leaf is looked up by git's id of it, in the checkout first, then in history.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tax.leaf import FILE_NAME, Document, KnowledgeLeaf, LocalDocument, PinnedDocument
from tax.load import blob_id, parse
from tax.runs import pooled_seeds
from tax.sample import Sample, Source
from tax.tree import TAXONOMY, blob_at, repository


@dataclass
class DocumentCredit:
    """One entry of a leaf's documents, as a card credits it."""

    path: str  # beside the leaf, or the address of a repository with its patterns
    title: str
    authors: list[str]
    url: str
    license: str
    commit: str = ""  # of the repository


@dataclass
class LeafCredit:
    """One leaf, as a card credits it, with the count of its samples."""

    leaf: str
    blob: str
    author: str
    license: str
    documents: list[DocumentCredit] = field(default_factory=list)
    imported: bool = False  # it is no leaf, but the name under which conversations of another tool were read
    samples: int = 0

    def licenses(self, sample: Sample) -> set[str]:
        """Return the licences of what a sample was made from: the leaf's, and that of its document."""
        source = sample.source
        named = {each.license for each in self.documents if source and _is_of(each, source)}
        return {self.license, *named} if self.license else named


class Sources:
    """The leaves of a run's samples."""

    def __init__(self, root: Path, manifest: Mapping[str, Any]) -> None:
        self._root = root
        inputs = [each for each in manifest.get("inputs") or () if isinstance(each, dict)]
        self._pools = {str(each.get("blob")): pooled_seeds(each) for each in inputs if "pool" in each}
        entries = [*inputs, *(leaf for pool in self._pools.values() for leaf, _ in pool)]
        self._brought = {
            str(each.get("blob")): str(each.get("credit") or "") for each in inputs if each.get("imported")
        }
        self._paths = {str(each.get("blob")): str(each.get("path")) for each in entries}
        self._repo = repository(root)
        self._found: dict[tuple[str, str], LeafCredit | None] = {}

    def of(self, sample: Sample) -> list[LeafCredit]:
        """Return whom a sample is owed to: its leaf, or the leaves whose seeds its teacher was shown.

        Empty where one of them is nowhere to be found.
        """
        found = [self._owed(sample, *leaf) for leaf in self._leaves(sample)]
        return [each for each in found if each] if all(found) else []

    @property
    def used(self) -> list[LeafCredit]:
        """The leaves that samples were counted for, in order of their names."""
        found = (each for each in self._found.values() if each and each.samples)
        return sorted(found, key=lambda each: (each.leaf, each.blob))

    def _leaves(self, sample: Sample) -> list[tuple[str, str]]:
        pool = self._pools.get(sample.leaf_blob)
        if pool is None:
            return [(sample.leaf, sample.leaf_blob)]
        shown = [pool[number][0] for number in sample.seeds if 0 <= number < len(pool)]
        return list(dict.fromkeys((str(leaf["leaf"]), str(leaf["blob"])) for leaf in shown))

    def _owed(self, sample: Sample, name: str, blob: str) -> LeafCredit | None:
        if (name, blob) not in self._found:
            self._found[name, blob] = self._look_up(sample, name, blob)
        return self._found[name, blob]

    def _look_up(self, sample: Sample, name: str, blob: str) -> LeafCredit | None:
        if sample.kind == "imported" or blob in self._brought:
            return LeafCredit(name, blob, self._brought.get(blob, ""), sample.license, imported=True)
        data = self._data(name, blob)
        leaf = parse(data, name) if data is not None else None
        if leaf is None:
            return None
        documents = [_document(each) for each in leaf.documents] if isinstance(leaf, KnowledgeLeaf) else []
        return LeafCredit(name, blob, leaf.created_by, leaf.license, documents)

    def _data(self, name: str, blob: str) -> bytes | None:
        if not re.fullmatch("[0-9a-f]{40}", blob):
            return None
        root = self._root.resolve()
        for place in (self._paths.get(blob, ""), f"{TAXONOMY}/{name}/{FILE_NAME}"):
            path = (root / place).resolve()  # a run folder may come from a stranger
            if place and path.is_relative_to(root) and path.is_file() and blob_id(data := path.read_bytes()) == blob:
                return data
        return blob_at(self._repo, blob) if self._repo else None


def _document(entry: Document) -> DocumentCredit:
    about = list(entry.authors), entry.url or "", entry.license
    if isinstance(entry, LocalDocument):
        return DocumentCredit(entry.path, entry.title or entry.path, *about)
    path = f"{entry.repo} ({', '.join(entry.patterns)})"
    commit = entry.commit if isinstance(entry, PinnedDocument) else ""  # nothing grows from what is not pinned
    return DocumentCredit(path, entry.title or entry.repo, *about, commit=commit)


def _is_of(credit: DocumentCredit, source: Source) -> bool:
    if source.repo:
        return credit.commit == source.commit and credit.path.startswith(f"{source.repo} (")
    return not credit.commit and credit.path == source.document
