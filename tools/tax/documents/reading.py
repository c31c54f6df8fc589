"""A leaf's documents, read: those beside it and those pinned in other repositories.

Everything here comes from a stranger: a path stays in the leaf's folder, a size is bounded before a file is read, and
what needs a parser is parsed in a process of its own (convert.py). Markdown and plain text are taken as they stand.
"""

import re
from pathlib import Path, PurePosixPath

from tax.documents import pinned
from tax.documents.convert import CONVERTED, convert
from tax.documents.document import MAX_PACKED, Document, DocumentFault, Extract, File
from tax.leaf import KnowledgeLeaf, LocalDocument, PinnedDocument, UnpinnedDocument
from tax.load import blob_id
from tax.problems import excerpt
from tax.text.segments import blocks, plain
from tax.tree import find_root

MAX_TEXT = 10_000_000  # bytes of Markdown, plain text and HTML
TEXT_SUFFIXES = {".md", ".markdown", ".txt"}
READABLE = "Markdown (.md), plain text (.txt), HTML, PDF or DOCX"
_PACKED = {".pdf", ".docx"}
_WEB_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://|www\.", re.IGNORECASE)
_OWN_COMPUTER = re.compile(r"[a-z]:[/\\]|[/\\]|~[/\\]|file:", re.IGNORECASE)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"


def shelf(path: Path) -> Path | None:
    """Return the folder of a checkout where fetched repositories and extracted texts are kept; None outside of one."""
    root = find_root(path)
    return root / ".tax" / "documents" if root else None


def read_documents(leaf: KnowledgeLeaf, folder: Path) -> list[Document]:
    """Read a leaf's documents, in its order. Raises DocumentFault for the first that cannot be used.

    Nothing is fetched: of a pinned repository, the copy that pinned.fetch() made is read, NotReadHere where there is
    none.
    """
    return [document for entry in leaf.documents for document in read_entry(entry, folder)]


def read_entry(entry: LocalDocument | PinnedDocument | UnpinnedDocument, folder: Path) -> list[Document]:
    """Read what one entry of a leaf's documents names; raises as read_documents() does."""
    cache = shelf(folder)
    if isinstance(entry, UnpinnedDocument):
        raise _unpinned(entry)
    if isinstance(entry, PinnedDocument):
        return [_document(file, cache) for file in pinned.files(entry, cache, check_type)]
    data = _bytes(resolve(folder, entry.path))
    return [_document(File(entry.path, entry.title, entry.license, blob_id(data), data), cache)]


def listed(leaf: KnowledgeLeaf, folder: Path) -> list[dict[str, str]]:
    """Return what a run's manifest says of a leaf's documents, without converting one. Raises DocumentFault."""
    entries = []
    for entry in leaf.documents:
        if isinstance(entry, LocalDocument):
            blob = blob_id(_bytes(resolve(folder, entry.path)))
            entries.append({"path": entry.path, "blob": blob, "license": entry.license})
        elif isinstance(entry, UnpinnedDocument):
            raise _unpinned(entry)
        else:
            about = {"license": entry.license, "repo": entry.repo, "commit": entry.commit}
            named = pinned.named(entry, shelf(folder), check_type)
            entries += [{"path": file.path, "blob": file.blob, **about} for file in named]
    return entries


def extract(data: bytes, name: str, cache: Path | None) -> Extract:
    """Return the text of a file, by the type that its name says. Raises DocumentFault."""
    suffix = PurePosixPath(name).suffix.lower()
    if data.startswith(_LFS_POINTER):
        raise DocumentFault(
            "this is a Git LFS pointer, not the document itself", "put the document into git as an ordinary file"
        )
    return Extract(decode(data)) if is_text(name) else convert(data, suffix, cache)


def is_text(name: str) -> bool:
    """Tell whether a document's characters are the file's own, so that its lines are those of the file."""
    return PurePosixPath(name).suffix.lower() in TEXT_SUFFIXES


def check_type(name: str, size: int) -> None:
    """Check a document's type and its size in bytes. Raises DocumentFault."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in TEXT_SUFFIXES | CONVERTED.keys():
        what = f"of type '{suffix}'" if suffix else "whose name has no ending, such as .md,"
        raise DocumentFault(f"a document {what} cannot be read", f"save it as {READABLE}")
    limit = MAX_PACKED if suffix in _PACKED else MAX_TEXT
    if size > limit:
        raise DocumentFault(f"the document is larger than {limit // 1_000_000} MB", "split it into chapters")


def resolve(folder: Path, relative: str) -> Path:
    """Return the file that a leaf's `path` names. Raises DocumentFault where it may not or cannot be read."""
    _check_path(relative)
    found = folder / relative
    check_type(relative, 0)
    try:
        if not found.is_file():
            raise DocumentFault("there is no such file", "put the document beside the leaf; mind upper and lower case")
        if not found.resolve().is_relative_to(folder.resolve()):
            raise DocumentFault(
                "the document is a link to a file outside the leaf's folder",
                "put the file itself beside the leaf",
            )
        check_type(relative, found.stat().st_size)
    except OSError as error:
        raise DocumentFault(f"the document cannot be read: {error.strerror}") from error
    return found


def _check_path(relative: str) -> None:
    """Check that a path as written leads to a place in the leaf's folder. Raises DocumentFault."""
    if _WEB_ADDRESS.match(relative):
        fix = "save the page beside the leaf, write the file's name here, and give the address as `url`"
        raise DocumentFault("a web address is no file", fix)
    *folders, name = re.split(r"[/\\]", relative)
    if Path(relative).is_absolute() or _OWN_COMPUTER.match(relative) or ".." in {*folders, name} or "\x00" in relative:
        write = f"write its name alone: {excerpt(name)}" if name.strip(".") else "write its name alone"
        raise DocumentFault("the document is not in the leaf's folder", f"put the file beside the leaf, and {write}")
    if "\\" in relative:
        fix = f"write {excerpt(relative.replace(chr(92), '/'))}"
        raise DocumentFault("folders are divided by / and not by \\ in a leaf's path", fix)


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


def _unpinned(entry: UnpinnedDocument) -> DocumentFault:
    return DocumentFault(
        f"the documents in {excerpt(entry.repo)} are not pinned: {excerpt(entry.ref, 45)} is no full hash",
        "write `commit` with all 40 digits in the place of `ref`",
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DocumentFault(f"the document cannot be read: {error.strerror}") from error


def _document(file: File, cache: Path | None) -> Document:
    try:
        found = extract(file.data, file.path, cache)
    except DocumentFault as fault:
        raise type(fault)(f"{file.path}: {fault}" if file.repo else str(fault), fault.fix) from fault
    title = file.title or next(
        (
            plain(found.text[block.start : block.end].lstrip("# "))
            for block in blocks(found.text)
            if block.kind == "heading"
        ),
        PurePosixPath(file.path).stem.replace("_", " "),
    )
    return Document(
        file.path, title, file.license, file.blob, found.text, found.pages, repo=file.repo, commit=file.commit
    )
