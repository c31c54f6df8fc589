"""How much of a leaf's documents its samples come from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tax.sample import Sample

Span = tuple[int, int]


def coverage(samples: Iterable[Sample], characters: Mapping[str, int]) -> float | None:
    """Return the share of the documents' characters that lie in a chunk of which a sample was kept, 0 to 1.

    `characters` is the length of each document, by its git id. None where the documents are unknown or empty.
    """
    spans: dict[str, list[Span]] = defaultdict(list)
    for sample in samples:
        if sample.source and sample.source.blob in characters:
            spans[sample.source.blob].append(sample.source.span)
    total = sum(characters.values())
    return sum(_united(each) for each in spans.values()) / total if total else None


def _united(spans: Sequence[Span]) -> int:
    """Return how many characters lie in at least one of the spans."""
    covered = reached = 0
    for start, end in sorted(spans):
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered
