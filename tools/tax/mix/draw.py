"""Draws that a seed decides and that hardly move when samples are added: ranks by hash, shares by leaf.

A sample's rank is a hash of the seed, the draw's purpose and the sample's id, so it does not depend on the order of
the inputs, nor on which other samples there are. Of each leaf the lowest ranks are drawn. The count of the draw is
exact, and each leaf's is within one of its share (largest remainders, Hamilton's method).
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def digest64(text: str | bytes) -> int:
    """Return 64 bits of a text's hash."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def ranker(seed: int, purpose: str) -> Callable[[int], int]:
    """Return the function from a sample's 64-bit id to its rank in the draw of this purpose."""
    key = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=32).digest()

    def rank(identity: int) -> int:
        return int.from_bytes(hashlib.blake2b(identity.to_bytes(8, "big"), digest_size=8, key=key).digest(), "big")

    return rank


def apportion(counts: Mapping[str, int], share: float) -> dict[str, int]:
    """Return how many to draw of each leaf: the share of the sum (halves rounded up), each within one of its own.

    Where the remainders are equal, the name's hash decides: no leaf comes first by its name.
    """
    exact = Fraction(str(share))  # 0.1 as it was written, not as it is stored
    quotas = {name: count * exact for name, count in counts.items()}
    drawn = {name: int(quota) for name, quota in quotas.items()}
    total = int(sum(counts.values()) * exact + Fraction(1, 2))
    order = sorted(quotas, key=lambda name: (drawn[name] - quotas[name], digest64(name)))
    for name in order[: total - sum(drawn.values())]:
        drawn[name] += 1
    return drawn


def draw(
    items: Iterable[T], share: float, leaf: Callable[[T], str], identity: Callable[[T], int], rank: Callable[[int], int]
) -> list[T]:
    """Draw a share of the items, stratified by leaf; the result does not depend on their order."""
    by_leaf: dict[str, list[T]] = defaultdict(list)
    for item in items:
        by_leaf[leaf(item)].append(item)
    counts = apportion({name: len(members) for name, members in by_leaf.items()}, share)
    drawn: list[T] = []
    for name in sorted(by_leaf):
        members = by_leaf[name]
        if counts[name] < len(members):
            members = sorted(members, key=lambda item: rank(identity(item)))[: counts[name]]
        drawn += members
    return drawn
