"""What must survive a translation: code, placeholders, addresses, identifiers, numbers and names.

A check on the two texts alone. A number in digits survives by its value: 12,000 may become 12.000, １２０００ or
一萬二千. A name survives as it was, or as the translator's own list of names has it. Simplified: numbers in words
(three, 五十) are not looked for, since too many words hold one; names are looked for in Latin script, where capitals
show them.
"""

import re
from collections.abc import Iterator, Mapping

from tax.improve.numerals import numbers
from tax.text.segments import blocks

_MARKS = (
    ("code", re.compile(r"(?<!`)`[^`\n]+`(?!`)")),
    (
        "address",
        re.compile(
            r"https?://[^\s<>\"'）」』】，。；、]*[^\s<>\"'）」』】，。；、.,;:!?)\]}]|[\w.%+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
        ),
    ),
    (
        "placeholder",
        re.compile(
            r"\{\{[^{}\n]{1,60}\}\}|\$\{[^{}\n]{1,60}\}|\{[A-Za-z_][\w.:!,-]{0,60}\}|\{\d{0,2}\}"  # {{x}} ${x} {x} {0}
            r"|%\([A-Za-z_]\w{0,40}\)[sdif]|(?<![\w%])%(?:\.\d)?[sdif](?![A-Za-z])"  # %(x)s %s
            r"|<[A-Za-z_|][\w|-]{0,60}>|</[A-Za-z]\w{0,20}>"  # <user_id> <|end|> <b> </b>
        ),
    ),
    (
        "identifier",  # snake_case, camelCase, GPT-4, MP3, report.pdf, --option, @name
        re.compile(
            r"(?<![\w@/.-])(?:--[a-z][\w-]+|@[A-Za-z]\w+|[A-Za-z]\w*_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*"
            r"|[A-Z][A-Za-z]*-\d[A-Za-z0-9]*|[A-Za-z]+\d[A-Za-z0-9]*|[A-Za-z][\w-]*\.(?:py|js|ts|json|ya?ml|toml|csv|txt|md|pdf|html|png|jpg|sh|go|rs|java))"
            r"(?!\w|-\d)",
            re.ASCII,
        ),
    ),
)

_NAME = re.compile(r"[A-Z][a-zà-öø-ÿ’'-]+(?: (?:(?:of|de|van|von|der|la|the) )?[A-Z][a-zà-öø-ÿ’'-]+)+")
_WORD = re.compile(r"[A-Za-zÀ-ÿ’'-]{4,}")
_STARTS = re.compile(r"[.!?:•*#>\"“(-]\s*$")
_CALENDAR = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Christmas|Easter|New Year)\b"
)
MOST_NAMES = 200  # lines of a translator's list that are read


def lost(original: str, translation: str, names: Mapping[str, str], language: str = "en") -> tuple[str, str] | None:
    """Return what a translation has lost, as (kind, what); None where all is there.

    `names` are the translator's: how each name of the original stands in the translation. `language` is the original's.
    """
    copied, before = _parted(original)
    for kind, found in copied:
        if translation.count(found) < original.count(found):
            return kind, found
    there = {value for number in numbers(translation) for value in number.values}
    for number in numbers(before, language):
        if number.in_digits and not number.values & there:
            return "number", number.written
    for name, written in names.items():
        if name in original and written not in translation:
            return "name", name
    for name in _names(before):
        if name not in translation and not any(name in known or known in name for known in names):
            return "name", name
    return None


def read_names(listed: str) -> dict[str, str]:
    """Return the names of a translator's list, `original = translation` one a line; other lines say nothing."""
    pairs = (re.split(r"[=＝]", line, maxsplit=1) for line in listed.splitlines()[:MOST_NAMES])
    stripped = ((pair[0].strip(" \t-*•・"), pair[1].strip()) for pair in pairs if len(pair) == 2)
    return {name: written for name, written in stripped if name and written}


def _parted(text: str) -> tuple[list[tuple[str, str]], str]:
    """Return what must be there character by character, with its kind and each once, and the prose between."""
    found: dict[tuple[str, str], None] = {}
    prose: list[str] = []
    end = 0
    for block in blocks(text):
        code = text[block.start : block.end]
        if block.kind == "code" and code.lstrip().startswith(("```", "~~~")):
            found["code", code] = None
            prose, end = [*prose, text[end : block.start]], block.end
    rest = "\n".join([*prose, text[end:]])
    for kind, mark in _MARKS:
        found |= dict.fromkeys((kind, match[0]) for match in mark.finditer(rest))
        rest = mark.sub(" ", rest)
    return list(found), rest


def _names(text: str) -> Iterator[str]:
    """Yield names of several capitalised words, where capitals mean something.

    In a heading they do not, and the first word of a sentence has its capital for its place.
    """
    for line in text.splitlines():
        words = _WORD.findall(line)
        if sum(word[0].isupper() for word in words) > 0.75 * len(words):
            continue
        for match in _NAME.finditer(line):
            name, before = match[0], line[max(0, match.start() - 4) : match.start()]
            if not before.strip() or _STARTS.search(before):
                name = name.partition(" ")[2]
            if " " in name and name[0].isupper() and not _CALENDAR.search(name):
                yield name
