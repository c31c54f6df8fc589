"""Leaves to problems: every leaf that the paths name is judged by all rules, beside the others of its taxonomy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tax.config import Config
from tax.problems import Problem
from tax.rules import elsewhere
from tax.tree import TAXONOMY
from tax.validate.basis import basis
from tax.validate.cache import Cache, Entry
from tax.validate.files import File, below, find, shown
from tax.validate.folder import cache_file
from tax.validate.verdicts import Job, check, check_loaded, judge

__all__ = ["Report", "check", "check_loaded", "validate"]


@dataclass(frozen=True)
class Report:
    """How many leaves were checked, and what was found: file by file as the paths name them, in order of place."""

    checked: int
    problems: tuple[Problem, ...]


def validate(paths: Sequence[Path], config: Config, root: Path | None = None, *, cached: bool = False) -> Report:
    """Check leaves. A path is a leaf's file, or a folder of which every leaf below is checked (hidden folders are not).

    With the root of a checkout, their seeds are compared with those of its whole taxonomy, else among each other.
    `cached`: what is known of leaves that have not changed is taken from the checkout's cache, and kept there.
    Raises UserError where a path does not exist, or where a folder holds no leaf.
    """
    cache = Cache(cache_file(root, basis(config, root)) if root and cached else None, str(root or Path.cwd()))
    problems: list[Problem] = []
    files = find(paths, problems)
    around = _around(root, files)
    entries = _entries(files, around, config, cache)
    prints = {key: elsewhere.Print(entry.print) for key, entry in entries.items()}
    found: dict[str, list[Problem]] = {}
    for key, file in files.items():
        path = shown(file.path)
        found[key] = [Problem(path, *each) for each in entries[key].problems or ()]
    everywhere = {**around, **files}
    for repeat in elsewhere.repeats(prints):
        if repeat.leaf in found:
            found[repeat.leaf].append(elsewhere.problem(repeat, prints, lambda key: shown(everywhere[key].path)))
    problems += [problem for each in found.values() for problem in sorted(each)]
    return Report(len(files), tuple(problems))


def _around(root: Path | None, files: Mapping[str, File]) -> dict[str, File]:
    """Return the other leaves of the taxonomy, which the seeds are compared with."""
    taxonomy = root / TAXONOMY if root else None
    if taxonomy is None or not taxonomy.is_dir():
        return {}
    return {file.key: file for file in below(taxonomy, []) if file.key not in files}


def _entries(files: Mapping[str, File], around: Mapping[str, File], config: Config, cache: Cache) -> dict[str, Entry]:
    """Return what is known of each leaf: from the cache, or found out now and put there."""
    entries: dict[str, Entry] = {}
    jobs = []
    for wanted, judged in ((files, True), (around, False)):
        for key, file in wanted.items():
            known = cache.find(key, file.status, judged=judged)
            if known is not None:
                entries[key] = known
            else:
                jobs.append(Job(file, judged))
    try:
        for job, result in zip(jobs, judge(jobs, config, cache.started), strict=True):
            entries[job.file.key] = result.entry
            if result.lasting:
                cache.add(job.file.key, result.entry)
    finally:  # what an interrupted run found out is kept too
        cache.save()
    return entries
