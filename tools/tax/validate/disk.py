"""Files read and written beside the interpreter, which goes on while the disk and a checksum are waited for."""

import contextlib
import errno
import os
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(threading.Thread, Generic[T]):
    """A call in a thread of its own, which has ended when its result is there: processes may be forked then."""

    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__()
        self._call = call
        self._returned: list[T] = []
        self._raised: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Run the call."""
        try:
            self._returned.append(self._call())
        except BaseException as error:  # noqa: BLE001  # raised where the result is asked for
            self._raised = error

    def result(self) -> T:
        """Wait for the call; return or raise what it did."""
        self.join()
        if self._raised is not None:
            raise self._raised
        return self._returned[0]


def read_regular(path: Path) -> bytes:
    """Read an ordinary file; raise OSError for anything else, of which a pipe would be waited for without end."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "this is no ordinary file")
        return file.read()


def write_whole(path: Path, *parts: bytes) -> None:
    """Write a file that appears whole or not at all, readable as others are here."""
    descriptor, part = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for each in parts:
                file.write(each)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(part, 0o666 & ~mask)  # noqa: PTH101 (mkstemp's files are for one person alone)
        os.replace(part, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)  # noqa: PTH108
        raise
