"""A document as the rest of the program knows it: its text, and where that comes from; and why one cannot be used."""

from bisect import bisect_right
from dataclasses import dataclass

MAX_PACKED = 50_000_000  # bytes of PDF and DOCX, most of which are images


class DocumentFault(Exception):
    """A document cannot be used: what is wrong, and the fix."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class NotReadHere(DocumentFault):
    """A document cannot be read in this place, which says nothing against it: a package or the fetched copy lacks."""


@dataclass(frozen=True)
class File:
    """A document's bytes, with what its leaf says of it."""

    path: str  # from the leaf's folder, or from the root of the repository `repo`
    title: str | None
    license: str
    blob: str  # git's id of the file
    data: bytes
    repo: str | None = None
    commit: str | None = None


@dataclass(frozen=True)
class Extract:
    """The text of a file, as Markdown or plain text; and of a paged one, where in it each page begins, in order."""

    text: str
    pages: tuple[int, ...] = ()

    def page(self, at: int) -> int | None:
        """Return the page, from 1, that a character of the text stands on; None where the file has no pages."""
        return max(1, bisect_right(self.pages, at)) if self.pages else None


@dataclass(frozen=True)
class Document:
    """A document's text, with what its samples name as their source."""

    path: str  # from the leaf's folder, or from the root of the repository `repo`
    title: str
    license: str
    blob: str  # git's id of the file
    text: str
    pages: tuple[int, ...] = ()  # where in the text each page begins
    repo: str | None = None  # the address of the repository that it is pinned in; None: it lies beside the leaf
    commit: str | None = None  # of that repository

    def page(self, at: int) -> int | None:
        """Return the page, from 1, that a character of the text stands on; None where the file has no pages."""
        return Extract(self.text, self.pages).page(at)
