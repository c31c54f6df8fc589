"""Leaves to entries: each is read, and all rules run over it; of very many at once by several processes."""

import gc
import multiprocessing
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tax.config import Config
from tax.documents.document import MAX_PACKED
from tax.leaf import BRANCHES
from tax.load import Loaded, blob_id, load
from tax.problems import Problem
from tax.rules import RULES
from tax.rules.documents import unread
from tax.rules.prints import prints_of
from tax.validate.cache import Entry, Found, Seen, lasting, plain_file
from tax.validate.files import File, shown

PARALLEL_FROM = 500  # leaves; below that, starting processes takes longer than it saves
_BATCH = 50

NOT_READ = unread.id  # depends on what is installed and fetched here


@dataclass(frozen=True, slots=True)
class Job:
    """A leaf to look at: with all rules if `judged`, else for its prints alone."""

    file: File
    judged: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What was found; `lasting`: it depends on nothing but what the entry names, and may be remembered."""

    entry: Entry
    lasting: bool


def check(path: Path, config: Config) -> list[Problem]:
    """Return all problems of the leaf in a file, in order of place; other leaves are not looked at."""
    return check_loaded(load(path, shown(str(path))), config)


def check_loaded(leaf: Loaded, config: Config) -> list[Problem]:
    """Return all problems of a leaf that has been read, in order of place; other leaves are not looked at."""
    found = {*leaf.problems}
    for rule in RULES:
        found.update(rule(leaf, config))
    return sorted(found)


def judge(jobs: Sequence[Job], config: Config, started: int) -> Iterator[Result]:
    """Yield what is found out about each leaf, in order; `started` is a time before any of them was looked at."""
    one = partial(_judge, config=config, started=started)
    processes = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)
    if len(jobs) < PARALLEL_FROM or processes == 1:
        yield from map(one, jobs)
        return
    # forking is quicker, but not safe beside threads
    method = "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"
    context, begin = multiprocessing.get_context(method), partial(_begin, os.getpid())
    pool = ProcessPoolExecutor(processes, context, begin)
    try:
        with _interrupts_held():  # and inherited so: Ctrl-C is this process's to hear, as one that dies may hold a lock
            results = pool.map(one, jobs, chunksize=_BATCH)
        yield from results
    finally:
        with _interrupts_held():  # a second one would leave the workers waiting
            pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(parent: int) -> None:
    """Begin a worker, which ends with its parent however that ends: it would wait for work without end."""
    from tax.tether import follow

    if not follow(parent, signal.Signals(getattr(signal, "SIGKILL", signal.SIGTERM))):
        os._exit(1)
    spare_collector()


def spare_collector() -> None:
    """Let garbage be collected seldom: who reads leaves makes very many objects, and nearly no cycles of them."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _judge(job: Job, config: Config, started: int) -> Result:
    file = job.file
    leaf = load(Path(file.path), shown(file.path), direct=file.status is not None and stat.S_ISREG(file.status.st_mode))
    documents = _documents(leaf, os.path.dirname(file.key), started)  # noqa: PTH120
    problems = tuple(map(_found, check_loaded(leaf, config))) if job.judged else None
    named = "" if leaf.name.split("/")[0] in BRANCHES else file.path  # outside of the branches, this is its name
    seen = Seen(named, leaf.blob, lasting(file.status, started) if file.status else None)
    known = bool(leaf.blob) and file.status is not None and documents is not None and not _fetched(leaf.data)
    known = known and not any(each[2] == NOT_READ for each in problems or ())
    return Result(Entry(seen, tuple(documents or ()), problems, prints_of(leaf)), known)


def _found(problem: Problem) -> Found:
    return problem[1:]


def _documents(leaf: Loaded, folder: str, started: int) -> list[Seen] | None:
    """Return the files beside the leaf that its verdict depends on; None where one is not what it should be."""
    found = []
    for path in _named(leaf.data):
        status = plain_file(folder, path)
        if status is None or status.st_size > MAX_PACKED:
            return None
        try:
            with open(os.path.join(folder, path), "rb") as file:  # noqa: PTH118, PTH123
                found.append(Seen(path, blob_id(file.read()), lasting(status, started)))
        except OSError:
            return None
    return found


def _fetched(data: dict[str, Any]) -> bool:
    """Tell whether a leaf names documents of another repository, which may be fetched here tomorrow."""
    documents = data.get("documents")
    return isinstance(documents, list) and any(isinstance(each, dict) and "commit" in each for each in documents)


def _named(data: dict[str, Any]) -> list[str]:
    documents, dataset = data.get("documents"), data.get("dataset")
    named = [each.get("path") for each in documents if isinstance(each, dict)] if isinstance(documents, list) else []
    if isinstance(dataset, dict) and str(dataset.get("name")).endswith((".jsonl", ".parquet")):
        named.append(dataset["name"])
    return [path for path in named if isinstance(path, str)]
