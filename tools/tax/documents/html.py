"""HTML to Markdown: headings, paragraphs, lists, tables, quotations and code; what a reader would not see is left out.

The tree is selectolax's (Lexbor), built as a browser builds it, and walked without recursion: nesting has no limit.
Simplified: what stands in <main>, or in the only <article>, is the document, else the body without navigation and
foot; emphasis and links become their words; a cell that spans rows is repeated in each, one that spans columns is not.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tax.documents import markdown
from tax.documents.document import DocumentFault, Extract
from tax.documents.html_writer import Event, write

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_UNSEEN = set(
    "script style template head nav svg iframe object embed noscript button select input textarea "
    "canvas audio video dialog datalist annotation annotation-xml".split()
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)


def extract(data: bytes) -> Extract:
    """Return the text of an HTML file. Raises DocumentFault where its encoding is not what it says."""
    return Extract(to_markdown(_decoded(data)))


def to_markdown(source: str) -> str:
    """Return HTML as Markdown."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(markdown.clean(source))
    mains = tree.css("main") or tree.css("[role=main]") or tree.css("article")
    root = mains[0] if len(mains) == 1 else tree.body
    if root is None:
        return ""
    events = list(_events(root, _UNSEEN if len(mains) == 1 else _UNSEEN | {"footer"}))
    return write(events)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = "utf-16"
    else:
        stated = _CHARSET.search(data[:4096])
        name = stated[1].decode() if stated and not data.startswith(b"\xef\xbb\xbf") else "utf-8-sig"
    try:
        return data.decode("windows-1252" if name.lower() in {"iso-8859-1", "latin-1", "latin1"} else name)
    except (UnicodeDecodeError, LookupError) as error:
        raise DocumentFault(f"the document is not in the encoding {name}", "save it with the encoding UTF-8") from error


def _events(root: "LexborNode", unseen: set[str]) -> Iterator[Event]:
    """Walk a tree in its order; the subtrees that a reader would not see are passed over."""
    node: LexborNode = root
    while True:
        inner = None
        if node.is_text_node:
            yield Event("text", "", node.text_content or "")
        elif node.is_element_node:
            attributes = node.attributes
            if not _is_unseen(node.tag or "", attributes, unseen):
                yield Event("open", node.tag or "", "", attributes)
                inner = None if "alttext" in attributes else node.first_child  # which says what a formula draws
                if inner is None:
                    yield Event("close", node.tag or "")
        if inner is not None:
            node = inner
            continue
        while node.mem_id != root.mem_id and node.next is None and node.parent is not None:
            node = node.parent
            yield Event("close", node.tag or "")
        if node.mem_id == root.mem_id or node.next is None:
            return
        node = node.next


def _is_unseen(tag: str, attributes: Mapping[str, str | None], unseen: set[str]) -> bool:
    return (
        tag in unseen
        or attributes.get("role") in {"navigation", "search"}
        or "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(attributes.get("style") or ""))
    )
