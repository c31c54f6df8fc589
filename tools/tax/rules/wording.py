"""Texts as numbered words, and how near two of them are: ROUGE-L's F-measure, as in duplicates.py.

A word is a run of letters and digits, or one CJK character. Its number is the CRC-32 of its UTF-8 in lower case, so it
is the same in every process and on every machine.
"""

import re
import zlib
from collections.abc import Sequence

from rapidfuzz.distance import Indel

from tax.prose import CJK

_WORD = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_ASCII = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else 32 for code in range(256))
_MOST_KNOWN = 200_000  # words remembered: a stranger's files can hold any number of different ones


class _Numbers(dict[bytes, int]):
    """The numbers of words that were met: most are met again."""

    def __missing__(self, word: bytes) -> int:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        number = self[word] = zlib.crc32(word)
        return number


_numbers = _Numbers()


def words(text: str) -> list[int]:
    """Return the words of a text as numbers below 2**32."""
    if text.isascii():
        found = text.encode().translate(_ASCII).split()
    else:
        found = [word.encode("utf-8", "surrogatepass") for word in _WORD.findall(text.lower())]
    return [_numbers[word] for word in found]


def likeness(a: Sequence[int], b: Sequence[int], least: float) -> float:
    """Return ROUGE-L's F-measure of two texts' words, 0.0 to 1.0; 0.0 stands for all that is below `least`."""
    return float(Indel.normalized_similarity(a, b, score_cutoff=least))
