"""Rules about a knowledge leaf's documents."""

import re
from collections.abc import Iterator
from pathlib import Path

from tax.config import Config
from tax.documents.document import DocumentFault, NotReadHere
from tax.leaf import KnowledgeLeaf, LocalDocument, PinnedDocument
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.source import Loc

_SPACE = re.compile(r"\s+")
_DATA_SUFFIXES = (".jsonl", ".parquet")


@rule("document", Level.ERROR)
def readable(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A document beside the leaf is there, in the leaf's folder or below it, and has text that can be read.

    Markdown (.md) and plain text (.txt) are taken as they stand; HTML, PDF and DOCX are read with their headings and
    tables. Of a pinned repository that has been fetched, the files that the patterns name are checked likewise.

    Passes:
        documents:
          - {path: tides.md, license: CC0-1.0}

    Fails:
        documents:
          - {path: tide.md, license: CC0-1.0}
    """
    for index, key, shown, found in _read(leaf):
        if isinstance(found, DocumentFault) and not isinstance(found, NotReadHere):
            yield Finding(("documents", index, key), f"{shown}: {found}", found.fix)


@rule("document-not-read", Level.HINT)
def unread(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A document could not be looked at here: it is pinned and not fetched, or the package that reads it lacks.

    Validation stays offline. `tax generate` fetches what is pinned, and then it is checked here too.

    Passes:
        documents:
          - {path: tides.md, license: CC0-1.0}

    Fails:
        documents:
          - repo: https://example.org/tides.git
            commit: 951999afdc59c46d325493568193b40bd5439c9e
            patterns: ["*.md"]
            license: CC0-1.0
    """
    for index, key, shown, found in _read(leaf):
        if isinstance(found, NotReadHere):
            yield Finding(("documents", index, key), f"{shown} is not checked here: {found}", found.fix)


@rule("context-not-in-document", Level.WARNING)
def quoted(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """The context of a seed is copied from a document word for word; only white space may differ.

    The teacher writes its questions about the documents. It learns from the seeds what their passages look like.

    Passes:
        seed_examples:
          - context: The sea rises and falls
              twice a day.
            questions_and_answers:
              - {question: How often does the sea rise?, answer: Twice a day.}

    Fails:
        seed_examples:
          - context: The sea rises and sinks two times a day.
            questions_and_answers:
              - {question: How often does the sea rise?, answer: Twice a day.}
    """
    sound = []
    for *_, found in _read(leaf):
        if isinstance(found, DocumentFault):
            return  # a document is missing or pinned elsewhere: the context may be from there
        sound += [_SPACE.sub("", text) for text in found]
    if not sound:
        return
    for index, seed in leaf.seeds:
        context = seed.get("context")
        if isinstance(context, str) and not any(_SPACE.sub("", context) in text for text in sound):
            message = (
                f"the context of seed {index + 1} is not in {'any document' if len(sound) > 1 else 'the document'}"
            )
            fix = "copy the passage word for word (spaces and line ends may differ)"
            yield Finding(("seed_examples", index, "context"), message, fix)


@rule("pinned-document", Level.WARNING, older=Level.WARNING)
def pinned(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """Documents in another repository are named by an https address and by the full hash of a commit.

    A branch or a part of a hash can mean another text tomorrow, so nothing grows from documents that are named so.
    In version 4 `commit` holds a full hash and nothing else. What an older leaf held instead stands under `ref` when
    `tax format --upgrade` has lifted it, and waits there for the commit.

    Passes:
        version: 3
        document:
          repo: https://example.org/tides.git
          commit: 951999afdc59c46d325493568193b40bd5439c9e
          patterns: ["*.md"]

    Fails:
        version: 3
        document:
          repo: https://example.org/tides.git
          commit: main
          patterns: ["*.md"]
    """
    listed = leaf.data.get("documents")
    for index, item in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(item, dict) and isinstance(item.get("ref"), str) and "commit" not in item and item["ref"].strip():
            message = (
                f"{excerpt(item['ref'], 45)} is no full hash: it may mean another text tomorrow, so it is not read"
            )
            fix = "write `commit:` with all 40 digits in the place of `ref:`; the web page of the commit shows them"
            yield Finding(("documents", index, "ref"), message, fix)
    document = leaf.data.get("document")
    if not isinstance(document, dict):
        return
    commit, repo = document.get("commit"), document.get("repo")
    if isinstance(commit, str) and commit and not re.fullmatch("[0-9a-fA-F]{40}", commit):
        fix = "write all 40 digits, as `git rev-parse HEAD` shows them"
        yield Finding(("document", "commit"), f"{excerpt(commit, 45)} is not the full hash of a commit", fix)
    if isinstance(repo, str) and repo and not re.match(r"https?://\S+$", repo):
        yield Finding(
            ("document", "repo"), f"{excerpt(repo)} is no https address", "write the repository's https address"
        )


@rule("dataset", Level.ERROR)
def obtainable(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A dataset is a file in the leaf's folder (.jsonl or .parquet), or one of a hub at the full hash of a revision.

    Passes:
        dataset:
          name: example/word-problems
          revision: 951999afdc59c46d325493568193b40bd5439c9e
          license: MIT
          columns: {question: problem, answer: solution}

    Fails:
        dataset:
          name: example/word-problems
          license: MIT
          columns: {question: problem, answer: solution}
    """
    dataset = leaf.data.get("dataset")
    name = dataset.get("name") if isinstance(dataset, dict) else None
    if not isinstance(dataset, dict) or not isinstance(name, str) or not name.strip():
        return
    if not name.lower().endswith(_DATA_SUFFIXES):
        if dataset.get("revision") is None:
            message = f"the dataset {excerpt(name)} is not pinned: it can be another one tomorrow"
            yield Finding(("dataset", "name"), message, "add `revision:` with the full hash of its commit, 40 digits")
        return
    fault = _data_fault(leaf.path.parent, name)
    if fault:
        yield Finding(("dataset", "name"), f"{excerpt(name)}: {fault}", fault.fix)


def _data_fault(folder: Path, name: str) -> DocumentFault | None:
    path = Path(name)
    inside = not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name
    try:
        if inside and (not (folder / path).is_file() or not (folder / path).stat().st_size):
            fix = "put the file beside the leaf; mind upper and lower case"
            return DocumentFault("there is no such file, or it is empty", fix)
        if not inside or not (folder / path).resolve().is_relative_to(folder.resolve()):
            fix = "put the file itself beside the leaf, and write its name alone"
            return DocumentFault("the dataset is not in the leaf's folder", fix)
    except OSError as error:
        return DocumentFault(f"the dataset cannot be read: {error.strerror}", "mend its name or its access rights")
    return None


def local_texts(leaf: Loaded) -> Iterator[tuple[Loc, str, str]]:
    """Yield the documents beside the leaf that can be read: the place that names each, its path and its text."""
    for index, key, _, found in _read(leaf):
        if key == "path" and not isinstance(found, DocumentFault):
            yield from ((("documents", index, key), leaf.data["documents"][index]["path"], text) for text in found)


def _read(leaf: Loaded) -> Iterator[tuple[int, str, str, list[str] | DocumentFault]]:
    """Yield for each document its index, the key that names it, what it is called, and its texts or what is wrong.

    A leaf with other faults is looked at too, as far as its entries can be told.
    """
    listed = leaf.data.get("documents")
    for index, item in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(item, dict) and isinstance(item.get("path"), str) and item["path"].strip():
            entry = LocalDocument.model_construct(path=item["path"], license="", title=None)
            yield index, "path", excerpt(item["path"]), _texts(entry, leaf)
        elif isinstance(leaf.leaf, KnowledgeLeaf) and isinstance(pinned := leaf.leaf.documents[index], PinnedDocument):
            yield index, "repo", excerpt(pinned.repo), _texts(pinned, leaf)


def _texts(entry: LocalDocument | PinnedDocument, leaf: Loaded) -> list[str] | DocumentFault:
    from tax.documents.reading import read_entry  # most leaves have no documents

    try:
        return [document.text for document in read_entry(entry, leaf.path.parent)]
    except DocumentFault as fault:
        return fault
