"""A knowledge leaf's documents: read safely, to Markdown text with pages, and cut into chunks with character spans."""

from tax.documents.chunks import CHUNK_WORDS, OVERLAP_WORDS, Chunk, chunks
from tax.documents.document import Document, DocumentFault, NotReadHere
from tax.documents.pinned import fetch, fetched
from tax.documents.reading import (
    MAX_PACKED,
    decode,
    extract,
    is_text,
    listed,
    read_documents,
    read_entry,
    resolve,
    shelf,
)

__all__ = [
    "CHUNK_WORDS",
    "MAX_PACKED",
    "OVERLAP_WORDS",
    "Chunk",
    "Document",
    "DocumentFault",
    "NotReadHere",
    "chunks",
    "decode",
    "extract",
    "fetch",
    "fetched",
    "is_text",
    "listed",
    "read_documents",
    "read_entry",
    "resolve",
    "shelf",
]
