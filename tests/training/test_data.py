"""Batch plans and rows."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tax_training.conversation import Encoder, load_tokenizer
from tax_training.corpus import Corpus, corpus_folder, tokenise
from tax_training.data import IGNORED, Row, Samples, batch_plan, pack
from tax_training.errors import UserError
from tax_training.plan import Phase

IDS = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=60)


@settings(deadline=None)
@given(IDS, st.integers(1, 20), st.integers(0, 3), st.randoms())
def test_an_epoch_has_every_sample_once_and_knows_no_order_of_the_file(ids, size, epoch, chance):
    steps = batch_plan(ids, seed=1, phase="kt1", epoch=epoch, batch_size=size)
    assert sorted(sample for step in steps for sample in step) == sorted(ids)
    assert [len(step) for step in steps[:-1]] == [size] * (len(steps) - 1)
    shuffled = list(ids)
    chance.shuffle(shuffled)
    assert batch_plan(shuffled, seed=1, phase="kt1", epoch=epoch, batch_size=size) == steps


def test_epochs_phases_and_seeds_have_orders_of_their_own():
    ids = [str(number) for number in range(50)]
    orders = [
        batch_plan(ids, seed=seed, phase=phase, epoch=epoch, batch_size=50)[0]
        for seed, phase, epoch in [(0, "kt1", 0), (1, "kt1", 0), (0, "kt2", 0), (0, "kt1", 1)]
    ]
    assert len({tuple(order) for order in orders}) == 4
    assert all(order != sorted(ids) for order in orders)


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.sampled_from([0, 1, 40, 100]), st.integers(1, 4))
def test_packing_loses_nothing_and_keeps_to_the_capacity(lengths, capacity, processes):
    shares = pack(lengths, capacity, processes)
    assert len(shares) == processes
    assert len({len(share) for share in shares}) == 1, "every process has as many rows"
    rows = [row for share in shares for row in share]
    assert sorted(number for row in rows for number in row) == list(range(len(lengths)))
    for row in rows:
        assert len(row) <= 1 or (capacity and sum(lengths[number] for number in row) <= capacity)


def test_packing_is_balanced_and_tight():
    chance = random.Random(3)
    lengths = [int(chance.lognormvariate(4.5, 0.8)) + 1 for _ in range(3840)]
    shares = pack(lengths, 2048, 8)
    tokens = [sum(lengths[number] for row in share for number in row) for share in shares]
    assert max(tokens) / min(tokens) < 1.005, "the processes work alike"
    rows = sum(len(share) for share in shares)
    assert sum(lengths) / (rows * 2048) > 0.97, "hardly more rows than the tokens fill"


def test_a_row_restarts_at_each_sample():
    row = Row.of([(np.array([1, 2, 3, 4]), np.array([0, 0, 1, 1], bool)), (np.array([5, 6]), np.array([0, 1], bool))])
    assert row.tokens.tolist() == [[1, 2, 3, 5]]
    assert row.targets.tolist() == [[IGNORED, 3, 4, 6]]
    assert row.positions.tolist() == [[0, 1, 2, 0]]
    assert row.bounds == [0, 3, 4]
    assert row.learnt == 3


def test_a_row_of_nothing_weighs_nothing():
    assert Row.of([]).learnt == 0


@pytest.fixture
def encoder(data):
    from support.students import TEMPLATE

    return Encoder(load_tokenizer(data / "tokenizer"), TEMPLATE)


def corpus_of(tmp_path, encoder, lines, kind="sft"):
    file = tmp_path / "kt1.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    folder = corpus_folder(tmp_path / "tokens", file, kind, encoder)
    tokenise(file, kind, encoder, folder)
    return Corpus(folder)


def said(name, answer):
    return {"id": name, "messages": [{"role": "user", "content": "Go."}, {"role": "assistant", "content": answer}]}


def test_too_long_is_cut_or_dropped_and_counted(tmp_path, encoder):
    corpus = corpus_of(tmp_path, encoder, [said("short", "moss"), said("long", "moss " * 80)])
    cut = Samples(corpus, Phase(take=["all"], context_length=32))
    assert cut.length("long") == 31
    assert cut.counts == {"longer than 32 tokens: cut": 1}
    dropped = Samples(corpus, Phase(take=["all"], context_length=32, too_long="drop"))
    assert list(dropped.pieces) == ["short"]
    assert dropped.counts == {"longer than 32 tokens: drop": 1}


def test_a_sample_whose_answer_is_cut_off_is_left_out(tmp_path, encoder):
    question = {"id": "q", "messages": [{"role": "user", "content": "stone " * 60},
                                        {"role": "assistant", "content": "yes"}]}  # fmt: skip
    corpus = corpus_of(tmp_path, encoder, [question, said("short", "moss")])
    samples = Samples(corpus, Phase(take=["all"], context_length=32))
    assert list(samples.pieces) == ["short"]
    assert samples.counts["nothing to learn within the context"] == 1


def test_documents_are_split_without_losing_a_token(tmp_path, encoder):
    corpus = corpus_of(tmp_path, encoder, [{"id": "d", "text": "river stone moss " * 40}], "cpt")
    samples = Samples(corpus, Phase(kind="cpt", take=["corpus"], context_length=32, too_long="split"))
    whole, _ = corpus.tokens(0, 0, corpus.lengths()[0])
    targets = [token for name in samples.pieces for token in samples.row([name]).targets[0].tolist()]
    firsts = len(samples)  # the first token of each piece is no target
    assert len(targets) + firsts == len(whole)
    assert all(samples.length(name) < 32 for name in samples.pieces)


def test_samples_that_stand_twice_are_two(tmp_path, encoder):
    corpus = corpus_of(tmp_path, encoder, [said("a", "moss"), said("a", "moss")])
    assert len(Samples(corpus, Phase(take=["all"]))) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 1, is no JSON"),
        ('{"id": "a"}', "line 1: no conversation: it needs `messages`"),
        ('{"messages": []}', "line 1: no sample: it needs an `id`"),
        ('{"id": "a", "messages": [{"role": "user", "content": 3}]}', "both texts"),
        ('{"id": "a", "messages": [{"role": "user", "content": "\\ud83d"}]}', "both texts"),
        ('{"id": "a", "messages": ["\\u202e"]}', "not '\\u202e'"),
    ],
)
def test_what_is_no_sample_is_named_with_its_line(tmp_path, encoder, line, told):
    file = tmp_path / "kt1.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        tokenise(file, "sft", encoder, tmp_path / "tokens" / "x")
    assert told in str(error.value)
    assert not (tmp_path / "tokens" / "x").exists()


def test_an_empty_file_is_refused(tmp_path, encoder):
    with pytest.raises(UserError, match="the file is empty"):
        Samples(corpus_of(tmp_path, encoder, []), Phase(take=["all"]))
