"""Rules about the leaf's file."""

from collections.abc import Iterator

from tax.config import Config
from tax.leaf import FILE_NAME
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule


@rule("file-name", Level.ERROR, older=Level.ERROR)
def file_name(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A leaf's file is called qna.yaml, to the letter; a file of any other name is not found by anybody.

    Passes: taxonomy/knowledge/oceanography/tides/qna.yaml

    Fails: taxonomy/knowledge/oceanography/tides/qna.yml
    """
    if leaf.path.name != FILE_NAME:
        message = f"a leaf's file is called {FILE_NAME}, but this one is called {excerpt(leaf.path.name)}"
        yield Finding((), message, f"rename it to {FILE_NAME}, in a folder named after its subject")
