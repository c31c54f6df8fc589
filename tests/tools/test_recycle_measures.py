"""`tax recycle --measure` with a real tiny model: the paper's Table 3, before and after."""

import json

import pytest

from support.improving import improve
from support.loopback import RunningLoopback
from tax.improve.measured import table

pytest.importorskip("torch", reason="measuring needs the extra `train`")
pytest.importorskip("transformers", reason="measuring needs the extra `train`")

from support.random_model import causal_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a random causal model."""
    return causal_model(tmp_path_factory.mktemp("model"), context=4096)


def test_before_and_after_stand_side_by_side(tax, taxonomy, run, model):
    with RunningLoopback() as server:
        arguments = ["--teacher", server.url, "--out", "recycled", "--quiet", "--measure", model]
        code, output, errors = tax("recycle", run, *arguments)
    assert code == 0, errors
    measures = json.loads((taxonomy / "recycled/manifest.json").read_text(encoding="utf-8"))["measures"]
    assert (measures["samples"], measures["before"]["scored"], measures["after"]["scored"]) == (12, 12, 12)
    assert measures["before"]["response_words"] != measures["after"]["response_words"]
    assert -1 <= measures["after"]["coherence"] <= 1
    for shown in (output, (taxonomy / "recycled/report.md").read_text(encoding="utf-8")):
        assert "| before " in shown and "| after " in shown
        assert "the paper's, recycled" in shown
        assert "not measurable with this model" in shown or measures["after"]["measurable"]


def test_nothing_recycled_is_nothing_measured(tax, alpaca, model):
    with RunningLoopback(say=lambda name, text: "no") as server:
        manifest = improve(tax, "recycle", server.url, alpaca, "--measure", model)
    assert (manifest["kept"], manifest["measures"]["samples"]) == (0, 0)
    assert "0 recycled samples" in table(manifest["measures"])


def test_a_model_that_is_none_is_told_before_any_call(tax, taxonomy, alpaca):
    with RunningLoopback() as server:
        code, _, errors = tax("recycle", alpaca, "--teacher", server.url, "--measure", str(taxonomy))
        assert (code, server.seen) == (2, 0)
        assert "is no model folder: it has no config.json" in errors
        code, _, errors = tax("recycle", alpaca, "--teacher", server.url, "--encoder", str(taxonomy))
        assert (code, "--encoder goes with --measure" in errors) == (2, True)
