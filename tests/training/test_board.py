"""The curves for TensorBoard, read back with TensorBoard's own reader."""

import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tax_training.engine import TorchEngine

from .test_run import Killed, kill_at


def curves(folder):
    """Return the curves of a phase as TensorBoard shows them: name to {step: value}."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {name: {each.step: each.value for each in events.Scalars(name)} for name in events.Tags()["scalars"]}


def test_the_curves_are_the_metrics_and_the_scores(tiny, plan_of, train, tmp_path):
    out = tmp_path / "out"
    metrics = train(plan_of(tiny), out)
    for phase, steps in metrics.items():
        drawn = curves(out / phase / "tensorboard")
        for name in ("loss", "learning_rate", "gradient_norm"):
            assert drawn[name] == pytest.approx({step["step"]: step[name] for step in steps}, rel=1e-6)
        assert drawn["tokens_per_second"].keys() == drawn["loss"].keys()
        scores = json.loads((out / phase / "scores.json").read_text(encoding="utf-8"))
        assert drawn[f"heldout/{phase}"] == pytest.approx({s["step"]: s["heldout"][phase] for s in scores}, rel=1e-6)


def test_after_a_kill_every_step_is_drawn_once(tiny, plan_of, train, tmp_path, monkeypatch):
    out, plan = tmp_path / "out", plan_of(tiny, "checkpoints.every=3")
    with monkeypatch.context() as patched:
        kill_at(patched, TorchEngine, "step", 6)
        with pytest.raises(Killed):
            train(plan, out)
    [first, *_] = train(plan, out).values()
    events = EventAccumulator(str(out / "kt1" / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    assert [each.step for each in events.Scalars("loss")] == [step["step"] for step in first]
