"""Measures by a model: perplexity and IFD, against a real tiny model and by hand."""

import math

import pytest

from support.random_model import causal_model
from tax.measures import lengths
from tax.measures.perplexity import (
    CERTAIN,
    EMPTY,
    SEPARATOR,
    TOO_LONG,
    Score,
    Scorer,
    Unscored,
    perplexity,
    summarize,
)
from tax.problems import UserError

PAIRS = [
    ("What is the tide?", "The tide is the rise and fall of the sea."),
    ("Why?", "The moon pulls."),
    ("Answer the question in one sentence about the water of the sea.", "No."),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return causal_model(tmp_path_factory.mktemp("tiny"), context=64)


@pytest.fixture(scope="module")
def scorer(folder):
    return Scorer(folder)


def token_by_token(folder, prefix, text):
    """The mean loss of a text behind a prefix, one prediction at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    ids = [tokenizer.bos_token_id]
    for part in prefix:
        ids += tokenizer(part, add_special_tokens=False)["input_ids"]
    losses = []
    for token in tokenizer(text, add_special_tokens=False)["input_ids"]:
        with torch.no_grad():
            chances = model(torch.tensor([ids])).logits[0, -1].log_softmax(dim=-1)
        losses.append(-float(chances[token]))
        ids.append(token)
    return sum(losses) / len(losses)


def test_losses_are_those_of_the_model_asked_token_by_token(folder, scorer):
    for (instruction, response), score in zip(PAIRS, scorer.score_all(PAIRS), strict=True):
        given = token_by_token(folder, [instruction, SEPARATOR], response)
        alone = token_by_token(folder, [SEPARATOR], response)
        assert score.response_loss_given == pytest.approx(given, abs=1e-4)
        assert score.response_loss_alone == pytest.approx(alone, abs=1e-4)
        assert score.instruction_loss == pytest.approx(token_by_token(folder, [], instruction), abs=1e-4)
        assert score.ifd == pytest.approx(given / alone, abs=1e-4)


def test_a_batch_changes_nothing(scorer):
    one_by_one = [scorer.score(*pair) for pair in PAIRS]
    for alone, batched in zip(one_by_one, scorer.score_all(PAIRS), strict=True):
        assert alone.response_loss_given == pytest.approx(batched.response_loss_given, abs=1e-5)


def test_tokens_do_not_merge_over_the_border(scorer):
    # As one text, the last letter of the instruction and the first of the response are one token.
    whole = scorer._encode("What is the tide?")
    told, said = "What is the ti", "de?"
    assert scorer.score(told, said).tokens == len(scorer._encode(said))
    assert len(scorer._encode(told)) + len(scorer._encode(said)) > len(whole)


def test_an_empty_response_is_not_measured(scorer):
    assert scorer.score("Why?", "") == Unscored(EMPTY)


def test_an_instruction_beyond_the_context_is_not_measured(scorer):
    assert scorer.score("the sea " * 200, "The moon.") == Unscored(TOO_LONG)


def test_a_response_is_cut_to_the_context_for_both_losses(scorer):
    score = scorer.score("Why?", "the moon pulls the water " * 50)
    used = 1 + len(scorer._encode("Why?")) + len(scorer._encode(SEPARATOR)) + score.tokens
    assert used == scorer.context == 64


def test_ifd_by_hand():
    # Samples of losses 2.0 -> 1.0, 1.0 -> 1.5 and 4.0 -> 3.0: ratios 0.5, 1.5 and 0.75.
    scores = [Score(1.0, 2.0, 1.0, 5), Score(1.0, 1.0, 1.5, 5), Score(1.0, 4.0, 3.0, 5), Unscored(EMPTY)]
    found = summarize(scores)
    assert found.ifd == pytest.approx((0.5 + 1.5 + 0.75) / 3)
    assert found.ifd_perplexity == pytest.approx((math.exp(-1) + math.exp(0.5) + math.exp(-1)) / 3)
    assert found.response_perplexity_alone == pytest.approx((math.exp(2) + math.e + math.exp(4)) / 3)
    assert found.below_one == pytest.approx(2 / 3)
    assert not found.measurable
    assert (found.scored, found.unscored) == (3, {EMPTY: 1})


def test_ifd_is_measurable_from_four_samples_of_five_below_one():
    below, above = Score(1, 2.0, 1.0, 5), Score(1, 1.0, 2.0, 5)
    assert summarize([below] * 4 + [above]).measurable
    assert not summarize([below] * 3 + [above]).measurable


def test_nothing_measured_is_nothing_said():
    found = summarize([Unscored(EMPTY), Unscored(CERTAIN)])
    assert found.ifd is None
    assert not found.measurable


def test_a_huge_loss_does_not_overflow():
    assert perplexity(1e6) == math.exp(700)


def test_lengths_by_hand():
    found = lengths.lengths(["one two three", "one", "潮汐 is", "a b c d"])
    assert (found.count, found.mean, found.quartiles) == (4, 2.75, (2.5, 3.0, 3.25))
    assert lengths.lengths([]) is None


def test_a_model_of_another_kind_is_refused_not_measured_with_a_random_head(folder, tmp_path):
    import transformers

    encoder = transformers.BertModel(
        transformers.BertConfig(
            vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        )
    )
    encoder.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    with pytest.raises(
        UserError,
        match=r"BertModel.* cannot serve as AutoModelForCausalLM: it lacks cls\.predictions.* drawn",
    ):
        Scorer(tmp_path)
