"""Nothing of a hold-out, nor a near copy of one, comes into a phase."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.leaves import write_leaf
from support.mixing import HELD, TALK, question, sample, some, write_rows, write_run
from tax.leaf import Message
from tax.mix.holdouts import NEAR, Holdouts
from tax.text.duplicates import THRESHOLD, rouge_l


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HELD, "near a hold-out"),
        ("HOLDOUT QUESTION why does a spoon look bent in a glass of hot water", "near a hold-out"),
        (f"Here is a question that somebody asked me the other day at dinner, when we talked about light: {HELD}"
         " Please explain it to me in words that a child of five years would understand well.", "contains a hold-out"),
    ],
)  # fmt: skip
def test_a_hold_out_and_its_near_copies_stay_out_of_every_phase(mixed, taxonomy, text, reason):
    write_run(taxonomy / "runs/a", [*some(10), sample("knowledge/a", text)])
    rows = [
        {"messages": [*TALK, {"role": "user", "content": text}, {"role": "assistant", "content": "So."}]},
        {"instruction": text, "output": "So.", "thumb": "up"},
    ]
    write_rows(taxonomy / "talk.jsonl", rows)
    record, rows = mixed("runs/a", "kt1=talk.jsonl", "--license", "CC0-1.0")
    assert record["left_out"] == {reason: 3}
    assert not any("spoon" in json.dumps(row) for phase in ("kt1", "kt2", "st") for row in rows(phase))


def test_the_answer_of_a_skills_hold_out_stays_out_and_that_of_knowledge_may_come(mixed, taxonomy):
    skill = "HOLDOUT-ANSWER light changes its direction where water meets air"
    knowledge = "HOLDOUT-ANSWER Turning brings air into the heap, and more of it than most would think."
    write_run(
        taxonomy / "runs/a", [sample("knowledge/a", "A?", knowledge), sample("compositional_skills/b", "B?", skill)]
    )
    record, _ = mixed("runs/a")
    assert record["left_out"] == {"the answer of a hold-out": 1}


def test_the_questions_of_an_evaluation_stay_out(mixed, taxonomy):
    asked = [question(random.Random(seed)) for seed in range(5)]
    write_run(taxonomy / "runs/a", [sample("compositional_skills/d", text) for text in [*asked, "Another one?"]])
    forms = [{"question": asked[0], "choices": ["a"]}, {"turns": asked[1:3]}, {"prompt": asked[3]}]
    write_rows(taxonomy / "bench.jsonl", [*forms, {"instruction": asked[4], "output": "x"}])
    record, rows = mixed("runs/a", "--keep-out", "bench.jsonl")
    assert record["left_out"] == {"near a hold-out": 5} and len(record["kept_out"]) == 1
    assert [row["messages"][0]["content"] for row in rows("st")] == ["Another one?"]


@pytest.mark.parametrize("row", [{"q": "What?"}, ["What?"], {"turns": []}, {"question": " "}])
def test_a_question_that_cannot_be_read_cannot_be_kept_out(tax, taxonomy, plan, row):
    write_run(taxonomy / "runs/a", some(5))
    write_rows(taxonomy / "bench.jsonl", [{"question": "What?"}, row])
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data", "--keep-out", "bench.jsonl")
    assert code == 2 and "bench.jsonl, row 2, has no question" in err


def test_a_later_turn_of_a_hold_out_dialogue_stays_out(mixed, taxonomy):
    later = "And which of them would also stand a winter on a balcony in the north?"
    said = [("user", "A plant for the shade?"), ("assistant", "A fern."), ("user", later), ("assistant", "None.")]
    turns = "".join(f"      - {{role: {role}, content: {text}}}\n" for role, text in said)
    write_leaf(
        taxonomy,
        "compositional_skills/dialogues/more",
        "version: 4\ncreated_by: ada\nlicense: CC0-1.0\ntask_description: Plants.\nseed_examples:\n"
        f"  - holdout: true\n    messages:\n{turns}",
    )
    write_run(taxonomy / "runs/a", [sample("compositional_skills/d", later), sample("compositional_skills/d", "Hm?")])
    assert mixed("runs/a")[0]["left_out"] == {"near a hold-out": 1}


def test_a_computed_problem_with_other_numbers_is_no_copy(mixed, taxonomy):
    write_leaf(
        taxonomy,
        "foundational_skills/sums",
        "version: 4\ncreated_by: ada\nlicense: CC0-1.0\ntask_description: Adding.\n"
        "seed_examples:\n  - {question: What is the sum of 17 and 4 and 3?, answer: It is 24., holdout: true}\n",
    )
    problems = [
        sample("foundational_skills/sums", f"What is the sum of {a} and 4 and 3?", kind="problem") for a in (17, 18)
    ]
    write_run(taxonomy / "runs/a", problems)
    record, rows = mixed("runs/a")
    assert record["left_out"] == {"near a hold-out": 1}
    assert [row["messages"][0]["content"] for row in rows("kt2")] == ["What is the sum of 18 and 4 and 3?"]


def test_the_leaves_hold_outs_are_there_to_measure_with(mixed, taxonomy):
    write_run(taxonomy / "runs/a", some(20))
    record, rows = mixed("runs/a")
    seeds = [row for row in rows("heldout/st") if row["teacher"] == "human"]
    assert {row["leaf"] for row in seeds} == {
        "compositional_skills/science/everyday",
        "compositional_skills/summary/notes",
        "compositional_skills/dialogues/plants",
    }
    assert [row["kind"] for row in sorted(seeds, key=lambda row: row["leaf"])] == ["dialogue", "question", "grounded"]
    assert record["taxonomy"]["holdouts"] == 4 and record["phases"]["st"]["heldout"] == {"samples": 0, "seeds": 3}


TEXTS = st.lists(st.sampled_from("red blue green 1 2 一 二".split()), min_size=1, max_size=14).map(" ".join)


@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS)
def test_a_text_is_near_exactly_if_rouge_l_says_so(held, text):
    found = Holdouts(held).found([Message(role="user", content=text)])
    assert (found == NEAR) == any(rouge_l(text, each) > THRESHOLD for each in held)


@given(TEXTS, st.lists(TEXTS, max_size=3), TEXTS)
def test_a_whole_instruction_is_found_wherever_it_stands(before, held, after):
    holdout = "why does the moon of a planet show it the same face"
    found = Holdouts([*held, holdout]).found([Message(role="user", content=f"{before} {holdout} {after}")])
    assert found is not None
    assert Holdouts(held).found([Message(role="assistant", content=f"{before} {holdout} {after}")]) is None
