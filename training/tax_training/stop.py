"""Ctrl-C and SIGTERM: the step in work is finished and saved; a second Ctrl-C ends at once."""

import contextlib
import signal
import sys
import threading
from types import FrameType


class Stop:
    """Notes that the user, or the system, asked the run to stop."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, signal.Handlers] = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():  # elsewhere Python takes no signals
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)  # type: ignore[assignment]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        first, self.asked = not self.asked, True
        if first:
            with contextlib.suppress(OSError):  # who would read it may be gone
                sys.stderr.write("\nstopping after this step, once it is saved; Ctrl-C again ends at once\n")
