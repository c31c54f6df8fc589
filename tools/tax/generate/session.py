"""A session with a teacher: opened, asked through the journal, its calls under way awaited, and closed."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tax.calls import Caller
from tax.config import Config
from tax.journal import Journal
from tax.problems import UserError, install
from tax.teachers.base import Teacher, TeacherError
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
    engine: str = "local"  # or ray
    workers: int | None = None  # of a Ray cluster
    dry_run: bool = False
    quiet: bool = False


@contextlib.asynccontextmanager
async def session(options: RunOptions, root: Path, config: Config) -> AsyncIterator[Caller]:
    """Open the journal and the teacher that options name. Raises UserError or TeacherError."""
    journal = Journal(options.calls or root / ".tax" / "calls")
    teacher = await _open(options, config)
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


async def _open(options: RunOptions, config: Config) -> Teacher:
    if options.engine == "ray":
        try:
            from tax.teachers.cluster import open_cluster
        except ModuleNotFoundError as error:
            raise TeacherError(f"--engine ray needs the package {error.name}: {install('cluster')}") from error
        return await open_cluster(options.teacher, options.model, config.teachers, options.workers)
    if options.workers is not None:
        raise UserError("--workers is for a cluster: add --engine ray, or leave it out")
    return await open_teacher(options.teacher, options.model, config.teachers)
