"""A generation run: each leaf's plans, all leaves through one queue, results into the run folder in order."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tax.calls import Caller
from tax.config import Config
from tax.documents.chunks import chunks
from tax.documents.document import DocumentFault
from tax.documents.reading import read_documents
from tax.generate.branch import BranchLeaf, RandomPlan
from tax.generate.carry import Carried
from tax.generate.computed import ComputedPlan
from tax.generate.grow import Result, grow
from tax.generate.inputs import Input, NeedsModel, Settings, Skip
from tax.generate.knowledge import KnowledgePlan
from tax.generate.results import LeafResult, dropped_of, sample_of
from tax.generate.skills import SkillPlan
from tax.generate.stages import Board, Drop, Plan
from tax.leaf import KnowledgeLeaf, Leaf
from tax.load import Loaded
from tax.problems import UserError, failed
from tax.runs import DROPPED, SAMPLES, Lines, RunFolder, line_of
from tax.text.duplicates import Holdouts
from tax.text.languages import language_name
from tax.validate import check_loaded

OPEN_LEAVES = 4  # leaves begun and not written, for each slot: bounds memory, and keeps every slot busy


UNFIT = "has errors: `tax validate` shows them"
UNREAD = "its documents cannot be read: "  # and the reason


class Generation:
    """One run over some leaves. `finished` is called with the result of each leaf that was grown, as it ends."""

    def __init__(
        self,
        inputs: Sequence[Input],
        caller: Caller,
        settings: Settings,
        folder: RunFolder,
        config: Config,
        *,
        carried: Mapping[int, Carried] | None = None,
        commit: str | None = None,
        finished: Callable[[LeafResult], None] = lambda result: None,
    ) -> None:
        self.board = Board()
        self.inputs = inputs
        self.carried = carried or {}
        self.caller = caller
        self._settings = settings
        self._folder = folder
        self._config = config
        self._commit = commit
        self._finished = finished
        self._holdouts = all_holdouts(inputs)
        self._room = asyncio.Semaphore(OPEN_LEAVES * settings.concurrency)
        self._ended: dict[int, tuple[LeafResult, dict[str, Lines]]] = {}  # leaves that wait for an earlier one
        self._written: list[LeafResult] = []

    async def run(self) -> list[LeafResult]:
        """Grow every leaf that is not carried over. Raises TeacherError or UserError where the run cannot go on."""
        try:
            async with asyncio.TaskGroup() as group:
                for rank, each in enumerate(self.inputs):
                    if rank not in self.carried:
                        await self._room.acquire()
                        await self.caller.throttle.room()
                        group.create_task(self._leaf(rank, each))
                        await asyncio.sleep(0)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self.caller.expect_answers()
        self._write()
        return self._written

    async def _leaf(self, rank: int, each: Input) -> None:
        result = LeafResult(each.name, each.entry["blob"])
        lines = {name: self._folder.lines(name, rank) for name in (SAMPLES, DROPPED)}
        try:
            await self._grow(rank, each, result, lines)
        except Skip as reason:
            result.stop, result.skipped = str(reason), True
        result.dropped = dict(sorted(result.dropped.items(), key=lambda item: -item[1]))
        self._ended[rank] = result, lines
        self._write()
        self._finished(result)

    async def _grow(self, rank: int, each: Input, result: LeafResult, lines: Mapping[str, Lines]) -> None:
        loaded = each.load()
        leaf = fit(loaded, self._config)
        wanted = self._settings.samples * each.leaves

        def take(grown: Result) -> None:
            with self._folder.told():
                if isinstance(grown, Drop):
                    result.dropped[grown.reason] = result.dropped.get(grown.reason, 0) + 1
                    lines[DROPPED].add(line_of(dropped_of(grown, loaded)))
                else:
                    result.kept += 1
                    lines[SAMPLES].add(line_of(sample_of(grown, loaded, leaf, self.caller.teacher.name)))
            result.drawn += 1

        plans = leaf_plans(
            loaded, leaf, self._holdouts, self.caller, rank, seed=self._settings.seed, commit=self._commit
        )
        for plan in plans:
            growth = await grow(plan, wanted - result.kept, self.caller.throttle, self.board, take)
            result.draws += growth.draws
            result.stop = growth.stop
            if growth.stop == "enough":
                break

    def _write(self) -> None:
        """Write all leaves whose turn it is: those that have ended or are carried over, and no earlier one is open."""
        while (rank := len(self._written)) < len(self.inputs):
            if rank in self.carried:
                result = self._copy(self.carried[rank])
            elif rank in self._ended:
                result, lines = self._ended.pop(rank)
                result.lines = {name: self._folder.write(name, each.take()) for name, each in lines.items()}
                self._room.release()
            else:
                break
            self._written.append(result)

    def _copy(self, carried: Carried) -> LeafResult:
        """Write the lines of a leaf as an earlier run has them."""
        lines = {}
        for name, stretch in carried.result.lines.items():
            path = carried.folder / name
            try:
                with path.open("rb") as file:
                    lines[name] = self._folder.write(name, stretch.lines(file))
            except FileNotFoundError as error:
                raise UserError(f"{path} was removed while it was read: run the same command again") from error
            if lines[name].digest != stretch.digest:
                raise UserError(f"{path} changed while it was read: run the same command again")
        return replace(carried.result, lines=lines)


def fit(loaded: Loaded, config: Config) -> Leaf:
    """Return what a leaf says. Raises Skip where a rule finds an error in it, such as a licence's."""
    if isinstance(loaded.leaf, BranchLeaf):
        return loaded.leaf  # its leaves were looked at one by one
    if loaded.leaf is None or failed(check_loaded(loaded, config)):
        raise Skip(UNFIT)
    return loaded.leaf


