"""How samples spread over the leaves of a taxonomy, told by the leaf whose seeds each is nearest to.

A rough measure: nearness is ROUGE-L's F-measure of the words, so a question in other words than a leaf's seeds is
taken for another leaf's. It is rough in the same way for whatever is compared by it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz.distance import Indel
from rapidfuzz.process import extractOne

from tax.text.prose import tokens


def nearest_leaves(texts: Iterable[str], seeds: Mapping[str, Sequence[str]]) -> Counter[str]:
    """Return how many texts are nearest to a seed of each leaf (of equally near leaves, to the first).

    A text that shares no word with any seed is counted for none. `seeds` are the instructions of each leaf's seeds.
    """
    owners = [leaf for leaf, instructions in seeds.items() for _ in instructions]
    words = [tokens(each) for instructions in seeds.values() for each in instructions]
    counts: Counter[str] = Counter()
    for text in texts:
        found = extractOne(tokens(text), words, scorer=Indel.normalized_similarity, processor=None)
        if found is not None and found[1] > 0:
            counts[owners[found[2]]] += 1
    return counts


def entropy(counts: Iterable[int]) -> float:
    """Return the Shannon entropy of a distribution in bits: 0 where all is one, log2 n where n share evenly."""
    present = [count for count in counts if count]
    total = sum(present)
    return sum(count / total * math.log2(total / count) for count in present)
