"""Coherence by a sentence encoder: against a real tiny one's hidden states pooled by hand, and what is refused."""

import json
import shutil

import pytest

pytest.importorskip("torch", reason="measuring needs the extra `train`")
pytest.importorskip("transformers", reason="measuring needs the extra `train`")

from support.random_model import causal_model, encoder_model, modules_of, pooled_by
from tax.measures.coherence import Embedder
from tax.measures.models import model_folder
from tax.measures.perplexity import Scorer
from tax.problems import UserError

PAIRS = [
    ("What is the tide?", "The tide is the rise and fall of the sea."),
    ("Answer the question in one sentence about the water of the sea.", "No."),
]
OLD, NEW = "sentence_transformers.models.", "sentence_transformers.sentence_transformer.modules."


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """An encoder's folder, not to be changed."""
    return encoder_model(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def folder(shared, tmp_path):
    """An encoder's folder of the test's own."""
    return shutil.copytree(shared, tmp_path / "encoder")


def states_of(folder, text):
    """The hidden states of one text by itself, a list of floats for each token: nothing is padded."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        return model(torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0].tolist()


def mean(states):
    return [sum(column) / len(states) for column in zip(*states, strict=True)]


def weighted(states):
    total = sum(range(1, len(states) + 1))
    return [sum(n * x for n, x in enumerate(column, start=1)) / total for column in zip(*states, strict=True)]


BY_HAND = {
    "mean": mean,
    "mean_sqrt_len_tokens": mean,  # of another length, and in the same direction
    "cls": lambda states: states[0],
    "lasttoken": lambda states: states[-1],
    "max": lambda states: [max(column) for column in zip(*states, strict=True)],
    "weightedmean": weighted,
}
BOOLEANS = {
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "cls": "pooling_mode_cls_token",
    "lasttoken": "pooling_mode_lasttoken",
    "max": "pooling_mode_max_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
}


def cosine(first, second):
    product = sum(a * b for a, b in zip(first, second, strict=True))
    return product / (sum(a * a for a in first) ** 0.5 * sum(b * b for b in second) ** 0.5)


@pytest.mark.parametrize("form", ["name", "booleans"])
@pytest.mark.parametrize("mode", BY_HAND)
def test_coherence_by_hand(folder, mode, form):
    named = {"pooling_mode": mode, "embedding_dimension": 32}
    booleans = {name: each == mode for each, name in BOOLEANS.items()}
    pooled_by(folder, **(named if form == "name" else booleans | {"word_embedding_dimension": 32}))
    found = Embedder(str(folder)).coherence(PAIRS)
    by_hand = [cosine(*(BY_HAND[mode](states_of(folder, text)) for text in pair)) for pair in PAIRS]
    assert found == pytest.approx(by_hand, abs=1e-5)


def test_the_modes_differ():
    states = [[1.0, 0.0], [0.0, 3.0], [2.0, 0.0]]
    assert BY_HAND["mean"](states) == [1.0, 1.0]
    assert BY_HAND["weightedmean"](states) == [pytest.approx(7 / 6), 1.0]
    assert BY_HAND["max"](states) == [2.0, 3.0]
    assert (BY_HAND["cls"](states), BY_HAND["lasttoken"](states)) == ([1.0, 0.0], [2.0, 0.0])


def test_without_a_word_on_pooling_it_is_the_mean(shared):
    by_hand = [cosine(*(mean(states_of(shared, text)) for text in pair)) for pair in PAIRS]
    assert Embedder(shared).coherence(PAIRS) == pytest.approx(by_hand, abs=1e-5)


def test_a_causal_model_without_a_padding_token_embeds_too(tmp_path):
    folder = tmp_path / "causal"
    causal_model(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["padding_side"] = "left"
    del settings["pad_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    pooled_by(folder, pooling_mode="lasttoken")
    by_hand = [cosine(*(states_of(folder, text)[-1] for text in pair)) for pair in PAIRS]
    assert Embedder(str(folder)).coherence(PAIRS) == pytest.approx(by_hand, abs=1e-5)


def test_coherence_of_a_text_with_itself_is_one(shared):
    same, other = Embedder(shared).coherence([("the tide", "the tide"), ("the tide", "two three { }")])
    assert same == pytest.approx(1.0, abs=1e-5)
    assert other < same


def test_an_empty_text_has_no_coherence(shared):
    embedder = Embedder(shared)
    assert embedder.coherence([("", "the sea"), (" \n", ""), ("the sea", "the sea")]) == pytest.approx([0, 0, 1])
    assert embedder.coherence([("", "")]) == [0]
    assert embedder.coherence([]) == []


@pytest.mark.parametrize(
    ("name", "longest"), [("sentence_bert", 6), ("sentence_xlm-roberta", 6), ("sentence_bert", None)]
)
def test_texts_are_cut_to_the_length_that_the_folder_states(folder, name, longest):
    (folder / f"{name}_config.json").write_text(json.dumps({"max_seq_length": longest}), encoding="utf-8")
    embedder = Embedder(str(folder))
    beginning, whole = "the moon pulls", "the moon pulls the water of the sea"
    assert embedder.context == (longest or 64)
    [same] = embedder.coherence([(f"{whole} {whole}", f"{whole} {beginning}")])
    assert (same == pytest.approx(1.0, abs=1e-6)) == (longest == 6)


def test_texts_are_put_into_lower_case_where_the_folder_says_so(folder):
    pair = [("THE TIDE", "the tide")]
    assert Embedder(str(folder)).coherence(pair)[0] < 0.999
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 32, "do_lower_case": true}', encoding="utf-8")
    assert Embedder(str(folder)).coherence(pair)[0] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"pooling_mode": "attention"}, "attention"),
        ({"pooling_mode": ["mean", "max"]}, "mean and max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls and mean"),
        ({"pooling_mode_gru": True}, "pooling_mode_gru"),
        ({"pooling_mode_mean_tokens": False}, "nothing"),
    ],
)
def test_another_pooling_is_refused(folder, settings, told):
    pooled_by(folder, **settings)
    with pytest.raises(UserError, match=f"pools by {told}: known here is one of cls, mean, max"):
        Embedder(str(folder))


@pytest.mark.parametrize("package", [OLD, NEW])
def test_modules_name_the_parts(folder, package):
    (folder / "transformer").mkdir()
    for file in [each for each in folder.iterdir() if each.is_file()]:
        file.rename(folder / "transformer" / file.name)
    pooled_by(folder, pooling_mode="cls")
    modules_of(folder, *(package + name for name in ("Transformer", "Pooling", "Normalize")), transformer="transformer")
    found = Embedder(str(folder)).coherence(PAIRS[:1])
    by_hand = cosine(*(states_of(folder / "transformer", text)[0] for text in PAIRS[0]))
    assert found == [pytest.approx(by_hand, abs=1e-5)]


def test_a_module_beyond_those_known_is_refused(folder):
    modules_of(folder, f"{OLD}Transformer", f"{OLD}Pooling", f"{OLD}Dense", f"{OLD}Normalize")
    with pytest.raises(UserError, match="lists Dense, which is not known here"):
        Embedder(str(folder))
    modules_of(folder, f"{OLD}Transformer")
    with pytest.raises(UserError, match="lists no Pooling"):
        Embedder(str(folder))


@pytest.mark.parametrize(
    ("file", "written", "told"),
    [
        ("modules.json", "{}", "it is no list"),
        ("modules.json", "[", "cannot be read"),
        ("sentence_bert_config.json", '{"max_seq_length": "long"}', "max_seq_length of long"),
        ("sentence_bert_config.json", "[]", "it is no object"),
    ],
)
def test_a_broken_folder_is_told(folder, file, written, told):
    (folder / file).write_text(written, encoding="utf-8")
    with pytest.raises(UserError, match=told):
        Embedder(str(folder))


@pytest.mark.parametrize("kind", [Scorer, Embedder])
@pytest.mark.parametrize("name", ["nowhere", "owner/model", "~/nowhere"])
def test_a_model_is_a_folder_and_never_asked_of_a_hub(kind, name):
    with pytest.raises(UserError, match=f"{name.lstrip('~')} is no model folder: it has no config.json. Name a folder"):
        kind(name)


@pytest.mark.parametrize("kind", [Scorer, Embedder])
def test_pickled_weights_are_refused(folder, kind):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="has no weights in safetensors"):
        kind(str(folder))


@pytest.mark.parametrize("kind", [Scorer, Embedder])
def test_broken_weights_are_told(folder, kind):
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match="cannot be loaded"):
        kind(str(folder))


def test_a_home_folder_is_found(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert model_folder("~/encoder") == folder
