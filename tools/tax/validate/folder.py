"""Where the cache of `tax validate` lies: in .tax/cache/ of a checkout, else in the user's folder for caches."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

FOLDER = ".tax"


def cache_file(root: Path, basis: str) -> Path:
    """Return the file that keeps the verdicts of a checkout for one state of the rules."""
    folder = root / FOLDER / "cache" if _ours(root) else _users() / "tax" / _digest(root)
    return folder / f"{basis}.verdicts"


def _ours(root: Path) -> bool:
    """Tell whether .tax in a checkout is git's to leave alone: what was committed there came from a stranger.

    A pull request could bring verdicts of its own along, that nothing is wrong with it.
    """
    command = ["git", "-C", str(root), "ls-files", "--", FOLDER]
    try:
        listed = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return False  # no checkout, or no git: the folder may have come as it is
    return not listed.stdout


def _users() -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")


def _digest(root: Path) -> str:
    return hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
