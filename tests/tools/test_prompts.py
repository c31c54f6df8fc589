import jsonschema
import pytest

from tax import prompts

FILLED = {
    name: f"<{name}>"
    for name in "answer chunk context count dialogue domain follow_ups headings language path plan principles question "
    "rules seed_context seed_dialogue seed_example seed_question seed_questions task title turn".split()
}


@pytest.mark.parametrize("name", prompts.names())
def test_every_prompt_loads_and_uses_known_fields_only(name):
    prompt = prompts.load(name)
    assert prompt.placeholders <= FILLED.keys()
    messages = prompt.render(FILLED, [("user", "hello")])
    assert messages[-1][0] == "user"
    assert all("{" not in content.replace('{"', "").replace("[{", "") for _, content in messages)
    for field in prompt.placeholders:
        assert any(f"<{field}>" in content for _, content in messages)


@pytest.mark.parametrize("name", [name for name in prompts.names() if prompts.load(name).file.output])
def test_every_schema_is_one(name):
    schema = prompts.load(name).schema(4)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


def test_the_paper_s_principles_are_in_the_first_prompt():
    """LAB, Figure 3: the principles of the instruction generator."""
    text = prompts.load("skill_questions").file.user
    for principle in (
        "set of {count} diverse questions",
        "Use proper grammar and punctuation",
        "Always generate safe and respectful content",
        "factually accurate and relevant",
        "clear and human-like",
        "diverse and cover a wide range of topics",
        "should not be template-based or generic",
        "Simply return the questions",
        "style and the format of the example",
    ):
        assert principle in text


def test_braces_in_what_is_filled_in_stay_what_they_are():
    fields = {**FILLED, "seed_question": "What is {task} in {0.__class__} and {{}}?"}
    text = prompts.load("skill_questions").render(fields)[-1][1]
    assert "What is {task} in {0.__class__} and {{}}?" in text


def test_without_principles_no_empty_line_is_left():
    text = prompts.load("skill_questions").render({**FILLED, "principles": ""})[-1][1]
    assert "Write the questions in <language>.\n\nTo better assist you" in text


def test_markers_replace_the_json_form():
    text = prompts.load("judge_pair").render(FILLED, structured=False)[-1][1]
    assert "JSON" not in text
    assert text.endswith(
        "[REASON] one to three sentences\n[RATING] one of 1, 2, 3: 1 not to be learnt from, 2 good, 3 excellent\n[END]"
    )


def test_a_missing_value_is_our_mistake():
    with pytest.raises(KeyError):
        prompts.load("judge_pair").render({})


@pytest.mark.parametrize("name", [name for name in prompts.names() if name.startswith("judge_")])
def test_what_all_calls_of_a_judge_share_comes_first(name):
    """A teacher that caches the beginnings of prompts reads the rubric once (docs/engines.md)."""
    user = prompts.load(name).file.user
    differs = min(user.index(f"{{{each}}}") for each in ("question", "answer", "dialogue") if f"{{{each}}}" in user)
    assert differs > len(user) / 2
