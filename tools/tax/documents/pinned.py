"""Documents pinned in other repositories: fetched once, by commit, into a cache that all leaves share.

The cache holds a bare repository for each address and commit. It appears whole or not at all: it is fetched beside,
then renamed; of two processes one fetches, and the other waits for it.
Simplified: a host is looked up before git looks it up again, so a name server that lies in between is not caught.
"""

import contextlib
import fnmatch
import hashlib
import ipaddress
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tax.documents import git
from tax.documents.document import DocumentFault, File, NotReadHere
from tax.leaf import PinnedDocument
from tax.problems import excerpt

try:
    import fcntl
except ImportError:  # not on Windows, where two processes may fetch the same; the first to finish is kept
    fcntl = None  # type: ignore[assignment]

MAX_FILES = 1_000  # that the patterns of one entry may name
MAX_TOTAL = 200_000_000  # bytes of them together
PRIVATE_HOSTS = "TAX_PRIVATE_HOSTS"  # environment variable: hosts that are no public ones and may be fetched from

_failed: dict[Path, DocumentFault] = {}  # what this process could not fetch, by its place in the cache

_SYMLINK, _SUBMODULE = "120000", "160000"


class Named(NamedTuple):
    """A file in a repository's tree."""

    path: str
    mode: str
    blob: str
    size: int


def place_of(address: str, commit: str, cache: Path) -> Path:
    """Return where the cache holds a repository at a commit."""
    key = hashlib.blake2b(f"{address}\0{commit}".encode(), digest_size=16).hexdigest()
    return cache / "repos" / key


def fetch(entry: PinnedDocument, cache: Path, watched: Callable[[int], object] = lambda size: None) -> bool:
    """Fetch the repository of an entry unless the cache has it; tell whether it was fetched.

    `watched` is told now and then how many bytes have come. Raises DocumentFault; a process does not try again what
    has failed, and files() says why it did.
    """
    check_entry(entry)
    final = place_of(entry.repo, entry.commit, cache)
    if final.is_dir():
        return False
    if final in _failed:
        raise _failed[final]
    try:
        _check_host(*_host(entry.repo))
        return _fetch(entry, final, watched)
    except OSError as error:
        fault = DocumentFault(f"the repository cannot be kept in {cache}: {error.strerror}", "mend that folder")
        raise _failed.setdefault(final, fault) from error
    except DocumentFault as fault:
        _failed[final] = fault
        raise


def _fetch(entry: PinnedDocument, final: Path, watched: Callable[[int], object]) -> bool:
    final.parent.mkdir(parents=True, exist_ok=True)
    with _claimed(final):
        if final.is_dir():  # another process has fetched it meanwhile
            return False
        for left in final.parent.glob(f"{final.name}.*.part"):  # by one that was killed
            shutil.rmtree(left, ignore_errors=True)
        part = final.with_name(f"{final.name}.{os.getpid()}.part")
        try:
            git.fetch(part, entry.repo, entry.commit, watched)
            part.rename(final)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return True


def files(entry: PinnedDocument, cache: Path | None, check: Callable[[str, int], None]) -> Iterator[File]:
    """Yield the files that an entry's patterns name, in the order of their paths. `check` takes a path and a size.

    Raises DocumentFault for what may not be read; NotReadHere where the repository is not in the cache.
    """
    every = list(named(entry, cache, check))
    for found, data in zip(every, git.blobs(_repo(entry, cache), [each.blob for each in every]), strict=True):
        yield File(found.path, entry.title, entry.license, found.blob, data, entry.repo, entry.commit)


def named(entry: PinnedDocument, cache: Path | None, check: Callable[[str, int], None]) -> Iterator[Named]:
    """Yield what an entry's patterns name, without reading it; raises as files() does."""
    repo = _repo(entry, cache)
    for found in _matching(entry.patterns, _tree(repo, entry.commit)):
        if found.mode == _SYMLINK:
            raise DocumentFault(f"{excerpt(found.path)} is a link", "name the file that it leads to")
        if found.mode == _SUBMODULE:
            raise DocumentFault(f"{excerpt(found.path)} is a submodule", "pin the repository that it leads to")
        try:
            check(found.path, found.size)
        except DocumentFault as fault:
            raise DocumentFault(f"{excerpt(found.path)}: {fault}", "narrow the patterns, or " + fault.fix) from fault
        yield found


def fetched(address: str | None, commit: str | None, blob: str, root: Path) -> bytes | None:
    """Return a file of a pinned repository by git's id of it; None where nothing is pinned. Raises DocumentFault."""
    if not address or not commit or not re.fullmatch("[0-9a-f]{40}", blob):
        return None
    repo = place_of(address, commit, root / ".tax" / "documents")
    if not repo.is_dir():
        raise NotReadHere("the repository is not, or no longer, in .tax/documents: `tax generate` fetches it")
    return git.read(repo, "cat-file", "blob", blob)


