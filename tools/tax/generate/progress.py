"""The progress of a run of calls, on stderr: a live line for each stage on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from tax.problems import printable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from tax.calls import Caller
    from tax.generate.results import LeafResult
    from tax.generate.stages import Board


class Watched(Protocol):
    """A run that can be shown."""

    board: "Board"
    caller: "Caller"


class Progress:
    """Shows a run while the context is open."""

    def __init__(self, wanted: int, total: int, unit: str = "leaves", *, quiet: bool = False) -> None:
        self._wanted = wanted  # samples, over all leaves
        self._total = total  # units
        self._unit = unit
        self._start = time.monotonic()
        self._run: Watched | None = None
        self._live: Live | None = None
        self._quiet = quiet
        self._ended = 0

    def watch(self, run: Watched) -> None:
        """Show this run."""
        self._run = run

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty() and not self._quiet:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                get_renderable=self._shown, console=Console(stderr=True), refresh_per_second=4, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def leaf_ended(self, result: "LeafResult") -> None:
        """Say on a plain output how a leaf ended."""
        self._ended += 1
        if self._live is None and not self._quiet:
            said = (
                f"skipped: {result.stop}"
                if result.skipped
                else f"{result.kept} kept of {result.drawn} drawn, {result.stop}"
            )
            print(
                f"[{self._ended}/{self._total}] {printable(result.leaf)}: {said}. {self._totals()}",
                file=sys.stderr,
                flush=True,
            )

    def samples_ended(self, count: int) -> None:
        """Say on a plain output, twenty times in a run, that so many samples are through."""
        step = max(1, self._total // 20)
        if self._live is None and not self._quiet and count // step > self._ended // step:
            print(f"[{count}/{self._total}] {self._totals()}", file=sys.stderr, flush=True)
        self._ended = count

    def _totals(self) -> str:
        if self._run is None:
            return ""
        meter, seconds = self._run.caller.meter, time.monotonic() - self._start
        calls = meter.asked.total()
        parts = [f"{calls:,} calls" + (f" and {meter.reused.total():,} reused" if meter.reused else "")]
        if calls:
            parts.append(f"{calls / max(seconds, 0.001):,.0f} calls/s")
        if meter.completion_tokens:
            parts.append(f"{meter.prompt_tokens + meter.completion_tokens:,} tokens")
        if meter.retries:
            parts.append(f"{meter.retries.total():,} retries")
        kept = self._run.board.kept
        if 0 < kept < self._wanted and seconds > 2:
            parts.append(f"about {_duration(seconds * (self._wanted - kept) / kept)} left")
        return ", ".join(parts)

    def _shown(self) -> "Group":
        from rich.console import Group
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for name in ("stage", "in", "kept", "dropped", "rate"):
            table.add_column(name, justify="left" if name == "stage" else "right")
        if self._run is not None:
            seconds = max(time.monotonic() - self._start, 0.001)
            for name, tally in list(self._run.board.stages.items()):
                counts = [
                    f"{tally.entered:,}",
                    f"{tally.kept:,}",
                    f"{tally.dropped.total():,}",
                    f"{tally.entered / seconds:,.1f}/s",
                ]
                table.add_row(name, *counts)
            table.add_row(self._unit, f"{self._ended:,} of {self._total:,}")
        return Group(table, self._totals())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
