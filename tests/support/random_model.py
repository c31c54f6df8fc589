"""A real model small enough for tests: a Llama of a few thousand weights, with a tokenizer trained on the spot."""

import json

TEXTS = [
    "What is the tide? The tide is the rise and fall of the sea.",
    "Answer the question in one sentence. The moon pulls the water of the sea.",
    "user assistant question answer score reason one two three 0 1 2 3 { } [ ] : , \"",
]  # fmt: skip
CHAT = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"  # noqa: E501


def tokenizer(folder, texts=TEXTS, vocabulary=400):
    """Train a byte-level BPE tokenizer on texts, with a chat template, and save it."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    special = ["<|pad|>", "<|bos|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(texts, vocab_size=vocabulary, min_frequency=1, special_tokens=special)
    made = PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer,
        pad_token="<|pad|>",
        bos_token="<|bos|>",
        eos_token="<|end|>",
        additional_special_tokens=special[3:],
    )
    made.chat_template = CHAT
    made.save_pretrained(folder)
    return made


def causal_model(folder, *, texts=TEXTS, context=256, hidden=32, layers=2, seed=0):
    """Save a random causal model and its tokenizer in a folder, and return the folder's path as text."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    made = tokenizer(folder, texts)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(made),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        bos_token_id=made.bos_token_id,
        eos_token_id=made.eos_token_id,
        pad_token_id=made.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


def encoder_model(folder, *, context=64, seed=0):
    """Save a random encoder that reads in both directions, with a token before and one after each text."""
    import torch
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel

    made = tokenizer(folder)
    ends = [("<|bos|>", made.bos_token_id), ("<|end|>", made.eos_token_id)]
    made.backend_tokenizer.post_processor = TemplateProcessing(single="<|bos|> $A <|end|>", special_tokens=ends)
    made.save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(made),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=context,
        pad_token_id=made.pad_token_id,
    )
    BertModel(config).save_pretrained(folder)
    return str(folder)


def pooled_by(folder, **settings):
    """Write how a Sentence-BERT folder pools."""
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings), encoding="utf-8")


def modules_of(folder, *types, transformer=""):
    """Write a Sentence-BERT folder's list of modules; `transformer` is the folder of the first."""
    places = [transformer, *(f"{number}_{name.rpartition('.')[2]}" for number, name in enumerate(types[1:], start=1))]
    listed = [{"idx": n, "path": path, "type": name} for n, (name, path) in enumerate(zip(types, places, strict=True))]
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
