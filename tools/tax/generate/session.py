"""A session with a teacher: opened, asked through the journal, its calls under way awaited, and closed."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tax.calls import Caller
from tax.config import Config
from tax.journal import Journal
from tax.teachers.base import TeacherError
from tax.teachers.open import open_teacher


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of every command that asks a teacher (commands/options.py)."""

    teacher: str = "builtin"
    model: str = ""
    concurrency: int = 64
    seed: int = 0
    out: Path | None = None
    calls: Path | None = None
    dry_run: bool = False
    quiet: bool = False


@contextlib.asynccontextmanager
async def session(options: RunOptions, root: Path, config: Config) -> AsyncIterator[Caller]:
    """Open the teacher and the journal that options name. Raises TeacherError."""
    teacher = await open_teacher(options.teacher, options.model, config.teachers)
    journal = Journal(options.calls or root / ".tax" / "calls")
    caller = Caller(teacher, journal, options.concurrency, options.seed)
    try:
        try:
            yield caller
        except TeacherError:
            await caller.drain()
            raise
        await caller.drain()
    finally:
        await caller.close()
        journal.close()
        with contextlib.suppress(Exception):
            await teacher.close()
