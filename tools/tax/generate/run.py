"""A generation run: each leaf's plans, all leaves through one queue, results into the run folder in order."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tax.calls import Caller
from tax.documents import DocumentFault, chunks, read_documents
from tax.duplicates import Holdouts
from tax.generate.computed import ComputedPlan
from tax.generate.grow import Growth, grow
from tax.generate.knowledge import KnowledgePlan
from tax.generate.skills import SkillPlan
from tax.generate.stages import Board, Draft, Drop, Plan
from tax.languages import language_name
from tax.leaf import KnowledgeLeaf, Leaf
from tax.load import Loaded
from tax.runs import RunFolder
from tax.sample import Dropped, Sample, content_id

OPEN_LEAVES = 4  # leaves begun and not ended, for each slot: bounds memory, and keeps every slot busy


@dataclass(frozen=True)
class Settings:
    """What a run is asked for, beside its leaves and its teacher."""

    samples: int = 30  # kept samples wanted of each leaf
    seed: int = 0
    concurrency: int = 64  # calls in flight


class Skip(Exception):
    """A leaf that cannot be grown in this run; the message says why."""


@dataclass
class LeafResult:
    """What came of one leaf, as the manifest and the report have it."""

    leaf: str
    blob: str
    drawn: int = 0
    kept: int = 0
    dropped: dict[str, int] | None = None  # by reason
    draws: int = 0
    stop: str = ""  # why drawing ended, or why the leaf was skipped
    skipped: bool = False


class Generation:
    """One run over some leaves. `finished` is called with each leaf's result, in no particular order."""

    def __init__(
        self,
        leaves: Sequence[Loaded],
        caller: Caller,
        settings: Settings,
        folder: RunFolder,
        *,
        commit: str | None = None,
        finished: Callable[[LeafResult], None] = lambda result: None,
    ) -> None:
        self.board = Board()
        self.results: dict[int, LeafResult] = {}
        self.leaves = leaves
        self.caller = caller
        self._settings = settings
        self._folder = folder
        self._commit = commit
        self._finished = finished
        self._holdouts = all_holdouts(leaves)
        self._unwritten: dict[int, tuple[list[Sample], list[Dropped]]] = {}
        self._written = 0

    async def run(self) -> list[LeafResult]:
        """Grow every leaf. Raises TeacherError or UserError where the run cannot go on."""
        room = asyncio.Semaphore(OPEN_LEAVES * self._settings.concurrency)
        try:
            async with asyncio.TaskGroup() as group:
                for rank, leaf in enumerate(self.leaves):
                    await room.acquire()
                    await self.caller.throttle.room()
                    task = group.create_task(self._leaf(rank, leaf))
                    task.add_done_callback(lambda _: room.release())
                    await asyncio.sleep(0)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [self.results[rank] for rank in range(len(self.leaves))]

    async def _leaf(self, rank: int, loaded: Loaded) -> None:
        result = LeafResult(loaded.name, loaded.blob)
        samples: list[Sample] = []
        dropped: list[Dropped] = []
        try:
            plans = leaf_plans(loaded, self._holdouts, self.caller, rank, seed=self._settings.seed, commit=self._commit)
            for plan in plans:
                wanted = self._settings.samples - len(samples)
                growth = await grow(plan, wanted, self.caller.throttle, self.board)
                self._take(loaded, growth, result, samples, dropped)
                if growth.stop == "enough":
                    break
        except Skip as reason:
            result.stop, result.skipped = str(reason), True
        result.kept = len(samples)
        result.dropped = dict(Counter(drop.reason for drop in dropped).most_common())
        self.results[rank] = result
        self._unwritten[rank] = (samples, dropped)
        while self._written in self._unwritten:
            self._folder.add(*self._unwritten.pop(self._written))
            self._written += 1
        self._finished(result)

    def _take(
        self,
        loaded: Loaded,
        growth: Growth,
        result: LeafResult,
        samples: list[Sample],
        dropped: list[Dropped],
    ) -> None:
        leaf = _leaf_of(loaded)
        result.drawn += len(growth.results)
        result.draws += growth.draws
        result.stop = growth.stop
        for each in growth.results:
            if isinstance(each, Drop):
                dropped.append(_dropped(each, loaded))
            else:
                samples.append(_sample(each, loaded, leaf, self.caller.teacher.name))


