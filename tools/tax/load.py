"""One leaf, read: bytes to YAML to the models of version 4, with all that is wrong with it on the way.

A leaf comes from a stranger and may be any file at all. Whatever it is, reading it ends in a Loaded with Problems,
never in an exception.
"""

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from tax import faults, old_leaf
from tax.leaf import Branch, KnowledgeLeaf, Leaf, SkillLeaf, branch_index, branch_of, leaf_name
from tax.problems import Level, Problem, excerpt, failed
from tax.source import MAX_BYTES, Source

NEWEST = 4

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Loaded:
    """A leaf's file as it was read.

    `name` and `branch` come from the path. `blob` is git's id of the bytes ("" where they could not be read),
    `version` that of the format (0 where the file states none that exists), `leaf` the content in the models of
    version 4: None where an error of YAML or of the schema keeps it from being read; `content` is the same in those of
    its own version.
    """

    path: Path
    shown: str
    name: str
    branch: Branch
    blob: str
    source: Source
    version: int
    content: Leaf | old_leaf.OldLeaf | None
    problems: tuple[Problem, ...]

    @cached_property
    def leaf(self) -> Leaf | None:
        """The content in the models of version 4; an older leaf is lifted when this is asked for."""
        return _lifted(self.content, self.name)

    @property
    def data(self) -> dict[str, Any]:
        """The keys of the file as plain values, faulty ones included; empty where it is no leaf of a known version."""
        return self.source.data if self.version else {}

    @property
    def seeds(self) -> list[tuple[int, dict[str, Any]]]:
        """The seeds that are groups of keys, each with its index in `seed_examples`."""
        found = self.data.get("seed_examples")
        seeds = found if isinstance(found, list) else []
        return [(index, seed) for index, seed in enumerate(seeds) if isinstance(seed, dict)]


def load(path: Path, shown: str | None = None, *, direct: bool = False) -> Loaded:
    """Read one leaf. `shown` is what its problems call the file; by default the path as given.

    `direct`: it is known that no link stands between the file and its branch, and none is looked for.
    """
    shown = path.as_posix() if shown is None else shown
    root, parts = _place(path)
    data, refusal = _bytes(path, None if direct else root)
    text, fault = _text(data)
    source = Source(shown, text)
    problems = list(source.problems)
    if refusal:
        problems.append(source.problem((), *refusal))
    if fault:
        position = source.place(fault.at)
        problems.append(source.problem_at(position, "not-utf8", *fault[1:]))
    name, branch = leaf_name(parts), branch_of(parts, source.data)
    version, content, found = _read(source, branch) if text or not problems else (0, None, [])
    problems += found
    if version == 1:  # where the peer lets a key stand twice
        problems = [_milder(problem) if problem.rule == "duplicate-key" else problem for problem in problems]
    problems = [each for each in problems if each.rule == "yaml-syntax" or each.line not in source.guessed]
    if any(problem.level == Level.ERROR for problem in problems):
        content = None
    blob = "" if refusal else blob_id(data)
    return Loaded(path, shown, name, branch, blob, source, version, content, tuple(sorted(set(problems))))


def parse(data: bytes, name: str) -> Leaf | None:
    """Return what a leaf says that is no file now, such as one of git's history; None where it has errors."""
    source = Source(name, _text(data)[0])
    branch = branch_of(PurePosixPath(name).parts, source.data)
    _, content, problems = _read(source, branch)
    return None if failed([*source.problems, *problems]) else _lifted(content, name)


