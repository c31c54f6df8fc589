"""The taxonomy as a tree in a git repository: its leaves, what changed against a base, and which commit it is at."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tax.leaf import FILE_NAME
from tax.problems import UserError, excerpt

if TYPE_CHECKING:
    from git import Repo

TAXONOMY = "taxonomy"
_BASES = ("origin/main", "main", "origin/master", "master")


def find_root(start: Path) -> Path | None:
    """Return the nearest folder, from `start` upwards, that holds a `taxonomy` folder."""
    for folder in [start.resolve(), *start.resolve().parents]:
        if (folder / TAXONOMY).is_dir():
            return folder
    return None


def leaf_files(folder: Path) -> Iterator[Path]:
    """Yield the leaves below a folder, in order of their paths; hidden folders are left out."""
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if FILE_NAME in files:
            yield Path(current, FILE_NAME)


def leaves_at(paths: Iterable[Path]) -> list[Path]:
    """Return the leaves that a command's paths name: a leaf itself, or all below a folder. Raises UserError."""
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no file or folder {excerpt(path, 200)}")
        found |= dict.fromkeys(leaf_files(path) if path.is_dir() else [path])
    return list(found)


def repository(folder: Path) -> "Repo | None":
    """Return the git repository that holds a folder, if any does."""
    import git

    try:
        return git.Repo(folder, search_parent_directories=True)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError):
        return None


def repository_of(root: Path) -> "Repo":
    """Return the git repository of a checkout. Raises UserError where there is none."""
    repo = repository(root)
    if repo is None:
        raise UserError(f"{root} is no git repository, so nothing tells what changed: name the leaves instead")
    return repo


def changed_leaves(root: Path, base: str | None = None) -> list[Path]:
    """Return the leaves that differ from where this branch left `base`: themselves, or a file in their folder.

    What is not committed counts too. A deleted leaf is not among them. Without `base` it is origin/main, else main.
    Raises UserError where git does not know the base.
    """
    repo = repository_of(root)
    named = repo.git.diff("--name-only", "-z", "--no-renames", fork_point(repo, base), "--", ".").split("\0")
    named += repo.git.ls_files("--others", "--exclude-standard", "-z", "--full-name").split("\0")
    top = Path(str(repo.working_tree_dir))
    taxonomy = root / TAXONOMY
    leaves = {_leaf_above(top / name, taxonomy) for name in named if name}
    return sorted(leaf for leaf in leaves if leaf is not None)


def files_at(repo: "Repo", commit: str, folder: Path) -> dict[str, str]:
    """Return the files below a folder in a commit, as paths from that folder, with their blob ids."""
    place = folder.resolve().relative_to(Path(str(repo.working_tree_dir)).resolve()).as_posix()
    listed = repo.git.ls_tree("-r", "-z", "--full-tree", commit, "--", f"{place}/").split("\0")
    entries = [entry.partition("\t") for entry in listed if entry]
    return {path.removeprefix(f"{place}/"): about.split()[2] for about, _, path in entries}


def blob_at(repo: "Repo", blob: str) -> bytes | None:
    """Return the content of a blob, whichever commit holds it; None where git has none of this id."""
    import git

    try:
        content = repo.git.cat_file("blob", blob, stdout_as_string=False, strip_newline_in_stdout=False)
    except git.GitCommandError:
        return None
    return bytes(content)


def choose(paths: Sequence[Path], changed: bool, base: str | None) -> tuple[list[Path], Path]:
    """Return the paths that a command is to look at, and the root of their checkout (outside of one: here).

    Raises UserError where the options contradict each other, or where there is nothing to look at.
    """
    if base and not changed:
        raise UserError("--base goes with --changed")
    if changed and paths:
        raise UserError("--changed finds the leaves itself: leave out the paths")
    root = find_root(paths[0] if paths else Path.cwd()) or (Path.cwd() if paths else None)
    if root is None:
        raise UserError("there is no taxonomy/ here or above: go into a checkout of a taxonomy, or name the leaves")
    if changed:
        return changed_leaves(root, base), root
    return list(paths) or [root / TAXONOMY], root


def checkout() -> Path:
    """Return the root of the checkout that the current folder is in. Raises UserError outside of one."""
    root = find_root(Path.cwd())
    if root is None:
        raise UserError("there is no taxonomy/ here or above: go into a checkout of a taxonomy")
    return root


def head(root: Path) -> tuple[str | None, bool]:
    """Return the commit that the taxonomy is at, and whether it has changes that are not committed."""
    repo = repository(root)
    if repo is None or not repo.head.is_valid():
        return None, False
    return repo.head.commit.hexsha, bool(repo.git.status("--porcelain", "--", str(root / TAXONOMY)))


def fork_point(repo: "Repo", base: str | None) -> str:
    """Return the commit where this branch left `base`. Raises UserError where git does not know the base."""
    import git

    known = [name for name in ([base] if base else _BASES) if not name.startswith("-") and _is_commit(repo, name)]
    if not known:
        named = f"git knows no commit '{excerpt(base)}'" if base else "git knows no branch main to compare with"
        raise UserError(f"{named}. Name one with --base, such as --base origin/main; in CI, fetch its history first")
    try:
        return str(repo.git.merge_base(known[0], "HEAD")).strip()
    except git.GitCommandError as error:
        message = f"this branch and {known[0]} have no commit in common"
        if repo.git.rev_parse("--is-shallow-repository") == "true":
            message += ", as this clone lacks the history: fetch it first, with git fetch --unshallow"
        raise UserError(message) from error


def _is_commit(repo: "Repo", name: str) -> bool:
    import git

    try:
        repo.git.rev_parse("--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except git.GitCommandError:
        return False
    return True


def _leaf_above(path: Path, taxonomy: Path) -> Path | None:
    """Return the leaf that a changed file belongs to: its own, or that of the nearest folder above it."""
    if path.stem.lower() == "qna" and taxonomy in path.parents:  # qna.yml too, so that its name is found at fault
        return path if path.is_file() else None
    for folder in path.parents:
        if folder == taxonomy or taxonomy not in folder.parents:
            return None
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None
