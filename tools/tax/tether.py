"""`python -m tax.tether PARENT COMMAND ...`: become a command that is asked to end (SIGTERM) when its parent is gone.

A `tax train` that is killed outright (the out-of-memory killer, a scheduler) can pass no signal on; without this its
trainer would train on by itself, and the same command be refused. The kernel remembers it over exec. Linux only.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tethered(line: Sequence[str]) -> list[str]:
    """Return the command line that runs another one as long as this process lives; on Linux, elsewhere itself."""
    if sys.platform != "linux":
        return list(line)
    return [sys.executable, "-m", "tax.tether", str(os.getpid()), *line]


def follow(parent: int, number: signal.Signals) -> bool:
    """Have this process sent a signal once its parent is gone, on Linux; tell whether the parent is there still."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number))
    return os.getppid() == parent


def main(parent: int, line: list[str]) -> None:
    """Become the command, unless the parent is gone already."""
    if follow(parent, signal.SIGTERM):
        os.execv(line[0], line)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
