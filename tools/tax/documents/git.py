"""git as it may be used on a stranger's repository: over https alone, asking nobody, by nobody's configuration.

Nothing is ever checked out, so hooks, filters, links and submodules have no hold: files are read from git's objects.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tax.documents.document import DocumentFault
from tax.problems import excerpt

try:
    import resource
except ImportError:  # Windows, where watching alone bounds a fetch
    resource = None  # type: ignore[assignment]

MAX_BYTES = 500_000_000  # that a fetch may write
MAX_SECONDS = 300.0
_MEMORY = 2_000_000_000  # bytes of address space of each process of git
_STEP = 0.1  # seconds between two looks at a fetch
_KEPT = ["PATH", "TMPDIR", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"]
_PROXIES = ["https_proxy", "all_proxy", "no_proxy"]  # who runs the machine sets these, no leaf does
_OPTIONS = {
    "core.hooksPath": os.devnull,
    "core.bigFileThreshold": "1m",  # larger objects are streamed, not held
    "core.askPass": "",
    "credential.helper": "",
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",  # keep the pack: one file to watch
    "gc.auto": "0",
    "maintenance.auto": "false",
}
# What git says -> what is wrong, and the fix
_MEANINGS = [
    (("could not read Username", "Authentication failed", " 401", " 403"),
     "the repository asks for a password, or does not exist", "pin a public repository; mind slips in its address"),
    (("error: 301", "error: 302", "error: 307", "error: 308", "redirect"),
     "the address leads on to another one", "write the address that it leads to (often the same with .git at its end)"),
    (("not our ref", "unadvertised object", "no such remote ref", "did not send all necessary objects"),
     "the repository does not have this commit", "write the full hash of a commit that its server still has"),
    (("not found", " 404", "not valid: is this a git repository"),
     "there is no git repository at this address", "mind slips in the address"),
    (("does not support shallow",),
     "the server only speaks git's old protocol", "pin a copy on another server"),
    (("SSL", "certificate"),
     "the server's certificate is not to be trusted", "mind slips in the address; behind a proxy, set SSL_CERT_FILE"),
    (("Could not resolve", "Couldn't connect", "Failed to connect", "timed out", "too slow", "transfer closed"),
     "the server cannot be reached", "look at the network, and run the same command again"),
]  # fmt: skip


def read(repo: Path, *arguments: str, told: str = "") -> bytes:
    """Return what a command says of a fetched repository, which reads `told` from stdin. Raises DocumentFault."""
    ended = subprocess.run(
        _command(repo, arguments), env=_environment(repo), input=told.encode(), capture_output=True, check=False
    )
    if ended.returncode:
        said = excerpt(ended.stderr.decode(errors="replace"), 120)
        raise DocumentFault(f"the fetched copy cannot be read ({said})", "delete .tax/documents, and fetch it again")
    return ended.stdout


def blobs(repo: Path, ids: Sequence[str]) -> Iterator[bytes]:
    """Yield the contents of blobs, by one process of git. Raises DocumentFault."""
    found = read(repo, "cat-file", "--batch", told="".join(f"{each}\n" for each in ids))
    at = 0
    for _ in ids:
        head, _, size = found[at : found.index(b"\n", at)].rpartition(b" ")
        if not head.endswith(b" blob"):
            raise DocumentFault("the fetched copy lacks a file", "delete .tax/documents, and fetch it again")
        at += len(head) + len(size) + 2
        yield found[at : at + int(size)]
        at += int(size) + 1


def fetch(repo: Path, address: str, commit: str, watched: Callable[[int], object]) -> None:
    """Fetch one commit, without its history, into a new bare repository.

    `watched` is told now and then how many bytes there are. Raises DocumentFault.
    """
    repo.mkdir(parents=True)
    read(repo, "init", "--quiet", "--bare", "--template=", str(repo))
    options = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
    errors = repo / "errors.txt"
    with errors.open("wb") as written:
        process = subprocess.Popen(
            _command(repo, ["fetch", *options, "--", address, commit]),
            env=_environment(repo),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=written,
            start_new_session=True,
        )
        try:
            _bound(process)
            _watch(process, repo, watched)
        finally:
            _end(process)
    said = errors.read_text(encoding="utf-8", errors="replace")
    errors.unlink()
    if process.returncode:
        raise _fault(said)
    if read(repo, "cat-file", "-t", commit).strip() != b"commit":
        raise DocumentFault("the hash is not that of a commit", "write the full hash of a commit")


def _command(repo: Path, arguments: Sequence[str]) -> list[str]:
    options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
    return ["git", f"--git-dir={repo}", *options, *arguments]


def _environment(repo: Path) -> dict[str, str]:
    proxies = [name for each in _PROXIES for name in (each, each.upper())]
    kept = {name: os.environ[name] for name in [*_KEPT, *proxies] if name in os.environ}
    return kept | {
        "HOME": str(repo),  # no .netrc, no .gitconfig
        "XDG_CONFIG_HOME": str(repo),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": "https",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }


def _bound(process: "subprocess.Popen[bytes]") -> None:
    if resource is None or not hasattr(resource, "prlimit"):
        return
    with contextlib.suppress(OSError):  # it has ended already, or may not be bounded
        resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (MAX_BYTES, MAX_BYTES))


def _watch(process: "subprocess.Popen[bytes]", repo: Path, watched: Callable[[int], object]) -> None:
    start = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STEP)
        size = _size(repo)
        watched(size)
        if size >= MAX_BYTES:
            raise DocumentFault(
                f"the repository is larger than {MAX_BYTES // 1_000_000} MB", "put the documents beside the leaf"
            )
        if process.returncode is not None:
            return
        if time.monotonic() - start > MAX_SECONDS:
            raise DocumentFault(
                f"fetching the repository takes longer than {MAX_SECONDS:.0f} seconds",
                "run the same command again, or put the documents beside the leaf",
            )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End git and its helpers, if they still run."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _size(folder: Path) -> int:
    size = 0
    for current, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # git renames and deletes as it goes
                size += Path(current, name).stat().st_size
    return size


def _fault(said: str) -> DocumentFault:
    for marks, message, fix in _MEANINGS:
        if any(mark in said for mark in marks):
            return DocumentFault(message, fix)
    last = next((line for line in reversed(said.splitlines()) if line.startswith(("fatal:", "error:"))), "git failed")
    return DocumentFault(f"the repository cannot be fetched ({excerpt(last, 120)})", "mind slips in the address")
