"""What a taxonomy holds, branch by branch (`tax tree`), and what changed in it against a base (`tax diff`)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rapidfuzz.distance import Indel

from tax.leaf import BRANCHES, FILE_NAME, KnowledgeLeaf, SkillLeaf
from tax.load import blob_id, load
from tax.problems import printable
from tax.tree import TAXONOMY, files_at, fork_point, leaf_files, repository_of

SIMILAR = 0.6  # of a leaf's lines: a leaf that went and one that came with as many in common are one that moved
MAX_PAIRS = 2_500  # compared line by line; beyond that only equal files are taken for moved ones

_Lines = Callable[[str], list[str]]


@dataclass
class Branch:
    """The counts of one branch."""

    leaves: int = 0
    unreadable: int = 0
    seeds: int = 0
    holdouts: int = 0
    templates: int = 0
    documents: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    names: dict[str, int] = field(default_factory=dict)  # of leaves, below the branch; each with its number of seeds


def branches(folder: Path) -> dict[str, Branch]:
    """Count what lies in each branch below a folder."""
    found = {name: Branch() for name in BRANCHES}
    for path in leaf_files(folder):
        loaded = load(path)
        branch = found[loaded.branch]
        branch.leaves += 1
        leaf = loaded.leaf
        branch.names[loaded.name.removeprefix(f"{loaded.branch}/")] = len(leaf.seed_examples) if leaf else 0
        if leaf is None:
            branch.unreadable += 1
            continue
        branch.seeds += len(leaf.seed_examples)
        branch.holdouts += sum(seed.holdout for seed in leaf.seed_examples)
        branch.languages[leaf.language] += 1
        branch.licenses[leaf.license] += 1
        branch.templates += len(leaf.problem_templates) if isinstance(leaf, SkillLeaf) else 0
        branch.documents += len(leaf.documents) if isinstance(leaf, KnowledgeLeaf) else 0
    return found


def drawn(found: Mapping[str, Branch]) -> str:
    """Return the branches as people read them: the counts, then the leaves as a tree of folders."""
    lines: list[str] = []
    for name, branch in found.items():
        counts = [
            _many(branch.leaves, "leaf", "leaves"),
            f"{_many(branch.seeds, 'seed')} ({branch.holdouts} held out)",
            *([_many(branch.templates, "problem template")] if branch.templates else []),
            *([_many(branch.documents, "document")] if branch.documents else []),
            *([f"{branch.unreadable} with errors"] if branch.unreadable else []),
        ]
        lines.append(f"{name}: {', '.join(counts)}")
        for title, counter in (("languages", branch.languages), ("licences", branch.licenses)):
            if counter:
                lines.append(f"  {title}: " + ", ".join(f"{printable(key)} {n}" for key, n in counter.most_common()))
        lines += ["", *_folders(branch.names), ""]
    return "\n".join(lines).rstrip() + "\n"


def _folders(names: Mapping[str, int]) -> Iterator[str]:
    before: Sequence[str] = ()
    for name, seeds in sorted(names.items()):
        parts = PurePosixPath(name).parts
        shared = next((i for i, pair in enumerate(zip(parts, before, strict=False)) if pair[0] != pair[1]), len(before))
        for depth in range(min(shared, len(parts) - 1), len(parts)):
            note = f"  {_many(seeds, 'seed')}" if depth == len(parts) - 1 else ""
            yield "  " * (depth + 1) + printable(parts[depth]) + note
        before = parts


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"


@dataclass(frozen=True)
class Difference:
    """Leaves that differ from a base, by name; `moved` pairs the old name with the new one."""

    base: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]


def difference(root: Path, base: str | None) -> Difference:
    """Compare the leaves as they lie in the checkout with those where this branch left a base. Raises UserError."""
    repo = repository_of(root)
    fork = fork_point(repo, base)
    taxonomy = root / TAXONOMY
    old, new = _leaves(files_at(repo, fork, taxonomy)), _leaves(_files(taxonomy))
    gone = {name: old[name][FILE_NAME] for name in sorted(old.keys() - new.keys())}
    come = {name: new[name][FILE_NAME] for name in sorted(new.keys() - old.keys())}

    def lines_before(name: str) -> list[str]:
        return str(repo.git.cat_file("blob", gone[name])).splitlines()

    def lines_now(name: str) -> list[str]:
        return (taxonomy / name / FILE_NAME).read_text("utf-8", "replace").splitlines()

    moved = tuple(_moves(gone, come, lines_before, lines_now))
    changed = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    added, removed = come.keys() - {now for _, now in moved}, gone.keys() - {before for before, _ in moved}
    return Difference(fork, tuple(sorted(added)), tuple(changed), moved, tuple(sorted(removed)))


def _moves(
    gone: Mapping[str, str], come: Mapping[str, str], lines_before: _Lines, lines_now: _Lines
) -> Iterator[tuple[str, str]]:
    """Pair leaves that went with those that came in their place: equal ones, else the most alike."""
    left = dict(come)
    compare = len(gone) * len(come) <= MAX_PAIRS
    for before, blob in gone.items():
        likeness = {name: 1.0 for name, other in left.items() if other == blob}
        if not likeness and compare:
            lines = lines_before(before)
            likeness = {name: Indel.normalized_similarity(lines, lines_now(name)) for name in left}
        best = max(likeness, key=lambda name: likeness[name], default=None)
        if best is not None and likeness[best] >= SIMILAR:
            del left[best]
            yield before, best


def _files(folder: Path) -> dict[str, str]:
    """Return the files below a folder with their blob ids; hidden ones are left out."""
    paths = ((path.relative_to(folder), path) for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        place.as_posix(): blob_id(path.read_bytes())
        for place, path in paths
        if not any(part.startswith(".") for part in place.parts)
    }


def _leaves(files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the files of each leaf with their blob ids: its own, and those in folders below that hold no leaf."""
    leaves: dict[str, dict[str, str]] = {
        PurePosixPath(path).parent.as_posix(): {} for path in files if PurePosixPath(path).name == FILE_NAME
    }
    for path, blob in files.items():
        for folder in PurePosixPath(path).parents:
            if folder.as_posix() in leaves:
                leaves[folder.as_posix()][PurePosixPath(path).relative_to(folder).as_posix()] = blob
                break
    return leaves


def told(found: Difference) -> str:
    """Return a difference as people read it, a line a leaf."""
    lines = [f"added    {printable(name)}" for name in found.added]
    lines += [f"changed  {printable(name)}" for name in found.changed]
    lines += [f"moved    {printable(old)} -> {printable(new)}" for old, new in found.moved]
    lines += [f"removed  {printable(name)}" for name in found.removed]
    return "\n".join([*lines, f"{_many(len(lines), 'leaf differs', 'leaves differ')} from {found.base[:12]}"]) + "\n"
