"""Conversations as other tools keep them, to samples and back: the forms messages, alpaca and sharegpt.

What is read becomes a Sample like any other, so everything behind this module knows one form. A foreign conversation
has no leaf: its `leaf` is the file's name, its `kind` is `imported`, its licence NOASSERTION until its importer says.
Simplified: a sample has no system turn, so a foreign one is put before the first question; what a user asked last
without an answer is left out; roles beside user and assistant (tools, functions) are not read.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from tax.leaf import UNSTATED_LICENSE, Branch, Message
from tax.problems import UserError, excerpt
from tax.runs import read_samples
from tax.sample import Sample, content_id

Form = Literal["messages", "alpaca", "sharegpt"]

UNKNOWN_TEACHER = "unknown"

_ROLES = {
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "system": "system",
}


class Unfit(ValueError):
    """A conversation that cannot be read; the message says why, in words that conversations can be counted by."""


@dataclass(frozen=True)
class Unread:
    """A row of a file that is no conversation, with the reason."""

    row: int  # from 1: a line of JSON lines, an element of an array
    reason: str


@dataclass(frozen=True)
class Origin:
    """What a foreign file does not say of its conversations, and its importer does."""

    license: str = UNSTATED_LICENSE
    language: str = "en"
    branch: Branch = "compositional_skills"
    teacher: str = UNKNOWN_TEACHER


def read(path: Path, origin: Origin | None = None) -> Iterator[Sample | Unread]:
    """Yield the conversations of a run folder, or of a file of samples or of one of the three forms, one by one.

    The form is told by each row's keys: `messages`, `conversations` (sharegpt), or `instruction` and `output` (alpaca).
    JSON lines are streamed; a JSON array is read whole. Raises UserError where the file cannot be read.
    """
    if path.is_dir():
        yield from read_samples(path)
        return
    blob = file_blob(path)
    for number, written in rows(path):
        try:
            yield sample_of(parsed(written), path.stem, blob, origin or Origin())
        except Unfit as error:
            yield Unread(number, str(error))


def messages_of(row: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return a row's conversation: it begins with the user, alternates, and ends with the assistant. Raises Unfit."""
    for form, turns in _TURNS.items():
        if _KEYS[form] in row:
            return _conversation(turns(row))
    raise Unfit("not of a known form: messages, alpaca or sharegpt")


def to_messages(sample: Sample) -> dict[str, Any]:
    """Return a sample as a row of the form messages, with its id, leaf and licence."""
    turns = [{"role": message.role, "content": message.content} for message in sample.messages]
    return {"messages": turns, **_provenance(sample)}


def to_alpaca(sample: Sample) -> dict[str, Any]:
    """Return a sample as a row of the form alpaca; earlier turns are its `history`, pairs of question and answer."""
    said = [message.content for message in sample.messages]
    history = [list(pair) for pair in zip(said[:-2:2], said[1:-2:2], strict=True)]
    row = {"instruction": said[-2], "input": "", "output": said[-1]}
    return {**row, **({"history": history} if history else {}), **_provenance(sample)}


def to_sharegpt(sample: Sample) -> dict[str, Any]:
    """Return a sample as a row of the form sharegpt."""
    names = {"user": "human", "assistant": "gpt"}
    turns = [{"from": names[message.role], "value": message.content} for message in sample.messages]
    return {"conversations": turns, **_provenance(sample)}


WRITERS: dict[Form, Callable[[Sample], dict[str, Any]]] = {
    "messages": to_messages,
    "alpaca": to_alpaca,
    "sharegpt": to_sharegpt,
}


def _provenance(sample: Sample) -> dict[str, str]:
    return {"id": sample.id, "leaf": sample.leaf, "license": sample.license}


