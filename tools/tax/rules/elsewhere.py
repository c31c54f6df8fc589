"""Seeds that repeat those of other leaves, exactly or nearly.

Each leaf leaves a print, from which it is compared without being read again: of each question its place, a digest of
what it asks, the words of question and answer, and a few marks. Seeds that share a mark are compared word by word; the
marks are the least hashes of three words in a row (MinHash, Broder 1997), so time grows with the number of seeds and
not with their pairs. What is found depends on the prints and the names of the leaves alone.

Simplified: near repeats that share no mark are missed (none of 2,554 in 832 real leaves), and of very many seeds with
the same mark, each is compared with the first few only.
"""

import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tax.load import Loaded
from tax.problems import Level, Problem, excerpt
from tax.rules.repeats import Asked, asked
from tax.rules.wording import likeness

NEAR = 0.8  # sibling skills look alike by design: 0.7 would take the tap code of b for the Morse code of z
_MOST_SEEDS = 1000  # of one leaf
_MOST_WORDS = 100  # of a question, and of an answer
_MARKS = 8  # of a seed
_SHARED = 2  # marks that near repeats have in common, if they have so many
_HEADS = 8  # seeds that stand for all that have a mark
_TRIED = 5  # seeds that one is compared with, those first that share most marks
_UTF_32 = "utf-32-le" if sys.byteorder == "little" else "utf-32-be"

EXACT, NEARLY = "seed-in-other-leaf", "near-seed-in-other-leaf"
MANUALS = {
    EXACT: """No seed asks what a seed of another leaf asks: its question, with its context where a skill has one.

    Taught in two leaves, it is learned twice, perhaps with two answers; held out in one and taught in the other, it
    measures nothing. Upper and lower case and white space make no difference. All leaves of the taxonomy are compared,
    also where only some are checked.

    Passes: "What is a spring tide?" in knowledge/oceanography/tides alone.

    Fails: "What is a spring tide?" in knowledge/oceanography/tides and in knowledge/astronomy/the_moon.
    """,
    NEARLY: """No seed nearly repeats one of another leaf: 0.8 or more of the words of question and answer are the same.

    The measure is ROUGE-L (F), of the first 100 words of both questions and of both answers. Leaves of kindred skills
    may rightly have seeds that look alike, so this is a hint.

    Passes: "How often does the sea rise in a day?" in one leaf, "How high does the sea rise?" in another.

    Fails: "How often does the sea rise in one day?" in one leaf, "How often does the sea rise in a day?" in another,
    both with the answer that it rises twice.
    """,
}


class Print:
    """What a leaf's seeds leave behind to be compared by: a view of the bytes that `print_of` makes.

    Numbers in the machine's byte order: 64 bits each, the count and the digests; then 32 bits each, `_MARKS` marks a
    seed, the lines, the columns, the lengths of the questions and of the answers, and the words of all.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        """Raises ValueError where the bytes are no print."""
        view = memoryview(data)
        self.count = int.from_bytes(view[:8], sys.byteorder)
        head = 8 + 8 * self.count
        if self.count > _MOST_SEEDS or len(view) < head or len(view) % 8:
            raise ValueError("these bytes are no print of a leaf")
        self._digests = view[8:head].cast("Q")
        self._rest = view[head:].cast("I")
        self._ends: list[int] | None = None
        if len(self._rest) < (_MARKS + 4) * self.count:
            raise ValueError("these bytes are no print of a leaf")

    def digests(self) -> list[int]:
        """Return what each seed asks, as 64 bits."""
        return self._digests.tolist()

    def marks(self) -> list[int]:
        """Return the marks of all seeds, `_MARKS` each."""
        return self._rest[: _MARKS * self.count].tolist()

    def place(self, seed: int) -> tuple[int, int]:
        """Return line and column of a seed's question."""
        return self._column(0, seed), self._column(1, seed)

    def words(self, seed: int) -> tuple[str, str]:
        """Return the words of a seed's question and of its answer, a character each."""
        if self._ends is None:
            start = (_MARKS + 2) * self.count
            lengths = self._rest[start : start + 2 * self.count].tolist()
            self._ends = list(accumulate(lengths, initial=start + 2 * self.count))
        return self._text(seed), self._text(self.count + seed)

    def _text(self, index: int) -> str:
        assert self._ends is not None
        return str(self._rest[self._ends[index] : self._ends[index + 1]].cast("B"), _UTF_32, "replace")

    def _column(self, column: int, seed: int) -> int:
        return self._rest[(_MARKS + column) * self.count + seed]


def print_of(leaf: Loaded) -> bytes:
    """Return a leaf's print; its length is a multiple of 8."""
    seeds = [each for each in asked(leaf) if each.question][:_MOST_SEEDS]
    places = [leaf.source.position(each.loc) for each in seeds]
    texts = [each.question[:_MOST_WORDS] for each in seeds] + [each.answer[:_MOST_WORDS] for each in seeds]
    rest = array("I")
    for each in seeds:
        rest.extend(_marks(each))
    rest.extend(place.line for place in places)
    rest.extend(place.column for place in places)
    rest.extend(map(len, texts))
    rest.frombytes("".join(texts).encode(_UTF_32))
    if len(rest) % 2:
        rest.append(0)
    return array("Q", [len(seeds), *(each.digest for each in seeds)]).tobytes() + rest.tobytes()


