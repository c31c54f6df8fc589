"""`tax train` without a trainer: the command lines of the launchers, the table of what was trained, the report."""

import base64
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.problems import UserError
from tax.train.line_plot import MOST, Line, plot, thinned, ticks
from tax.train.report import write
from tax.train.start import Launch, command
from tax.train.trained import find_model, table, trained

HOSTILE = "</svg><script>alert(1)</script>\x1b[2J\u202e"


def write_phase(out, name, scores, taken, plan=("kt1", "kt2"), steps=(), finished=True, description="A plan"):
    """Write a phase's folder as the trainer does."""
    folder = out / name
    folder.mkdir(parents=True)
    (folder / "phase.json").write_text("{}", encoding="utf-8")
    lines = "".join(json.dumps({"step": step, "loss": loss}) + "\n" for step, loss in steps)
    (folder / "metrics.jsonl").write_text(lines, encoding="utf-8")
    (folder / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    if finished:
        about = {
            "phase": name, "samples": 1234, "step": taken, "steps": scores[-1]["step"], "scores": scores,
            "heldout": next(score["heldout"] for score in scores if score["step"] == taken),
            "plan": {"description": description, "phases": {each: {"learning_rate": 0.001} for each in plan}},
        }  # fmt: skip
        (folder / "model").mkdir()
        (folder / "model/training.json").write_text(json.dumps(about), encoding="utf-8")


def score(step, **heldout):
    return {"step": step, "epoch": 1, "score": None, "heldout": heldout}


@pytest.fixture
def out(tmp_path):
    """A run of two phases, the second written first."""
    folder = tmp_path / "out"
    write_phase(folder, "kt2", [score(5, kt2=4.0, kt1=2.2), score(10, kt2=3.5, kt1=2.4)], 10, steps=[(1, 5.0), (10, 3)])
    write_phase(folder, "kt1", [score(3, kt1=3.0), score(6, kt1=2.0), score(9, kt1=2.1)], 6, steps=[(1, 4.0), (9, 1.0)])
    return folder


def test_the_table_has_the_phases_in_their_order_with_first_and_taken_losses(out):
    lines = table(trained(out)).splitlines()
    assert lines[0].split("  ")[0] == "phase"
    assert lines[1].split() == ["kt1", "1,234", "9", "6", "3.000", "->", "2.000"]
    assert lines[2].split() == ["kt2", "1,234", "10", "10", "2.200", "->", "2.400", "4.000", "->", "3.500"]
    assert len({line.index(lines[0].split()[1][-1]) for line in lines[:1]}) == 1


def test_a_model_is_found_by_its_folder_its_phase_or_its_run(out):
    for phase in ("kt1", "kt2"):
        (out / phase / "model/config.json").write_text("{}", encoding="utf-8")
    assert find_model(out / "kt1/model") == out / "kt1/model"
    assert find_model(out / "kt1") == out / "kt1/model"
    assert find_model(out) == out / "kt2/model", "the last phase of the plan, not the last written"
    assert find_model(Path("some/hub-name")) == Path("some/hub-name")
    with pytest.raises(UserError, match="holds no model"):
        find_model(out / "kt1/model/..")  # the phase folder is fine, an empty one is not
        find_model(out.parent)


def test_a_phase_that_is_not_finished_is_known_by_its_checkpoints(out):
    (out / "kt1/model/config.json").write_text("{}", encoding="utf-8")
    for phase, step in (("kt1", 4), ("kt3", 2)):
        checkpoint = out / phase / f"checkpoints/step-000000{step}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "state.json").write_text("{}", encoding="utf-8")
    for path in ("kt1/checkpoints/step-0000004", "kt1/checkpoints", "kt3/checkpoints/step-0000002"):
        assert find_model(out / path) == out / path
    assert find_model(out / "kt1") == out / "kt1/model", "what was chosen of a finished phase"
    assert find_model(out / "kt3") == find_model(out) == out / "kt3/checkpoints"
    (out / "kt3/checkpoints/step-0000002/state.json").unlink()
    assert find_model(out) == out / "kt2/model", "there is nothing yet of the third phase"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"phase": 1}', '{"phase": "a", "scores": [], "plan": {"phases": 3}}', "\x00"]
)
def test_what_is_no_training_json_is_told(out, text):
    (out / "kt1/model/training.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"training\.json is not what the trainer writes"):
        trained(out)


def test_the_report_shows_every_phase_and_marks_what_was_taken(out):
    page = write(out).read_text(encoding="utf-8")
    assert page.index("<h2>kt1</h2>") < page.index("<h2>kt2</h2>")
    svgs = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(svgs) == 2
    first = ElementTree.fromstring(svgs[0])
    assert len(first.findall("circle")) == 3, "three measurements of kt1"
    assert len([path for path in first.findall("path") if path.get("class") == "line"]) == 2
    taken = re.findall(r"<tr class=taken><td>(.*?)</td><td>(.*?)</td>", page)
    assert taken[0] == ("6", "2.0000")
    assert "http" not in page, "nothing from elsewhere"


def test_the_report_of_a_run_under_way(tmp_path):
    assert write(tmp_path / "nothing") is None
    out = tmp_path / "out"
    write_phase(out, "kt1", [], 0, steps=[(1, 3.0), (2, 2.0)], finished=False)
    with (out / "kt1/metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 3, "loss": NaN}\n{"step": 4, "lo')
    page = write(out).read_text(encoding="utf-8")
    assert "Not finished: 2 steps so far." in page
    assert "<svg" in page


def test_nothing_of_a_stranger_is_markup_in_the_report(tmp_path):
    out = tmp_path / "out"
    write_phase(out, "kt1", [score(1, **{HOSTILE: 2.0}), score(2, **{HOSTILE: 1.0})], 2, description=HOSTILE)
    page = write(out).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "\x1b" not in page and "\u202e" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in table(trained(out))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=900))