def _repo(entry: PinnedDocument, cache: Path | None) -> Path:
    check_entry(entry)
    repo = place_of(entry.repo, entry.commit, cache) if cache else None
    if repo in _failed:
        raise NotReadHere(str(_failed[repo]), _failed[repo].fix)
    if repo is None or not repo.is_dir():
        raise NotReadHere("the repository is not fetched yet", "`tax generate` fetches it")
    return repo


def check_entry(entry: PinnedDocument) -> None:
    """Check what can be told of an entry without the network. Raises DocumentFault."""
    _host(entry.repo)
    if not re.fullmatch("[0-9a-f]{40}", entry.commit):  # an older leaf may name a branch, or an option of git
        fix = "write all 40 digits, as `git rev-parse HEAD` shows them"
        raise DocumentFault(f"{excerpt(entry.commit, 45)} is not the full hash of a commit", fix)
    for pattern in entry.patterns:
        _parts(pattern)


def _host(address: str) -> tuple[str, int]:
    """Return the host and port of an https address. Raises DocumentFault for any other one."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError as error:
        raise DocumentFault(f"{excerpt(address)} is no address", "write the repository's https address") from error
    if parts.scheme != "https" or not host or any(char.isspace() or not char.isprintable() for char in address):
        raise DocumentFault(f"{excerpt(address)} is no https address", "write the repository's https address")
    if parts.username is not None or parts.password is not None:
        raise DocumentFault("the address holds a user's name or password", "delete it: pin a public repository")
    if parts.query or parts.fragment:
        raise DocumentFault(f"{excerpt(address)} holds a ? or #", "write the repository's own address")
    with contextlib.suppress(ValueError):  # it is a name, not an IP address
        _check_public(host, [host])
    return host, port


def _check_host(host: str, port: int) -> None:
    """Look a host up, and check that it is a public one. Raises DocumentFault."""
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return  # behind a proxy, which looks names up itself; else git will say that there is no such host
    _check_public(host, found)


def _check_public(host: str, addresses: Iterable[str]) -> None:
    public = all(ipaddress.ip_address(each.partition("%")[0]).is_global for each in addresses)
    if not public and host not in os.environ.get(PRIVATE_HOSTS, "").split(","):
        raise DocumentFault(
            f"{excerpt(host)} is no public server",
            f"pin a public repository; who runs this may name the host in {PRIVATE_HOSTS}",
        )


def _tree(repo: Path, commit: str) -> list[Named]:
    listed = git.read(repo, "ls-tree", "-r", "-z", "-l", "--full-tree", commit).decode("utf-8", "surrogateescape")
    entries = []
    for line in listed.split("\0")[:-1]:
        about, _, path = line.partition("\t")
        mode, _, blob, size = about.split()
        entries.append(Named(path, mode, blob, int(size) if size.isdigit() else 0))
    return entries


def _matching(patterns: Sequence[str], tree: Sequence[Named]) -> list[Named]:
    found: dict[str, Named] = {}
    for pattern in patterns:
        wanted = _parts(pattern)
        matching = {each.path: each for each in tree if matches(wanted, each.path.split("/"))}
        if not matching:
            deeper = " (`*` stays within a folder; `**/` crosses folders)" if "*" in pattern else ""
            raise DocumentFault(
                f"no file of the repository is named by {excerpt(pattern)}{deeper}", "mind upper and lower case"
            )
        found |= matching
    if len(found) > MAX_FILES:
        raise DocumentFault(f"the patterns name {len(found):,} files, more than {MAX_FILES:,}", "narrow the patterns")
    if sum(each.size for each in found.values()) > MAX_TOTAL:
        raise DocumentFault(f"the files have more than {MAX_TOTAL // 1_000_000} MB together", "narrow the patterns")
    return [found[path] for path in sorted(found)]


def _parts(pattern: str) -> list[str]:
    parts = pattern.split("/")
    if pattern.startswith("/") or "\\" in pattern or {"", ".", ".."} & set(parts) or len(parts) > 50:
        fix = "write paths from the repository's root, such as docs/*.md or **/*.md"
        raise DocumentFault(f"{excerpt(pattern)} is no pattern of files in the repository", fix)
    return parts


def matches(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Tell whether a path is named by a pattern, both in parts: `**` stands for any folders, none included."""
    reached = _past_stars(pattern, {0})  # how many parts of the pattern may be used up
    for part in path:
        steps = {at for at in reached if at < len(pattern)}
        stay = {at for at in steps if pattern[at] == "**"}
        on = {at + 1 for at in steps - stay if fnmatch.fnmatchcase(part, pattern[at])}
        reached = _past_stars(pattern, stay | on)
    return len(pattern) in reached


def _past_stars(pattern: Sequence[str], reached: set[int]) -> set[int]:
    for at, part in enumerate(pattern):
        if at in reached and part == "**":
            reached = reached | {at + 1}
    return reached


@contextlib.contextmanager
def _claimed(final: Path) -> Iterator[None]:
    """Wait until no other process fetches the same."""
    with final.with_name(f"{final.name}.lock").open("w", encoding="utf-8") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