def sample_of(row: object, name: str, blob: str, origin: Origin) -> Sample:
    """Return a row as a sample. Raises Unfit."""
    if not isinstance(row, dict):
        raise Unfit("not an object")
    if "leaf_blob" in row:
        try:
            return Sample.model_validate_json(json.dumps(row))
        except ValidationError as error:
            raise Unfit("no valid sample") from error
    messages = messages_of(row)
    leaf = row["leaf"] if isinstance(row.get("leaf"), str) else name
    return Sample(
        id=content_id(leaf, messages, None),
        leaf=leaf,
        leaf_blob=blob,
        branch=origin.branch,
        kind="imported",
        messages=messages,
        language=origin.language,
        source=None,
        seeds=(),
        teacher=origin.teacher,
        prompt="imported",
        ratings=(),
        parent=None,
        license=row["license"] if isinstance(row.get("license"), str) and row["license"] else origin.license,
    )


def _conversation(turns: Iterable[tuple[object, object]]) -> tuple[Message, ...]:
    system = ""
    said: list[tuple[Literal["user", "assistant"], str]] = []
    for name, text in turns:
        role = _ROLES.get(name) if isinstance(name, str) else None
        if role is None:
            raise Unfit(f"a turn of the role '{excerpt(name, 20)}'")
        if not isinstance(text, str) or not text.strip():
            raise Unfit("an empty turn")
        if role == "system":
            if said:
                raise Unfit("a system turn in the middle")
            system = text
        else:
            said.append(("user" if role == "user" else "assistant", text))
    if said and said[-1][0] == "user":
        said.pop()
    if not said:
        raise Unfit("no answer")
    if [role for role, _ in said] != ["user", "assistant"] * (len(said) // 2):
        raise Unfit("turns that do not alternate between user and assistant")
    if system:
        said[0] = ("user", f"{system}\n\n{said[0][1]}")
    try:
        return tuple(Message(role=role, content=text) for role, text in said)
    except ValidationError as error:
        raise Unfit("text that is no Unicode") from error


def _messages_turns(row: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    for turn in _listed(row["messages"]):
        yield turn.get("role"), turn.get("content")


def _sharegpt_turns(row: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    if row.get("system"):
        yield "system", row["system"]
    for turn in _listed(row["conversations"]):
        yield turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))


def _alpaca_turns(row: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    if row.get("system"):
        yield "system", row["system"]
    for pair in row.get("history") or []:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Unfit("a history that is no list of pairs")
        yield from (("user", pair[0]), ("assistant", pair[1]))
    question, given = row["instruction"], row.get("input") or ""
    if not isinstance(question, str) or not isinstance(given, str):
        raise Unfit("an instruction or input that is no text")
    yield "user", f"{question}\n\n{given}" if given.strip() else question
    yield "assistant", row.get("output")


_KEYS: dict[Form, str] = {"messages": "messages", "sharegpt": "conversations", "alpaca": "instruction"}
_TURNS: dict[Form, Callable[[Mapping[str, Any]], Iterator[tuple[object, object]]]] = {
    "messages": _messages_turns,
    "sharegpt": _sharegpt_turns,
    "alpaca": _alpaca_turns,
}


def _listed(turns: object) -> list[dict[str, Any]]:
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise Unfit("turns that are no list of objects")
    return turns


def rows(path: Path) -> Iterator[tuple[int, object]]:
    """Yield the rows of a file, numbered from 1: its lines as bytes, or the elements of its one array."""
    try:
        with path.open("rb") as file:
            begun = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
            file.seek(0)
            if begun.startswith(b"["):
                yield from enumerate(json.load(file), start=1)
            else:
                yield from ((number, line) for number, line in enumerate(file, start=1) if line.strip())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON: {excerpt(error, 200)}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def parsed(written: object) -> object:
    """Return a row as plain values; one that `rows` yields as bytes is read as JSON. Raises Unfit."""
    if not isinstance(written, bytes):
        return written
    try:
        return json.loads(written.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise Unfit("no JSON") from error


def file_blob(path: Path) -> str:
    """Return git's id of a file, which is read in pieces: it may be larger than memory."""
    try:
        with path.open("rb") as file:
            digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    return digest.hexdigest()
