"""Problem templates: what they make, what is said about faulty ones, and that no template can hold one up."""

import random
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.leaf import ProblemTemplate
from tax.source import Source
from tax.templates.expressions import MAX_DEPTH, MAX_LENGTH, MAX_STEPS
from tax.templates.functions import FUNCTIONS
from tax.templates.placeholders import MAX_CHARACTERS
from tax.templates.template import DRAWS, MAX_ENTRIES, MAX_FAULTS, MAX_NAMES, MAX_VALUES, Template, TemplateError
from tax.templates.values import MAX_LIST, MAX_TEXT

MANUAL = Path(__file__).parents[2] / "docs" / "problem-templates.md"

APPLES: dict[str, Any] = {
    "question": "{name} buys {count} apples at ${price:.2f}. What is the total?",
    "variables": {
        "name": ["Ada", "Ben"],
        "count": {"from": 2, "to": 12},
        "price": {"from": 0.2, "to": 1.5, "step": 0.05},
    },
    "derived": {"total": "count * price"},
    "conditions": ["total < 10"],
    "steps": ["{count} × {price:.2f} = {total:.2f}"],
    "answer": "The total is ${total:.2f}.",
}


def template(**parts: Any) -> Template:
    return Template(ProblemTemplate.model_validate({**APPLES, **parts}))


def only(question: str, **parts: Any) -> Template:
    return Template(ProblemTemplate.model_validate({"question": question, "answer": "{a}", **parts}))


def test_a_problem_has_a_question_steps_and_an_answer() -> None:
    problem = template().instance(random.Random(3))
    count, price = problem.values["count"], problem.values["price"]
    assert isinstance(count, Fraction) and isinstance(price, Fraction)
    assert (
        problem.question == f"{problem.values['name']} buys {count} apples at ${float(price):.2f}. What is the total?"
    )
    assert problem.steps == (f"{count} × {float(price):.2f} = {float(count * price):.2f}",)
    assert problem.response == f"{problem.steps[0]}\n\nThe total is ${float(count * price):.2f}."


def test_without_steps_the_response_is_the_answer() -> None:
    problem = template(steps=[]).instance(random.Random(3))
    assert problem.response == problem.answer


def test_the_same_seed_makes_the_same_problems() -> None:
    made = [[template().instance(rng) for _ in range(5)] for rng in (random.Random(1), random.Random(1))]
    assert made[0] == made[1]


def test_ranges_hold_both_ends_in_exact_steps() -> None:
    made = only("{a}", variables={"a": {"from": 0, "to": 0.3, "step": 0.1}})
    rng = random.Random(0)
    drawn = {made.instance(rng).question for _ in range(200)}
    assert drawn == {"0", "0.1", "0.2", "0.3"}


def test_a_row_of_the_table_is_drawn_as_a_whole() -> None:
    made = only("{a} {b}", table=[{"a": "cat", "b": 1}, {"a": "dog", "b": 2}])
    rng = random.Random(0)
    assert {made.instance(rng).question for _ in range(50)} == {"cat 1", "dog 2"}


def test_conditions_hold_and_guard_what_is_computed_after_them() -> None:
    made = only("{a}", variables={"a": {"from": 0, "to": 3}}, derived={"b": "6 / a"}, conditions=["a != 0"])
    assert made.faults() == []
    rng = random.Random(0)
    assert {made.instance(rng).question for _ in range(100)} == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{n} {whole} {negative}", "1234567.125 3 -0.5"),
        ("{n:.2f} {n:.0f} {n:,} {n:,.1f}", "1234567.13 1234567 1,234,567.125 1,234,567.1"),
        ("{third:.3f}", "0.333"),
        ("{items} {flag} {word}", "1, 2.5, x True {n}"),
        ("{{n}} {{{whole}}} }}{{", "{n} {3} }{"),
    ],
)
def test_how_values_are_written(text: str, expected: str) -> None:
    made = only(
        text,
        variables={"a": [1], "n": [1234567.125], "word": ["{n}"]},
        derived={"whole": "6 / 2", "negative": "-0.5", "third": "1 / 3", "items": "[1, 2.5, 'x']", "flag": "a == 1"},
    )
    assert made.instance(random.Random(0)).question == expected


