"""Small conversations, and a tokenizer trained on them."""

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}"
    "{% if message.role == 'assistant' %}{{ eos_token }}{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
MARKS = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
WORDS = "river stone moss lantern copper wind barley harbour thimble orchard candle meadow saddle ember willow".split()


def conversation(name, chance, longest):
    """Return a conversation of one or two turns whose answers have up to `longest` words."""
    messages = []
    for _ in range(chance.choice([1, 1, 2])):
        word = chance.choice(WORDS)
        answer = " ".join([word, *chance.choices(WORDS, k=chance.randrange(longest))])
        messages += [{"role": "user", "content": f"Say {word}."}, {"role": "assistant", "content": answer}]
    return {"id": name, "leaf": "knowledge/words", "messages": messages}


def train_tokenizer(texts, vocab_size=400):
    """Return a byte-level BPE tokenizer of transformers, trained on texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = bytes_of, decoders.ByteLevel()
    marks = [*MARKS.values(), "<|user|>", "<|assistant|>", "<|system|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=marks, initial_alphabet=bytes_of.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **MARKS)
