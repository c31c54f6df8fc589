"""Fixtures that several tests use: a small taxonomy in a git repository, and the command line in this process."""

import json
import os
import signal

import git
import pytest
from hypothesis import settings

from support.improving import ALPACA
from support.leaves import COMPOST, LEAVES, write_leaf
from support.loopback import RunningLoopback
from tax.cli import run as run_cli

# In CI a red run can be repeated: the same cases are drawn each time. At a desk they are new ones. Nothing is timed.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# A shell that starts the tests in the background has Ctrl-C ignored, and so would every process that they interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def run(tax, taxonomy):
    """A generated run of every kind of leaf, in the folder `out`."""
    with RunningLoopback() as server:
        code, _, errors = tax("generate", "--teacher", server.url, "--samples", 3, "--out", "out", "--quiet")
        assert code == 0, errors
    return taxonomy / "out"


@pytest.fixture
def alpaca(taxonomy):
    """A file in the form alpaca."""
    path = taxonomy / "alpaca.json"
    path.write_text(json.dumps(ALPACA), encoding="utf-8")
    return path
