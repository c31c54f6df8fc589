"""The dataset card: README.md with the front matter that the Hugging Face Hub reads, counts, licences and credits.

It follows from the run alone, without the time of day: the same run exports to the same bytes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from tax import __version__
from tax.export.credits import DocumentCredit, LeafCredit
from tax.report import cell
from tax.sample import Sample
from tax.text.languages import language_name

# The hub's names of licences, where they are not the SPDX id in lower case.
_HUB_LICENSES = {"ODC-By-1.0": "odc-by", "PDDL-1.0": "pddl", "GPL-3.0-only": "gpl-3.0", "AGPL-3.0-only": "agpl-3.0"}
_HUB_KNOWS = set(
    "apache-2.0 mit cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 "
    "cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 bsd-2-clause bsd-3-clause bsl-1.0 isc "
    "postgresql zlib unlicense odc-by pddl cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 gpl-3.0 "
    "agpl-3.0".split()
)
_SIZES = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M", 10**7: "1M<n<10M"}
_FORMS = {
    "messages": "`messages`, a list of turns with `role` and `content`",
    "parquet": "`messages`, a list of turns with `role` and `content`, beside columns of the sample's provenance",
    "alpaca": "`instruction`, `input` (always empty), `output`, and of dialogues `history`, earlier turns in pairs",
    "sharegpt": "`conversations`, a list of turns with `from` (human, gpt) and `value`",
}


def _texts(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "dtype": "string"} for name in names]


# The columns of the JSON forms, stated since a reader that guesses them from the first rows may see no history there.
_COLUMNS: dict[str, list[dict[str, Any]]] = {
    "messages": [{"name": "messages", "list": _texts("role", "content")}, *_texts("id", "leaf", "license")],
    "sharegpt": [{"name": "conversations", "list": _texts("from", "value")}, *_texts("id", "leaf", "license")],
    "alpaca": [
        *_texts("instruction", "input", "output"),
        {"name": "history", "list": {"list": "string"}},
        *_texts("id", "leaf", "license"),
    ],
}


@dataclass
class Counts:
    """What an export holds, counted as it is written."""

    samples: int = 0
    by: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in ("branch", "kind", "language", "licence", "teacher")}
    )
    refused: Counter[str] = field(default_factory=Counter)  # by reason

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.samples += 1
        values = sample.branch, sample.kind, sample.language, sample.license, sample.teacher
        for counter, value in zip(self.by.values(), values, strict=True):
            counter[value] += 1


def card(manifest: Mapping[str, Any], form: str, data_file: str, counts: Counts, leaves: Sequence[LeafCredit]) -> str:
    """Return the card of a dataset as Markdown."""
    front = yaml.safe_dump(_front(manifest, form, data_file, counts, leaves), allow_unicode=True, sort_keys=False)
    return f"---\n{front}---\n\n" + "\n".join(_body(manifest, form, counts, leaves)) + "\n"


def _front(
    manifest: Mapping[str, Any], form: str, data_file: str, counts: Counts, leaves: Sequence[LeafCredit]
) -> dict[str, Any]:
    licenses = {each.license for each in leaves} | {doc.license for each in leaves for doc in each.documents}
    named = sorted({_hub_license(each) for each in licenses})
    languages = sorted({tag.partition("-")[0].lower() for tag in counts.by["language"]})
    front: dict[str, Any] = {"pretty_name": f"tax run {manifest['id']}", "language": languages}
    front["license"] = named[0] if len(named) == 1 else named
    if "other" in named:
        front |= {"license_name": "several", "license_link": "README.md"}
    size = next((name for limit, name in _SIZES.items() if counts.samples < limit), "10M<n<100M")
    if form in _COLUMNS:
        front["dataset_info"] = {"features": _COLUMNS[form]}
    return front | {
        "size_categories": [size],
        "task_categories": ["text-generation"],
        "annotations_creators": ["machine-generated"],
        "tags": ["synthetic", "instruction-tuning", "taxonomy"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": data_file}]}],
    }


def _hub_license(spdx: str) -> str:
    name = _HUB_LICENSES.get(spdx, spdx.lower())
    return name if name in _HUB_KNOWS else "other"


# What became of the samples after they were grown or brought, by the command that made the run.
_THEN = {
    "recycle": "a teacher reflected on them and rewrote instructions and answers (Reflection-Tuning)",
    "translate": "a teacher brought them into another language",
    "dialogue": "a teacher played them on to several turns, speaking for both sides",
}
_GROWN = (
    "from a leaf's examples, new questions and answers were written in their manner, or its templates were filled in; "
    "documents were cut into passages, and questions and answers were written about them"
)


def _body(manifest: Mapping[str, Any], form: str, counts: Counts, leaves: Sequence[LeafCredit]) -> Iterator[str]:
    then = _THEN.get(str(manifest.get("command")), "")
    teachers = ", ".join(cell(name) for name in counts.by["teacher"] if name != "computed") or "none"
    model = cell(str((manifest.get("teacher") or {}).get("model") or ""))
    yield from (
        f"# tax run {cell(str(manifest['id']))}",
        "",
        f"{counts.samples:,} conversations to teach a language model with, {_made_of(manifest, leaves)}, by tax "
        f"{__version__}." + (f" Then {then}." if then else ""),
        "",
        "They are synthetic: a teacher wrote them, and judged them. "
        f"Teacher: {teachers}" + (f" (model {model})" if model else "") + ". `computed` problems come from templates, "
        "and no model wrote them. A model's mistakes are among them: look before you rely on one.",
        "",
        "## A row",
        "",
        f"It has {_FORMS[form]}; with it the sample's `id`, its `leaf`, and the `license` of what it was made from. "
        "With the taxonomy and its run, `tax blame ID` walks from a sample back to the people who wrote its source.",
        "",
        "## What it holds",
    )
    for name, counter in counts.by.items():
        shown = {_shown(name, value): count for value, count in counter.most_common()}
        yield from ("", f"| {name} | samples |", "| --- | ---: |")
        yield from (f"| {value} | {count:,} |" for value, count in shown.items())
    if counts.refused:
        yield from ("", f"{counts.refused.total():,} samples of the run were left out:", "")
        yield from (f"- {count:,}: {cell(reason)}" for reason, count in counts.refused.most_common())
    yield from _credits(leaves, then)
    if sum(each.samples for each in leaves) > counts.samples:
        yield from ("", "A sample that was drawn after the examples of several leaves is counted with each of them.")


def _made_of(manifest: Mapping[str, Any], leaves: Sequence[LeafCredit]) -> str:
    """Return what the samples were made of: leaves, and files of other tools."""
    taxonomy = manifest.get("taxonomy") or {}
    state = ", with changes that were not committed" if taxonomy.get("dirty") else ""
    commit = f"(commit {cell(str(taxonomy.get('commit') or 'no commit'))}{state})"
    grown = sum(not each.imported for each in leaves)
    brought = ", ".join(cell(each.leaf) for each in leaves if each.imported)
    made = [f"grown from {grown:,} {'leaf' if grown == 1 else 'leaves'} of a taxonomy {commit}"] if grown else []
    made += [f"made from conversations of another tool ({brought})"] if brought else []
    return " and ".join(made)


def _shown(name: str, value: str) -> str:
    return f"{cell(language_name(value))} ({cell(value)})" if name == "language" else cell(value)


def _credits(leaves: Sequence[LeafCredit], then: str) -> Iterator[str]:
    changes = [_GROWN] if any(not each.imported for each in leaves) else []
    changes += [then] if then else []
    yield from (
        "",
        "## Licences and credits",
        "",
        "Each sample is under the licences of its own sources, named in its row; give credit to them, as below, when "
        "you give samples on. A licence's text is at `https://spdx.org/licenses/` under its name. Changes that were "
        f"made: {'; then '.join(changes)}.",
        "",
        "| leaf | samples | by | licence | version |",
        "| --- | ---: | --- | --- | --- |",
    )
    for each in leaves:
        author = cell(each.author) or "unknown (brought from another tool)"
        yield f"| {cell(each.leaf)} | {each.samples:,} | {author} | {cell(each.license)} | {cell(each.blob[:12])} |"
    documents = list(_distinct(leaves))
    if documents:
        yield from (
            "",
            "| document | by | licence | published at | file | of the leaf |",
            "| --- | --- | --- | --- | --- | --- |",
        )
    for leaf, document in documents:
        authors = ", ".join(cell(name) for name in document.authors) or "not named"
        place = cell(document.path) + (f" at commit {cell(document.commit[:12])}" if document.commit else "")
        yield (
            f"| {cell(document.title)} | {authors} | {cell(document.license)} | {cell(document.url) or '-'} "
            f"| {place} | {cell(leaf)} |"
        )


def _distinct(leaves: Iterable[LeafCredit]) -> Iterator[tuple[str, DocumentCredit]]:
    for each in leaves:
        for document in each.documents:
            yield each.leaf, document