def blob_id(data: bytes) -> str:
    """Return git's id of a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _Refusal(NamedTuple):
    rule: str
    message: str
    fix: str = ""


class _EncodingFault(NamedTuple):
    at: int  # of the character, in the text without its byte order mark
    message: str
    fix: str


def _place(path: Path) -> tuple[str, Sequence[str]]:
    """Return the folder that holds the leaf's branch, and the parts of the leaf's path from its branch on.

    The branch is the one below a folder `taxonomy`, else the last that is named in the path; a path that names none
    stays as it is given, and its root is the leaf's own folder.
    """
    absolute = os.path.abspath(path)  # noqa: PTH100 (resolve would follow links)
    *folders, _ = parts = absolute.replace(os.sep, "/").split("/")
    index = branch_index(folders)
    if index is None:
        return os.sep.join(folders), PurePosixPath(path.as_posix()).parts  # noqa: PTH118
    return os.sep.join(parts[:index]), parts[index:]  # noqa: PTH118


def _leads_outside(path: str, root: str) -> bool:
    """Tell whether a link, at the file or at a folder between it and `root`, leads out of `root`."""
    linked = False
    end = len(path)
    while end > len(root):
        linked = linked or os.path.islink(path[:end])  # noqa: PTH114 (ten times faster)
        end = path.rfind(os.sep, 0, end)
    return linked and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root or os.sep))


def _bytes(path: Path, root: str | None) -> tuple[bytes, _Refusal | None]:
    absolute = os.path.abspath(path)  # noqa: PTH100
    try:
        if root is not None and _leads_outside(absolute, root):
            fix = "put the file itself here, not a link to it"
            return b"", _Refusal("symlink", "this is a link to a file outside the taxonomy", fix)
        # without blocking, as a named pipe would wait for a writer
        descriptor = os.open(absolute, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            return _descriptor_bytes(descriptor, path.name)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        fix = "mend its name or its access rights"
        return b"", _Refusal("unreadable-file", f"this file cannot be read: {excerpt(reason)}", fix)


def _descriptor_bytes(descriptor: int, name: str) -> tuple[bytes, _Refusal | None]:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "no ordinary file"
        return b"", _Refusal("unreadable-file", f"`{excerpt(name)}` is {what}, but a leaf is a file", "rename it")
    if status.st_size > MAX_BYTES:
        message = f"this file has {status.st_size:,} bytes; a leaf has at most {MAX_BYTES:,}"
        return b"", _Refusal("too-large", message, "split it into several leaves")
    parts = [os.read(descriptor, status.st_size + 1)]
    if len(parts[0]) != status.st_size:  # it is being written to
        while part := os.read(descriptor, MAX_BYTES):
            parts.append(part)
    return b"".join(parts)[: MAX_BYTES + 1], None


def _text(data: bytes) -> tuple[str, _EncodingFault | None]:
    """Decode; bytes that are no UTF-8 are replaced, so that the rest is still checked."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", _EncodingFault(
            0, "this file is saved as UTF-16", "save it with the encoding UTF-8 (in Notepad: Save as, Encoding)"
        )
    if data.startswith(b"PK\x03\x04"):
        message = "this file is no text, but a Word document or another zip archive"
        return "", _EncodingFault(0, message, "save it as plain text with the encoding UTF-8")
    try:
        return data.decode(), None
    except UnicodeDecodeError as error:
        index = len(data[: error.start].decode().removeprefix("\ufeff"))
        message = f"the byte 0x{data[error.start]:02X} is not UTF-8: this file was saved in another encoding"
        return data.decode(errors="replace"), _EncodingFault(index, message, "save it with the encoding UTF-8")


def _lifted(content: Leaf | old_leaf.OldLeaf | None, name: str) -> Leaf | None:
    return old_leaf.lift(content, name) if isinstance(content, old_leaf.OldLeaf) else content


def _read(source: Source, branch: Branch) -> tuple[int, Leaf | old_leaf.OldLeaf | None, list[Problem]]:
    """Return the version of a leaf, its content where it fits its schema, and the problems where it does not."""
    data = source.data
    if not data and failed(source.problems):
        return 0, None, []
    if not data:
        message, fix = "this file is empty", "`taxonomy/` has leaves to start from; or delete the file"
        return 0, None, [source.problem((), "empty-file", message, fix, level=Level.WARNING)]
    if not isinstance(data, dict):
        return 0, None, [_no_mapping(source)]
    version, problems = _version(source, data)
    if version >= 3 and branch != "foundational_skills":
        branch, misplaced = _branch_of_content(source, branch)
        problems += misplaced
    if version == NEWEST:
        model: type[Leaf] = KnowledgeLeaf if branch == "knowledge" else SkillLeaf
        leaf, found = _validate(source, model, {**data, "version": version})
        return version, leaf, problems + found
    if version in old_leaf.VERSIONS:
        old, found = _read_old(source, version, branch)
        return version, old, problems + found
    return 0, None, problems


