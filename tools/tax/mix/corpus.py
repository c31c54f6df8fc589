"""The corpus of continued pre-training: sources that a registry lists, each verified by somebody (Taiwan LLM 4.1).

A registry is a YAML file (docs/mixing.md shows one whole):

    sources:
      - name: tide-tables
        kind: knowledge base          # what the table of the corpus groups by
        path: tides/*.md              # from the registry's folder; or `dataset:` with its revision
        license: CC0-1.0
        language: en
        verified_by: ada              # who looked at the source for spam, toxic and personal content
        verified_on: 2026-11-01

Verification is by source, as in the paper. Documents are cleaned one by one, and what is left out is counted.
"""

import datetime
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tax.mix.cleaning import NEAR_COPY, NearCopies, language_fault
from tax.mix.holdouts import Holdouts
from tax.mix.tables import file_rows, hub_rows, inside, is_table
from tax.mix.yaml_file import read_yaml
from tax.problems import UserError, excerpt

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]

_TEXT_SUFFIXES = (".md", ".markdown", ".txt")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HubDataset(_Part):
    """A dataset of a hub, at one commit."""

    name: Text
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
    split: Text = "train"


class CorpusSource(_Part):
    """One source of documents."""

    name: Text
    kind: Text
    path: Text | None = None
    dataset: HubDataset | None = None
    column: Text = "text"  # of JSON lines, Parquet and datasets
    license: Text
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
    verified_by: Text | None = None
    verified_on: datetime.date | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "CorpusSource":
        if (self.path is None) == (self.dataset is None):
            raise ValueError("a source has a `path` or a `dataset`, and not both")
        return self

    @property
    def verified(self) -> bool:
        """Whether somebody stands for it, since a day that can be named."""
        return self.verified_by is not None and self.verified_on is not None


class Registry(_Part):
    """The sources of a corpus."""

    sources: Annotated[list[CorpusSource], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> "Registry":
        names = [source.name for source in self.sources]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two sources are called {twice}")
        return self


@dataclass(frozen=True)
class Corpus:
    """A source with the files below `root` that its path names (none: a hub's dataset)."""

    source: CorpusSource
    root: Path
    files: list[Path]

    @property
    def name(self) -> str:
        """What tables and mix.json call it."""
        return self.source.name


def corpus_of(registry: Path, root: Path | None, allowed: Sequence[str], *, unverified: bool) -> list[Corpus]:
    """Return the sources of a registry. `root` is the folder of their paths; by default the registry's.

    Raises UserError where one is unverified (unless that is allowed), of a licence that is not, or not there.
    """
    found = []
    root = root or registry.parent
    for source in read_yaml(registry, Registry).sources:
        told = f"{registry}: the source {excerpt(source.name)}"
        if not source.verified and not unverified:
            raise UserError(
                f"{told} is not verified: look at it for spam, toxic and personal content, then write `verified_by` "
                "and `verified_on`; or take it as it is with --unverified"
            )
        if source.license not in allowed:
            raise UserError(f"{told} has the licence {excerpt(source.license)}, which tax.toml does not allow")
        files = inside(root, source.path) if source.path else []
        if source.path and not files:
            raise UserError(f"{told} has no file {excerpt(source.path)} in {root}")
        odd = next((path for path in files if not is_table(path) and path.suffix.lower() not in _TEXT_SUFFIXES), None)
        if odd is not None:
            raise UserError(f"{told} names {excerpt(str(odd))}, but reads .md, .txt, .jsonl, .jsonl.gz and .parquet")
        found.append(Corpus(source, root, files))
    return found


def texts_of(corpus: Corpus) -> Iterator[str | None]:
    """Yield the documents of a source; None for what holds no text. Raises UserError where it cannot be read."""
    source = corpus.source
    if source.dataset is not None:
        dataset = source.dataset
        yield from (_text(row, source.column) for row in hub_rows(dataset.name, dataset.revision, dataset.split))
    for path in corpus.files:
        if is_table(path):
            yield from (_text(row, source.column) for row in file_rows(path, [source.column]))
        else:
            yield _whole(path)


def _text(row: dict[str, object] | None, column: str) -> str | None:
    text = None if row is None else row.get(column)
    return text if isinstance(text, str) and text.strip() else None


def _whole(path: Path) -> str | None:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    return text if text.strip() else None


class Cleaner:
    """Looks at the documents of all sources in turn: what stays becomes a row of the corpus."""

    def __init__(self, holdouts: Holdouts) -> None:
        self._holdouts = holdouts
        self._near = NearCopies()
        self._said: set[bytes] = set()

    def clean(self, text: str | None, source: CorpusSource) -> dict[str, str] | str:
        """Return a document's row (id, source, text, license), or the reason why it is left out."""
        if text is None:
            return "no text"
        try:
            digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8)
        except UnicodeEncodeError:
            return "text that is no Unicode"
        if digest.digest() in self._said:
            return "an exact duplicate"
        fault = language_fault(text, source.language) or self._holdouts.found_in_document(text)
        if fault is None and not self._near.admit(text):
            fault = NEAR_COPY
        if fault is not None:
            return fault
        self._said.add(digest.digest())
        return {"id": digest.hexdigest(), "source": source.name, "text": text, "license": source.license}
