"""The leaves that paths name: each file once, with its status as it was before anything was read."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tax.leaf import FILE_NAME
from tax.problems import Level, Problem, UserError, excerpt

# Names under which people keep a leaf by mistake, and which nobody would find: qna.yml, QNA.yaml, qna (1).yaml
_MISNAMED = re.compile(r"(?:qna|q&a|qa)(?:[ ._(-].{0,40})?\.ya?ml(?:\.txt)?|qna(?:\.txt)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    """A leaf's file. `path` is as it was named, `key` the absolute one.

    `status` is None where the file cannot be looked at, or where a link stands between it and the folder that was
    named: nothing is remembered of such a file.
    """

    path: str
    key: str
    status: os.stat_result | None


def find(paths: Iterable[Path], problems: list[Problem]) -> list[File]:
    """Return the leaves that the paths name, each once, in order; problems of folders are added.

    A path is a leaf's file, or a folder of which every leaf below is found (hidden folders are not looked into).
    Raises UserError where a path does not exist, or where a folder holds no leaf.
    """
    files: dict[str, File] = {}
    for path in paths:
        if not os.path.lexists(path):
            raise UserError(f"there is no file or folder {excerpt(path, 200)}")
        found = below(path, problems) if path.is_dir() and path.name != FILE_NAME else [_named(path)]
        if not found and not problems:
            raise UserError(f"there is no leaf in {excerpt(path, 200)}: a leaf is a file called {FILE_NAME}")
        for each in found:
            files.setdefault(each.key, each)
    return list(files.values())


def below(folder: Path, problems: list[Problem]) -> list[File]:
    """Return the leaves below a folder, misnamed ones too, in order of path; a closed folder is a problem."""
    absolute = os.path.abspath(folder)  # noqa: PTH100 (links stay as they are)
    direct = os.path.realpath(absolute) == absolute
    found: list[File] = []
    pending = [("" if str(folder) == "." else str(folder), absolute)]
    while pending:
        named, key = pending.pop()
        before = f"{named}{os.sep}" if named else ""
        folders = []
        leaves = []
        try:
            with os.scandir(key) as entries:
                for entry in entries:
                    name = entry.name
                    if entry.is_dir():
                        if not name.startswith("."):
                            folders.append(entry)
                    elif name == FILE_NAME or _MISNAMED.fullmatch(name):
                        leaves.append(File(before + name, entry.path, _status(entry) if direct else None))
        except OSError as error:
            problems.append(_closed(named or ".", error))
        folders.sort(key=lambda entry: entry.name)
        for entry in folders:
            path = before + entry.name
            if entry.is_symlink():
                problems.append(_link(path))
            if entry.name == FILE_NAME:
                leaves.append(File(path, entry.path, None))
        if len(leaves) > 1:
            leaves.sort(key=lambda leaf: leaf.path)
        found += leaves
        pending += [(before + entry.name, entry.path) for entry in reversed(folders) if not entry.is_symlink()]
    return found


def shown(path: str) -> str:
    """Return what problems call a file: its path from the current folder where it lies there, else as it was given."""
    here = f"{os.getcwd()}{os.sep}"  # noqa: PTH109
    return path.removeprefix(here).replace(os.sep, "/")


def _named(path: Path) -> File:
    key = os.path.abspath(path)  # noqa: PTH100
    try:
        direct = os.path.realpath(key) == key
        status = os.lstat(key) if direct else None
    except (OSError, ValueError):
        status = None
    return File(str(path), key, status)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False) if os.name == "posix" else os.lstat(entry.path)
    except OSError:
        return None


def _closed(path: str, error: OSError) -> Problem:
    message = f"this folder cannot be read: {error.strerror}"
    return Problem(shown(path), 1, 1, "unreadable-file", Level.ERROR, message, "mend its access rights")


def _link(path: str) -> Problem:
    message = "this folder is a link, and what lies behind a link is not read"
    return Problem(shown(path), 1, 1, "symlink", Level.ERROR, message, "put the folder itself here")
