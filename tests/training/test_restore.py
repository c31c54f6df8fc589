"""`tax chat` with checkpoints: written as a model for the time, whichever engine made them, and gone again."""

import json
import shutil
import tempfile

import pytest

from tax.cli import run as tax
from tax_training.chat import main as chat
from tax_training.errors import UserError
from tax_training.restore import restore

ASK = ["--prompt", "Say moss.", "--temperature", "0", "--max-tokens", "3"]


@pytest.fixture
def out(train, plan_of, tiny, tmp_path, request):
    """A run of two phases with all its checkpoints, the second phase without its model; with adapters on request."""
    tiny["student"]["lora"] = getattr(request, "param", None)
    train(plan_of(tiny, "checkpoints.keep=99", "checkpoints.every=2"), tmp_path / "out")
    shutil.move(tmp_path / "out/kt2/model", tmp_path / "model of kt2")
    return tmp_path / "out"


def damage(checkpoint):
    file = next(checkpoint.glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1])


def newest(phase):
    return sorted((phase / "checkpoints").glob("step-*"))[-1]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files, an empty one."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("out", [None, {"rank": 4}], indirect=True, ids=["all weights", "adapters"])
def test_a_checkpoint_s_model_is_the_one_that_the_phase_would_have_written(out, tmp_path):
    taken = json.loads((tmp_path / "model of kt2/training.json").read_text(encoding="utf-8"))["step"]
    restore(out / f"kt2/checkpoints/step-{taken:07d}", tmp_path / "restored")
    for name in ("model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"):
        assert (tmp_path / "restored" / name).read_bytes() == (tmp_path / "model of kt2" / name).read_bytes(), name


def test_a_checkpoint_that_was_trained_by_a_kernel_of_gpus_is_written_anywhere(out, tmp_path):
    file = newest(out / "kt2") / "state.json"
    state = json.loads(file.read_text(encoding="utf-8"))
    state["plan"]["engine"]["attention"] = "varlen"
    file.write_text(json.dumps(state), encoding="utf-8")
    restore(file.parent, tmp_path / "restored")
    assert (tmp_path / "restored/model.safetensors").is_file()


def test_any_folder_of_a_run_can_be_talked_to(out, temporary, capfd):
    last = newest(out / "kt2")
    said = {}
    link = out.with_name("newest")
    link.symlink_to(out / "kt2/checkpoints")
    for path in (last, out / "kt2/checkpoints", out / "kt2", out, out / "kt1", link):
        assert tax(["chat", str(path), *ASK]) == 0
        told = capfd.readouterr()
        said[path] = told.out
        newest_of = f"this is the newest whole checkpoint: {path / last.name if path == link else last}\n"
        assert told.err == ("" if path in (last, out / "kt1") else newest_of)
    assert len({said[path] for path in said if path != out / "kt1"}) == 1
    assert not list(temporary.iterdir())


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_taken(out, temporary, capsys):
    last, before = newest(out / "kt2"), out / "kt2/checkpoints/step-0000004"
    damage(last)
    assert chat([str(last), *ASK]) == 2
    assert f"the checkpoint {last} is damaged: tensors-00000-0000.safetensors is not as it" in capsys.readouterr().err
    assert chat([str(out / "kt2/checkpoints"), *ASK]) == 0
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        f"passed over: the checkpoint {last} is damaged: tensors-00000-0000.safetensors is not as it was written",
        f"this is the newest whole checkpoint: {before}",
    ]
    assert last.is_dir(), "it is the trainer's to set aside"
    for checkpoint in (out / "kt2/checkpoints").iterdir():
        (checkpoint / "state.json").write_text("{", encoding="utf-8")
    assert chat([str(out / "kt2/checkpoints"), *ASK]) == 2
    assert "holds no whole checkpoint" in capsys.readouterr().err
    assert not list(temporary.iterdir())


def test_ctrl_c_leaves_nothing_behind(out, temporary, monkeypatch):
    def interrupted(*_):
        assert list(temporary.iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr("tax_training.chat.Chat.__init__", interrupted)
    assert chat([str(newest(out / "kt2")), *ASK]) == 130
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("out", [{"rank": 4}], indirect=True, ids=["adapters"])
def test_what_a_checkpoint_stands_on_must_be_there(out, tmp_path):
    last = newest(out / "kt2")

    def fault(checkpoint):
        with pytest.raises(UserError) as error:
            restore(checkpoint, tmp_path / "restored")
        assert not (tmp_path / "restored").exists()
        return str(error.value)

    shutil.copytree(last, tmp_path / "alone/last")
    assert "is missing: name the checkpoint in its place" in fault(tmp_path / "alone/last")
    state = json.loads((last / "state.json").read_text(encoding="utf-8"))
    older = {key: value for key, value in state.items() if key not in {"plan", "start"}}
    (last / "state.json").write_text(json.dumps(older), encoding="utf-8")
    assert "another version wrote it" in fault(last)
    (last / "state.json").write_text(json.dumps(state), encoding="utf-8")
    about = out / "kt1/model/training.json"
    written = about.read_text(encoding="utf-8")
    about.write_text(json.dumps(json.loads(written) | {"step": 1}), encoding="utf-8")
    assert "kt2 was trained from the model of kt1, and" in fault(last)
    about.unlink()
    assert "is gone, or another one by now" in fault(last)


def test_a_checkpoint_is_evaluated_like_a_model(out, tmp_path, temporary, capfd):
    pytest.importorskip("llguidance", reason="hf: needs pip install -c constraints.txt -e '.[hf]'")
    from support.mixing import sample, write_rows

    held = sample("knowledge/words", "Say moss.", "moss", teacher="human").model_dump(mode="json")
    file = write_rows(tmp_path / "held.jsonl", [held])
    arguments = ["--holdouts", str(file), "--calls", str(tmp_path / "calls"), "--quiet"]
    assert tax(["eval", str(out), *arguments, "--json"]) == 0
    told = capfd.readouterr()
    assert json.loads(told.out.splitlines()[-1])["holdouts"] == 1
    assert told.err == f"this is the newest whole checkpoint: {newest(out / 'kt2')}\n"
    damage(newest(out / "kt2"))
    assert tax(["eval", str(newest(out / "kt2")), *arguments]) == 2
    assert "tax: the checkpoint" in capfd.readouterr().err
    assert not list(temporary.iterdir())
