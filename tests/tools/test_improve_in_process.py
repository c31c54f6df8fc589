"""Recycling, translation and self-play with a real tiny model in this process as the teacher: no server between."""

import json

import pytest

pytest.importorskip("tax.teachers.hf", reason="needs the engine hf: and its packages")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the packages, when they are imported
    pytest.mark.filterwarnings("ignore:.*torch.jit.*"),
]

from support.improving import improve  # noqa: E402 - after the skip
from support.leaves import lines  # noqa: E402
from support.tiny_model import save_tiny_model  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.mark.parametrize(
    ("command", "options"),
    [("recycle", ["--keep", "better"]), ("translate", ["--to", "fr"]), ("dialogue", ["--turns", "2"])],
)
def test_a_run_ends_with_every_sample_told(tax, taxonomy, alpaca, folder, command, options):
    teacher = f"hf:{folder}"
    manifest = improve(tax, command, teacher, alpaca, *options, "--limit", 2)
    samples, dropped = (lines(taxonomy / "improved" / name) for name in ("samples.jsonl", "dropped.jsonl"))
    assert manifest["drawn"] == manifest["kept"] + sum(manifest["dropped"].values()) == 2
    assert len(samples) == manifest["kept"] + manifest["originals"]
    assert len(dropped) == 2 - manifest["kept"]
    assert sum(manifest["calls"]["asked"].values()) >= 2
    for sample in samples:
        assert (sample["parent"] is not None) == (sample["teacher"] == teacher)
    first = (taxonomy / "improved/samples.jsonl").read_bytes()
    again = improve(tax, command, teacher, alpaca, *options, "--limit", 2)
    assert again["calls"]["asked"] == {}, "a finished call was asked again"
    assert (taxonomy / "improved/samples.jsonl").read_bytes() == first
    assert json.loads((taxonomy / "improved/manifest.json").read_text(encoding="utf-8"))["status"] == "finished"
