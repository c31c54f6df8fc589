"""A knowledge leaf's documents: read safely, and cut into chunks with character spans.

A chunk is what one prompt shows the teacher. It ends where a block or a sentence ends, never within a sentence or a
table row, and repeats the last sentences of the one before it. Its span counts characters of the document's text, so
a sample can be walked back to its sentence. Markdown and plain text are read; documents pinned in other repositories
are not fetched yet.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tax.leaf import KnowledgeLeaf, LocalDocument, UnpinnedDocument
from tax.load import blob_id
from tax.problems import excerpt
from tax.segments import Block, Span, blocks, plain, sentences, tokens

CHUNK_WORDS = 400  # about 520 tokens of English; a CJK character counts as a word
OVERLAP_WORDS = 40
MAX_DOCUMENT = 10_000_000  # bytes
TEXT_SUFFIXES = {".md", ".markdown", ".txt"}


_SLASH = re.compile(r"[\\/]")


class DocumentFault(Exception):
    """A document cannot be used: what is wrong, and the fix."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True)
class Document:
    """A document's text, with what its samples name as their source."""

    path: str  # from the leaf's folder
    title: str
    license: str
    blob: str  # git's id of the file
    text: str


@dataclass(frozen=True)
class Chunk:
    """A stretch of a document: text[start:end], under the titles `headings`."""

    document: Document
    start: int
    end: int
    headings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The characters of the chunk, as they stand in the document."""
        return self.document.text[self.start : self.end]


def read_documents(leaf: KnowledgeLeaf, folder: Path) -> list[Document]:
    """Read the documents that lie beside a leaf. Raises DocumentFault for the first that cannot be used."""
    read = []
    for entry in leaf.documents:
        if isinstance(entry, UnpinnedDocument):
            raise DocumentFault(
                f"the documents in {excerpt(entry.repo)} are not pinned: {excerpt(entry.ref, 45)} is no full hash",
                "write `commit` with all 40 digits in the place of `ref`",
            )
        if not isinstance(entry, LocalDocument):
            raise DocumentFault(
                f"the documents are pinned in {entry.repo}, and fetching them is not built yet",
                "put the documents beside the leaf and name them by `path`",
            )
        data = resolve(folder, entry.path).read_bytes()
        text = decode(data)
        title = entry.title or next(
            (plain(text[block.start : block.end].lstrip("# ")) for block in blocks(text) if block.kind == "heading"),
            Path(entry.path).stem.replace("_", " "),
        )
        read.append(Document(entry.path, title, entry.license, blob_id(data), text))
    return read


def resolve(folder: Path, relative: str) -> Path:
    """Return the file that a leaf's `path` names. Raises DocumentFault where it may not or cannot be read."""
    path = Path(relative)
    if path.is_absolute() or ".." in path.parts or "\\" in relative or "\x00" in relative:
        raise DocumentFault(
            "the document is not in the leaf's folder",
            f"put the file beside the leaf, and write its name alone: {excerpt(re.split(_SLASH, relative)[-1])}",
        )
    found = folder / path
    if path.suffix.lower() not in TEXT_SUFFIXES:
        raise DocumentFault(
            f"a document of type '{path.suffix}' cannot be read",
            "save it as Markdown (.md) or plain text (.txt)",
        )
    try:
        if not found.is_file():
            raise DocumentFault("there is no such file", "put the document beside the leaf; mind upper and lower case")
        if not found.resolve().is_relative_to(folder.resolve()):
            raise DocumentFault(
                "the document is a link to a file outside the leaf's folder",
                "put the file itself beside the leaf",
            )
        if found.stat().st_size > MAX_DOCUMENT:
            raise DocumentFault(f"the document is larger than {MAX_DOCUMENT // 1_000_000} MB", "split it into chapters")
    except OSError as error:
        raise DocumentFault(f"the document cannot be read: {error.strerror}") from error
    return found


def decode(data: bytes) -> str:
    """Return a document's text, its line ends as \\n. Raises DocumentFault where it is not UTF-8, or empty."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DocumentFault(f"the document is not UTF-8 (line {line})", "save it with the encoding UTF-8") from error
    if not text.strip():
        raise DocumentFault("the document is empty", "put its text into it")
    return text


@dataclass(frozen=True)
class _Unit:
    """What a chunk is built of: a sentence, a heading, a code block, a table or list or a part of one."""

    start: int
    end: int
    words: int
    headings: tuple[str, ...]
    heading: bool = False


def chunks(document: Document, words: int = CHUNK_WORDS, overlap: int = OVERLAP_WORDS) -> list[Chunk]:
    """Cut a document into chunks of at most `words` words, unless a single sentence has more."""
    result: list[Chunk] = []
    pending: list[_Unit] = []
    for unit in _units(document.text, words):
        if pending and sum(each.words for each in pending) + unit.words > words:
            last = _without_trailing_headings(pending)
            result.append(_chunk(document, last))
            pending = [*_tail(last, overlap), *pending[len(last) :]]
            while pending and sum(each.words for each in pending) + unit.words > words:
                pending.pop(0)
        pending.append(unit)
    if any(not unit.heading for unit in pending):
        result.append(_chunk(document, pending))
    return result


def _chunk(document: Document, units: Sequence[_Unit]) -> Chunk:
    body = next((unit for unit in units if not unit.heading), units[0])
    return Chunk(document, units[0].start, units[-1].end, body.headings)


def _without_trailing_headings(units: list[_Unit]) -> list[_Unit]:
    end = len(units)
    while end > 1 and units[end - 1].heading:
        end -= 1
    return units[:end]


def _tail(units: Sequence[_Unit], overlap: int) -> list[_Unit]:
    """Return the last sentences of a chunk that the next one repeats; none if a heading begins the next thought."""
    tail: list[_Unit] = []
    for unit in reversed(units[1:]):
        if unit.heading or sum(each.words for each in tail) + unit.words > overlap:
            break
        tail.insert(0, unit)
    return tail


def _units(text: str, words: int) -> Iterator[_Unit]:
    found = blocks(text)
    index = 0
    while index < len(found):
        block = found[index]
        end = index + 1
        while block.kind in {"row", "item"} and end < len(found) and found[end].kind == block.kind:
            end += 1
        whole = Span(block.start, found[end - 1].end)
        if end > index + 1 and _words(text, whole) <= words // 2:  # a table or a list says more as a whole
            yield _unit(text, whole, block)
        else:
            for each in found[index:end]:
                yield from _block_units(text, each)
        index = end


def _block_units(text: str, block: Block) -> Iterator[_Unit]:
    whole = Span(block.start, block.end)
    if block.kind in {"heading", "row", "code"}:
        yield _unit(text, whole, block)
        return
    spans = sentences(text, whole)
    for number, span in enumerate(spans):
        start = block.start if number == 0 else span.start  # a list item keeps its mark
        yield _unit(text, Span(start, span.end), block)


def _unit(text: str, span: Span, block: Block) -> _Unit:
    return _Unit(span.start, span.end, _words(text, span), block.headings, block.kind == "heading")


def _words(text: str, span: Span) -> int:
    return len(tokens(text[span.start : span.end]))
