"""What real people contributed: every leaf that their validator accepted is lifted to version 4."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tax.config import Config
from tax.load import load
from tax.problems import failed
from tax.validate import check_loaded
from tax.write import format_text
from tax.write.read import comments

CONTRIBUTIONS = Path(__file__).parent.parent.parent.parent / "shared" / "contributions"
pytestmark = pytest.mark.skipif(
    not CONTRIBUTIONS.is_dir(), reason="the real contributions are not beside this checkout"
)


def accepted():
    with (CONTRIBUTIONS / "verdicts.jsonl").open(encoding="utf-8") as lines:
        verdicts = [json.loads(line) for line in lines]
    return [CONTRIBUTIONS / verdict["file"] for verdict in verdicts if verdict["accepted"]]


def test_every_accepted_leaf_is_lifted_to_a_valid_one_that_says_the_same(tmp_path):
    for path in accepted():
        old = load(path)
        text = format_text(old.source.text, old.name, upgrade=True, license="CC-BY-4.0").text
        lifted = tmp_path / "taxonomy" / old.name / "qna.yaml"
        lifted.parent.mkdir(parents=True, exist_ok=True)
        lifted.write_text(text, encoding="utf-8")
        new = load(lifted)
        assert new.version == 4
        assert new.leaf is not None and not failed(check_loaded(new, Config())), (path, new.problems)
        assert content(new.leaf) == content(old.leaf), path
        assert own_comments(text) >= own_comments(old.source.text), path
        assert not format_text(text, old.name, upgrade=True).changed


def content(leaf):
    """What a leaf says, but for what an upgrade writes: the licence, and a repository's https address."""
    dumped = leaf.model_dump(exclude={"license": True, "documents": {"__all__": {"license"}}})
    for document in dumped.get("documents", ()):
        document["repo"] = re.sub(r"^(?:https?://|(?:ssh://)?git@)", "", document["repo"].strip()).replace(":", "/")
    return dumped


def own_comments(text):
    return Counter(comment.text for comment in comments(text) if comment.text)
