"""What a leaf's seeds leave behind to be compared with those of other leaves, so that no leaf is read for it again.

Of each question: its place, a digest of what it asks, the words of question and answer, and a few marks. The marks are
the least hashes of three words in a row (MinHash, Broder 1997): seeds that are alike have most of them in common.
"""

import sys
from array import array
from itertools import accumulate

from tax.load import Loaded
from tax.rules.repeats import Asked, asked

MARKS = 8  # of a seed
_MOST_SEEDS = 1000  # of one leaf
_UTF_32 = "utf-32-le" if sys.byteorder == "little" else "utf-32-be"


class Prints:
    """The prints of a leaf's seeds: a view of bytes, whose number is a multiple of 8.

    Numbers in the machine's byte order: 32 bits each, the count of the seeds and that of the bytes at the end; 64 bits
    each, the digests; then 32 bits each, `MARKS` marks a seed, the lines, the columns, the lengths of the questions and
    of the answers, and the words of all. At the end, in UTF-8 and each with a line feed, the parts of the questions'
    lines that problems show.
    """

    __slots__ = ("_cast", "_ends", "_shown", "count", "data")

    def __init__(self, data: bytes | memoryview) -> None:
        """Raises ValueError where the bytes are no prints."""
        self.data = data
        view = memoryview(data)
        self.count = int.from_bytes(view[:4], sys.byteorder)
        if len(view) % 8 or self.count > _MOST_SEEDS or len(view) < 8 + (8 + 4 * (MARKS + 4)) * self.count:
            raise ValueError("these bytes are no prints of a leaf")
        self._cast: memoryview | None = None
        self._ends: list[int] | None = None
        self._shown: list[str] | None = None

    def __reduce__(self) -> tuple[type["Prints"], tuple[bytes]]:
        """Let the bytes be sent to another process."""
        return Prints, (bytes(self.data),)

    def digests(self) -> list[int]:
        """Return what each seed asks, as 64 bits."""
        return memoryview(self.data)[8 : 8 + 8 * self.count].cast("Q").tolist()

    @property
    def _rest(self) -> memoryview:
        """What follows the digests; most leaves' prints are kept and not looked at."""
        if self._cast is None:
            self._cast = memoryview(self.data)[8 + 8 * self.count :].cast("I")
        return self._cast

    def traces(self) -> memoryview:
        """Return numbers of which like seeds have some in common: all marks, and the halves of the digests."""
        return memoryview(self.data)[8 : 8 + (8 + 4 * MARKS) * self.count].cast("I")

    def marks(self) -> list[int]:
        """Return the marks of all seeds, `MARKS` each."""
        return self._rest[: MARKS * self.count].tolist()

    def place(self, seed: int) -> tuple[int, int]:
        """Return line and column of a seed's question."""
        at, numbers = MARKS * self.count + seed, self._rest
        return numbers[at], numbers[at + self.count]

    def line(self, seed: int) -> int:
        """Return the line of a seed's question."""
        return int(self._rest[MARKS * self.count + seed])

    def words(self, seed: int) -> tuple[str, str]:
        """Return the words of a seed's question and of its answer, a character each."""
        return self._text(seed), self._text(self.count + seed)

    def shown(self, seed: int) -> str:
        """Return the part of the line of a seed's question that a problem there shows."""
        if self._shown is None:
            data = memoryview(self.data)
            size = int.from_bytes(data[4:8], sys.byteorder)
            self._shown = str(data[len(data) - size :], "utf-8", "replace").split("\n")
        return self._shown[seed] if seed < len(self._shown) else ""

    def _text(self, index: int) -> str:
        if self._ends is None:
            start = (MARKS + 2) * self.count
            lengths = self._rest[start : start + 2 * self.count].tolist()
            self._ends = list(accumulate(lengths, initial=start + 2 * self.count))
        return str(self._rest[self._ends[index] : self._ends[index + 1]].cast("B"), _UTF_32, "replace")


def prints_of(leaf: Loaded) -> Prints:
    """Return the prints of a leaf's seeds."""
    seeds = [each for each in asked(leaf) if each.question][:_MOST_SEEDS]
    places = [leaf.source.position(each.loc) for each in seeds]
    texts = [each.question for each in seeds] + [each.answer for each in seeds]
    rest = array("I")
    for each in seeds:
        rest.extend(_marks(each))
    rest.extend(place.line for place in places)
    rest.extend(place.column for place in places)
    rest.extend(map(len, texts))
    rest.frombytes("".join(texts).encode(_UTF_32))
    shown = "".join(f"{leaf.source.shown_part(place)}\n" for place in places).encode("utf-8", "replace")
    shown += b"\n" * (-(4 * len(rest) + len(shown)) % 8)
    head, digests = array("I", [len(seeds), len(shown)]), array("Q", [each.digest for each in seeds])
    return Prints(head.tobytes() + digests.tobytes() + rest.tobytes() + shown)


def _marks(seed: Asked) -> list[int]:
    text = (seed.question + seed.answer).encode(_UTF_32)
    words = memoryview(text).cast("I").tolist()
    hashes = sorted(map(hash, zip(words, words[1:], words[2:], strict=False))) or [hash(tuple(words))]
    least = hashes[:MARKS]
    if len({*least}) < len(least):
        least = sorted({*hashes})[:MARKS]
    marks = [each & 0xFFFFFFFF for each in least]
    return marks + [marks[-1]] * (MARKS - len(marks))
