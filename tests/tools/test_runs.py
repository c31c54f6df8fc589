import json
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.problems import UserError
from tax.runs import RunFolder, line_of, read_dropped, read_manifest, read_samples, run_folders, run_id, write_whole
from tax.sample import Message, Sample, content_id

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


def sample(question="Why?", answer="Because."):
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Sample(
        id=content_id("knowledge/x", messages, None),
        leaf="knowledge/x",
        leaf_blob="0" * 40,
        branch="knowledge",
        kind="question",
        messages=messages,
        language="en",
        source=None,
        seeds=(0,),
        teacher="t",
        prompt="p@0",
        ratings=(),
        parent=None,
        license="CC0-1.0",
    )


def test_a_run_appears_whole(tmp_path):
    folder = RunFolder(tmp_path / "run", {"id": "a"})
    folder.add([sample()], [])
    assert not (tmp_path / "run/samples.jsonl").exists()
    assert read_manifest(tmp_path / "run")["status"] == "running"
    folder.finish("report\n")
    assert list(read_samples(tmp_path / "run")) == [sample()]
    assert read_manifest(tmp_path / "run")["status"] == "finished"
    assert sorted(path.name for path in (tmp_path / "run").iterdir() if path.name[0] != ".") == [
        "dropped.jsonl",
        "manifest.json",
        "report.md",
        "samples.jsonl",
    ]


def test_a_run_that_ends_early_leaves_no_half_files(tmp_path):
    folder = RunFolder(tmp_path, {"id": "a"})
    folder.add([sample()], [])
    folder.abandon("interrupted")
    assert not list(tmp_path.glob("*.part"))
    with pytest.raises(UserError, match="it is interrupted"):
        list(read_samples(tmp_path))


def test_one_process_writes_a_run(tmp_path):
    first = RunFolder(tmp_path, {"id": "a"})
    with pytest.raises(UserError, match="another process"):
        RunFolder(tmp_path, {"id": "a"})
    first.abandon("failed")
    RunFolder(tmp_path, {"id": "a"}).finish("")


def test_another_run_is_not_overwritten(tmp_path):
    RunFolder(tmp_path, {"id": "a"}).finish("")
    with pytest.raises(UserError, match="holds another run"):
        RunFolder(tmp_path, {"id": "b"})
    assert read_manifest(tmp_path)["id"] == "a"


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    for name in ("report.md", "film.part"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"holds (report.md|film.part) and no run. Name another folder with --out"):
        RunFolder(tmp_path, {"id": "a"})
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "report.md": "mine",
        "film.part": "mine",
    }


def test_a_run_that_was_killed_before_its_manifest_goes_on(tmp_path):
    for name in (".lock", "samples.jsonl.part", "manifest.json.123.part"):
        (tmp_path / name).touch()
    RunFolder(tmp_path, {"id": "a"}).finish("")
    assert read_manifest(tmp_path)["status"] == "finished"


def test_a_folder_that_is_gone_in_mid_run(tmp_path):
    folder = RunFolder(tmp_path / "run", {"id": "a"})
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(UserError, match="cannot be written"):
        folder.finish("")
    folder.abandon("failed")


def test_what_is_no_run(tmp_path):
    with pytest.raises(UserError, match="no run folder"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match="no manifest"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "samples.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 1, is no sample"):
        list(read_samples(tmp_path))
    (tmp_path / "samples.jsonl").write_bytes(line_of(sample()) + b"\xff\n")
    with pytest.raises(UserError, match="line 2, is no sample"):
        list(read_samples(tmp_path))
    (tmp_path / "dropped.jsonl").mkdir()
    with pytest.raises(UserError, match=r"dropped.jsonl cannot be read: Is a directory"):
        list(read_dropped(tmp_path))


def test_the_newest_run_is_first(tmp_path):
    for number, name in enumerate("abc"):
        RunFolder(tmp_path / name, {"id": name}).finish("")
        manifest = tmp_path / name / "manifest.json"
        os.utime(manifest, (number, number))
    assert [path.name for path in run_folders(tmp_path)] == ["c", "b", "a"]


def test_an_id_is_of_all_that_the_result_depends_on():
    assert run_id({"a": 1, "b": [2]}) == run_id({"b": [2], "a": 1})
    assert run_id({"a": 1}) != run_id({"a": 2})


@given(TEXT, TEXT)
def test_samples_round_trip(question, answer):
    written = sample(question, answer)
    assert Sample.model_validate_json(written.model_dump_json()) == written
    assert "\n" not in written.model_dump_json()
    assert written.id == content_id("knowledge/x", written.messages, None)


def test_a_file_is_replaced_as_a_whole(tmp_path):
    write_whole(tmp_path / "x.json", json.dumps({"a": 1}))
    write_whole(tmp_path / "x.json", "{}")
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == "{}"
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_file_that_cannot_be_written_leaves_no_part(tmp_path):
    (tmp_path / "page.html").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "page.html", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
