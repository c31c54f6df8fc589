"""Whose each token is: masks on the assistant's turns only, all of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.students import TEMPLATE
from tax_training.conversation import Encoder, load_tokenizer
from tax_training.errors import UserError


@pytest.fixture(scope="module")
def encoder(data):
    return Encoder(load_tokenizer(data / "tokenizer"), TEMPLATE)


def learnt(encoder, *turns):
    """Return the texts of the learnt stretches of a conversation that starts with the user."""
    roles = ["user", "assistant"] * len(turns)
    messages = [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=False)]
    (found,) = encoder.conversations([{"id": "x", "messages": messages}])
    stretches, current = [], []
    for token, is_learnt in [*zip(found.tokens, found.learnt, strict=True), (None, False)]:
        if is_learnt:
            current.append(token)
        elif current:
            stretches.append(encoder.tokenizer.decode(current))
            current = []
    return stretches


def test_all_turns_of_the_assistant_are_learnt_with_their_ends_and_nothing_else(encoder):
    assert learnt(encoder, "Say moss.", "moss", "Again?", "moss moss") == ["moss</s>", "moss moss</s>"]


def test_a_template_without_an_end_mark_teaches_the_line_break(data):
    plain = "{% for m in messages %}{{ m.role }}:\n{{ m.content }}\n{% endfor %}"
    plain += "{% if add_generation_prompt %}assistant:\n{% endif %}"
    assert learnt(Encoder(load_tokenizer(data / "tokenizer"), plain), "Say moss.", "moss") == ["moss\n"]


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3))
def test_whatever_is_said_just_the_answers_are_learnt(encoder, turns):
    marks = ["<s>", "</s>", "<pad>", "<|user|>", "<|assistant|>", "<|system|>"]
    if any(mark in text for turn in turns for text in turn for mark in marks):
        return
    answers = [f"{answer.strip() or '-'}" for _, answer in turns]
    flat = [text for (question, _), answer in zip(turns, answers, strict=True) for text in (question, answer)]
    assert learnt(encoder, *flat) == [f"{answer}</s>" for answer in answers]


def test_a_conversation_without_the_assistant_is_left_out(encoder):
    (found,) = encoder.conversations([{"id": "x", "messages": [{"role": "user", "content": "Hello"}]}])
    assert found.dropped == "no turn of the assistant"


def test_what_the_template_refuses_is_left_out_with_its_reason(data):
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system turns') }}{% endif %}" + TEMPLATE
    messages = [{"role": "system", "content": "Be brief."}, {"role": "assistant", "content": "Yes."}]
    (found,) = Encoder(load_tokenizer(data / "tokenizer"), strict).conversations([{"id": "x", "messages": messages}])
    assert found.dropped == "the chat template refuses it: 'no system turns'"


def test_a_template_that_rewrites_the_beginning_is_refused(data):
    counting = "{{ messages | length }} turns\n" + TEMPLATE
    with pytest.raises(UserError, match="another way than the whole"):
        learnt(Encoder(load_tokenizer(data / "tokenizer"), counting), "a", "b", "c", "d")


def test_documents_are_learnt_whole_and_end(encoder):
    (found,) = encoder.documents([{"id": "d", "text": "river moss"}])
    assert encoder.tokenizer.decode(found.tokens) == "river moss</s>"
    assert all(found.learnt)


def test_a_tokenizer_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be loaded"):
        load_tokenizer(tmp_path / "nothing")
