"""Prose as people read it: tokens, wrapped lines joined, inline Markdown resolved (see segments.py)."""

import html
import re

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # for a regex's class
_WIDE = "\u3000-\u303f\uff00-\uffef" + CJK  # with full-width punctuation

# Code spans keep their ticks and are never read as other Markdown.
CODE = re.compile(r"(?<!`)`[^`]{1,400}`(?!`)|``(?!`).{1,400}?``", re.DOTALL)

_TOKEN = re.compile(rf"[{CJK}]|\d+(?:[.,]\d+)+|[^\W_{CJK}]+(?:['’][^\W_{CJK}]+)*")
_ASCII_TOKEN = re.compile(r"[0-9]+(?:[.,][0-9]+)+|[a-z0-9]+(?:'[a-z0-9]+)*")  # the same for ASCII, in half the time


def tokens(text: str) -> list[str]:
    """Return the words and numbers in lower case, each CJK character by itself: for ROUGE-L and counts."""
    return (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text.lower())


_FOLD = re.compile(r"\s+")
_HYPHEN = re.compile(r"(?<=[a-z])-\n(?!(?:and|or|to)\b)(?=[a-z])")
_UNSPACED = re.compile(
    rf"(?<=[{_WIDE}])\n(?=[{CJK}])|(?<=[{CJK}])\n(?=[{_WIDE}])|(?<=[。，、；：！？」』）])\n|\n(?=[「『（])"
)


def folded(text: str) -> str:
    """Return the text on one line: a line break becomes a space, or nothing between CJK characters."""
    text = _FOLD.sub(lambda space: "\n" if "\n" in space[0] else " ", text.strip())
    return _UNSPACED.sub("", _HYPHEN.sub("-", text)).replace("\n", " ")


_INLINE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"^[ ]{0,3}>[ \t]", ""),
        (r"<!--.{0,200}?-->|\[\^\w{1,20}\]", ""),
        (
            r"!?\[([^\[\]]{0,300})\]\((?:[^()\s]{1,1000}|[^()\s]{1,500}\([^()\s]{0,500}\))(?:\s+\"[^\"]{0,300}\")?\)",
            r"\1",
        ),
        (r"\[([^\[\]]{1,300})\]\[[^\[\]]{0,100}\]", r"\1"),
        (r"<(https?://[^<>\s]{1,1000})>", r"\1"),
        (r"</?[A-Za-z][A-Za-z0-9]{0,20}(?:\s[^<>]{0,500})?/?>", ""),
        (r"\*\*(?=[^\s*])(.{1,400}?)(?<=[^\s])\*\*|(?<!\w)__(?=[^\s_])(.{1,400}?)(?<=\S)__(?!\w)", r"\1\2"),
        (
            r"(?<![\w*])\*(?=[^\s*])(.{1,400}?)(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])(.{1,400}?)(?<=\S)_(?!\w)",
            r"\1\2",
        ),
        (r"~~(?=\S)(.{1,400}?)(?<=\S)~~", r"\1"),
        (r"\\([!-/:-@\[-`{-~])", r"\1"),
    )
)


def plain(text: str) -> str:
    """Return inline Markdown as text: emphasis, tags, comments, a quote's marks go, a link becomes its words.

    Code keeps its ticks, so that a reader sees what is typed.
    """
    codes: list[str] = CODE.findall(text)
    text = CODE.sub("\0", text.replace("\0", "\ufffd"))
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    text = html.unescape(text)
    kept = iter(codes)
    return re.sub("\0", lambda _: next(kept, ""), text)


def cells(row: str) -> list[str]:
    """Return the cells of a table row without inline Markdown (of the head of a table, its first line)."""
    line = row.strip().split("\n", 1)[0].strip()
    hidden = CODE.sub(lambda code: code[0].replace("|", "\0"), line).replace("\\|", "\0")
    parts = hidden.removeprefix("|").removesuffix("|").split("|")
    return [plain(part.replace("\0", "|")).strip() for part in parts]
