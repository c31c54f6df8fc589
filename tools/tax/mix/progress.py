"""The progress of a mix, on stderr: a line that is rewritten on a terminal, a line for each step elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tax.problems import excerpt

T = TypeVar("T")

_EVERY = 0.5  # seconds between two rewritings


class Progress:
    """Tells the steps of a mix, and how fast they go."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._shown = 0.0

    def count(self, step: str, things: Iterable[T]) -> Iterator[T]:
        """Pass things on, and tell how many have passed."""
        start = time.monotonic()
        done = 0
        for done, thing in enumerate(things, start=1):
            yield thing
            if self._live and not done % 100:
                self._tell(step, done, start)
        if done:
            self._tell(step, done, start, end=True)

    def _tell(self, step: str, done: int, start: float, *, end: bool = False) -> None:
        now = time.monotonic()
        if self._quiet or (not end and now - self._shown < _EVERY):
            return
        self._shown = now
        rate = f", {done / (now - start):,.0f}/s" if now - start > 1 else ""
        line = f"{excerpt(step, 80)}: {done:,}{rate}"
        print(f"\r\x1b[2K{line}" if self._live else line, end="\n" if end else "", file=sys.stderr, flush=True)