def all_holdouts(inputs: Sequence[Input]) -> Holdouts:
    """Return the hold-outs of all leaves of a run."""
    return Holdouts(text for each in inputs for text in each.holdouts)


def leaf_plans(
    loaded: Loaded, leaf: Leaf, holdouts: Holdouts, caller: Caller, rank: int, *, seed: int, commit: str | None
) -> list[Plan]:
    """Return the plans that a leaf is grown by, one after the other until enough is kept. Raises Skip.

    Templates come first: their answers are right by construction, and no teacher is asked.
    """
    seeds = [each for each in leaf.seed_examples if not each.holdout]
    if isinstance(leaf, KnowledgeLeaf):
        if not seeds:
            raise Skip("every seed is a hold-out, so none is left to show the teacher")
        try:
            found = [chunk for document in read_documents(leaf, loaded.path.parent) for chunk in chunks(document)]
        except DocumentFault as error:
            raise Skip(f"{UNREAD}{error}" + (f" ({error.fix})" if error.fix else "")) from error
        if not found:
            raise Skip("its documents hold nothing but headings")
        if not any(caller.teacher.reads(leaf.language, chunk.text) for chunk in found):
            raise Skip(f"the teacher {caller.teacher.name} cannot read {language_name(leaf.language)}")
        return [KnowledgePlan(loaded, leaf, found, holdouts, caller, rank, commit=commit, seed=seed)]
    if isinstance(leaf, BranchLeaf) and not caller.teacher.grounded_only:
        return [RandomPlan(loaded, leaf, holdouts, caller, rank, seed)]
    plans: list[Plan] = [ComputedPlan(loaded, leaf, holdouts, seed)] if leaf.problem_templates else []
    if seeds and not caller.teacher.grounded_only:
        plans.append(SkillPlan(loaded, leaf, holdouts, caller, rank))
    if not plans:
        if seeds:
            raise NeedsModel("needs a model teacher")
        raise Skip("every seed is a hold-out, so none is left to show the teacher")
    return plans
