"""Rules about the leaf's file and its folders."""

import re
from collections.abc import Iterator

from tax.config import Config
from tax.leaf import BRANCHES, FILE_NAME
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule

_FOLDER = re.compile("[a-z0-9_]+")


@rule("file-name", Level.ERROR, older=Level.ERROR)
def file_name(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A leaf's file is called qna.yaml, to the letter; a file of any other name is not found by anybody.

    Passes: taxonomy/knowledge/oceanography/tides/qna.yaml

    Fails: taxonomy/knowledge/oceanography/tides/qna.yml
    """
    if leaf.path.name != FILE_NAME:
        message = f"a leaf's file is called {FILE_NAME}, but this one is called {excerpt(leaf.path.name)}"
        yield Finding((), message, f"rename it to {FILE_NAME}, in a folder named after its subject")


@rule("folder-name", Level.WARNING, older=Level.HINT)
def folder_names(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A leaf lies in a branch, in a folder of its own; names of folders hold a to z, digits and underscores only.

    The folders name the leaf, in reports, in data and in the web addresses of its pages. Names with spaces need quotes
    everywhere, and on some computers Tides and tides are one folder.

    Passes: taxonomy/knowledge/earth_science/tides/qna.yaml

    Fails: taxonomy/knowledge/Earth Science/tides/qna.yaml
    """
    if not leaf.version:
        return
    branch, *folders = leaf.name.split("/")
    if branch not in BRANCHES:
        message = "this leaf lies in no branch of a taxonomy"
        yield Finding((), message, f"put it into a folder below {', '.join(BRANCHES[:-1])} or {BRANCHES[-1]}")
        return
    if not folders:
        yield Finding(
            (), f"this leaf lies in the branch {branch} itself", "put it into a folder named after its subject"
        )
    for folder in folders:
        if not _FOLDER.fullmatch(folder):
            better = re.sub("[^a-z0-9]+", "_", folder.lower()).strip("_")
            fix = f"rename it to {better}" if better else "name its subject in English"
            message = f"the folder name {excerpt(folder)} holds more than a to z, digits and underscores"
            yield Finding((), message, fix)
