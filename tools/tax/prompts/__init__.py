"""Prompts: one YAML file each, readable as prose; loaded strictly, filled without evaluating anything, and hashed.

A placeholder is `{name}`. Filling is one pass over the prompt's own text, so that braces in a leaf, a document or an
answer stay what they are. `output` lists the fields of the answer: they become a JSON schema for servers that take
one, and text markers for those that do not (answers.py reads both). Without `output` the answer is the text itself.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class OutputField(BaseModel):
    """One field of an answer: a text, one of a few choices, or a list of groups of fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["text", "choice", "list"]
    about: str = ""
    choices: tuple[int | str, ...] = ()
    items: tuple["OutputField", ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> "OutputField":
        if (self.kind == "choice") != bool(self.choices) or (self.kind == "list") != bool(self.items):
            raise ValueError(f"{self.name}: a choice has `choices`, a list has `items`, a text has neither")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    temperature: float
    max_tokens: int
    system: str = ""
    user: str = ""
    conversation: bool = False  # the conversation itself follows the system text, instead of a user text
    output: tuple[OutputField, ...] = ()

    @model_validator(mode="after")
    def _one_ending(self) -> "_File":
        if bool(self.user) == self.conversation:
            raise ValueError("a prompt has either a `user` text or `conversation: true`")
        return self


@dataclass(frozen=True)
class Prompt:
    """A loaded prompt file. `digest` is a hash of the file's bytes, 12 hexadecimal digits."""

    name: str
    digest: str
    file: _File

    @property
    def label(self) -> str:
        """The prompt as samples name it: name@digest."""
        return f"{self.name}@{self.digest}"

    @cached_property
    def placeholders(self) -> frozenset[str]:
        """The names that must be filled."""
        return frozenset(_PLACEHOLDER.findall(self.file.system + self.file.user))

    def render(
        self,
        fields: Mapping[str, str],
        conversation: Sequence[tuple[str, str]] = (),
        *,
        structured: bool = True,
    ) -> tuple[tuple[str, str], ...]:
        """Return the messages, as (role, content), with the placeholders filled.

        `structured` tells the teacher to answer in JSON, otherwise between text markers. Raises KeyError for a
        placeholder without a value: that is our mistake, not the user's.
        """
        messages = []
        if self.file.system:
            messages.append(("system", _fill(self.file.system, fields).strip()))
        if self.file.conversation:
            messages += conversation
        else:
            form = self._forms[structured]
            messages.append(("user", (_fill(self.file.user, fields).strip() + "\n\n" + form).strip()))
        return tuple(messages)

    def schema(self, count: int = 0) -> dict[str, Any] | None:
        """Return the JSON schema of the answer, its list limited to `count` groups; None where the answer is text."""
        if count not in self._schemas:
            self._schemas[count] = _object_schema(self.file.output, count) if self.file.output else None
        return self._schemas[count]

    @cached_property
    def _schemas(self) -> dict[int, dict[str, Any] | None]:
        return {}

    @cached_property
    def _forms(self) -> dict[bool, str]:
        """The words that ask for the answer's form: in JSON, and between markers."""
        output = self.file.output
        return {True: _json_form(output), False: _marker_form(output)} if output else {True: "", False: ""}


@cache
def load(name: str) -> Prompt:
    """Load a prompt by the name of its file."""
    data = resources.files("tax.prompts").joinpath(f"{name}.yaml").read_bytes()
    return Prompt(name, hashlib.sha256(data).hexdigest()[:12], _File.model_validate(yaml.safe_load(data)))


def names() -> list[str]:
    """Return the names of all prompts."""
    files = resources.files("tax.prompts").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def bullets(principles: Sequence[str]) -> str:
    """Return a leaf's principles as a prompt lists them, one `* ` line each (nothing where there are none)."""
    return "\n".join("* " + " ".join(principle.split()) for principle in principles)


def _fill(text: str, fields: Mapping[str, str]) -> str:
    lines = [line for line, alone in _lines(text) if not alone or fields[alone]]
    return _PLACEHOLDER.sub(lambda match: fields[match.group(1)], "\n".join(lines))


@cache
def _lines(text: str) -> tuple[tuple[str, str], ...]:
    """Return a prompt's lines, each with the placeholder that stands there alone: an empty one takes its line away."""
    found = [(line, _PLACEHOLDER.fullmatch(line.strip())) for line in text.split("\n")]
    return tuple((line, alone.group(1) if alone else "") for line, alone in found)


def _object_schema(fields: Sequence[OutputField], count: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _field_schema(field, count) for field in fields},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def _field_schema(field: OutputField, count: int) -> dict[str, Any]:
    if field.kind == "list":
        schema = {"type": "array", "items": _object_schema(field.items, 0)}
        return schema | ({"maxItems": count} if count else {})
    if field.kind == "choice":
        kind = "integer" if isinstance(field.choices[0], int) else "string"
        return {"type": kind, "enum": list(field.choices)}
    return {"type": "string"}


def _json_form(fields: Sequence[OutputField]) -> str:
    return "Answer with one JSON object of this form, and nothing else:\n\n" + _json_object(fields)


def _json_object(fields: Sequence[OutputField]) -> str:
    parts = []
    for field in fields:
        if field.kind == "list":
            parts.append(f'"{field.name}": [{_json_object(field.items)}, ...]')
        else:
            parts.append(f'"{field.name}": <{_about(field)}>')
    return "{" + ", ".join(parts) + "}"


def _marker_form(fields: Sequence[OutputField]) -> str:
    repeated = fields[0].kind == "list"
    group = fields[0].items if repeated else fields
    lines = [f"[{field.name.upper()}] {_about(field)}" for field in group] + ["[END]"]
    every = "Repeat this form for each. " if repeated else ""
    return f"{every}Write each marker at the beginning of a line, in this form, and nothing else:\n\n" + "\n".join(
        lines
    )


def _about(field: OutputField) -> str:
    choices = "one of " + ", ".join(str(choice) for choice in field.choices) if field.choices else ""
    return ": ".join(filter(None, [choices, field.about]))
