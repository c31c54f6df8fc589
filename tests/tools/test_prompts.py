import jsonschema
import pytest

from tax import prompts
from tax.improve.written import language_fault
from tax.prompts.wording import WORDINGS

FILLED = {
    name: f"<{name}>"
    for name in "answer chunk context count dialogue domain first follow_ups headings instruction language names path "
    "plan principles question reference rules second seed_context seed_dialogue seed_example seed_question "
    "seed_questions examples none source source_language speaker task text title turn".split()
}


LANGUAGES = sorted(WORDINGS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", prompts.names())
def test_every_prompt_loads_and_uses_known_fields_only(name, language):
    prompt = prompts.load(name, language)
    assert prompt.placeholders <= FILLED.keys()
    messages = prompt.render(FILLED, [("user", "hello")])
    assert messages[-1][0] == "user"
    assert all("{" not in content.replace('{"', "").replace("[{", "") for _, content in messages)
    for field in prompt.placeholders:
        assert any(f"<{field}>" in content for _, content in messages)


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
@pytest.mark.parametrize("name", prompts.names())
def test_a_prompt_is_the_same_in_every_language_but_for_its_words(name, language):
    english, other = prompts.load(name), prompts.load(name, language)
    assert (other.name, other.language, other.title) == (name, language, f"{name}.{language}")
    assert other.digest != english.digest
    assert other.placeholders == english.placeholders
    assert other.schema(4) == english.schema(4), "programs read the keys"
    same = ("temperature", "max_tokens", "conversation")
    assert [getattr(other.file, each) for each in same] == [getattr(english.file, each) for each in same]
    for structured in (True, False):
        written = other.render(FILLED, [("user", "")], structured=structured)
        assert language_fault("".join(content for _, content in written), language) is None


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"), ("en-GB", "en"), ("fr", "en"), ("zh", "en"), ("zh-Hans", "en"), ("zh-Hans-TW", "en"), ("", "en"),
        ("zh-Hant", "zh-Hant"), ("zh-Hant-TW", "zh-Hant"), ("ZH-hant-hk", "zh-Hant"), ("zh-TW", "zh-Hant"),
        ("../zh-Hant", "en"),
    ],
)  # fmt: skip
def test_a_wider_language_stands_in_and_english_at_last(tag, language):
    assert prompts.load("judge_pair", tag).language == language


def test_an_english_prompt_is_what_it_was():
    """Calls are found again by what they say: a change of these words would ask every finished call once more."""
    prompt = prompts.load("judge_pair", "en-US")
    assert (prompt.title, prompt.label) == ("judge_pair", f"judge_pair@{prompt.digest}")
    assert (
        prompts.load("judge_pair")
        .render(FILLED)[-1][1]
        .endswith(
            'Answer with one JSON object of this form, and nothing else:\n\n{"reason": <one to three sentences>, '
            '"rating": <one of 1, 2, 3: 1 not to be learnt from, 2 good, 3 excellent>}'
        )
    )
    text = prompts.load("skill_questions").render(FILLED, structured=False)[-1][1]
    assert text.endswith(
        "Repeat this form for each. Write each marker at the beginning of a line, in this form, and nothing else:\n\n"
        "[QUESTION] the question as the user asks it\n[END]"
    )


def test_a_chinese_prompt_asks_in_chinese():
    text = prompts.load("judge_pair", "zh-Hant-TW").render(FILLED)[-1][1]
    assert text.endswith('{"reason": <一到三句話>, "rating": <下列之一：1、2、3：1 不值得學，2 好，3 出色>}')
    text = prompts.load("skill_questions", "zh-Hant-TW").render(FILLED, structured=False)[-1][1]
    assert text.endswith("每一組都重複這個格式。請照下面的格式作答，每個標記都寫在一行的開頭，前後不要加任何文字："
                         "\n\n[QUESTION] 使用者會怎麼問，就怎麼寫\n[END]")  # fmt: skip


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


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
@pytest.mark.parametrize("name", [name for name in prompts.names() if name.startswith("judge_")])
def test_what_all_calls_of_a_judge_share_comes_first(name, language):
    """A teacher that caches the beginnings of prompts reads the rubric once (docs/engines.md)."""
    user = prompts.load(name, language).file.user
    judged = ("question", "answer", "dialogue", "first", "second")
    differs = min(user.index(f"{{{each}}}") for each in judged if f"{{{each}}}" in user)
    assert differs > len(user) / 2
