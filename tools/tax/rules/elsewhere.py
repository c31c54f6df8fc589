"""Seeds that repeat those of other leaves, exactly or nearly: found from the prints that leaves leave behind.

Only seeds that have marks in common are compared word by word, so time grows with the number of seeds and not with
their pairs; and where few leaves have changed, only what shares a mark with them is looked at again. What is found
depends on the prints and the names of the leaves alone.

Simplified: near repeats that share too few marks are missed (none of 2,554 in 832 real leaves), and in a crowd of
seeds with the same marks each is compared with a few.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tax.problems import Level, Problem, excerpt
from tax.rules.prints import MARKS, Prints
from tax.rules.wording import likeness

NEAR = 0.8  # sibling skills look alike by design: 0.7 would take the tap code of b for the Morse code of z
_SHARED = 2  # marks that near repeats have in common, if they have so many
_FEW = 0.1  # of the leaves: where more have changed, all are compared anew
_HEADS = 8  # seeds that stand for all that have a mark
_TRIED = 5  # seeds that one is compared with, those first that share most marks
_MOST_READ = 50_000  # seeds whose words are kept while they are compared: heads are asked for again and again

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


class Repeat(NamedTuple):
    """A seed that repeats one of another leaf. `leaves`: how many others ask the very same; 0 of a near repeat."""

    seed: int
    other: str
    other_seed: int
    leaves: int


Repeats = tuple[Repeat, ...]  # of one leaf, in order of its seeds


def repeats(prints: Mapping[str, Prints], subjects: Container[str] | None = None) -> dict[str, Repeats]:
    """Return the seeds that repeat those of other leaves, leaf by leaf; where `subjects` are named, of these alone.

    Leaves are ordered by their names, and the first of several others is the one that is told.
    """
    names = sorted(prints)
    ordered = [prints[name] for name in names]
    chosen = [index for index, name in enumerate(names) if subjects is None or name in subjects]
    exact = {seed: (other, leaves) for seed, other, leaves in _exact(ordered, chosen)}
    near = {seed: (other, 0) for seed, other in _near(ordered, chosen, exact)}
    found: dict[str, list[Repeat]] = {names[index]: [] for index in chosen}
    for (leaf, index), ((other, other_index), leaves) in sorted({**exact, **near}.items()):
        found[names[leaf]].append(Repeat(index, names[other], other_index, leaves))
    return {name: tuple(each) for name, each in found.items()}


def renewed(
    known: Mapping[str, Repeats], before: Mapping[str, Prints], prints: Mapping[str, Prints]
) -> dict[str, Repeats]:
    """Return what `repeats(prints)` does, from what was known of `before`: the less has changed, the sooner."""
    changed = [name for name in before.keys() | prints.keys() if _differ(before.get(name), prints.get(name))]
    if not changed:
        return dict(known)
    if not known or len(changed) > _FEW * len(prints):
        return repeats(prints)
    subjects = _alike_to([each[name] for name in changed for each in (before, prints) if name in each], prints)
    subjects.update(name for name in changed if name in prints)
    others = _alike_to([prints[name] for name in subjects], prints)
    found = repeats({name: prints[name] for name in subjects | others}, subjects)
    return {name: found[name] if name in subjects else known[name] for name in prints}


def _differ(one: Prints | None, two: Prints | None) -> bool:
    return one is not two and (one is None or two is None or one.data != two.data)


def _alike_to(some: Iterable[Prints], prints: Mapping[str, Prints]) -> set[str]:
    """Return the leaves that may have seeds in common with some, the same or alike."""
    theirs = set[int]().union(*(each.traces() for each in some))
    return {name for name, each in prints.items() if not theirs.isdisjoint(each.traces())}


_Seed = tuple[int, int]  # the place of a leaf among the names in order, and of a seed in its leaf


def _exact(prints: Sequence[Prints], chosen: Sequence[int]) -> Iterator[tuple[_Seed, _Seed, int]]:
    """Yield the seeds that ask what one of another leaf asks: each with the first other, and the number of leaves."""
    shared = _shared(prints, chosen, Prints.digests)
    groups: dict[int, list[_Seed]] = defaultdict(list)
    for leaf, each in enumerate(prints):
        digests = each.digests()
        if not shared.isdisjoint(digests):
            for index, digest in enumerate(digests):
                if digest in shared:
                    groups[digest].append((leaf, index))
    subjects = set(chosen)
    for group in groups.values():
        leaves = len({leaf for leaf, _ in group}) - 1
        first = group[0]
        second = next(seed for seed in group if seed[0] != first[0])
        for seed in group:
            if seed[0] in subjects:
                yield seed, first if first[0] != seed[0] else second, leaves


def _near(prints: Sequence[Prints], chosen: Sequence[int], exact: Container[_Seed]) -> Iterator[tuple[_Seed, _Seed]]:
    """Yield the other seeds that nearly repeat one of another leaf: the one that shares most marks, of these the first.

    Of the seeds with a mark, the first few stand for all: in a crowd of seeds that are alike, each is near to one.
    """
    shared = _shared(prints, chosen, Prints.marks)
    words = lru_cache(_MOST_READ)(lambda seed: prints[seed[0]].words(seed[1]))
    heads: dict[int, list[_Seed]] = defaultdict(list)
    for leaf, each in enumerate(prints):
        marks = each.marks()
        if shared.isdisjoint(marks):
            continue
        for place, mark in enumerate(marks):
            if mark in shared:
                known = heads[mark]
                seed = (leaf, place // MARKS)
                if (
                    len(known) < _HEADS
                    and (len(known) < 2 or known[-2][0] != leaf)
                    and (not known or known[-1] != seed)
                ):
                    known.append(seed)
    for leaf in chosen:
        marks = prints[leaf].marks()
        if shared.isdisjoint(marks):
            continue
        for index in range(prints[leaf].count):
            seed = (leaf, index)
            own = {*marks[MARKS * index : MARKS * (index + 1)]}
            least = min(_SHARED, len(own))
            own &= shared
            if len(own) < least or seed in exact:
                continue
            alike = Counter([head for mark in own for head in heads[mark] if head[0] != leaf])
            likely = [(-count, head) for head, count in alike.items() if count >= least]
            said = words(seed) if likely else ("", "")
            for _, other in sorted(likely)[:_TRIED]:
                if _alike(said, words(other)):
                    yield seed, other
                    break


def _shared(prints: Sequence[Prints], chosen: Sequence[int], values: Callable[[Prints], list[int]]) -> set[int]:
    """Return the values of chosen leaves that stand in two leaves or more."""
    wanted = None if len(chosen) == len(prints) else set[int]().union(*(values(prints[index]) for index in chosen))
    seen: set[int] = set()
    shared: set[int] = set()
    for each in prints:
        own = set(values(each)) if wanted is None else wanted.intersection(values(each))
        shared |= own & seen
        seen |= own
    return shared


def _alike(one: tuple[str, str], two: tuple[str, str]) -> bool:
    """Tell whether the words of two questions, and of their answers, are near each other."""
    return likeness(one[1], two[1], NEAR) >= NEAR and likeness(one[0], two[0], NEAR) >= NEAR


def problem(path: str, prints: Prints, repeat: Repeat, other: str, other_prints: Prints) -> Problem:
    """Return the problem of a repeat; `path` and `other` are what people call the two leaves."""
    seed, _, other_seed, leaves = repeat
    (line, column), shown = prints.place(seed), prints.shown(seed)
    place = f"{_named(other)}, line {other_prints.line(other_seed)}"
    if not leaves:
        message, fix = f"question and answer nearly repeat those of {place}", "ask something that differs more"
        return Problem(path, line, column, NEARLY, Level.HINT, message, fix, shown)
    more = f", and in {leaves - 1} more" if leaves > 1 else ""
    message, fix = (
        f"this question stands in another leaf too: {place}{more}",
        "ask something else, or delete one of them",
    )
    return Problem(path, line, column, EXACT, Level.WARNING, message, fix, shown)


@lru_cache(10_000)
def _named(path: str) -> str:
    return excerpt(path, 200)
