"""What a user sees while a phase runs: one line that renews itself in a terminal, a line now and then in a log."""

import sys
import time
from collections import deque
from typing import Any, TextIO

EVERY = 10.0  # seconds between lines where the output is no terminal
WINDOW = 20  # steps that the rate is averaged over


class Progress:
    """The line of one phase."""

    def __init__(self, phase: str, total: int, per_epoch: int, stream: TextIO | None = None) -> None:
        self.phase, self.total, self.per_epoch, self.stream = phase, total, per_epoch, stream or sys.stderr
        self._live = self.stream.isatty()
        self._recent: deque[tuple[float, int, int]] = deque(maxlen=WINDOW)  # seconds, samples, tokens of each step
        self._shown = 0.0

    def step(self, metrics: dict[str, Any]) -> None:
        """Show a step that was taken."""
        self._recent.append((metrics["seconds"], metrics["samples"], metrics["tokens"]))
        now, last = time.monotonic(), metrics["step"] == self.total
        if not last and now - self._shown < (0.1 if self._live else EVERY):
            return
        self._shown = now
        line = self.line(metrics)
        self.stream.write(f"\r\x1b[K{line}" + ("\n" if last else "") if self._live else f"{line}\n")
        self.stream.flush()

    def line(self, metrics: dict[str, Any]) -> str:
        """Return the line of a step: where the phase is, loss, rates and the time left."""
        seconds, samples, tokens = (sum(column) for column in zip(*self._recent, strict=True))
        seconds = max(seconds, 1e-9)
        left = (self.total - metrics["step"]) * seconds / len(self._recent)
        epochs = -(-self.total // self.per_epoch)
        return (
            f"{self.phase}  epoch {metrics['epoch'] + 1}/{epochs}  step {metrics['step']}/{self.total}"
            f"  loss {metrics['loss']:.4f}  rate {metrics['learning_rate']:.2e}  {samples / seconds:,.1f} samples/s"
            f"  {tokens / seconds:,.0f} tokens/s  {clock(left)} left"
        )

    def say(self, text: str) -> None:
        """Write a line of its own above the running one."""
        self.stream.write(f"\r\x1b[K{text}\n" if self._live else f"{text}\n")
        self.stream.flush()


def clock(seconds: float) -> str:
    """Return a duration as 1:02:03, or 2:03 below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