def _marks(seed: Asked) -> list[int]:
    text = (seed.question[:_MOST_WORDS] + seed.answer[:_MOST_WORDS]).encode(_UTF_32)
    words = memoryview(text).cast("I").tolist()
    threes = {hash(three) & 0xFFFFFFFF for three in zip(words, words[1:], words[2:], strict=False)}
    marks = sorted(threes)[:_MARKS] or [hash(tuple(words)) & 0xFFFFFFFF]
    return marks + [marks[-1]] * (_MARKS - len(marks))


@dataclass(frozen=True)
class Repeat:
    """A seed that repeats one of another leaf. `leaves`: how many others ask the very same; 0 of a near repeat."""

    leaf: str
    seed: int
    other: str
    other_seed: int
    leaves: int


def repeats(prints: Mapping[str, Print]) -> list[Repeat]:
    """Return the seeds that repeat those of other leaves, in order of leaf and seed. Leaves are ordered by name."""
    names = sorted(prints)
    ordered = [prints[name] for name in names]
    exact = {seed: (other, leaves) for seed, other, leaves in _exact(ordered)}
    near = {seed: (other, 0) for seed, other in _near(ordered, exact)}
    return [
        Repeat(names[leaf], index, names[other], other_index, leaves)
        for (leaf, index), ((other, other_index), leaves) in sorted({**exact, **near}.items())
    ]


_Seed = tuple[int, int]  # the place of a leaf among the names in order, and of a seed in its leaf


def _exact(prints: Sequence[Print]) -> Iterator[tuple[_Seed, _Seed, int]]:
    """Yield the seeds that ask what one of another leaf asks: each with the first other, and the number of leaves."""
    shared = _shared(prints, Print.digests)
    groups: dict[int, list[_Seed]] = defaultdict(list)
    for leaf, each in enumerate(prints):
        for index, digest in enumerate(each.digests()):
            if digest in shared:
                groups[digest].append((leaf, index))
    for group in groups.values():
        leaves = len({leaf for leaf, _ in group}) - 1
        first = group[0]
        second = next(seed for seed in group if seed[0] != first[0])
        for seed in group:
            yield seed, first if first[0] != seed[0] else second, leaves


def _near(prints: Sequence[Print], exact: Container[_Seed]) -> Iterator[tuple[_Seed, _Seed]]:
    """Yield the other seeds that nearly repeat one of another leaf: the one that shares most marks, of these the first.

    Of the seeds with a mark, the first few stand for all: in a crowd of seeds that are alike, each is near to one.
    """
    shared = _shared(prints, Print.marks)
    heads: dict[int, list[_Seed]] = defaultdict(list)
    marked: list[tuple[_Seed, list[int]]] = []
    for leaf, each in enumerate(prints):
        marks = each.marks()
        if shared.isdisjoint(marks):
            continue
        for index in range(each.count):
            seed = (leaf, index)
            own = [mark for mark in {*marks[_MARKS * index : _MARKS * (index + 1)]} if mark in shared]
            for mark in own:
                known = heads[mark]
                if len(known) < _HEADS and (len(known) < 2 or known[-2][0] != leaf):
                    known.append(seed)
            if own and seed not in exact:
                marked.append((seed, own))
    for seed, own in marked:
        alike = Counter(head for mark in own for head in heads[mark] if head[0] != seed[0])
        likely = [(-count, head) for head, count in alike.items() if count >= min(_SHARED, len(own))]
        for _, other in sorted(likely)[:_TRIED]:
            if _alike(prints, seed, other):
                yield seed, other
                break


def _shared(prints: Sequence[Print], values: Callable[[Print], list[int]]) -> set[int]:
    """Return the values that stand in two leaves or more."""
    seen: set[int] = set()
    shared: set[int] = set()
    for each in prints:
        own = set(values(each))
        shared |= own & seen
        seen |= own
    return shared


def _alike(prints: Sequence[Print], one: _Seed, two: _Seed) -> bool:
    question, answer = prints[one[0]].words(one[1])
    other_question, other_answer = prints[two[0]].words(two[1])
    return likeness(answer, other_answer, NEAR) >= NEAR and likeness(question, other_question, NEAR) >= NEAR


def problem(repeat: Repeat, prints: Mapping[str, Print], shown: Callable[[str], str]) -> Problem:
    """Return the problem of a repeat; `shown` says what people call a leaf."""
    line, column = prints[repeat.leaf].place(repeat.seed)
    other = f"{excerpt(shown(repeat.other), 200)}, line {prints[repeat.other].place(repeat.other_seed)[0]}"
    if not repeat.leaves:
        message, fix = f"question and answer nearly repeat those of {other}", "ask something that differs more"
        return Problem(shown(repeat.leaf), line, column, NEARLY, Level.HINT, message, fix)
    more = f", and in {repeat.leaves - 1} more" if repeat.leaves > 1 else ""
    message, fix = (
        f"this question stands in another leaf too: {other}{more}",
        "ask something else, or delete one of them",
    )
    return Problem(shown(repeat.leaf), line, column, EXACT, Level.WARNING, message, fix)
