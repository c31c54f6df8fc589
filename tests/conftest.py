"""Fixtures that several tests use: a small taxonomy in a git repository, and the command line in this process."""

import os

import git
import pytest
from hypothesis import settings

from support.leaves import COMPOST, LEAVES, write_leaf
from tax.cli import run as run_cli

# In CI a red run can be repeated: the same cases are drawn each time. At a desk they are new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture
def taxonomy(tmp_path):
    """A git repository with one small leaf of each kind, committed by Ada."""
    root = tmp_path / "checkout"
    for name, text in LEAVES.items():
        write_leaf(root, name, text)
    (root / "taxonomy/knowledge/handbooks/gardening/compost/compost.md").write_text(COMPOST.lstrip(), encoding="utf-8")
    (root / ".gitignore").write_text("runs/\n.tax/\n", encoding="utf-8")
    repo = git.Repo.init(root, initial_branch="main")
    with repo.config_writer() as config:
        config.set_value("user", "name", "Ada Contributor").set_value("user", "email", "ada@example.org")
    repo.git.add("-A")
    repo.git.commit("-m", "Add the first leaves")
    repo.close()
    return root


@pytest.fixture
def tax(taxonomy, monkeypatch, capsys):
    """Call the command line in the taxonomy's folder: tax("validate") -> (exit code, output, errors)."""
    monkeypatch.chdir(taxonomy)

    def call(*arguments):
        code = run_cli([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
