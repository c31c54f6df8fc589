"""Texts with a character for each word, and how near two of them are: ROUGE-L's F-measure, as in duplicates.py.

Of a text the first 100 words count: they suffice to know it by, and contexts can be long. A word is a run of letters
and digits, or one CJK character; upper and lower case are one. Its character follows from its CRC-32, so it is the same
in every process. Of a million pairs of different words, one shares its character.
"""

import re
import zlib
from itertools import islice

from rapidfuzz.distance import Indel

from tax.text.prose import CJK

_WORD = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_ASCII = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else 32 for code in range(256))
_FIRST, _CHARACTERS = 0x10000, 0x100000  # the code points above those that UTF-16 needs for itself
MOST_WORDS = 100
_MOST_KNOWN = 200_000  # words remembered: a stranger's files can hold any number of different ones


class _Characters(dict[bytes, str]):
    """The characters of words that were met: most are met again."""

    def __missing__(self, word: bytes) -> str:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        character = self[word] = chr(_FIRST + zlib.crc32(word) % _CHARACTERS)
        return character


_character = _Characters().__getitem__
_MARKS = "‘’“”–—…•"  # no letters: with spaces in their place, most English texts are ASCII


def words(text: str) -> str:
    """Return a text's first words, a character for each."""
    if not text.isascii():
        for mark in _MARKS:
            text = text.replace(mark, " ")
    if text.isascii():
        found = text.encode().translate(_ASCII).split(None, MOST_WORDS)
        del found[MOST_WORDS:]
    else:
        listed = islice(_WORD.finditer(text.lower()), MOST_WORDS)
        found = [word[0].encode("utf-8", "surrogatepass") for word in listed]
    return "".join(map(_character, found))


def likeness(a: str, b: str, least: float) -> float:
    """Return ROUGE-L's F-measure of two texts' words, 0.0 to 1.0; 0.0 stands for all that is below `least`."""
    return float(Indel.normalized_similarity(a, b, score_cutoff=least))
