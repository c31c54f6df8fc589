import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.answers import BrokenAnswer, parse
from tax.prompts import load

QUESTIONS = load("skill_questions").file.output
GROUNDED = load("skill_questions_grounded").file.output
PAIR = load("judge_pair").file.output
FAITHFUL = load("judge_faithfulness").file.output


def test_reads_json_as_asked():
    answer = parse('{"reason": "right and clear", "rating": 3}', PAIR)
    assert answer.values == {"reason": "right and clear", "rating": 3}


@pytest.mark.parametrize(
    "text",
    [
        'Sure! Here it is:\n```json\n{"reason": "fine", "rating": 2}\n```\nAnything else?',
        '{"reason": "fine", "rating": "2"}',
        '{"reason": "fine", "rating": 2.0}',
        "[REASON] fine\n[RATING] 2\n[END]",
        "  [REASON]\n  fine\n  [RATING] **2**.\n",
    ],
)
def test_reads_what_teachers_really_write(text):
    assert parse(text, PAIR).values == {"reason": "fine", "rating": 2}


def test_a_choice_is_one_of_its_own():
    assert parse("[REASON] x\n[RATING] yes\n[END]", FAITHFUL).values["rating"] == "YES"
    with pytest.raises(BrokenAnswer, match="the rating is none of YES, NO"):
        parse('{"reason": "x", "rating": "MAYBE"}', FAITHFUL)
    with pytest.raises(BrokenAnswer, match="the rating is none of 1, 2, 3"):
        parse('{"reason": "x", "rating": true}', PAIR)


def test_a_marked_list_has_a_group_for_each_end():
    text = "[CONTEXT] one\nline two\n[QUESTION] what?\n[END]\n[CONTEXT] b\n[QUESTION] why? [END]"
    assert parse(text, GROUNDED).values["questions"] == [
        {"context": "one\nline two", "question": "what?"},
        {"context": "b", "question": "why?"},
    ]


def test_a_group_that_lacks_a_field_is_counted_not_lost():
    text = json.dumps({"questions": [{"context": "a", "question": "b"}, {"context": "a"}, "noise"]})
    answer = parse(text, GROUNDED)
    assert answer.values["questions"] == [{"context": "a", "question": "b"}]
    assert answer.lost == ("the answer has no 'question'", "the answer has no 'context'")


def test_an_empty_list_is_an_answer():
    assert parse('{"questions": []}', QUESTIONS).values == {"questions": []}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("I cannot help with that.", "neither the JSON nor the markers"),
        ('{"questions": [{"question": "a"', "neither the JSON nor the markers"),
        ('{"questions": "none"}', "not a list"),
        ('{"questions": [{"question": ""}]}', "not a text, or is empty"),
        ('{"other": 1}', "has no 'questions'"),
        ("{" * 100_000 + "}", "neither the JSON nor the markers"),
        ("x" * 1_000_001, "longer than a million"),
    ],
)
def test_says_what_is_broken(text, reason):
    with pytest.raises(BrokenAnswer, match=reason):
        parse(text, QUESTIONS)


@given(st.text() | st.text('{}[]":,QUESTION END\n'))
def test_never_fails_otherwise(text):
    for fields in (QUESTIONS, GROUNDED, PAIR):
        try:
            parse(text, fields)
        except BrokenAnswer as error:
            assert str(error)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), min_size=1))
def test_json_round_trip(questions):
    text = json.dumps({"questions": [{"question": question} for question in questions]})
    assert [group["question"] for group in parse(text, QUESTIONS).values["questions"]] == [
        question.strip() for question in questions
    ]
