"""What every verdict depends on beside the leaf: the rules themselves, what they run on, and tax.toml.

Nobody has to remember to raise a version: a change of any file of the program is another basis.
"""

import hashlib
import os
import sys
from pathlib import Path

import tax
from tax.config import Config
from tax.leaf import BRANCHES


def basis(config: Config, root: Path) -> str:
    """Return a digest of all that the verdicts of a checkout depend on, its leaves apart: 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for path, data in _program(Path(tax.__file__).parent):
        digest.update(b"%s\0%d\0" % (path.encode("utf-8", "surrogateescape"), len(data)) + data)
    for fact in (*_platform(), *_packages(), config.model_dump_json(), *_above(root)):
        digest.update(fact.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _program(folder: Path) -> list[tuple[str, bytes]]:
    """Return all files of the program, with their paths from its folder."""
    found = []
    for current, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.join(current, name)  # noqa: PTH118
            with open(path, "rb") as file:  # noqa: PTH123
                found.append((os.path.relpath(path, folder), file.read()))
    return found


def _platform() -> list[str]:
    return [sys.platform, sys.byteorder, sys.version]


def _packages() -> list[str]:
    """Return the installed distributions as their folders are called, such as pydantic-2.13.5.dist-info."""
    found: set[str] = set()
    for folder in sys.path:
        try:
            found.update(name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info")))  # noqa: PTH208
        except OSError:
            continue  # a zip file, or a folder that is not there
    return sorted(found)


def _above(root: Path) -> list[str]:
    """Return the root's path from the first folder on that is called like a branch: rules may see it; mostly none."""
    parts = root.parts
    return next((list(parts[index:]) for index, part in enumerate(parts) if part in {*BRANCHES, "taxonomy"}), [])
