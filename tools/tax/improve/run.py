"""A run of improvements: all samples through one queue, results into the run folder in the order of the input."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

from tax.exchange import Unread
from tax.generate.results import LeafResult, describe
from tax.generate.stages import Board, Draft, Drop, refine
from tax.improve.work import BEGUN, READ, Given, Method, Tools, dropped_of, sample_of
from tax.runs import RunFolder
from tax.sample import Dropped, Sample

OPEN_SAMPLES = 4  # begun and not ended, for each slot: bounds memory, and keeps every slot busy

TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


@dataclass
class Improved(LeafResult):
    """What came of a leaf's samples: `drawn` were read, `kept` are new, `originals` stay as they were."""

    originals: int = 0


class ImprovementRun:
    """One run over the rows of an input. `finished` is called with the count of rows that are through."""

    def __init__(
        self,
        rows: Iterable[Sample | Unread],
        leaf: tuple[str, str],
        method: Method,
        tools: Tools,
        folder: RunFolder,
        *,
        finished: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.board = Board()
        self.caller = tools.caller
        self._rows = rows
        self._leaf = leaf  # the input's name and git id, for rows that are no samples
        self._method = method
        self._tools = tools
        self._folder = folder
        self._finished = finished
        self._leaves: dict[tuple[str, str], Improved] = {}
        self._reasons: dict[tuple[str, str], Counter[tuple[str, str]]] = {}  # (stage, reason) of a leaf's drops
        self._seen: set[bytes] = set()
        self._openings: Counter[bytes] = Counter()
        self._unwritten: dict[int, tuple[list[Sample], list[Dropped]]] = {}
        self._written = 0

    async def run(self) -> dict[str, Any]:
        """Improve every sample, and return the counts. Raises TeacherError or UserError where the run cannot go on."""
        room = asyncio.Semaphore(OPEN_SAMPLES * self.caller.throttle.slots)
        try:
            async with asyncio.TaskGroup() as group:
                for number, row in enumerate(self._rows):
                    if isinstance(row, Unread):
                        self._end(number, self._leaf, [], [self._unread(row)])
                        continue
                    await room.acquire()
                    await self.caller.throttle.room()
                    task = group.create_task(self._sample(*self._take(number, row)))
                    task.add_done_callback(lambda _: room.release())
                    await asyncio.sleep(0)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self.caller.expect_answers()
        return self._described()

    async def _sample(self, given: Given, refused: Drop | None) -> None:
        sample = given.sample
        result = refused or await self._improved(given)
        if isinstance(result, Draft):
            made = sample_of(result, sample, self.caller.teacher.name, self._method.language(sample))
            self._end(given.number, (sample.leaf, sample.leaf_blob), [made], [])
            return
        stays = self._method.falls_back and result.stage != READ
        kept, dropped = [sample] if stays else [], [dropped_of(result, given)]
        self._end(given.number, (sample.leaf, sample.leaf_blob), kept, dropped)

    async def _improved(self, given: Given) -> Draft | Drop:
        work = self._method.improvement(given, self._tools)
        return work.begin if isinstance(work.begin, Drop) else await refine(work.begin, work.stages, self.board)

    def _take(self, number: int, sample: Sample) -> tuple[Given, Drop | None]:
        """Take a sample in, or drop it: nothing is made of a repetition, or of what a student is measured with."""
        said = "\0".join(message.content for message in sample.messages)
        whole, opening = _digest(sample.leaf + "\0" + said), _digest(sample.messages[0].content)
        given = Given(sample, number, self._openings[opening])
        self._openings[opening] += 1
        questions = [message.content for message in sample.messages if message.role == "user"]
        near = self._tools.holdouts.near_problem if sample.kind == "problem" else self._tools.holdouts.near
        drop = None
        if not TAG.fullmatch(sample.language):
            drop = Drop(READ, "its language is no language tag", "failed")
        elif whole in self._seen:
            drop = Drop(READ, "repetition")
        elif any(near(question) for question in questions):
            drop = Drop(READ, "near a hold-out")
        self._seen.add(whole)
        return given, drop

    def _unread(self, row: Unread) -> Dropped:
        return Dropped(
            leaf=self._leaf[0],
            leaf_blob=self._leaf[1],
            draw=row.row,
            outcome="failed",
            stage=READ,
            reason=row.reason,
            detail=f"row {row.row} of the file",
            question="",
            messages=(),
            ratings=(),
            source=None,
            seeds=(),
        )

    def _end(self, number: int, leaf: tuple[str, str], samples: list[Sample], dropped: list[Dropped]) -> None:
        self._unwritten[number] = (samples, dropped)
        while self._written in self._unwritten:
            ready_samples, ready_dropped = self._unwritten.pop(self._written)
            self._folder.add(ready_samples, ready_dropped)
            self._written += 1
        result = self._leaves.setdefault(leaf, Improved(*leaf))
        result.drawn += 1
        result.kept += not dropped
        result.originals += len(samples) if dropped else 0
        self.board.kept += 1
        self._reasons.setdefault(leaf, Counter()).update((drop.stage, drop.reason) for drop in dropped)
        self._finished(self._written)

    def _described(self) -> dict[str, Any]:
        results = []
        for leaf, result in sorted(self._leaves.items()):
            reasons = self._reasons[leaf]
            result.dropped = dict(Counter(reason for _, reason in reasons.elements()).most_common())
            result.draws, result.stop = result.drawn, "enough"
            only = next(iter(reasons), ("", ""))
            if len(reasons) == 1 and only[0] == BEGUN and not result.kept:
                result.skipped, result.stop = True, only[1]  # a leaf for which the method has nothing to do
            results.append(result)
        counts = describe(results, self.board, self.caller)
        # Samples go through at once, and not all through every stage: who enters one first says nothing of its place.
        in_order = sorted(counts["stages"], key=self._method.stages.index)
        counts["stages"] = {name: counts["stages"][name] for name in in_order}
        return counts | {"originals": sum(result.originals for result in results), "leaves": [*map(asdict, results)]}


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
