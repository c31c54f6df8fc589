"""What a teacher is: one coroutine from Request to Completion, whatever engine stands behind it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol


class TeacherError(Exception):
    """The teacher cannot be used as it was called; the message says what the user must change."""


class CallFailed(Exception):
    """One call got no answer, after all its tries; the message is the reason under which its draw is counted."""


class Refused(CallFailed):
    """A server refuses a call, in its own words: they may be about this call, or about every one."""


class TryAgain(Exception):
    """The engine could not answer just now; the message is the cause.

    `after`: seconds to wait, where it says so. `gone`: there was nobody to ask, so the call itself is not to blame.
    `said`: the engine's own words.
    """

    def __init__(self, cause: str, after: float | None = None, *, gone: bool = False, said: str = "") -> None:
        super().__init__(cause)
        self.after = after
        self.gone = gone
        self.said = said


class Unstructured(Exception):
    """The engine refuses answers by JSON schema; the call is to be asked again in plain text."""


@dataclass(frozen=True)
class Sampling:
    """How a completion is drawn. `seed` is None where the caller leaves the draw to the engine."""

    temperature: float = 0.0
    max_tokens: int = 2048  # tokens of the completion
    top_p: float = 1.0
    seed: int | None = None


@dataclass(frozen=True)
class Request:
    """One call: the rendered messages, and how they are to be answered."""

    model: str
    messages: tuple[tuple[str, str], ...]  # (role, content)
    sampling: Sampling
    schema: Mapping[str, Any] | None = None  # the JSON schema of the answer; None asks for text
    draw: int = 0  # tells apart the answers to one prompt
    prompt: str = ""  # the name of the prompt file that the messages were rendered from
    fields: Mapping[str, Any] = field(
        default_factory=dict, compare=False
    )  # what filled it, for teachers without a model
    leaf: int | None = field(default=None, compare=False)  # the rank of the leaf it is for: its calls begin alike

    @cached_property
    def key(self) -> str:
        """The identity of the call, 32 hexadecimal digits: the same key is never asked twice."""
        sampling = self.sampling
        identity = [
            self.model,
            [sampling.temperature, sampling.max_tokens, sampling.top_p, sampling.seed],
            self.messages,
            self.schema,
            self.draw,
        ]
        written = json.dumps(identity, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Completion:
    """The answer as it came, with what it cost in tokens (0 where the engine does not say).

    `finish` is "stop", "length" where the answer was cut at max_tokens or at a context that is part of the model's
    identity, "room" where it was cut at a server's context, which may be another one the next time.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish: str = "stop"


class Teacher(Protocol):
    """An engine that answers requests.

    `name` stands in run folders and samples; `model` enters every call's key. A `free` teacher's answers cost nothing
    and are a function of the request alone, so they are not kept in the journal. `grounded_only` teachers answer from
    a document and cannot invent: they grow knowledge, not skills.
    """

    name: str
    model: str
    free: bool
    grounded_only: bool

    def reads(self, language: str, text: str) -> bool:
        """Tell whether the teacher can work from a text in a language (a BCP 47 tag)."""
        ...

    async def complete(self, request: Request) -> Completion:
        """Answer one request, trying once.

        Raises TryAgain where the same call may succeed later, CallFailed where this one never will (Refused where that
        may hold for every other too), Unstructured where the request's schema is refused, TeacherError where no call
        can succeed.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and models."""
        ...
