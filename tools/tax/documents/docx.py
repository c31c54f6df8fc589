"""DOCX to Markdown: mammoth reads it to HTML by the styles of its paragraphs, html.py does the rest.

Simplified: only paragraphs in a heading's or title's style are headings; a DOCX has no pages until it is laid out.
"""

import io
import zipfile

from tax.documents.document import DocumentFault, Extract
from tax.documents.html import to_markdown

MAX_UNPACKED = 200_000_000  # bytes of all parts but the images
MAX_RATIO = 200  # of one part's size to what it takes in the archive
_HARMLESS = 1_000_000  # bytes of a part, whatever it takes
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh\nbr[type='page'] => hr"


def extract(data: bytes) -> Extract:
    """Return the text of a DOCX file. Raises DocumentFault, and what mammoth raises for a damaged one."""
    import mammoth

    _check(data)
    ignored = mammoth.images.img_element(lambda image: {})
    read = mammoth.convert_to_html(
        io.BytesIO(data), style_map=_STYLES, include_embedded_style_map=False, convert_image=ignored
    )
    return Extract(to_markdown(read.value))


def _check(data: bytes) -> None:
    """Refuse what is no DOCX, is encrypted, or unpacks to far more than it is (zipfile reads no more than it lists)."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise DocumentFault("the document is protected by a password, or an old .doc file", "save it as a plain .docx")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [part for part in archive.infolist() if part.filename.endswith((".xml", ".rels"))]
    except zipfile.BadZipFile as error:
        raise DocumentFault("the document is no DOCX file", "save it again as .docx, or as Markdown") from error
    if not any(part.filename == "[Content_Types].xml" for part in parts):
        raise DocumentFault("the document is no DOCX file", "save it again as .docx, or as Markdown")
    size = sum(part.file_size for part in parts)
    bombs = [part for part in parts if part.file_size > max(_HARMLESS, MAX_RATIO * part.compress_size)]
    if size > MAX_UNPACKED or bombs:
        raise DocumentFault(f"the document unpacks to {size:,} bytes, which is suspicious", "save it as Markdown")
