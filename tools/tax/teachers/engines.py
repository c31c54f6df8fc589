"""What the engines in this process share: a model's identity, its chat template, and the room for an answer."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tax.problems import excerpt
from tax.teachers.base import CallFailed, TeacherError

WHOLE = 67_108_864  # bytes of a file that is read whole
PIECE, STRIDE = 65_536, 16_777_216  # bytes read of a larger one, and from where on the next piece is read
_WEIGHTS = {".safetensors", ".gguf", ".bin", ".json", ".jinja", ".model", ".txt"}
LEAST_ROOM = 16  # tokens; an answer with less room would only be cut


def model_folder(engine: str, path: str) -> Path:
    """Return the folder of a model that transformers can load. Raises TeacherError."""
    folder = Path(path).expanduser()
    if not (folder / "config.json").is_file():
        raise TeacherError(
            f"{engine}:{excerpt(path)} is no model folder: it has no config.json. Name a folder that transformers' "
            "save_pretrained or a model hub's download made"
        )
    return folder.resolve()


def fingerprint(model: Path | None, *settings: object) -> str:
    """Return 12 hexadecimal digits that tell models and settings apart: they stand in the key of every call.

    Of each file of more than 64 MiB, its size and 64 KiB of every 16 MiB and of its end are read, so that a large model
    takes a second and not minutes; tuning moves nearly all weights, so it is seen. Without a model, the settings alone
    count. The context is one of them as the engine has it in the end: where it is short, it cuts answers.
    """
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=6)
    if model is None:
        return digest.hexdigest()
    files = [model] if model.is_file() else sorted(path for path in model.iterdir() if path.suffix in _WEIGHTS)
    for path in files:
        digest.update(f"{path.name if path != model else ''} {path.stat().st_size}\n".encode())
        for piece in _pieces(path):
            digest.update(piece)
    return digest.hexdigest()


def hub_commit(name: str) -> str | None:
    """Return the commit of a model that was fetched from the hub, as the cache has it; None where it is not there."""
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(name, "config.json")
    except ValueError:  # no name of the hub's
        return None
    return Path(found).parent.name if isinstance(found, str) else None


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        size = path.stat().st_size
        if size <= WHOLE:
            yield file.read()
            return
        for offset in (*range(0, size, STRIDE), size - PIECE):
            file.seek(offset)
            yield file.read(PIECE)


def chat_tokens(tokenizer: Any, messages: Sequence[tuple[str, str]]) -> list[int]:
    """Return the tokens of a conversation as the model's chat template lays it out, up to the answer's beginning.

    A system text goes before the first message where the template takes no such role. Raises TeacherError.
    """
    if not tokenizer.chat_template:
        raise TeacherError(
            "the model has no chat template, so it is no chat model: take its instruct or chat version, or put a "
            "chat_template.jinja into its folder"
        )
    try:
        return _laid_out(tokenizer, messages)
    except Exception as error:
        if len(messages) > 1 and messages[0][0] == "system":
            return chat_tokens(tokenizer, folded(messages))
        raise TeacherError(f"the model's chat template cannot be used: {excerpt(error, 200)}") from error


def folded(messages: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return a conversation with its system text put before the first message."""
    (_, system), (role, first), *rest = messages
    return ((role, f"{system}\n\n{first}"), *rest)


def _laid_out(tokenizer: Any, messages: Sequence[tuple[str, str]]) -> list[int]:
    turns = [{"role": role, "content": content} for role, content in messages]
    tokens = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True, return_dict=False)
    return [int(token) for token in tokens]


def answer_room(prompt: int, wanted: int, context: int) -> int:
    """Return how many tokens an answer may have after a prompt of so many. Raises CallFailed where there is no room."""
    room = min(wanted, context - prompt)
    if room < min(LEAST_ROOM, wanted):
        raise CallFailed(f"too long for the teacher: a prompt of {prompt:,} tokens, and it takes {context:,}")
    return room
