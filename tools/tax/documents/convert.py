"""HTML, PDF and DOCX to Markdown text, by a process of its own with bounded time and memory (worker.py).

Such files come from strangers, and their parsers are large: whatever one does to its parser, it ends in a fault here.
Converting is slow (a PDF: some pages a second), so texts are kept in a folder, by git's id of the file and the
versions of what read it. Only text that was read whole is kept.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from tax.documents.document import DocumentFault, Extract, NotReadHere
from tax.load import blob_id
from tax.problems import install
from tax.runs import write_whole

FORM = 1  # of the text; raise it when a converter's output changes, or kept texts and new spans will not agree
MAX_SECONDS = 900.0  # of waiting; worker.py bounds the processor's time and the memory
INSTALL = install("documents")

CONVERTED = {  # suffix -> the package that reads it
    ".html": "selectolax",
    ".htm": "selectolax",
    ".pdf": "pdfplumber",
    ".docx": "mammoth",
}
_ALSO = {".pdf": ("pdfminer.six",), ".docx": ("selectolax",)}


@dataclass(frozen=True)
class _Source:
    blob: str
    suffix: str
    data: bytes = field(compare=False, repr=False)


def convert(data: bytes, suffix: str, cache: Path | None = None) -> Extract:
    """Return the text of a file of one of the CONVERTED types; `cache` holds earlier ones.

    Raises DocumentFault where it cannot be read; NotReadHere where the package that reads it is not installed.
    """
    versions = [f"{name} {_version(name, suffix)}" for name in (CONVERTED[suffix], *_ALSO.get(suffix, ()))]
    found = _converted(_Source(blob_id(data), suffix, data), " ".join(versions), cache)
    if isinstance(found, DocumentFault):
        raise found
    return found


@lru_cache(maxsize=4)
def _converted(source: _Source, versions: str, cache: Path | None) -> Extract | DocumentFault:
    key = blob_id(f"{FORM} {source.blob} {source.suffix} {versions}".encode())
    kept = cache / "texts" / f"{key}.json" if cache else None
    earlier = _kept(kept) if kept else None
    if earlier is not None:
        return earlier
    found = _run(source)
    if kept and isinstance(found, Extract):
        _keep(kept, found)
    return found


def _run(source: _Source) -> Extract | DocumentFault:
    # -P: a folder that somebody happens to stand in must not lend its modules
    command = [sys.executable, "-P", "-m", "tax.documents.worker", source.suffix]
    try:
        ended = subprocess.run(
            command, input=source.data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=MAX_SECONDS
        )
    except subprocess.TimeoutExpired:
        return _TOO_SLOW
    try:
        answer = json.loads(ended.stdout)
        if "fault" in answer:
            return DocumentFault(answer["fault"], answer["fix"])
        return Extract(answer["text"], tuple(answer["pages"]))
    except (ValueError, KeyError, TypeError):
        return _BROKEN if ended.returncode >= 0 else _TOO_SLOW  # a signal: the limits of worker.py end it so


_TOO_SLOW = DocumentFault("reading the document takes too long or too much memory", "split it into chapters")
_BROKEN = DocumentFault("the document is damaged: its reader broke off", "save it again, or as Markdown")


def _version(package: str, suffix: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError as error:
        raise NotReadHere(f"a document of type '{suffix}' is read with the package {package}", INSTALL) from error


def _kept(path: Path) -> Extract | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Extract(str(kept["text"]), tuple(int(page) for page in kept["pages"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(path: Path, found: Extract) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"text": found.text, "pages": found.pages}, ensure_ascii=False))
    except OSError:  # a checkout that cannot be written to: it is converted again next time
        return
