"""Which entries of the pool go where: equal ones once, parents replaced, some set aside, the rest to their phases."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tax.mix.draw import draw, ranker
from tax.mix.plan import Phase, Plan
from tax.mix.pool import Entry, Left

REPEATED = "an exact duplicate"
ALIAS = "another text under an id that is taken"
REPLACED = "replaced by its recycled form"


def distinct(entries: list[Entry], left: Left) -> list[Entry]:
    """Return the entries without repetitions, in an order that does not depend on that of the inputs.

    Of those that say the same one stays; so does one of those that claim the same id.
    """
    entries.sort(key=lambda entry: (entry.role, entry.said, entry.choice, entry.phase or "", entry.stock))
    kept: list[Entry] = []
    for entry in entries:
        if kept and (entry.role, entry.said) == (kept[-1].role, kept[-1].said):
            left.add(REPEATED, entry.source)
        else:
            kept.append(entry)
    seen: set[int] = set()
    kept.sort(key=lambda entry: (entry.identity, entry.choice))
    return left.keep(kept, lambda entry: None if _new(entry.identity, seen) else ALIAS)


def _new(identity: int, seen: set[int]) -> bool:
    if identity in seen:
        return False
    seen.add(identity)
    return True


def without_parents(entries: Sequence[Entry], left: Left) -> list[Entry]:
    """Leave out the samples that others were recycled from."""
    parents = {entry.parent for entry in entries if entry.parent}
    return left.keep(entries, lambda entry: REPLACED if entry.identity in parents else None)


def used(entries: Sequence[Entry], plan: Plan, left: Left) -> list[Entry]:
    """Leave out what no phase takes."""
    taken = frozenset().union(*(phase.stocks for phase in plan.phases.values()))
    taken |= {"knowledge"} if taken & {"knowledge-short", "knowledge-long"} else frozenset()
    return left.keep(
        entries, lambda entry: None if entry.phase or entry.stock in taken else f"no phase takes {entry.stock}"
    )


def families(entries: Iterable[Entry]) -> dict[int, int]:
    """Return the family of each `asked` that is tied to another: by being recycled from a common ancestor.

    What asks the same, and what stems from the same sample, is set aside together or not at all: otherwise a held-out
    question would be trained on with another answer.
    """
    recycled = [entry for entry in entries if entry.parent]
    parent_of = {entry.identity: entry.parent for entry in recycled}
    ancestors = parent_of.keys() | set(parent_of.values())
    joined: dict[int, int] = {}

    def find(node: int) -> int:
        path = []
        while node in joined:
            path.append(node)
            node = joined[node]
        for each in path:
            joined[each] = node
        return node

    for entry in entries:
        if entry.identity not in ancestors:
            continue
        # an ancestor's node is another kind than a question's: its sign tells them apart
        for other in (-1 - entry.identity, *([-1 - entry.parent] if entry.parent else [])):
            one, two = sorted((find(entry.asked), find(other)))
            if one != two:
                joined[two] = one
    return {node: find(node) for node in list(joined)}


def set_aside(entries: Sequence[Entry], share: float, seed: int, family_of: dict[int, int]) -> None:
    """Give a share of each leaf's families the role `heldout`: they are measured with, never trained on."""
    if not share:
        return
    heads: dict[int, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.identity):
        if entry.role == "train":
            heads.setdefault(family_of.get(entry.asked, entry.asked), entry)
    rank = ranker(seed, "heldout")
    drawn = draw(heads.values(), share, lambda entry: entry.leaf, lambda entry: entry.identity, rank)
    chosen = {family_of.get(entry.asked, entry.asked) for entry in drawn}
    for entry in entries:
        if entry.role == "train" and family_of.get(entry.asked, entry.asked) in chosen:
            entry.role = "heldout"


def split_knowledge(entries: Sequence[Entry], threshold: int | str) -> tuple[int, int]:
    """Sort knowledge by the length of its answers, and return the threshold and how many answers it was found from.

    Answers of at most that many tokens are short. The median is the lower one of what is trained on.
    """
    lengths = [entry.answer for entry in entries if entry.stock == "knowledge" and entry.role == "train"]
    limit = threshold if isinstance(threshold, int) else statistics.median_low(lengths) if lengths else 0
    for entry in entries:
        if entry.stock == "knowledge":
            entry.stock = "knowledge-short" if entry.answer <= limit else "knowledge-long"
    return limit, len(lengths)


@dataclass(frozen=True)
class Filled:
    """A phase with its entries: its own, what it replays of each earlier phase, and what is set aside for it."""

    phase: Phase
    own: list[Entry]
    replayed: dict[str, list[Entry]]
    heldout: list[Entry]


def fill(entries: Sequence[Entry], plan: Plan) -> dict[str, Filled]:
    """Return the phases, filled. A replay draws from an earlier phase's own samples, and repeats none in its phase."""
    filled: dict[str, Filled] = {}
    for name, phase in plan.phases.items():
        stocks = phase.stocks
        own: list[Entry] = []
        heldout: list[Entry] = []
        for entry in entries:
            if entry.phase == name if entry.phase else entry.stock in stocks:
                (own if entry.role == "train" else heldout).append(entry)
        present = {entry.identity for entry in own}
        replayed: dict[str, list[Entry]] = {}
        for other, share in phase.replay.items():
            rank = ranker(plan.mix.seed, f"replay {other} in {name}")
            drawn = draw(filled[other].own, share, lambda entry: entry.leaf, lambda entry: entry.identity, rank)
            replayed[other] = [entry for entry in drawn if entry.identity not in present]
            present |= {entry.identity for entry in drawn}
        filled[name] = Filled(phase, own, replayed, heldout)
    return filled
