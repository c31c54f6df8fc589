"""A teacher's answer, as text, to the fields that its prompt asked for.

Reads JSON (also within a code fence or between remarks) and text markers, whichever came. An answer is a stranger's
data: it is parsed, checked against the prompt's output fields, and never evaluated.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tax.prompts import OutputField

_END = r"(?m)^[ \t]*\[END\]|\[END\][ \t]*$"
MAX_ANSWER = 1_000_000  # characters; a longer answer is broken


class BrokenAnswer(Exception):
    """The answer is not what the prompt asked for; the message is the reason under which it is counted."""


@dataclass(frozen=True)
class Answer:
    """The fields of an answer, and for each group of its list that was not whole the reason why it is left out."""

    values: dict[str, Any]
    lost: tuple[str, ...] = ()


def parse(text: str, fields: Sequence[OutputField]) -> Answer:
    """Return the answer's fields: texts stripped, choices of their own type, lists of such dicts.

    Raises BrokenAnswer where a field is missing or not of its kind, or no group of a list is whole.
    """
    if not text.strip():
        raise BrokenAnswer("the answer is empty")
    if len(text) > MAX_ANSWER:
        raise BrokenAnswer("the answer is longer than a million characters")
    found = _from_json(text)
    if found is None:
        found = _from_markers(text, fields)
    if found is None:
        raise BrokenAnswer("the answer is neither the JSON nor the markers asked for")
    lost: list[str] = []
    return Answer(_checked(found, fields, lost), tuple(lost))


def plain(text: str) -> Answer:
    """Return the answer of a prompt without output fields: {"text": ...}. Raises BrokenAnswer."""
    if not text.strip():
        raise BrokenAnswer("the answer is empty")
    return Answer({"text": _whole(text.strip())})


def _from_json(text: str) -> Mapping[str, Any] | None:
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        found = json.loads(text[start : end + 1], strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _from_markers(text: str, fields: Sequence[OutputField]) -> Mapping[str, Any] | None:
    if fields[0].kind != "list":
        return _group(text, fields)
    groups = [_group(part, fields[0].items) for part in re.split(_END, text)]
    whole = [group for group in groups if group]
    return {fields[0].name: whole} if whole else None


def _group(text: str, fields: Sequence[OutputField]) -> dict[str, Any] | None:
    names = "|".join(re.escape(field.name.upper()) for field in fields)
    pieces = re.split(rf"(?m)^[ \t]*\[({names})\]", re.split(_END, text)[0])
    return {name.lower(): value.strip() for name, value in zip(pieces[1::2], pieces[2::2], strict=True)} or None


def _checked(found: Mapping[str, Any], fields: Sequence[OutputField], lost: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields:
        if field.name not in found:
            raise BrokenAnswer(f"the answer has no '{field.name}'")
        value = found[field.name]
        values[field.name] = _groups(value, field, lost) if field.kind == "list" else _value(value, field)
    return values


def _value(value: Any, field: OutputField) -> Any:
    if field.kind == "choice":
        return _choice(value, field)
    if not isinstance(value, str) or not value.strip():
        raise BrokenAnswer(f"'{field.name}' in the answer is not a text, or is empty")
    return _whole(value.strip())


def _whole(text: str) -> str:
    """Return a text that any file can hold: half of a pair of surrogates is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BrokenAnswer("the answer holds half a character") from None
    return text


def _groups(value: Any, field: OutputField, lost: list[str]) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise BrokenAnswer(f"'{field.name}' in the answer is not a list")
    groups = []
    for item in value:
        try:
            groups.append(_checked(item if isinstance(item, dict) else {}, field.items, lost))
        except BrokenAnswer as error:
            lost.append(str(error))
    if lost and not groups:
        raise BrokenAnswer(lost[0])
    return groups


def _choice(value: Any, field: OutputField) -> int | str:
    written = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    for choice in field.choices:
        if written.strip(" .*\"'[]()").upper() == str(choice).upper():
            return choice
    raise BrokenAnswer(f"the {field.name} is none of {', '.join(map(str, field.choices))}")