def all_holdouts(leaves: Sequence[Loaded]) -> Holdouts:
    """Return the hold-outs of all leaves of a run."""
    return Holdouts(text for loaded in leaves if loaded.leaf for text in loaded.leaf.holdouts)


def leaf_plans(
    loaded: Loaded, holdouts: Holdouts, caller: Caller, rank: int, *, seed: int, commit: str | None
) -> list[Plan]:
    """Return the plans that a leaf is grown by, one after the other until enough is kept. Raises Skip.

    Templates come first: their answers are right by construction, and no teacher is asked.
    """
    leaf = _leaf_of(loaded)
    seeds = [each for each in leaf.seed_examples if not each.holdout]
    if isinstance(leaf, KnowledgeLeaf):
        if not seeds:
            raise Skip("every seed is a hold-out, so none is left to show the teacher")
        try:
            found = [chunk for document in read_documents(leaf, loaded.path.parent) for chunk in chunks(document)]
        except DocumentFault as error:
            raise Skip(str(error)) from error
        if not found:
            raise Skip("its documents hold nothing but headings")
        if not any(caller.teacher.reads(leaf.language, chunk.text) for chunk in found):
            raise Skip(f"the teacher {caller.teacher.name} cannot read {language_name(leaf.language)}")
        return [KnowledgePlan(loaded, leaf, found, holdouts, caller, rank, commit=commit, seed=seed)]
    plans: list[Plan] = [ComputedPlan(loaded, leaf, holdouts, seed)] if leaf.problem_templates else []
    if seeds and not caller.teacher.grounded_only:
        plans.append(SkillPlan(loaded, leaf, holdouts, caller, rank))
    if not plans:
        raise Skip(
            "needs a model teacher" if seeds else "every seed is a hold-out, so none is left to show the teacher"
        )
    return plans


def describe(results: Sequence[LeafResult], board: Board, caller: Caller) -> dict[str, Any]:
    """Return the counts of a run, for its manifest."""
    meter = caller.meter
    return {
        "kept": sum(result.kept for result in results),
        "drawn": sum(result.drawn for result in results),
        "dropped": dict(sum((Counter(result.dropped or {}) for result in results), Counter()).most_common()),
        "skipped": sum(result.skipped for result in results),
        "leaves": [asdict(result) for result in results],
        "stages": {name: vars(tally) for name, tally in board.stages.items()},
        "calls": {
            "asked": dict(meter.asked),
            "reused": dict(meter.reused),
            "retries": dict(meter.retries),
            "prompt_tokens": meter.prompt_tokens,
            "completion_tokens": meter.completion_tokens,
        },
    }


def _leaf_of(loaded: Loaded) -> Leaf:
    if loaded.leaf is None:
        raise Skip("has errors: `tax validate` shows them")
    return loaded.leaf


def _sample(draft: Draft, loaded: Loaded, leaf: Leaf, teacher: str) -> Sample:
    licenses = dict.fromkeys([leaf.license, draft.license or leaf.license])
    return Sample(
        id=content_id(loaded.name, draft.messages, draft.source),
        leaf=loaded.name,
        leaf_blob=loaded.blob,
        branch=loaded.branch,
        kind=draft.kind,
        messages=draft.messages,
        language=leaf.language,
        source=draft.source,
        seeds=draft.seeds,
        teacher="computed" if draft.kind == "problem" else teacher,
        prompt=draft.prompt,
        ratings=draft.ratings,
        parent=None,
        license=" AND ".join(licenses),
    )


def _dropped(drop: Drop, loaded: Loaded) -> Dropped:
    draft = drop.draft
    return Dropped(
        leaf=loaded.name,
        leaf_blob=loaded.blob,
        draw=draft.draw if draft else -1,
        outcome=drop.outcome,
        stage=drop.stage,
        reason=drop.reason,
        detail=drop.detail,
        question=draft.instruction if draft else "",
        messages=draft.messages if draft else (),
        ratings=draft.ratings if draft else (),
        source=draft.source if draft else None,
        seeds=draft.seeds if draft else (),
    )