@pytest.mark.parametrize(
    ("parts", "loc", "said"),
    [
        ({"question": "{nmae}?"}, ("question",), "nothing is called 'nmae' (did you mean 'name'?)"),
        ({"answer": "{total:2f}"}, ("answer",), "'{total:2f}' is not a placeholder"),
        ({"answer": "{total.real}"}, ("answer",), "'{total.real}' is not a placeholder"),
        ({"answer": "{total!r}"}, ("answer",), "'{total!r}' is not a placeholder"),
        ({"answer": "{0}"}, ("answer",), "'{0}' is not a placeholder"),
        ({"answer": "{total:.99f}"}, ("answer",), "more than 12 decimals"),
        ({"steps": ["ok", "a { b"]}, ("steps", 1), "a single { stands here"),
        ({"answer": "a } b"}, ("answer",), "a single } stands here"),
        ({"derived": {"total": "count * prise"}}, ("derived", "total"), "did you mean 'price'"),
        ({"derived": {"total": "count *"}}, ("derived", "total"), "cannot be read as an expression"),
        ({"derived": {"total": "2 * half", "half": "count"}}, ("derived", "total"), "computed only below this"),
        ({"derived": {"total": "sum + 1"}}, ("derived", "total"), "'sum' is a function and needs its brackets"),
        ({"derived": {"total": "1", "name": "2"}}, ("derived", "name"), "given twice"),
        ({"table": [{"count": 1}]}, ("table", 0, "count"), "given twice"),
        ({"table": [{"x": 1}, {"y": 1}]}, ("table", 1), "'x' is missing, 'y' is new"),
        ({"derived": {"total": "1", "if": "2"}}, ("derived", "if"), "a word of the language"),
        ({"variables": {**APPLES["variables"], "z": [1, 10**40]}}, ("variables", "z", 1), "more than 38 digits"),
        ({"variables": {**APPLES["variables"], "z": [float("nan")]}}, ("variables", "z", 0), "nan is not a number"),
        (
            {"variables": {**APPLES["variables"], "z": {"from": 0, "to": float("inf")}}},
            ("variables", "z", "to"),
            "inf is not a number",
        ),
        ({"conditions": ["total < 10", "count > 99"]}, ("conditions", 1), "no problem met the conditions"),
        ({"conditions": ["count"]}, ("conditions", 0), "a condition is True or False"),
        ({"derived": {"total": "count / (count - count)"}}, ("derived", "total"), "divided by zero"),
        ({"derived": {"total": "count / 7"}, "answer": "{total}"}, ("answer",), "cannot be written exactly"),
        ({"answer": "{name:.2f}"}, ("answer",), "stands where a number is needed"),
        ({"question": "What is {{count}}?"}, ("question",), "one question gets two answers"),
        ({"question": "What?", "answer": "This.", "steps": []}, ("question",), "asks the same question"),
        ({"question": "{count}?", "answer": "{name}"}, ("question",), "one question gets two answers"),
    ],
)
def test_faults_name_their_place(parts: dict[str, Any], loc: tuple[str | int, ...], said: str) -> None:
    faults = template(**parts).faults()
    assert [fault.loc for fault in faults if said in fault.message] == [loc], faults


@pytest.mark.parametrize(
    "parts", [{"answer": "{x}"}, {"conditions": ["count > 99"]}, {"derived": {"total": "count / 0"}}]
)
def test_a_faulty_template_makes_no_problem(parts: dict[str, Any]) -> None:
    with pytest.raises(TemplateError) as caught:
        template(**parts).instance(random.Random(0))
    assert caught.value.fault.message == str(caught.value)


