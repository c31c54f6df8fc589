"""Checkpoints: whole or not at all, found when damaged, pruned."""

import errno
import json

import pytest
import torch

from tax_training import checkpoints
from tax_training.checkpoints import Folder, Reader, damage
from tax_training.errors import UserError


def tensors(value=1.0):
    for name in ("a", "b"):
        yield name, {kind: torch.full((3, 2), value) for kind in checkpoints.KINDS}


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "checkpoints", lambda value: [value])


def test_what_is_saved_is_read_again(folder):
    folder.save(7, tensors(2.5), {"phase": "kt1", "updates": 7})
    reader = Reader(folder.at(7))
    assert reader.state["phase"] == "kt1"
    assert torch.equal(reader.weight("a"), torch.full((3, 2), 2.5))
    assert set(reader.tensors("b")) == set(checkpoints.KINDS)
    with pytest.raises(UserError, match="another model"):
        reader.weight("c")


def test_large_checkpoints_have_several_files(folder, monkeypatch):
    monkeypatch.setattr(checkpoints, "FILE_BYTES", 50)
    folder.save(1, tensors(), {})
    assert len(Reader(folder.at(1)).state["files"]) == 2


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: flip(next(folder.glob("*.safetensors"))),
        lambda folder: next(folder.glob("*.safetensors")).unlink(),
        lambda folder: (folder / "state.json").write_text("{", encoding="utf-8"),
        lambda folder: (folder / "state.json").write_text('{"files": {"../../x": ""}}', encoding="utf-8"),
        lambda folder: (folder / "state.json").unlink(),
    ],
)
def test_a_damaged_checkpoint_is_told_of_and_the_one_before_is_taken(folder, harm):
    for step in (1, 2):
        folder.save(step, tensors(), {})
    harm(folder.at(2))
    told = []
    assert folder.newest(told.append)["step"] == 1
    assert len(told) == 1
    assert "step-0000002 is damaged" in told[0]
    assert folder.steps() == [1]


def test_a_half_written_checkpoint_is_none(folder):
    folder.save(1, tensors(), {})
    (folder.path / "step-0000002.part").mkdir()
    assert folder.newest(pytest.fail)["step"] == 1
    folder.prune({1})
    assert [path.name for path in folder.path.iterdir()] == ["step-0000001"]


def test_a_full_disk_ends_with_what_to_do_and_loses_nothing(folder, monkeypatch):
    folder.save(1, tensors(), {})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(UserError, match=r"No space left on device\. Nothing is lost") as error:
        folder.save(2, tensors(), {})
    assert "the checkpoint of step 2" in str(error.value)
    assert folder.steps() == [1]
    assert damage(folder.at(1)) == ""
    assert not list(folder.path.glob("*.part")), "the half of a checkpoint does not fill the disk"


def test_pruning_keeps_what_it_is_told(folder):
    for step in range(1, 6):
        folder.save(step, tensors(), {})
    folder.prune({2, 5})
    assert folder.steps() == [2, 5]


def test_states_are_json_that_a_person_can_read(folder):
    folder.save(3, tensors(), {"phase": "st", "epoch": 1})
    state = json.loads((folder.at(3) / "state.json").read_text(encoding="utf-8"))
    assert (state["phase"], state["epoch"], state["step"]) == ("st", 1, 3)
