"""The progress of a generation run, on stderr: a live line for each stage on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from tax.problems import printable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from tax.generate.results import LeafResult
    from tax.generate.run import Generation


class Progress:
    """Shows a run while the context is open."""

    def __init__(self, leaves: int, samples: int, *, quiet: bool = False) -> None:
        self._total = leaves  # to be grown
        self._wanted = leaves * samples
        self._start = time.monotonic()
        self._generation: Generation | None = None
        self._live: Live | None = None
        self._quiet = quiet
        self._ended = 0

    def watch(self, generation: "Generation") -> None:
        """Show this run."""
        self._generation = generation

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
        if self._live is None and not self._quiet and self._generation is not None:
            total = self._total
            said = (
                f"skipped: {result.stop}"
                if result.skipped
                else f"{result.kept} kept of {result.drawn} drawn, {result.stop}"
            )
            print(
                f"[{self._ended}/{total}] {printable(result.leaf)}: {said}. {self._totals()}",
                file=sys.stderr,
                flush=True,
            )

    def _totals(self) -> str:
        generation = self._generation
        if generation is None:
            return ""
        meter, seconds = generation.caller.meter, time.monotonic() - self._start
        calls = meter.asked.total()
        parts = [f"{calls:,} calls" + (f" and {meter.reused.total():,} reused" if meter.reused else "")]
        if calls:
            parts.append(f"{calls / max(seconds, 0.001):,.0f} calls/s")
        if meter.completion_tokens:
            parts.append(f"{meter.prompt_tokens + meter.completion_tokens:,} tokens")
        if meter.retries:
            parts.append(f"{meter.retries.total():,} retries")
        kept = generation.board.kept
        if 0 < kept < self._wanted and seconds > 2:
            parts.append(f"about {_duration(seconds * (self._wanted - kept) / kept)} left")
        return ", ".join(parts)

    def _shown(self) -> "Group":
        from rich.console import Group
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for name in ("stage", "in", "kept", "dropped", "rate"):
            table.add_column(name, justify="left" if name == "stage" else "right")
        if self._generation is not None:
            seconds = max(time.monotonic() - self._start, 0.001)
            for name, tally in list(self._generation.board.stages.items()):
                counts = [
                    f"{tally.entered:,}",
                    f"{tally.kept:,}",
                    f"{tally.dropped.total():,}",
                    f"{tally.entered / seconds:,.1f}/s",
                ]
                table.add_row(name, *counts)
            table.add_row("leaves", f"{self._ended:,} of {self._total:,}")
        return Group(table, self._totals())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
