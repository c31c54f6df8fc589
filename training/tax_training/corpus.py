"""A phase's samples, tokenised once and then mapped into memory: however many they are, a process holds few of them.

The folder of a corpus holds `tokens.bin` (uint32), `learnt.bin` (one byte a token), `starts.npy` (where each sample
starts, and the end) and `corpus.json` (ids, drops, what it was made from). It appears whole or not at all.
"""

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tax_training.conversation import Encoded, Encoder
from tax_training.errors import UserError, quoted
from tax_training.files import digest, told

_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Corpus:
    """The samples of one file as tokens: `ids` in the file's order, and the tokens of each by its number."""

    def __init__(self, folder: Path) -> None:
        """Open a corpus that `tokenise` wrote."""
        about = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        self.ids: list[str] = about["ids"]
        self.dropped = Counter[str](about["dropped"])
        self._starts = np.load(folder / "starts.npy")
        self._tokens = _mapped(folder / "tokens.bin", np.uint32)
        self._learnt = _mapped(folder / "learnt.bin", np.bool_)

    def lengths(self) -> np.ndarray:
        """Return how many tokens each sample has."""
        return np.diff(self._starts)

    def tokens(self, number: int, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the tokens [first, end) of a sample, and which of them are learnt."""
        start = int(self._starts[number])
        piece = slice(start + first, start + end)
        return self._tokens[piece].astype(np.int64), self._learnt[piece]


def corpus_folder(parent: Path, file: Path, kind: str, encoder: Encoder) -> Path:
    """Return where the corpus of a file lies: its name says all that its content depends on."""
    written = json.dumps([file_digest(file), kind, encoder.tokenizer.chat_template, _marks(encoder.tokenizer)])
    key = hashlib.sha256(written.encode() + encoder.tokenizer.backend_tokenizer.to_str().encode()).hexdigest()
    return parent / f"{file.parent.name}-{file.stem}-{key[:12]}"


def tokenise(file: Path, kind: str, encoder: Encoder, folder: Path) -> None:
    """Tokenise a file of samples into `folder`. Raises UserError for what is no sample."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    encode = encoder.documents if kind == "cpt" else encoder.conversations
    with told(f"the tokens of {file.name}"):
        part.mkdir(parents=True)
        _write(part, encode(read_lines(file, kind)))
        part.replace(folder)


def read_lines(file: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Read a phase file's samples, one by one. Raises UserError, with the line, for what is no sample."""
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    sample = json.loads(line)
                except ValueError as error:
                    raise UserError(f"{file}, line {number}, is no JSON: run tax mix again") from error
                fault = _fault(sample, kind)
                if fault:
                    raise UserError(f"{file}, line {number}: {fault}")
                yield sample
    except FileNotFoundError as error:
        raise UserError(
            f"there is no {file}: write the phases' data with tax mix, and name its folder --data"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a phase file, in hexadecimal. Raises UserError."""
    try:
        return digest(file)
    except OSError as error:
        raise UserError(
            f"{file} cannot be read ({error.strerror}): write it with tax mix, and name its folder --data"
        ) from error


def is_empty(file: Path) -> bool:
    """Tell whether a file of samples is there and holds none."""
    return file.is_file() and not file.stat().st_size


def tokenizer_digest(tokenizer: Any) -> str:
    """Return a digest of what token ids mean: the vocabulary, the special tokens, how a conversation is laid out."""
    vocabulary = sorted(tokenizer.get_vocab().items())
    written = json.dumps([vocabulary, _marks(tokenizer), tokenizer.chat_template])
    return hashlib.sha256(written.encode()).hexdigest()


def _fault(sample: object, kind: str) -> str:
    if not isinstance(sample, dict) or not isinstance(sample.get("id"), str):
        return "no sample: it needs an `id`"
    if kind == "cpt":
        return "" if _is_text(sample.get("text")) else "no document of cpt: it needs a `text`"
    messages = sample.get("messages")
    if not isinstance(messages, list) or not messages:
        return "no conversation: it needs `messages`"
    for message in messages:
        fields = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if not all(_is_text(field) for field in fields):
            return f"a message needs `role` and `content`, both texts, not {quoted(message)}"
    return ""


def _is_text(value: object) -> bool:
    """Tell whether a value is a text, and one that UTF-8 can write: JSON may hold half of a surrogate pair."""
    return isinstance(value, str) and not _HALF_PAIR.search(value)


def _marks(tokenizer: Any) -> dict[str, Any]:
    return {name: str(value) for name, value in tokenizer.special_tokens_map.items()}


def _write(folder: Path, samples: Iterable[Encoded]) -> None:
    ids: list[str] = []
    starts, dropped, seen = [0], Counter[str](), Counter[str]()
    with (folder / "tokens.bin").open("wb") as tokens, (folder / "learnt.bin").open("wb") as learnt:
        for sample in samples:
            if sample.dropped:
                dropped[sample.dropped] += 1
                continue
            ids.append(f"{sample.id}#{seen[sample.id]}" if sample.id in seen else sample.id)  # one that stands twice
            seen[sample.id] += 1
            tokens.write(np.asarray(sample.tokens, np.uint32).tobytes())
            learnt.write(np.asarray(sample.learnt, np.bool_).tobytes())
            starts.append(starts[-1] + len(sample.tokens))
    np.save(folder / "starts.npy", np.asarray(starts, np.int64))
    about = {"ids": ids, "dropped": dropped}
    (folder / "corpus.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def _mapped(path: Path, kind: Any) -> np.ndarray:
    return np.memmap(path, kind, mode="r") if path.stat().st_size else np.zeros(0, kind)
