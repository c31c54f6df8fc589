"""Answers to the prompts of recycling, translation and self-play: broken off, hostile, and full of their own marks."""

import json

import pytest

from support.loopback import RunningLoopback
from tax.answers import BrokenAnswer, parse
from tax.prompts import load

WHOLE = {
    "complexity": "Weak.",
    "detail": "Weak.",
    "knowledge": "None.",
    "ambiguity": 'What is "it"? {both}',
    "reasoning": "No.",
    "instruction": "Compare [END] and End of the year.\n\n[Better Answer]",
    "answer": "Endings: 1. [end] 2. End\n```\n{}\n```",
}
FIELDS = load("reflect_instruction").file.output


@pytest.mark.parametrize("form", ["json", "markers"])
def test_a_broken_off_answer_is_never_taken_for_another(form):
    marked = "".join(f"[{name.upper()}] {text}\n" for name, text in WHOLE.items()) + "[END]"
    written = json.dumps(WHOLE, ensure_ascii=False) if form == "json" else marked
    assert parse(f"Here it is:\n{written}\nGood luck!", FIELDS).values == WHOLE
    last = written.index("[ANSWER]") if form == "markers" else len(written)
    for end in range(last):
        with pytest.raises(BrokenAnswer):
            parse(written[:end], FIELDS)


@pytest.mark.parametrize(
    "written",
    [
        '{"complexity": ' * 50_000,
        "[" * 200_000,
        "[ANSWER]" * 50_000,
        json.dumps(WHOLE | {"answer": "half \ud83d"}),
        json.dumps(WHOLE | {"answer": ["a list"]}),
        json.dumps(WHOLE | {"instruction": None}),
        json.dumps(WHOLE | {"answer": " \n"}),
        json.dumps([WHOLE]) + "}",
        "null",
        "\x00",
    ],
)
def test_hostile_answers_are_broken_answers(written):
    with pytest.raises(BrokenAnswer):
        parse(written, FIELDS)


@pytest.mark.parametrize("command", [["recycle"], ["translate", "--to", "fr"], ["dialogue"]])
def test_half_a_character_stops_no_run(tax, taxonomy, alpaca, command):
    def say(name, text):
        if not name:
            return "half \ud83d"
        fields = [*WHOLE, "translation", "names", "reason", "message"]
        return json.dumps(dict.fromkeys(fields, "half \ud83d") | {"over": "NO"})

    with RunningLoopback(say=say) as server:
        code, output, errors = tax(*command, alpaca, "--teacher", server.url, "--quiet", "--json")
    assert code == 0, errors
    assert json.loads(output)["dropped"] == {"the answer holds half a character": 6}
