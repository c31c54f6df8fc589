"""Public datasets of foundational leaves (LAB 3.1), as samples: columns mapped, each row read or its reason told."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tax.leaf import Dataset, Message, SkillLeaf
from tax.load import Loaded
from tax.mix.tables import file_rows, hub_rows, inside, is_table
from tax.problems import UserError, excerpt
from tax.sample import Sample, content_id


@dataclass(frozen=True)
class LeafDataset:
    """A leaf's dataset: a file beside the leaf, or a name on a hub."""

    loaded: Loaded
    dataset: Dataset
    file: Path | None
    language: str

    @property
    def name(self) -> str:
        """What tables and mix.json call it."""
        return f"{self.dataset.name} of {self.loaded.name}"


def datasets_of(leaves: list[Loaded]) -> list[LeafDataset]:
    """Return the datasets that the leaves name. Raises UserError where a file is not beside its leaf."""
    found = []
    for loaded in leaves:
        if not isinstance(loaded.leaf, SkillLeaf) or loaded.leaf.dataset is None:
            continue
        dataset = loaded.leaf.dataset
        file = None
        if is_table(Path(dataset.name)):
            files = inside(loaded.path.parent, dataset.name)
            if len(files) != 1:
                raise UserError(f"{loaded.shown}: there is no file {excerpt(dataset.name)} beside the leaf")
            file = files[0]
        found.append(LeafDataset(loaded, dataset, file, loaded.leaf.language))
    return found


def samples_of(given: LeafDataset) -> Iterator[Sample | str]:
    """Yield a dataset's rows as samples; a text is the reason why a row is left out. Raises UserError."""
    dataset = given.dataset
    for key in ("question", "answer"):
        if key not in dataset.columns:
            raise UserError(f"{given.loaded.shown}: `dataset.columns` does not say which column holds the {key}")
    rows: Iterator[dict[str, Any] | None]
    if given.file is not None:
        rows = file_rows(given.file, list(dataset.columns.values()))
    else:
        rows = hub_rows(dataset.name, dataset.revision, dataset.split)
    for row in rows:
        yield "unread: no JSON object" if row is None else _sample(row, given)


def _sample(row: dict[str, Any], given: LeafDataset) -> Sample | str:
    dataset = given.dataset
    texts: dict[str, str] = {}
    for key, column in dataset.columns.items():
        value = row.get(column)
        if not isinstance(value, str) or not value.strip():
            return f"unread: no text in column {excerpt(column)}"
        texts[key] = value
    question = f"{texts['context'].strip()}\n\n{texts['question']}" if "context" in texts else texts["question"]
    try:
        messages = (Message(role="user", content=question), Message(role="assistant", content=texts["answer"]))
    except ValidationError:
        return "unread: text that is no Unicode"
    loaded = given.loaded
    return Sample(
        id=content_id(loaded.name, messages, None),
        leaf=loaded.name,
        leaf_blob=loaded.blob,
        branch=loaded.branch,
        kind="imported",
        messages=messages,
        language=given.language,
        source=None,
        seeds=(),
        teacher="dataset",
        prompt=f"dataset:{dataset.name}" + (f"@{dataset.revision}" if dataset.revision else ""),
        ratings=(),
        parent=None,
        license=dataset.license,
    )
