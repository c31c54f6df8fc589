"""Several servers of one model: the calls of a leaf go to one of them, unless another has less to do.

A leaf's prompts begin alike, so the server that had one of them has their beginning in its cache. A server that
refuses connections, or fails several times in a row, is set aside and later tried again with one call. Simplified:
nothing is known of a server's speed, but a faster one empties sooner, and so gets more.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tax.teachers.room import Room

FAILURES = 3  # failures in a row that set a server aside; a refused connection does at once
SLACK = 4  # calls in flight that a leaf's own server may have more than the least busy one
FIRST_REST, LONGEST_REST = 1.0, 60.0  # seconds a server is left alone, doubling each time

_log = logging.getLogger(__name__)


@dataclass
class Server:
    """One server, or worker of a cluster, and how it does."""

    url: str  # how it is called and told of
    in_flight: int = 0
    known: bool = False  # it has said that it serves the model
    failures: int = 0  # in a row
    rests: int = 0  # how often it was set aside since it last answered
    until: float = 0.0  # it is set aside until this time
    room: Room = field(default_factory=Room)  # for an answer

    @property
    def aside(self) -> bool:
        """Tell whether it has been set aside and has not answered since."""
        return self.rests > 0


class Servers:
    """The servers of one teacher. `clock` gives seconds that only grow."""

    def __init__(self, urls: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.all = [Server(url) for url in urls]
        self._clock = clock

    def choose(self, leaf: int | None = None) -> Server:
        """Return the server for the next call of a leaf; where all are set aside, the one that is due first."""
        now = self._clock()
        fit = [each for each in self.all if not each.aside or (each.until <= now and not each.in_flight)]
        if not fit:
            return min(self.all, key=lambda each: each.until)
        least = min(fit, key=lambda each: each.in_flight)
        own = least if leaf is None else self.all[leaf % len(self.all)]
        near = own in fit and not least.aside and own.in_flight <= least.in_flight + SLACK
        return own if near else least

    def another(self, server: Server) -> bool:
        """Tell whether another server is up, so that a call need not wait for this one."""
        return any(not each.aside for each in self.all if each is not server)

    def answered(self, server: Server) -> None:
        """Note that a server answered, with whatever it said."""
        if server.aside:
            self._tell("%s answers again", server.url)
        server.failures, server.rests, server.until = 0, 0, 0.0

    def failed(self, server: Server, cause: str, *, gone: bool) -> None:
        """Note that a server did not answer, and set it aside where that is no bad luck (`gone`: nothing is there)."""
        server.failures += 1
        now = self._clock()
        if (gone or server.aside or server.failures >= FAILURES) and server.until <= now:
            rest = min(LONGEST_REST, FIRST_REST * 2.0**server.rests)
            server.until = now + rest
            server.rests += 1
            self._tell("%s is set aside for %.0f s: %s", server.url, rest, cause)

    def exclude(self, server: Server, reason: str) -> None:
        """Set a server aside for good."""
        server.until, server.rests = float("inf"), 1
        self._tell("%s takes no calls: %s", server.url, reason)

    def _tell(self, message: str, *values: object) -> None:
        if len(self.all) > 1:  # a lone server is never passed over, so nothing changes for it
            _log.warning(message, *values)
