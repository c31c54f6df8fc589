"""`tax recycle --measure` with a real tiny model: the paper's Table 3, before and after."""

import json

import pytest

from support.improving import improve
from support.leaves import lines
from support.loopback import RunningLoopback
from tax.improve.measured import load_models, measure, table

pytest.importorskip("torch", reason="measuring needs the extra `train`")
pytest.importorskip("transformers", reason="measuring needs the extra `train`")

from support.random_model import causal_model
from tax.measures.perplexity import EMPTY, TOO_LONG, Scorer


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
    assert (measures["samples"], measures["scored"], measures["unscored"]) == (12, 12, {})
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


def test_both_sides_are_of_the_same_samples(tmp_path):
    models = load_models(causal_model(tmp_path / "small", context=64), None)
    before = [("What is the tide?", "The sea."), ("Why?", "The moon."), ("the sea " * 99, "No."), ("Why?", "")]
    after = [("What is a tide?", "The rise."), ("the sea " * 99, "It pulls."), ("the sea " * 99, ""), ("Why?", "No.")]
    found = measure(before, after, models)
    alone = measure(before[:1], after[:1], models)
    assert (found["samples"], found["scored"]) == (4, 1)
    assert found["unscored"] == {f"{TOO_LONG} (after)": 1, f"{TOO_LONG} (before)": 1, f"{EMPTY} (before)": 1}
    for side in ("before", "after"):
        for name in ("coherence", "ifd", "instruction_perplexity", "response_perplexity_given", "below_one"):
            assert found[side][name] == pytest.approx(alone[side][name], abs=1e-4)
    shown = table(found)
    assert "figures are of 1 of the samples, those that can be measured both before and after" in shown
    assert f"1 {EMPTY} (before)" in shown


def test_memory_that_is_too_small_is_told_and_costs_no_sample(tax, taxonomy, alpaca, model, monkeypatch):
    import torch

    with RunningLoopback() as server:
        plain = improve(tax, "recycle", server.url, alpaca, out="plain")
        with monkeypatch.context() as patched:
            patched.setattr(Scorer, "_losses", lambda self, pairs: torch.empty(1 << 55))  # a real refusal of memory
            code, output, errors = tax(
                "recycle", alpaca, "--teacher", server.url, "--out", "improved", "--quiet", "--measure", model
            )
        assert code == 0, errors
        assert "The models' figures are missing: out of memory." in output
        assert "out of memory" in (taxonomy / "improved/report.md").read_text(encoding="utf-8")
        manifest = json.loads((taxonomy / "improved/manifest.json").read_text(encoding="utf-8"))
        assert (manifest["status"], manifest["measures"]["failed"]) == ("finished", "out of memory")
        assert len(lines(taxonomy / "improved/samples.jsonl")) == plain["kept"] > 0
        paid = server.seen
        again = improve(tax, "recycle", server.url, alpaca, "--measure", model)
        assert (server.seen, again["measures"]["scored"]) == (paid, plain["kept"])


def test_a_model_that_is_none_is_told_before_any_call(tax, taxonomy, alpaca):
    with RunningLoopback() as server:
        code, _, errors = tax("recycle", alpaca, "--teacher", server.url, "--measure", str(taxonomy))
        assert (code, server.seen) == (2, 0)
        assert "is no model folder: it has no config.json" in errors
        code, _, errors = tax("recycle", alpaca, "--teacher", server.url, "--encoder", str(taxonomy))
        assert (code, "--encoder goes with --measure" in errors) == (2, True)
