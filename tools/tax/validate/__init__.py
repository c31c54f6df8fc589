"""Leaves to problems: every leaf that the paths name is judged by all rules, beside the others of its taxonomy."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tax.config import Config
from tax.problems import Problem
from tax.rules import elsewhere
from tax.tree import TAXONOMY
from tax.validate.basis import basis
from tax.validate.cache import Cache, Entry
from tax.validate.disk import Beside
from tax.validate.files import File, below, find, shown
from tax.validate.folder import cache_file
from tax.validate.verdicts import Job, check, check_loaded, judge, spare_collector

__all__ = ["Report", "check", "check_loaded", "spare_collector", "validate"]


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
    files = {cache.name(file.key): file for file in find(paths, problems)}
    everywhere = {cache.name(file.key): file for file in _around(root, paths)} | files
    cache.load()
    entries, passing = _entries(everywhere, files, config, cache)
    repeats = _repeats(entries, passing, cache)
    saving = Beside(cache.save)
    problems += _problems(files, everywhere, entries, repeats)
    saving.result()
    return Report(len(files), tuple(problems))


def _problems(
    files: Iterable[str],
    everywhere: Mapping[str, File],
    entries: Mapping[str, Entry],
    repeats: Mapping[str, elsewhere.Repeats],
) -> Iterator[Problem]:
    """Yield the problems of some files in order of place, those that come from other leaves among them."""
    places = {name: shown(file.path) for name, file in everywhere.items()}
    for name in files:
        path, entry = places[name], entries[name]
        found = [Problem(path, *each) for each in entry.problems or ()]
        for repeat in repeats[name]:
            other = repeat.other
            found.append(elsewhere.problem(path, entry.prints, repeat, places[other], entries[other].prints))
        yield from sorted(found)


def _around(root: Path | None, paths: Sequence[Path]) -> list[File]:
    """Return the leaves of the taxonomy, which the seeds are compared with, unless the paths name them already."""
    taxonomy = root / TAXONOMY if root else None
    if taxonomy is None or taxonomy in paths or not taxonomy.is_dir():
        return []
    return below(taxonomy, [])


def _entries(
    everywhere: Mapping[str, File], files: Container[str], config: Config, cache: Cache
) -> tuple[dict[str, Entry], set[str]]:
    """Return what is known of each leaf, from the cache or found out now; and those that it cannot be kept of."""
    entries: dict[str, Entry] = {}
    passing: set[str] = set()
    jobs: dict[str, Job] = {}
    for name, file in everywhere.items():
        judged = name in files
        known = cache.find(name, file, judged=judged)
        if known is None:
            jobs[name] = Job(file, judged)
        else:
            entries[name] = known
    try:
        for name, result in zip(jobs, judge(list(jobs.values()), config, cache.started), strict=True):
            entries[name] = result.entry
            if result.lasting:
                cache.add(name, result.entry)
            else:
                passing.add(name)
    except BaseException:  # what an interrupted run found out is kept
        cache.keep({})
        cache.save()
        raise
    return entries, passing


def _repeats(entries: Mapping[str, Entry], passing: Container[str], cache: Cache) -> dict[str, elsewhere.Repeats]:
    """Return the seeds that stand in other leaves too. What is kept of it concerns only leaves that are kept."""
    kept = {name: entry.prints for name, entry in entries.items() if name not in passing}
    known = {name: entry.repeats or () for name, entry in cache.compared.items()}
    repeats = elsewhere.renewed(known, {name: entry.prints for name, entry in cache.compared.items()}, kept)
    cache.keep(repeats)
    everywhere = {name: entry.prints for name, entry in entries.items()}
    return elsewhere.renewed(repeats, kept, everywhere)
