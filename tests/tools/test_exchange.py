"""Conversations of other tools: read as samples, written as rows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.exchange import WRITERS, Origin, Unfit, Unread, messages_of, read
from tax.leaf import Message
from tax.problems import UserError
from tax.sample import Sample

ALPACA = {"instruction": "Translate into French.", "input": "Good morning", "output": "Bonjour"}
SHAREGPT = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}
MESSAGES = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


def said(messages):
    return [(message.role, message.content) for message in messages]


def written(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_an_input_stands_below_its_instruction():
    assert said(messages_of(ALPACA)) == [("user", "Translate into French.\n\nGood morning"), ("assistant", "Bonjour")]


def test_a_history_comes_before_the_instruction():
    row = {**ALPACA, "input": "", "history": [["Hi", "Hello"]]}
    assert [text for _, text in said(messages_of(row))] == ["Hi", "Hello", "Translate into French.", "Bonjour"]


@pytest.mark.parametrize("row", [SHAREGPT, MESSAGES])
def test_roles_are_known_by_their_names(row):
    assert said(messages_of(row)) == [("user", "Hi"), ("assistant", "Hello")]


def test_a_system_turn_is_put_before_the_first_question():
    row = {"messages": [{"role": "system", "content": "Be brief."}, *MESSAGES["messages"]]}
    assert said(messages_of(row))[0] == ("user", "Be brief.\n\nHi")


def test_a_question_without_an_answer_is_left_out():
    row = {"conversations": [*SHAREGPT["conversations"], {"from": "human", "value": "And?"}]}
    assert said(messages_of(row)) == [("user", "Hi"), ("assistant", "Hello")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "x"}, "not of a known form"),
        ({"messages": "x"}, "no list"),
        ({"messages": []}, "no answer"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "no answer"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "do not alternate"),
        ({"messages": [{"role": "tool", "content": "Hi"}]}, "the role 'tool'"),
        ({"messages": [{"role": ["user"], "content": "Hi"}]}, "the role"),
        ({"messages": [{"role": "user", "content": " "}]}, "an empty turn"),
        ({"instruction": "Go", "output": ""}, "an empty turn"),
        ({"instruction": "\ud800", "output": "x"}, "no Unicode"),
        ({"instruction": ["Go"], "output": "x"}, "no text"),
        ({"instruction": "Go", "output": "x", "history": [["a"]]}, "list of pairs"),
    ],
)
def test_what_cannot_be_read_says_why(row, reason):
    with pytest.raises(Unfit, match=reason):
        messages_of(row)


def test_a_file_of_lines_keeps_what_is_good_and_names_what_is_not(tmp_path):
    path = written(tmp_path / "talk.jsonl", MESSAGES, {"text": "x"})
    with path.open("a", encoding="utf-8") as file:
        file.write('{"messages": [\n')
    first, second, third = read(path, Origin(license="CC0-1.0", language="fr"))
    assert isinstance(first, Sample)
    assert (first.kind, first.leaf, first.license, first.language) == ("imported", "talk", "CC0-1.0", "fr")
    assert second == Unread(2, "not of a known form: messages, alpaca or sharegpt")
    assert third == Unread(3, "no JSON")


def test_an_array_is_read_too(tmp_path):
    path = tmp_path / "alpaca.json"
    path.write_text(json.dumps([ALPACA, ALPACA]), encoding="utf-8")
    assert [sample.messages[1].content for sample in read(path)] == ["Bonjour", "Bonjour"]


def test_a_file_that_is_not_there_or_no_json_is_told(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        list(read(tmp_path / "none.jsonl"))
    (tmp_path / "half.json").write_text("[{", encoding="utf-8")
    with pytest.raises(UserError, match="no JSON"):
        list(read(tmp_path / "half.json"))


TEXT = st.text(min_size=1).filter(str.strip)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4), st.sampled_from(sorted(WRITERS)))
def test_what_is_written_is_read_again(pairs, form):
    turns = [("user" if even == 0 else "assistant", text) for pair in pairs for even, text in enumerate(pair)]
    messages = tuple(Message(role=role, content=text) for role, text in turns)
    sample = Sample(
        id="0" * 16,
        leaf="l",
        leaf_blob="b",
        branch="knowledge",
        kind="imported",
        messages=messages,
        language="en",
        source=None,
        seeds=(),
        teacher="t",
        prompt="p",
        ratings=(),
        parent=None,
        license="CC0-1.0",
    )
    row = json.loads(json.dumps(WRITERS[form](sample)))
    assert messages_of(row) == messages
