"""Before a run draws: the repositories that its leaves pin documents in are fetched into the checkout's cache."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tax.config import Config
from tax.documents.document import DocumentFault
from tax.documents.pinned import fetch
from tax.documents.reading import shelf
from tax.leaf import KnowledgeLeaf, PinnedDocument
from tax.load import load
from tax.problems import excerpt, failed
from tax.validate import check_loaded

_STEP = 5.0  # seconds between two lines about one repository


def fetch_documents(files: Sequence[Path], config: Config, *, quiet: bool = False) -> None:
    """Fetch what the leaves in these files pin, each repository once, telling stderr how it goes.

    What cannot be fetched is told too; its leaves are skipped with that reason when their turn comes. A leaf with
    errors, such as a licence's, has nothing fetched for it.
    """
    told: set[tuple[str, str]] = set()
    for file in files:
        if not _may_pin(file):
            continue
        loaded, cache = load(file), shelf(file.parent)
        if cache is None or not isinstance(loaded.leaf, KnowledgeLeaf) or failed(check_loaded(loaded, config)):
            continue
        for entry in loaded.leaf.documents:
            if isinstance(entry, PinnedDocument) and (entry.repo, entry.commit) not in told:
                told.add((entry.repo, entry.commit))
                _fetch(entry, cache, quiet=quiet)


def _may_pin(file: Path) -> bool:
    try:
        return b"repo" in file.read_bytes()
    except OSError:
        return False  # its turn comes, with its own message


def _fetch(entry: PinnedDocument, cache: Path, *, quiet: bool) -> None:
    shown = f"{excerpt(entry.repo)} at {excerpt(entry.commit[:12])}"
    began = last = time.monotonic()
    most = 0

    def watched(size: int) -> None:
        nonlocal last, most
        most = max(most, size)
        if time.monotonic() - last >= _STEP:
            last = time.monotonic()
            say(f"  {size / 1e6:,.1f} MB so far")

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    try:
        if fetch(entry, cache, watched):
            say(f"fetched {shown}: {most / 1e6:,.1f} MB in {time.monotonic() - began:.1f} s")
    except DocumentFault as fault:
        say(f"not fetched: {shown}: {fault}")
