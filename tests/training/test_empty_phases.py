"""Phases that the mix left without samples: passed over, until they have some."""

import shutil

import pytest

from tax_training.errors import UserError
from tax_training.phase_folder import PhaseFolder


@pytest.fixture
def mixed(data, tmp_path):
    """Copy the data folder, with some phases' files emptied: mixed("kt1")."""

    def emptied(*phases):
        folder = tmp_path / f"data-{'-'.join(phases)}"
        shutil.copytree(data, folder)
        shutil.copyfile(folder / "kt2.jsonl", folder / "st.jsonl")
        for phase in phases:
            (folder / f"{phase}.jsonl").write_text("", encoding="utf-8")
        return folder

    return emptied


@pytest.fixture
def plan(plan_of, tiny):
    """A plan of three phases of one epoch."""
    tiny["phases"]["st"] = {"take": ["compositional"]}
    return plan_of(tiny, "defaults.epochs=1")


def test_the_first_phase_is_passed_over_and_the_next_starts_from_the_student(train, plan, tmp_path, mixed, capsys):
    out, folder = tmp_path / "out", mixed("kt1")
    found = train(plan, out, folder=folder)
    assert [len(lines) for lines in found.values()] == [0, 3, 3]
    assert f"kt1 is passed over: {folder / 'kt1.jsonl'} is empty" in capsys.readouterr().err
    assert not (out / "kt1").exists()
    assert train(plan, out, folder=folder) == found, "the same command finds all of it finished"


def test_a_phase_starts_from_the_one_before_those_passed_over(train, plan, tmp_path, mixed):
    out, folder = tmp_path / "out", mixed("kt2")
    train(plan, out, folder=folder, only="kt1")
    with pytest.raises(UserError, match=r"kt2 has nothing to train on: .*kt2.jsonl is empty"):
        train(plan, out, folder=folder, only="kt2")
    train(plan, out, folder=folder, only="st")
    started = PhaseFolder(out / "st").about()["start"]
    assert started == PhaseFolder(out / "kt1").fingerprint()


def test_a_phase_still_waits_for_the_one_before_those_passed_over(train, plan, tmp_path, mixed):
    with pytest.raises(UserError, match="st starts from the model of kt1, which is not finished"):
        train(plan, tmp_path / "out", folder=mixed("kt2"), only="st")


def test_without_any_samples_it_is_an_error(train, plan, tmp_path, mixed):
    with pytest.raises(UserError, match=r"the file of every phase in .* is empty"):
        train(plan, tmp_path / "out", folder=mixed("kt1", "kt2", "st"))


def test_samples_that_came_or_went_since_are_other_data(train, plan, tmp_path, mixed, data):
    train(plan, tmp_path / "out", folder=mixed("kt1"))
    with pytest.raises(UserError, match="begun with another start: 'the student'"):
        train(plan, tmp_path / "out", folder=mixed())
    train(plan, tmp_path / "other", folder=mixed("kt2"))
    with pytest.raises(UserError, match="kt1 was begun with another data"):
        train(plan, tmp_path / "other", folder=tmp_path / "data-kt1")