def test_a_plot_is_well_formed_and_within_its_frame(losses):
    points = list(enumerate(losses, start=1))
    assert len(thinned(points)) <= MOST
    drawn = ElementTree.fromstring(plot([Line("<&>", points)], "step", "loss").replace("&#160;", " "))
    path = next(path for path in drawn.findall("path") if path.get("class") == "line")
    for place in path.get("d").removeprefix("M").split("L"):
        x, y = map(float, place.split())
        assert 55 <= x <= 710 and 11 <= y <= 242


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_hold_the_range(least, span):
    found = ticks(least, least + span)
    slack = 1e-6 * max(1, abs(least), span)
    assert found[0] <= least + slack
    assert found[-1] >= least + span - slack
    assert 2 <= len(found) <= 9
    assert found == sorted(set(found))


def test_each_launcher_starts_the_same_program(tmp_path, monkeypatch):
    for name in ("PET_NNODES", "PET_RDZV_ENDPOINT", "PET_MASTER_ADDR", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    own = ["my/plan.yaml", "--data", "data/plan", "--out", "models/plan", "--set", "kt1.epochs=1"]
    launch = {"plan": "my/plan.yaml", "settings": ("kt1.epochs=1",)}
    assert command(Launch(**launch)) == [sys.executable, "-m", "tax_training", *own]
    two = command(Launch(**launch, processes=2))
    assert two[1:4] == ["-m", "torch.distributed.run", "--standalone"]
    assert two[-len(own) - 2 :] == ["-m", "tax_training", *own]
    monkeypatch.setenv("PET_NNODES", "8")
    assert "--standalone" not in command(Launch(**launch, launcher="torchrun", processes=8))
    (tmp_path / "hosts").write_text("# one machine\n\nnode0 slots=8\n", encoding="utf-8")
    hosts = command(Launch(**launch, launcher="deepspeed", hostfile=tmp_path / "hosts"))
    assert ["--hostfile", str(tmp_path / "hosts")] == hosts[3:5]
    local = command(Launch(**launch, launcher="deepspeed", processes=2))
    assert local[2] == "deepspeed.launcher.launch", "the runner would pass no signal on"
    assert json.loads(base64.urlsafe_b64decode(local[3].partition("=")[2])) == {"localhost": [0, 1]}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    with pytest.raises(UserError, match="names 1 devices only"):
        command(Launch(**launch, launcher="deepspeed", processes=2))
    assert "tax_training.cluster" in command(Launch(**launch, launcher="ray", processes=4))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"as_json": True}, "--json goes with --dry-run"),
        ({"hostfile": Path("h")}, "--hostfile goes with --launcher deepspeed"),
        ({"hostfile": Path("h"), "launcher": "deepspeed", "processes": 2}, "leave --processes out"),
        ({"dry_run": True, "phase": "kt1"}, "leave --phase out"),
    ],
)
def test_options_that_do_not_go_together_are_told(options, told):
    with pytest.raises(UserError, match=told):
        command(Launch("tiny-cpu", **options))


def test_a_hostfile_that_cannot_serve_is_told(tmp_path, monkeypatch):
    launch = Launch("tiny-cpu", launcher="deepspeed", hostfile=tmp_path / "hosts")
    with pytest.raises(UserError, match="cannot be read"):
        command(launch)
    launch.hostfile.write_text("node0 slots=8\nnode1 slots=8\n", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="names 2 machines, which DeepSpeed reaches by pdsh"):
        command(launch)


def test_a_dry_run_is_for_the_processes_of_the_hostfile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hosts = tmp_path / "hosts"
    launch = Launch("lab", dry_run=True, launcher="deepspeed", hostfile=hosts)
    hosts.write_text("# two\nnode0 slots=8  # eight\n\nnode1 slots=4\n", encoding="utf-8")
    assert command(launch)[3:] == ["lab", "--dry-run", "--processes", "12"]
    for text in ("", "node0\n", "node0 slots=8\nnode1 slots=many\n"):
        hosts.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match="must name a machine and its slots on each line: node0 slots=8"):
            command(launch)


def test_a_dry_run_takes_the_plans_own_numbers_where_nothing_was_mixed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command(Launch("lab", dry_run=True, processes=8))[3:] == ["lab", "--dry-run", "--processes", "8"]
    (tmp_path / "data/lab").mkdir(parents=True)
    assert command(Launch("lab", dry_run=True, as_json=True))[3:] == [
        "lab",
        "--data",
        "data/lab",
        "--dry-run",
        "--json",
    ]


def test_without_the_packages_the_install_line_is_told(tax, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    for arguments in (("train", "tiny-cpu"), ("chat", "models/tiny-cpu")):
        code, _, errors = tax(*arguments)
        assert code == 2
        assert "pip install -c constraints.txt -e '.[train]'" in errors
