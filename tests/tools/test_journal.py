import errno
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tax.journal import Journal, _Places
from tax.problems import UserError
from tax.teachers.base import Completion, Request, Sampling


def ask(text="hello", **changes):
    return Request(**({"model": "m", "messages": (("user", text),), "sampling": Sampling()} | changes))


def test_a_finished_call_is_found_by_the_next_run(tmp_path):
    journal = Journal(tmp_path / "calls")
    journal.add(ask(), Completion("hi 你好\n", 3, 2, "stop"))
    journal.close()
    again = Journal(tmp_path / "calls")
    assert again.find(ask().key) == Completion("hi 你好\n", 3, 2, "stop")
    assert again.find(ask("other").key) is None
    again.close()


def test_an_answer_with_half_a_character_comes_back_as_it_was(tmp_path):
    journal = Journal(tmp_path / "calls")
    journal.add(ask(), Completion("half \ud83d"))
    journal.close()
    again = Journal(tmp_path / "calls")
    assert again.find(ask().key) == Completion("half \ud83d")
    again.close()


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "other"},
        {"sampling": Sampling(temperature=0.1)},
        {"sampling": Sampling(max_tokens=9)},
        {"sampling": Sampling(seed=1)},
        {"messages": (("system", "hello"),)},
        {"schema": {"type": "object"}},
        {"draw": 1},
    ],
)
def test_whatever_changes_makes_another_call(changed):
    assert ask().key != ask(**changed).key


def test_what_a_call_was_made_from_does_not_change_it():
    assert ask().key == ask(prompt="judge_pair", fields={"chunk": "x"}).key


def test_writers_do_not_share_a_file(tmp_path):
    first, second = Journal(tmp_path), Journal(tmp_path)
    first.add(ask("a"), Completion("1"))
    second.add(ask("b"), Completion("2"))
    first.close()
    second.close()
    both = Journal(tmp_path)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert (both.find(ask("a").key).text, both.find(ask("b").key).text) == ("1", "2")
    both.close()


@settings(max_examples=30)
@given(cut=st.integers(0, 400))
def test_a_torn_line_costs_only_itself(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("calls")
    journal = Journal(folder)
    for text in ("a", "b"):
        journal.add(ask(text), Completion(f"answer to {text} with }} and \n"))
    journal.close()
    (file,) = folder.glob("*.jsonl")
    whole = file.read_bytes()
    first_line = whole.index(b"\n") + 1
    file.write_bytes(whole[: min(len(whole), first_line + cut)])
    torn = Journal(folder)
    assert torn.find(ask("a").key) is not None
    assert (torn.find(ask("b").key) is not None) == (first_line + cut >= len(whole))
    torn.close()


def test_foreign_lines_are_passed_over(tmp_path):
    (tmp_path / "x.jsonl").write_text("noise\n" + json.dumps({"key": "zz"}) + "\n", encoding="utf-8")
    assert len(Journal(tmp_path)) == 0


def test_a_folder_that_cannot_be_written_stops_the_run(tmp_path):
    journal = Journal(tmp_path / "calls")
    (tmp_path / "calls").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(UserError, match="--calls"):
        journal.add(ask(), Completion("paid for"))


@pytest.mark.parametrize("place", ["file", "file/below", "link"])
def test_what_can_be_no_folder_is_refused_before_anything_is_asked(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"(file|link) is no folder\. Name a folder with --calls"):
        Journal(tmp_path / place)


def test_a_checkout_may_have_many_journals(tmp_path, monkeypatch):
    monkeypatch.setattr("tax.journal.MAX_OPEN", 2)
    for number in range(5):
        journal = Journal(tmp_path)
        journal.add(ask(str(number)), Completion(f"answer {number}"))
        journal.close()
    journal = Journal(tmp_path)
    for number in [0, 3, 1, 4, 2, 0]:
        assert journal.find(ask(str(number)).key).text == f"answer {number}"
    journal.close()


def test_an_answer_is_found_by_the_run_that_it_was_given_to(tmp_path):
    journal = Journal(tmp_path)
    journal.add(ask("a"), Completion("1"))
    assert journal.find(ask("a").key).text == "1"
    journal.add(ask("b"), Completion("2"))
    assert [journal.find(ask(text).key).text for text in "ab"] == ["1", "2"]
    journal.close()


def test_a_journal_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "x.jsonl").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"x\.jsonl cannot be read: No such file or directory\. Mend it"):
        Journal(tmp_path).find(ask().key)


def test_nothing_is_added_to_a_torn_line(tmp_path, monkeypatch):
    journal, write = Journal(tmp_path), os.write

    def full(file, data):
        if len(data) > 20:
            return write(file, data[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    journal.add(ask("a"), Completion("before"))
    monkeypatch.setattr("os.write", full)
    with pytest.raises(UserError, match="No space left on device"):
        journal.add(ask("b"), Completion("lost"))
    monkeypatch.setattr("os.write", write)
    journal.add(ask("c"), Completion("after"))
    for each in (journal, Journal(tmp_path)):
        assert each.find(ask("a").key).text == "before"
        assert each.find(ask("b").key) is None
        assert each.find(ask("c").key).text == "after"
        each.close()


def test_a_line_that_was_tampered_with_is_no_answer(tmp_path):
    key = ask().key
    (tmp_path / "x.jsonl").write_text(f'{{"key": "{key}" nonsense}}\n{{"key": "{key}", "text": 1}}\n', encoding="utf-8")
    journal = Journal(tmp_path)
    assert len(journal) == 2
    assert journal.find(key) is None
    journal.add(ask(), Completion("sound"))
    assert journal.find(key).text == "sound"
    journal.close()


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 2**24 - 1), st.integers(0, 2**40 - 1))))
def test_every_place_is_found_again(entries):
    places = _Places()
    for key, file, offset in entries:
        places.add(key[:1] * 8 + key[8:], file, offset)
    for key, file, offset in entries:
        assert (file, offset) in places.find(key[:1] * 8 + key[8:])
    assert len(places) == len(entries)
