"""How many calls are under way at once, and whose turn is next."""

import asyncio
import heapq

Priority = tuple[int, ...]  # the least is first


class Throttle:
    """At most `slots` calls at once; who waits is served by priority, then in order of arrival."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.running = 0
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._arrivals = 0
        self._room = asyncio.Event()
        self._room.set()

    async def room(self) -> None:
        """Wait until the slots will run dry unless more calls are brought."""
        await self._room.wait()

    async def acquire(self, priority: Priority) -> None:
        """Wait for a slot and take it."""
        if self.running < self.slots:
            self.running += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, (priority, self._arrivals, turn))
        self._mark()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()  # the slot had just been handed over
            raise

    def release(self) -> None:
        """Give a slot back, to the first who waits."""
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                break
        else:
            self.running -= 1
        self._mark()

    def _mark(self) -> None:
        if len(self._waiting) < self.slots:
            self._room.set()
        else:
            self._room.clear()