def test_all_faults_of_reading_are_reported_up_to_a_limit() -> None:
    found = template(question="{x} {y}", answer="{z}", derived={"total": "1 +"}).faults()
    assert [fault.loc for fault in found] == [("derived", "total"), ("question",), ("question",), ("answer",)]
    many = template(question=" ".join(f"{{x{number}}}" for number in range(500)))
    assert len(many.faults()) == MAX_FAULTS


def test_a_fault_has_a_fix() -> None:
    [fault] = only("{a} {b}", variables={"a": [1]}, derived={"b": "a / 3"}).faults()
    assert fault.fix == "round it by writing {b:.2f}"


@pytest.mark.parametrize(
    "parts",
    [
        {"variables": {f"v{number}": [1] for number in range(MAX_NAMES + 1)}},
        {"variables": {"a": list(range(MAX_VALUES + 1))}},
        {"table": [{"a": 1}] * (MAX_VALUES + 1)},
        {"steps": ["x"] * (MAX_ENTRIES + 1)},
        {"conditions": ["1 < 2"] * (MAX_ENTRIES + 1)},
        {"steps": ["{" * (MAX_CHARACTERS + 1)]},
    ],
)
def test_a_template_that_is_too_large_is_not_read(parts: dict[str, Any]) -> None:
    [fault] = template(**parts).faults()
    assert "is the limit" in fault.message


def test_a_problem_that_takes_too_much_is_refused() -> None:
    heavy = {f"d{number}": "len([n for n in range(400) if n % 7 == a])" for number in range(10)}
    [fault] = only("{a}", variables={"a": [1, 2]}, derived=heavy).faults()
    assert "more than 5,000 steps" in fault.message
    long = {"a": ["x" * MAX_TEXT]}
    [fault] = only("{a}" * 10, variables=long).faults()
    assert "the filled text has more than" in fault.message


_TEXT = st.text(alphabet="{}abc:,.2f+-*/()[] '<1", max_size=30).filter(str.strip)
_SCALAR = st.integers() | st.floats() | st.text(max_size=5)


@given(
    st.fixed_dictionaries(
        {
            "question": _TEXT,
            "answer": _TEXT,
            "steps": st.lists(_TEXT, max_size=2),
            "variables": st.dictionaries(st.sampled_from("abc"), st.lists(_SCALAR, min_size=1, max_size=3), max_size=2),
            "table": st.lists(st.dictionaries(st.sampled_from("abc"), _SCALAR, max_size=2), max_size=3),
            "derived": st.dictionaries(st.sampled_from("abc"), _TEXT, max_size=2),
            "conditions": st.lists(_TEXT, max_size=2),
        }
    )
)
def test_any_template_works_or_has_faults(parts: dict[str, Any]) -> None:
    made = Template(ProblemTemplate.model_validate(parts))
    if not made.faults():
        made.instance(random.Random(1))


def manual_examples() -> list[Template]:
    blocks = re.findall(r"```yaml\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    sources = [Source("manual", block).data for block in blocks]
    return [Template(ProblemTemplate.model_validate(made)) for data in sources for made in data["problem_templates"]]


def test_the_examples_of_the_manual_work() -> None:
    assert [made.faults() for made in manual_examples()] == [[], []]


def test_the_manual_names_every_function_and_limit() -> None:
    manual = MANUAL.read_text(encoding="utf-8")
    assert [name for name, function in FUNCTIONS.items() if f"| `{function.usage}` |" not in manual] == []
    limits = [MAX_LENGTH, MAX_DEPTH, MAX_STEPS, MAX_TEXT, MAX_LIST, MAX_CHARACTERS, MAX_NAMES, MAX_VALUES, DRAWS]
    stated = manual[manual.index("## Limits") :]
    assert [limit for limit in [*limits, MAX_ENTRIES] if f" {limit:,}" not in stated] == []
