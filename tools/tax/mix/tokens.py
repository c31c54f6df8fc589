"""The student's tokenizer: lengths are counted in its tokens, and where a plan asks for one it is trained on the data.

The only module that imports tokenizers (and transformers, for a model whose folder has no tokenizer.json). What is
counted is the texts of the turns, without what a chat template puts around them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tax.mix.plan import NewTokenizer
from tax.mix.pool import Entry
from tax.problems import UserError, excerpt, install

Tokenizer = Any  # tokenizers.Tokenizer, which `tax --help` does without
Turns = Sequence[tuple[str, str]]

PAD, BOS, EOS = "<|pad|>", "<|begin|>", "<|end|>"
ROLES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}

# {% generation %} marks what a student is trained to say, for transformers' masks of the assistant's tokens.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<|assistant|>\n"
    "{% generation %}{{ message['content'] }}{{ eos_token }}{% endgeneration %}"
    "{% else %}<|{{ message['role'] }}|>\n{{ message['content'] }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

_BATCH = 1_000_000  # characters that are tokenized at once
_TRAINED_ON = 1_000_000_000  # characters that a tokenizer is trained on at most; more do not change it noticeably


def load_tokenizer(name: str) -> Tokenizer:
    """Return a tokenizer from a folder or by its name on a hub. Raises UserError."""
    tokenizer = _package().Tokenizer
    folder = Path(name)
    file = folder / "tokenizer.json"
    try:
        if file.is_file():
            return tokenizer.from_file(str(file))
        if folder.is_dir():
            return _converted(folder)
        return tokenizer.from_pretrained(name)
    except Exception as error:
        raise UserError(
            f"the student's tokenizer {excerpt(name, 200)} cannot be read: {excerpt(str(error), 200)}. Name a folder "
            "that holds tokenizer.json, or a model on a hub that can be reached, under `student` in the plan"
        ) from error


def _converted(folder: Path) -> Tokenizer:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False).backend_tokenizer


def train_tokenizer(wanted: NewTokenizer, texts: Iterable[str]) -> Tokenizer:
    """Train a byte-level BPE tokenizer (as GPT-2's) on texts, of which there may be more than are needed.

    The same texts in the same order make the same tokenizer.
    """
    tokenizers = _package()
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=wanted.vocab_size,
        special_tokens=[PAD, BOS, EOS, *ROLES.values()],
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_up_to(texts, _TRAINED_ON), trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write a trained tokenizer as a folder that transformers loads, with its special tokens and chat template."""
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "bos_token": BOS,
        "eos_token": EOS,
        "additional_special_tokens": list(ROLES.values()),
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1_000_000_000,
        "chat_template": CHAT_TEMPLATE,
    }
    folder.mkdir()
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def tokenizer_digest(tokenizer: Tokenizer) -> str:
    """Return the SHA-256 of a tokenizer's definition."""
    return hashlib.sha256(tokenizer.to_str().encode("utf-8", "surrogatepass")).hexdigest()


def count_tokens(tokenizer: Tokenizer, texts: Iterable[tuple[Entry, Turns]]) -> None:
    """Set `tokens` and `answer` of each entry."""
    for batch in _batches(texts):
        said = [text for _, turns in batch for _, text in turns]
        encoded = iter(tokenizer.encode_batch_fast(said, add_special_tokens=False))
        for entry, turns in batch:
            lengths = [(role, len(next(encoded))) for role, _ in turns]
            entry.tokens = sum(length for _, length in lengths)
            entry.answer = sum(length for role, length in lengths if role == "assistant")


def _batches(texts: Iterable[tuple[Entry, Turns]]) -> Iterator[list[tuple[Entry, Turns]]]:
    batch: list[tuple[Entry, Turns]] = []
    size = 0
    for entry, turns in texts:
        batch.append((entry, turns))
        size += sum(len(text) for _, text in turns)
        if size > _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _up_to(texts: Iterable[str], characters: int) -> Iterator[str]:
    for text in texts:
        if characters <= 0:
            return
        yield text
        characters -= len(text)


def _package() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise UserError(f"counting tokens needs the package tokenizers: {install('train')}") from error
    return tokenizers
