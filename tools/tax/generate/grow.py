"""Growing one leaf: draw after draw until enough samples are kept.

The result is a function of the teacher's answers alone, never of their order in time: draws are numbered, their
drafts are compared with earlier ones in that order, and the kept samples are the first N in that order. So draws may
run ahead of need, a run that was killed and goes on ends as an unbroken one, and a larger N only adds to a smaller.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tax.generate.stages import Board, Draft, Drop, Plan, refine
from tax.throttle import Throttle

BUDGET = 5  # drafts drawn for each sample wanted, at most
BARREN = 3  # draws in a row without a new draft, and at least a whole turn of them: there is nothing more to draw
EXPECTED_YIELD = 0.6  # kept of what is drawn, until the leaf's own share is known
LEAD = 64  # times as many draws as fill the slots may run ahead of one that is stuck: bounds memory

Stop = Literal["enough", "budget spent", "nothing more to draw"]
Result = Draft | Drop


@dataclass(frozen=True)
class Growth:
    """How growing a leaf ended: after how many draws, and why."""

    draws: int
    stop: Stop


@dataclass(frozen=True)
class _Draw:
    admitted: list[Result]  # what was drawn, repetitions dropped
    results: list[Result]  # what came of each; where enough was kept before it, the draft as it was admitted

    @property
    def kept(self) -> int:
        return _drafts(self.results)


class _Grower:
    def __init__(
        self, plan: Plan, wanted: int, throttle: Throttle, board: Board, take: Callable[[Result], None]
    ) -> None:
        self._plan = plan
        self._wanted = wanted
        self._board = board
        self._take = take
        self._budget = max(-(-wanted * BUDGET // plan.batch), plan.turn, BARREN)
        self._ahead = max(2, 4 * throttle.slots // plan.batch)  # draws in flight that keep the slots busy
        self._running: dict[int, asyncio.Task[_Draw]] = {}
        self._done: dict[int, _Draw] = {}  # finished, while an earlier one is not
        self._admitted: dict[int, asyncio.Event] = {}
        self._started = 0
        self._drawn_kept = self._drawn = 0  # kept by finished draws, and how many those are
        self._settled = self._kept = self._barren = 0  # all draws before number `_settled` are handed on

    async def grow(self) -> Growth:
        try:
            while (stop := self._settle()) is None:
                self._launch()
                await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
                self._collect()
            return Growth(self._settled, stop)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _collect(self) -> None:
        for number in [number for number, task in self._running.items() if task.done()]:
            draw = self._running.pop(number).result()
            self._done[number] = draw
            self._drawn += 1
            self._drawn_kept += draw.kept
            self._board.kept += draw.kept

    def _settle(self) -> Stop | None:
        while (draw := self._done.pop(self._settled, None)) is not None:
            self._settled += 1
            self._hand_on(draw)
            self._barren = 0 if _drafts(draw.admitted) else self._barren + 1
            if self._kept >= self._wanted:
                return "enough"
            if self._barren >= max(self._plan.turn, BARREN):
                return "nothing more to draw"
            if self._settled >= self._budget:
                return "budget spent"
        return None

    def _hand_on(self, draw: _Draw) -> None:
        """Hand on a draw's results; a draft beyond the number wanted is dropped, whether it was judged or not."""
        for admitted, result in zip(draw.admitted, draw.results, strict=True):
            if self._kept < self._wanted or isinstance(admitted, Drop):
                self._take(result)
                self._kept += isinstance(result, Draft)
            else:
                self._take(Drop("kept", "beyond the number wanted", draft=admitted))

    def _launch(self) -> None:
        each = self._drawn_kept / self._drawn if self._drawn else self._plan.batch * EXPECTED_YIELD
        each = max(each, 0.1 * self._plan.batch)
        while not self._running or (
            len(self._running) < self._ahead
            and self._started < min(self._budget, self._settled + LEAD * self._ahead)
            and self._drawn_kept + len(self._running) * each < self._wanted
        ):
            number = self._started
            self._started += 1
            self._admitted[number] = asyncio.Event()
            self._running[number] = asyncio.create_task(self._draw(number))

    async def _draw(self, number: int) -> _Draw:
        drafts = await self._plan.draft(number)
        if number:
            await self._admitted[number - 1].wait()
            del self._admitted[number - 1]
        admitted = [self._admit(result) for result in drafts]
        self._admitted[number].set()
        return _Draw(admitted, await self._refine_enough(admitted))

    async def _refine_enough(self, admitted: list[Result]) -> list[Result]:
        """Take as many drafts through the stages as are wanted, then more for those that were dropped."""
        results: list[Result] = []
        while len(results) < len(admitted):
            missing = self._wanted - self._kept - _drafts(results)
            if missing <= 0:
                return results + admitted[len(results) :]
            batch = admitted[len(results) : len(results) + missing]
            results += await asyncio.gather(*(self._refine(result) for result in batch))
        return results

    def _admit(self, result: Result) -> Result:
        self._board.note("drawn", result)
        if isinstance(result, Drop):
            return result
        reason = self._plan.fresh(result)
        admitted = Drop("new", reason, draft=result) if reason else result
        self._board.note("new", admitted)
        return admitted

    async def _refine(self, result: Result) -> Result:
        return result if isinstance(result, Drop) else await refine(result, self._plan.stages, self._board)


async def grow(plan: Plan, wanted: int, throttle: Throttle, board: Board, take: Callable[[Result], None]) -> Growth:
    """Draw from a plan until `wanted` samples are kept, the draw budget is spent, or there is nothing more to draw.

    `take` is given each result in the order of drawing, as soon as nothing earlier can come.
    """
    return await _Grower(plan, wanted, throttle, board, take).grow()


def _drafts(results: Sequence[Result]) -> int:
    return sum(isinstance(result, Draft) for result in results)
