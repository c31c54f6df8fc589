"""The process that converts one document: its bytes on stdin, JSON with its text or its fault on stdout.

Bounded before the first byte is read: memory, processor time, no file grows. (Where the system lacks such limits, as
Windows does, the waiting of convert.py alone bounds it.)
"""

import contextlib
import json
import logging
import sys

from tax.documents.document import DocumentFault, Extract
from tax.problems import excerpt

MEMORY = 1_500_000_000  # bytes of address space
SECONDS = 360  # of the processor
MAX_CHARACTERS = 20_000_000


def main(suffix: str) -> None:
    """Convert stdin."""
    _limit()
    logging.disable()  # pdfminer reports what it mends; what matters becomes a fault
    data = sys.stdin.buffer.read()
    try:
        found = converted(data, suffix)
        answer = {"text": found.text, "pages": found.pages}
    except DocumentFault as fault:
        answer = {"fault": str(fault), "fix": fault.fix}
    except (MemoryError, RecursionError):
        answer = {"fault": "the document is nested too deeply or too large to be read", "fix": "split or simplify it"}
    except Exception as error:  # noqa: BLE001 - a parser may raise anything on a stranger's bytes
        said = excerpt(f"{type(error).__name__}: {error}".rstrip(": "), 120)
        answer = {"fault": f"the document cannot be read ({said})", "fix": "save it again, or as Markdown"}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def converted(data: bytes, suffix: str) -> Extract:
    """Return the text of a document of one of the types of convert.CONVERTED. Raises what its parser raises."""
    if suffix == ".pdf":
        from tax.documents import pdf

        found = pdf.extract(data)
    elif suffix == ".docx":
        from tax.documents import docx

        found = docx.extract(data)
    else:
        from tax.documents import html

        found = html.extract(data)
    if not found.text.strip():
        raise DocumentFault("the document holds no text", "put its text into it")
    if len(found.text) > MAX_CHARACTERS:
        raise DocumentFault(f"the document has more than {MAX_CHARACTERS:,} characters", "split it into chapters")
    return found


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS bounds no address space
            resource.setrlimit(kind, (bound, hard))


if __name__ == "__main__":
    main(sys.argv[1])