_KNOWLEDGE_KEYS = ("domain", "document_outline", "documents", "document")


def _branch_of_content(source: Source, branch: Branch) -> tuple[Branch, list[Problem]]:
    """Return the branch that a leaf was written for, as its keys tell, and a problem where it lies in another."""
    keys = source.data.keys()
    of_knowledge = [key for key in _KNOWLEDGE_KEYS if key in keys]
    if branch != "knowledge" and len(of_knowledge) > 1 and "task_description" not in keys:
        message = f"this leaf lies in {branch}, but is written as knowledge: it has `{'`, `'.join(of_knowledge)}`"
        fix = "move its folder, with the documents, to taxonomy/knowledge"
        return "knowledge", [source.problem((of_knowledge[0],), "wrong-branch", message, fix, at_key=True)]
    if branch == "knowledge" and not of_knowledge and "task_description" in keys:
        message = "this leaf lies in knowledge, but is written as a skill: it has `task_description` and no documents"
        fix = "move its folder to taxonomy/compositional_skills (or foundational_skills), or write it as knowledge"
        return "compositional_skills", [
            source.problem(("task_description",), "wrong-branch", message, fix, at_key=True)
        ]
    return branch, []


def _read_old(source: Source, version: int, branch: Branch) -> tuple[old_leaf.OldLeaf | None, list[Problem]]:
    # the peer does not know foundational_skills, and tells knowledge there by its document
    knowledge = branch == "knowledge" or (branch == "foundational_skills" and "document" in source.data)
    model = old_leaf.model_of(version, knowledge=knowledge)
    if model is None:
        message = f"version {version} of the format has no knowledge leaves"
        fix = "write it in version 4, with its documents beside it (of the older ones, 3 alone has knowledge)"
        return None, [source.problem(("version",), "unsupported-version", message, fix)]
    old, problems = _validate(source, model, {**source.data, "version": version})
    if old is None:
        old_leaf.reread(source, source.data)
        old, problems = _validate(source, model, {**source.data, "version": version})
    for loc, items, least, unique in old_leaf.lists(version, source.data):
        if len(items) < least:
            problems.append(faults.too_few(source, loc, least, len(items)))
        if unique:
            pairs = old_leaf.repeats(items)
            problems += [faults.duplicate_item(source, (*loc, again), (*loc, first)) for again, first in pairs]
    return old, problems


def _version(source: Source, data: dict[str, Any]) -> tuple[int, list[Problem]]:
    """Return the version that a leaf states (0: none that exists), and what is wrong with the way it does."""
    # one that differs in case alone is a key that nobody knows, but tells what is meant
    key = "version" if "version" in data else next((each for each in data if each.lower() == "version"), "version")
    stated = data.get(key, 1)
    if isinstance(stated, str) and stated.strip() in {"1", "2", "3", "4"}:
        version = int(stated)
        message = f'`version` must be a number, but "{excerpt(stated)}" is a text'
        return version, [source.problem((key,), "wrong-type", message, f"write {version}, without quotes")]
    if isinstance(stated, int | float) and not isinstance(stated, bool) and stated in {1, 2, 3, NEWEST}:
        return int(stated), []
    if stated is None:
        return 0, [source.problem((key,), "unsupported-version", "`version` is empty", f"write {NEWEST}")]
    written = f"`{excerpt(stated, 40)}`" if isinstance(stated, int | float | str) else "no number"
    message = f"`version` is {written}, but the versions of the format are 1 to {NEWEST}"
    return 0, [source.problem((key,), "unsupported-version", message, f"write {NEWEST}")]


def _no_mapping(source: Source) -> Problem:
    what = "a list" if isinstance(source.data, list) else f"the text {excerpt(source.data, 40)}"
    fix = "write keys and their values, as in `created_by: octocat`"
    if isinstance(source.data, list):
        fix = "write `seed_examples:` above the list, and above that the other keys, such as `created_by:`"
    return source.problem((), "no-keys", f"a leaf is a group of keys with values, but this file is {what}", fix)


def _milder(problem: Problem) -> Problem:
    return problem._replace(level=Level.WARNING)


def _validate(source: Source, model: type[M], data: dict[str, Any]) -> tuple[M | None, list[Problem]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, faults.explain(source, error, model)
