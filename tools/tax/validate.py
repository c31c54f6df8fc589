"""Leaves to problems: every leaf that the paths name is read, and all rules run over it."""

import contextlib
import multiprocessing
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tax.config import Config
from tax.leaf import FILE_NAME
from tax.load import Loaded, load
from tax.problems import Level, Problem, UserError, excerpt
from tax.rules import RULES

PARALLEL_FROM = 500  # leaves; below that, starting processes takes longer than it saves
_BATCH = 50

# Names under which people keep a leaf by mistake, and which nobody would find: qna.yml, QNA.yaml, qna (1).yaml
_MISNAMED = re.compile(r"(?:qna|q&a|qa)(?:[ ._(-].{0,40})?\.ya?ml(?:\.txt)?|qna(?:\.txt)?", re.IGNORECASE)


@dataclass(frozen=True)
class Report:
    """How many leaves were checked, and what was found: file by file as the paths name them, in order of place."""

    checked: int
    problems: tuple[Problem, ...]


def validate(paths: Sequence[Path], config: Config) -> Report:
    """Check leaves. A path is a leaf's file, or a folder of which every leaf below is checked (hidden folders are not).

    Raises UserError where a path does not exist, or where a folder holds no leaf.
    """
    files: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in paths:
        if not os.path.lexists(path):
            raise UserError(f"there is no file or folder {excerpt(path, 200)}")
        found = _leaf_files(path, problems) if path.is_dir() and path.name != FILE_NAME else [path]
        if not found and not problems:
            raise UserError(f"there is no leaf in {excerpt(path, 200)}: a leaf is a file called {FILE_NAME}")
        files |= {os.path.abspath(each): each for each in found}  # noqa: PTH100 (links stay as they are)
    for each in _checked(list(files.values()), config):
        problems += each
    return Report(len(files), tuple(problems))


def check(path: Path, config: Config) -> list[Problem]:
    """Return all problems of the leaf in a file, in order of place."""
    return check_loaded(load(path, _shown(path)), config)


def check_loaded(leaf: Loaded, config: Config) -> list[Problem]:
    """Return all problems of a leaf that has been read, in order of place."""
    found = {*leaf.problems}
    for rule in RULES:
        found.update(rule(leaf, config))
    return sorted(found)


def _checked(files: Sequence[Path], config: Config) -> Iterator[list[Problem]]:
    """Yield the problems of each file, in the order of the files."""
    one = partial(check, config=config)
    processes = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)
    if len(files) < PARALLEL_FROM or processes == 1:
        yield from map(one, files)
        return
    # forking is quicker, but not safe beside threads
    method = "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"
    with ProcessPoolExecutor(processes, multiprocessing.get_context(method)) as pool:
        yield from pool.map(one, files, chunksize=_BATCH)


def _leaf_files(folder: Path, problems: list[Problem]) -> list[Path]:
    """Return the leaves below a folder, misnamed ones too, in order of path; a closed folder is a problem."""

    def closed(error: OSError) -> None:
        message = f"this folder cannot be read: {error.strerror}"
        problems.append(_folder_problem(Path(error.filename), "unreadable-file", message, "mend its access rights"))

    files = []
    for current, folders, names in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if Path(current, name).is_symlink():
                message = "this folder is a link, and what lies behind a link is not read"
                problems.append(_folder_problem(Path(current, name), "symlink", message, "put the folder itself here"))
        leaves = [
            *(name for name in names if _MISNAMED.fullmatch(name)),
            *(name for name in folders if name == FILE_NAME),
        ]
        files += [Path(current, name) for name in sorted(leaves)]
    return files


def _folder_problem(path: Path, rule: str, message: str, fix: str) -> Problem:
    return Problem(_shown(path), 1, 1, rule, Level.ERROR, message, fix)


def _shown(path: Path) -> str:
    """Return what problems call a file: its path from the current folder where it lies there, else as it was given."""
    if path.is_absolute():
        with contextlib.suppress(ValueError):
            return path.relative_to(Path.cwd()).as_posix()
    return path.as_posix()
