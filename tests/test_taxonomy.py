"""The shipped taxonomy: what every leaf must be, beyond what `tax validate` asks."""

from pathlib import Path

import pytest

from tax.config import find_config
from tax.documents.reading import read_documents
from tax.leaf import KnowledgeLeaf
from tax.load import load
from tax.text.segments import tokens
from tax.validate import check

PROJECT = Path(__file__).parent.parent
LEAVES = sorted((PROJECT / "taxonomy").rglob("qna.yaml"))


def name(path):
    return path.parent.relative_to(PROJECT / "taxonomy").as_posix()


@pytest.mark.parametrize("path", LEAVES, ids=name)
def test_a_shipped_leaf(path):
    assert check(path, find_config(PROJECT)) == []
    loaded = load(path)
    assert loaded.version == 4
    seeds = loaded.leaf.seed_examples
    assert len(seeds) >= 5
    assert sum(seed.holdout for seed in seeds) == 1
    if loaded.branch == "foundational_skills":
        assert loaded.leaf.problem_templates or loaded.leaf.dataset
    if isinstance(loaded.leaf, KnowledgeLeaf):
        for document in read_documents(loaded.leaf, path.parent):
            assert len(tokens(document.text)) >= 1200
            assert document.license in {"CC0-1.0", "CC-BY-4.0"}


def test_the_branches_are_filled():
    leaves = [load(path) for path in LEAVES]
    branches = [leaf.branch for leaf in leaves]
    assert branches.count("knowledge") >= 5
    assert branches.count("foundational_skills") >= 4
    assert branches.count("compositional_skills") >= 7
    assert any(leaf.leaf.language == "zh-Hant-TW" for leaf in leaves if leaf.branch == "knowledge")
