"""Seeds that repeat those of other leaves, exactly or nearly.

Each leaf leaves a print, from which it is compared without being read again: of each question its place, a digest of
what it asks, the words of question and answer, and a few marks. Seeds that share a mark are compared word by word; the
marks are the least hashes of three words in a row (MinHash, Broder 1997), so time grows with the number of seeds and
not with their pairs. What is found depends on the prints and the names of the leaves alone.

Simplified: near repeats that share no mark are missed (none of 2,554 in 832 real leaves), and of very many seeds with
the same mark, each is compared with the first few.
"""

import sys
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from tax.load import Loaded
from tax.problems import Level, Problem, excerpt
from tax.rules.repeats import Asked, asked
from tax.rules.wording import likeness

NEAR = 0.8  # sibling skills look alike by design: 0.7 would take the tap code of b for the Morse code of z
_MOST_SEEDS = 1000  # of one leaf
_MOST_WORDS = 100  # of a question, and of an answer
_MARKS = 6  # of a seed
_HEADS = 20  # seeds with a mark that all others with it are compared with

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

    def words(self, seed: int) -> tuple[list[int], list[int]]:
        """Return the words of a seed's question and of its answer."""
        if self._ends is None:
            start = _MARKS * self.count + 2 * self.count
            self._ends = list(
                accumulate(self._rest[start : start + 2 * self.count].tolist(), initial=start + 2 * self.count)
            )
        ends, answer = self._ends, self.count + seed
        return self._rest[ends[seed] : ends[seed + 1]].tolist(), self._rest[ends[answer] : ends[answer + 1]].tolist()

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
    for text in texts:
        rest.extend(text)
    if len(rest) % 2:
        rest.append(0)
    return array("Q", [len(seeds), *(each.digest for each in seeds)]).tobytes() + rest.tobytes()


def _marks(seed: Asked) -> list[int]:
    text = seed.question[:_MOST_WORDS] + seed.answer[:_MOST_WORDS]
    threes = {hash(three) & 0xFFFFFFFF for three in zip(text, text[1:], text[2:], strict=False)}
    marks = sorted(threes)[:_MARKS] or [hash(tuple(text)) & 0xFFFFFFFF]
    return marks + [marks[-1]] * (_MARKS - len(marks))


@dataclass(frozen=True)
class Repeat:
    """A seed that stands in another leaf too: the first such place, and in how many other leaves it was found."""

    leaf: str
    seed: int
    other: str
    other_seed: int
    leaves: int
    exact: bool


def repeats(prints: Mapping[str, Print]) -> list[Repeat]:
    """Return the seeds that repeat those of other leaves, in order of leaf and seed. The names of leaves order them."""
    comparison = _Comparison(prints)
    return sorted([*comparison.exact(), *comparison.near()], key=lambda repeat: (repeat.leaf, repeat.seed))


_Seed = tuple[int, int]  # the place of a leaf among the names in order, and of a seed in its leaf


class _Comparison:
    def __init__(self, prints: Mapping[str, Print]) -> None:
        self._names = sorted(prints)
        self._prints = [prints[name] for name in self._names]
        self._exact: set[_Seed] = set()

    def exact(self) -> Iterator[Repeat]:
        for group in self._shared(Print.digests, 1):
            self._exact.update(group)
            leaves = len({leaf for leaf, _ in group}) - 1
            first = group[0]
            second = next(seed for seed in group if seed[0] != first[0])
            for seed in group:
                yield self._repeat(seed, first if first[0] != seed[0] else second, leaves, exact=True)

    def near(self) -> Iterator[Repeat]:
        """Yield the near repeats of seeds that have no exact one; to be called after `exact`."""
        compared: set[tuple[_Seed, _Seed]] = set()
        found: dict[_Seed, list[_Seed]] = defaultdict(list)
        for group in self._shared(Print.marks, _MARKS):
            heads = group[:_HEADS]
            for seed in group:
                if seed in self._exact:
                    continue
                for head in heads:
                    pair = (seed, head) if seed < head else (head, seed)
                    if head[0] == seed[0] or pair in compared:
                        continue
                    compared.add(pair)
                    if self._near(seed, head):
                        found[seed].append(head)
                        if head not in self._exact:
                            found[head].append(seed)
        for seed, others in found.items():
            yield self._repeat(seed, min(others), len({leaf for leaf, _ in others}), exact=False)

    def _shared(self, values: Callable[[Print], list[int]], width: int) -> Iterable[list[_Seed]]:
        """Return the groups of seeds, in order, that have a value in common which stands in two leaves or more."""
        seen: set[int] = set()
        shared: set[int] = set()
        for each in self._prints:
            own = set(values(each))
            shared |= own & seen
            seen |= own
        del seen
        groups: dict[int, dict[_Seed, None]] = defaultdict(dict)
        for leaf, each in enumerate(self._prints):
            listed = values(each)
            if not shared.isdisjoint(listed):
                for index, value in enumerate(listed):
                    if value in shared:
                        groups[value][leaf, index // width] = None
        return [list(group) for group in groups.values()]

    def _near(self, one: _Seed, two: _Seed) -> bool:
        question, answer = self._prints[one[0]].words(one[1])
        other_question, other_answer = self._prints[two[0]].words(two[1])
        return likeness(answer, other_answer, NEAR) >= NEAR and likeness(question, other_question, NEAR) >= NEAR

    def _repeat(self, seed: _Seed, other: _Seed, leaves: int, *, exact: bool) -> Repeat:
        return Repeat(self._names[seed[0]], seed[1], self._names[other[0]], other[1], leaves, exact)


def problem(repeat: Repeat, prints: Mapping[str, Print], shown: Callable[[str], str]) -> Problem:
    """Return the problem of a repeat; `shown` says what people call a leaf."""
    line, column = prints[repeat.leaf].place(repeat.seed)
    other = f"{excerpt(shown(repeat.other), 200)}, line {prints[repeat.other].place(repeat.other_seed)[0]}"
    more = f" (and {repeat.leaves - 1} more)" if repeat.leaves > 1 else ""
    if repeat.exact:
        message, fix = (
            f"this question stands in another leaf too: {other}{more}",
            "ask something else, or delete one of them",
        )
        return Problem(shown(repeat.leaf), line, column, EXACT, Level.WARNING, message, fix)
    message, fix = (
        f"question and answer nearly repeat those of {other}{more}",
        "ask something that differs more, or delete one",
    )
    return Problem(shown(repeat.leaf), line, column, NEARLY, Level.HINT, message, fix)
