"""A teacher that answers from a file: for tests, demonstrations and looking at a pipeline without a model.

The file is YAML: `answers`, a list of rules, the first that fits answers. A rule has `prompt` (the prompt's name, `*`
allowed), `contains` (a text that the messages must hold; optional), and `replies`, used in turn by draw number: a
text, or a mapping that is sent as JSON.
"""

import fnmatch
import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tax.problems import excerpt
from tax.source import Source
from tax.teachers.base import CallFailed, Completion, Request, TeacherError


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prompt: str = "*"
    contains: str = ""
    replies: list[str | dict[str, Any]] = Field(min_length=1)


class _Script(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answers: list[_Rule]


class Scripted:
    """Answers by the first rule that fits."""

    free = False
    grounded_only = False

    def __init__(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TeacherError(f"the script {path} cannot be read: {excerpt(error, 200)}") from error
        source = Source(str(path), text)
        try:
            self._rules = _Script.model_validate(source.data).answers
        except ValidationError as error:
            fault = source.problems[0].message if source.problems else error
            raise TeacherError(f"{path} is no script for a teacher: {excerpt(fault, 300)}") from error
        self.name = f"scripted:{path.name}"
        self.model = f"scripted-{hashlib.sha256(text.encode()).hexdigest()[:12]}"  # another script, other calls

    def reads(self, language: str, text: str) -> bool:
        """Take any text."""
        return True

    async def complete(self, request: Request) -> Completion:
        """Answer with the rule's reply for the request's draw."""
        text = "\n".join(content for _, content in request.messages)
        for rule in self._rules:
            if fnmatch.fnmatchcase(request.prompt, rule.prompt) and rule.contains in text:
                reply = rule.replies[request.draw % len(rule.replies)]
                return Completion(reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False))
        raise CallFailed(f"the script has no answer for the prompt {request.prompt}")

    async def close(self) -> None:
        """Nothing to let go of."""
