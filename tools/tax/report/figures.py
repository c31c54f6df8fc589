"""A run in figures, leaf by leaf and over all, read from its folder one leaf at a time."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from tax.measures.coverage import coverage
from tax.measures.diversity import distinct, pairwise_rouge, self_bleu
from tax.measures.lengths import Lengths, lengths, words
from tax.runs import finished_run, read_dropped, read_samples
from tax.sample import Dropped, Sample

NEAR_DUPLICATE, BEYOND = "near-duplicate", "beyond the number wanted"
OVER_ALL = 2_000  # instructions that stand for a whole run in its measures of diversity
QUOTES = 2  # of judges' words, for each reason of a leaf


@dataclass(frozen=True)
class Diversity:
    """How unlike each other some instructions are; None where there are too few."""

    texts: int
    distinct_2: float | None
    rouge_l: float | None  # mean over pairs
    self_bleu: float | None


@dataclass
class LeafFigures:
    """One leaf of a run."""

    leaf: str
    wanted: int
    drawn: int
    kept: int
    dropped: dict[str, int]  # by reason, the most frequent first
    failed: int  # of the dropped: never came to be judged
    stop: str
    skipped: bool
    improved: bool = False  # by a run over samples, such as `tax recycle`, rather than grown
    originals: int = 0  # of an improved leaf: samples that stay as they were
    kinds: dict[str, int] = field(default_factory=dict)
    question_words: Lengths | None = None
    answer_words: Lengths | None = None
    diversity: Diversity | None = None
    coverage: float | None = None  # share of the documents' characters; None for a leaf without documents
    quotes: dict[str, list[str]] = field(default_factory=dict)  # the judges' own words, by reason

    @property
    def branch(self) -> str:
        """The first folder of the leaf's path."""
        return self.leaf.partition("/")[0]

    @property
    def needed(self) -> int:
        """How many drafts it took: the drawn ones without those beyond the number wanted."""
        return self.drawn - self.dropped.get(BEYOND, 0)

    @property
    def repeated(self) -> float:
        """The share of the drafts that repeated an earlier one."""
        return self.dropped.get(NEAR_DUPLICATE, 0) / self.drawn if self.drawn else 0.0


@dataclass
class RunFigures:
    """A whole run."""

    id: str
    manifest: Mapping[str, Any]
    leaves: list[LeafFigures]
    diversity: Diversity  # of at most OVER_ALL instructions, drawn with a fixed seed
    question_words: Counter[int]  # how many samples have a question of so many words
    answer_words: Counter[int]
    ratings: dict[str, Counter[str]]  # by rubric, of kept and dropped drafts


class _Collector:
    """What is gathered over all leaves while the samples stream by."""

    def __init__(self) -> None:
        self.instructions: list[str] = []
        self.question_words: Counter[int] = Counter()
        self.answer_words: Counter[int] = Counter()
        self.ratings: dict[str, Counter[str]] = defaultdict(Counter)
        self._seen = 0
        self._random = random.Random(0)

    def take(self, sample: Sample) -> None:
        """Count a sample; its instruction enters the draw (Vitter's algorithm R)."""
        self.question_words[words(sample.messages[0].content)] += 1
        self.answer_words[words(sample.messages[-1].content)] += 1
        self.rate(sample)
        self._seen += 1
        if len(self.instructions) < OVER_ALL:
            self.instructions.append(sample.messages[0].content)
        elif (place := self._random.randrange(self._seen)) < OVER_ALL:
            self.instructions[place] = sample.messages[0].content

    def rate(self, judged: Sample | Dropped) -> None:
        """Count the ratings of a sample or a drop."""
        for rating in judged.ratings:
            self.ratings[rating.rubric][str(rating.rating)] += 1


def run_figures(folder: Path) -> RunFigures:
    """Return the figures of a finished run. Raises UserError where the folder is none."""
    manifest = finished_run(folder)
    documents = {each["leaf"]: each.get("documents", []) for each in manifest["inputs"]}
    pooled = {each["leaf"]: len(each["pool"]) for each in manifest["inputs"] if "pool" in each}
    leaves = {each["leaf"]: _leaf(each, manifest, pooled.get(each["leaf"], 1)) for each in manifest["leaves"]}
    collector = _Collector()
    for name, samples in groupby(read_samples(folder), key=lambda sample: sample.leaf):
        figures = leaves.setdefault(name, _unlisted(name))
        _measure(figures, list(_each(samples, collector.take)), documents.get(name, []))
    for drop in read_dropped(folder):
        collector.rate(drop)
        if drop.leaf in leaves:
            _count_drop(leaves[drop.leaf], drop)
    return RunFigures(
        id=str(manifest["id"]),
        manifest=manifest,
        leaves=list(leaves.values()),
        diversity=diversity(collector.instructions),
        question_words=collector.question_words,
        answer_words=collector.answer_words,
        ratings=dict(collector.ratings),
    )


def diversity(instructions: list[str]) -> Diversity:
    """Return how unlike each other some instructions are."""
    return Diversity(
        len(instructions), distinct(instructions, 2), pairwise_rouge(instructions), self_bleu(instructions)
    )


def _leaf(result: Mapping[str, Any], manifest: Mapping[str, Any], leaves: int) -> LeafFigures:
    return LeafFigures(
        leaf=result["leaf"],
        wanted=manifest["settings"].get("samples", 0) * leaves,  # 0: what there is, is improved
        drawn=result["drawn"],
        kept=result["kept"],
        dropped=dict(result["dropped"] or {}),
        failed=0,
        stop=result["stop"],
        skipped=result["skipped"],
        improved="command" in manifest,
        originals=result.get("originals", 0),
    )


def _unlisted(name: str) -> LeafFigures:
    return LeafFigures(name, wanted=0, drawn=0, kept=0, dropped={}, failed=0, stop="", skipped=False)


def _measure(figures: LeafFigures, samples: list[Sample], documents: Iterable[Mapping[str, Any]]) -> None:
    figures.kinds = dict(Counter(sample.kind for sample in samples).most_common())
    figures.question_words = lengths(sample.messages[0].content for sample in samples)
    figures.answer_words = lengths(sample.messages[-1].content for sample in samples)
    figures.diversity = diversity([sample.messages[0].content for sample in samples])
    figures.coverage = coverage(samples, {each["blob"]: each.get("characters", 0) for each in documents})


def _count_drop(figures: LeafFigures, drop: Dropped) -> None:
    figures.failed += drop.outcome == "failed"
    said = figures.quotes.setdefault(drop.reason, [])
    if drop.detail and len(said) < QUOTES:
        said.append(drop.detail)


def _each(samples: Iterable[Sample], seen: Any) -> Iterator[Sample]:
    for sample in samples:
        seen(sample)
        yield sample
