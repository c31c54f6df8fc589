import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tax.journal import Journal
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
    (tmp_path / "calls").write_text("a file in the way", encoding="utf-8")
    journal = Journal(tmp_path / "calls")
    with pytest.raises(UserError, match="--calls"):
        journal.add(ask(), Completion("paid for"))


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
