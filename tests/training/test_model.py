"""The model folder that a phase leaves: how it is drawn from later, whatever its student brought along."""

import json

import pytest

from support.students import TEMPLATE, train_tokenizer
from tax_training.conversation import ends_of_answers


def generation(folder):
    return json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("template", "ends"),
    [
        (TEMPLATE, ["</s>"]),
        (TEMPLATE.replace("eos_token", "'<|system|>'"), ["</s>", "<|system|>"]),
        (TEMPLATE.replace("{{ eos_token }}", "!"), ["</s>"]),
    ],
)
def test_an_answer_ends_with_the_mark_that_the_student_was_taught(train, plan_of, tiny, tmp_path, template, ends):
    from transformers import AutoTokenizer

    tiny["student"]["chat_template"] = template
    train(plan_of(tiny, "kt1.epochs=1"), tmp_path / "out", only="kt1")
    folder = tmp_path / "out/kt1/model"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert generation(folder)["eos_token_id"] == tokenizer.convert_tokens_to_ids(ends)


@pytest.mark.parametrize(("mark", "ends"), [("<|end|>", ["</s>", "<|end|>"]), ("\n\n", ["</s>"])])
def test_a_mark_counts_that_its_tokenizer_does_not_call_special(mark, ends):
    tokenizer = train_tokenizer(["Say moss."])
    tokenizer.add_tokens([mark])
    tokenizer.chat_template = TEMPLATE.replace("eos_token", repr(mark))
    assert ends_of_answers(tokenizer) == tokenizer.convert_tokens_to_ids(ends)


def test_the_way_that_a_student_was_drawn_from_is_not_taken_over(train, plan_of, tiny, tmp_path):
    train(plan_of(tiny, "kt1.epochs=1"), tmp_path / "made", only="kt1")
    student = tmp_path / "made/kt1/model"
    made = generation(student)
    other = {**made, "do_sample": True, "temperature": 0.9, "eos_token_id": 17}  # which is a letter of the tokenizer
    (student / "generation_config.json").write_text(json.dumps(other), encoding="utf-8")
    tiny["student"] |= {"model": str(student), "config": None}
    train(plan_of(tiny, "kt1.epochs=1"), tmp_path / "out", only="kt1")
    assert generation(tmp_path / "out/kt1/model") == made
