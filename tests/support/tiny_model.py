"""A tiny chat model made on the spot: a config, a tokenizer trained on a few sentences, and weights from a seed.

Its weights are random but for one thing: a part of every hidden state is constant, so that the last layer has a bias,
and the bias is how often each token stands in the corpus. So it writes words and ends its sentences, and held to a
JSON schema it comes to an end. It knows nothing.
"""

import json
from pathlib import Path

CORPUS = (
    "A leaf of the taxonomy holds a few worked examples, and a teacher writes more in their manner.",
    "Bread rises in the oven because the gas in the dough expands with the heat.",
    "Water takes heat from the skin when it evaporates, so wet clothes feel cold.",
    "The tide rises and falls twice a day where the moon pulls at the sea.",
    "Which of the two answers is correct, complete and easy to follow, and why?",
    "Compost needs air, water and a mix of green and brown material to rot well.",
    "A pump lifts water, a valve holds it back, and a gauge shows how much is left.",
    "How do you tell that a cake is done? Put a thin stick into it and look at the stick.",
    "The second question asks for the length of the sides, the third for the size of the field.",
    "Rate the answer from one to three, and give the reason in one sentence.",
)
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>")
CLOSING = {'"': 0.3, "<|end|>": 0.1}  # shares of the text: what ends a sentence or an answer
SURPRISE = 1.5  # standard deviation of the logits around the bias: what came before has its say
SHARPNESS = 8  # of attention
OPENING = {"{": 0.1, ",": 0.1}  # so that a list is not empty and not over after its first group
RATINGS = {"0": 1e-6, "1": 0.003, "2": 0.03, "3": 0.02, "Y": 0.01, "N": 1e-6}  # a judge who is pleased


def tiny_tokenizer(vocabulary: int = 768):
    """Return a byte-level BPE tokenizer with a chat template, trained on the corpus."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        additional_special_tokens=list(SPECIAL[1:4]),
        chat_template=CHAT_TEMPLATE,
        model_max_length=8192,
    )


def tiny_model(vocabulary: int, *, seed: int = 0, hidden: int = 64, layers: int = 2, **config):
    """Return a Llama of about a hundred thousand random weights, in float32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    settings = {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 8192,
        "bos_token_id": None,
        "eos_token_id": 0,
        "initializer_range": 0.1,
        "pad_token_id": 4,
    }
    state = torch.random.get_rng_state()
    try:
        torch.manual_seed(seed)
        return LlamaForCausalLM(LlamaConfig(**settings | config))
    finally:
        torch.random.set_rng_state(state)


def save_tiny_model(folder: Path, *, seed: int = 0, **config) -> Path:
    """Write a model folder that transformers and vLLM load, about 1 MB, and return it."""
    tokenizer = tiny_tokenizer()
    model = tiny_model(len(tokenizer), seed=seed, **config)
    _make_it_write(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _make_it_write(model, tokenizer) -> None:
    import torch

    counts = torch.full((len(tokenizer),), 0.02)
    for text in CORPUS:
        for token in tokenizer.encode(text, add_special_tokens=False):
            counts[token] += 1
    shares = counts / counts.sum()
    for word, share in (CLOSING | OPENING | RATINGS).items():
        shares[tokenizer.convert_tokens_to_ids(word)] = share
    shares[list(range(1, len(SPECIAL)))] = 1e-9
    quote, end, newline = tokenizer.convert_tokens_to_ids(['"', "<|end|>", "Ċ"])
    ratings = tokenizer.convert_tokens_to_ids(list(RATINGS))
    width = model.config.hidden_size
    constant = (width / 2) ** 0.5  # what is left of the first part of a hidden state by the norm before the last layer
    with torch.no_grad():
        model.model.embed_tokens.weight.mul_(1 / model.config.initializer_range)
        model.model.embed_tokens.weight[:, 0] = width**0.5
        model.lm_head.weight.mul_(SURPRISE * (2 / width) ** 0.5 / model.config.initializer_range)
        model.lm_head.weight[ratings] = 0.0
        model.lm_head.weight[quote] *= 2
        model.lm_head.weight[end] -= model.model.embed_tokens.weight[newline] / 5  # no empty answers
        model.lm_head.weight[:, 0] = shares.log() / constant
        for layer in model.model.layers:  # sharp attention, so that greedy text does not run in circles
            layer.self_attn.q_proj.weight.mul_(SHARPNESS)


def vocabulary(folder: Path) -> list[str]:
    """Return the tokens of a saved model in the order of their ids."""
    words = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    return sorted(words, key=words.__getitem__)
