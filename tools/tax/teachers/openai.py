"""A teacher behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama, TGI, SGLang): POST /chat/completions.

aiohttp, because it keeps a server of 64 slots 97% busy where other clients fall off once more calls wait than
connections exist. One `complete` is one try: when to try again is the caller's business (calls.py).
"""

import asyncio
import email.utils
import json
import os
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tax.problems import excerpt
from tax.teachers.base import CallFailed, Completion, Request, TeacherError, TryAgain, Unstructured

MAX_REPLY = 8_000_000  # bytes
MAX_WAIT = 120.0  # seconds; a longer Retry-After is cut to this
_BUSY = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_SCHEMA_WORDS = ("response_format", "json_schema", "schema", "guided", "structured", "grammar")
_LENGTH_WORDS = (
    "context length",
    "context_length",
    "maximum context",
    "too long",
    "max_tokens",
    "max_model_len",
)


class OpenAITeacher:
    """One server and one model on it."""

    free = False
    grounded_only = False

    def __init__(self, name: str, url: str, model: str, key_env: str = "") -> None:
        self.name = name
        self.model = model
        self.url = base_url(url)
        self._key_env = key_env or "TAX_API_KEY"
        self._session: aiohttp.ClientSession | None = None

    def reads(self, language: str, text: str) -> bool:
        """Take any text."""
        return True

    async def complete(self, request: Request) -> Completion:
        """Post one chat completion."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": role, "content": content} for role, content in request.messages],
            "temperature": request.sampling.temperature,
            "max_tokens": request.sampling.max_tokens,
            "top_p": request.sampling.top_p,
        }
        if request.sampling.seed is not None:
            body["seed"] = request.sampling.seed
        if request.schema is not None:
            schema = {"name": request.prompt, "schema": request.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        status, headers, text = await self._send("POST", "/chat/completions", body)
        if status != 200:
            raise self._refusal(status, headers, text, structured=request.schema is not None)
        return _completion(text)

    async def choose_model(self) -> None:
        """Ask the server for its models; take its only one where none was named. Raises TeacherError."""
        try:
            status, headers, text = await self._send("GET", "/models")
        except TryAgain as error:
            raise TeacherError(
                f"no teacher answers at {self.url} ({error}). Start its server, or mend the address given to --teacher"
            ) from error
        if status == 404 and self.model:
            return  # a server that does not list its models
        if status != 200:
            raise _as_teacher_error(self._refusal(status, headers, text, structured=False), self.url)
        models = _model_ids(text)
        if not self.model and len(models) == 1:
            self.model = models[0]
        listed = ", ".join(excerpt(model) for model in models[:10]) or "none"
        if not self.model:
            raise TeacherError(f"{self.url} serves these models: {listed}. Name one with --model")
        if models and self.model not in models:
            raise TeacherError(f"{self.url} has no model '{excerpt(self.model)}'. Its models: {listed}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(self, method: str, path: str, body: object = None) -> tuple[int, Any, bytes]:
        session = self._session or self._connect()
        try:
            # Redirects are not followed: they would carry the key to another host.
            async with session.request(method, self.url + path, json=body, allow_redirects=False) as response:
                text = await response.content.read(MAX_REPLY)
                while not response.content.at_eof():
                    more = await response.content.read(MAX_REPLY)
                    if len(text) + len(more) > MAX_REPLY:
                        raise CallFailed(f"the reply is larger than {MAX_REPLY:,} bytes")
                    text += more
                return response.status, response.headers, text
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise TryAgain(_connection_fault(error)) from error

    def _connect(self) -> aiohttp.ClientSession:
        key = os.environ.get(self._key_env)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),  # the throttle is the only limit
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=900),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            json_serialize=lambda value: json.dumps(value, ensure_ascii=False),
        )
        return self._session

    def _refusal(self, status: int, headers: Any, text: bytes, *, structured: bool) -> Exception:
        said = excerpt(_error_message(text), 200)
        if status in _BUSY:
            return TryAgain(f"HTTP {status}", _retry_after(headers.get("Retry-After")))
        if status in {401, 403}:
            return TeacherError(
                f"{self.url} refuses the key (HTTP {status}: {said}). "
                f"Put it into the environment variable {self._key_env}"
            )
        if status in {301, 302, 307, 308, 404, 405}:
            return TeacherError(f"{self.url} does not serve '{excerpt(self.model)}' (HTTP {status}: {said})")
        if any(word in said.lower() for word in _LENGTH_WORDS):
            return CallFailed(f"too long for the teacher: {said}")
        if structured and status in {400, 422, 501} and any(word in said.lower() for word in _SCHEMA_WORDS):
            return Unstructured()
        return CallFailed(f"HTTP {status}: {said}")


def base_url(url: str) -> str:
    """Return the address that paths are added to; a bare host gets /v1. Raises TeacherError for no http(s) address."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
        raise TeacherError(f"'{excerpt(url)}' is no address of a server: it looks like http://localhost:8000/v1")
    return url.rstrip("/") if parts.path.strip("/") else url.rstrip("/") + "/v1"


def _completion(text: bytes) -> Completion:
    try:
        reply = json.loads(text)
        choice = reply["choices"][0]
        content = choice["message"].get("content") or ""
        usage = reply.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise TryAgain("a reply that is no chat completion") from error
    if not isinstance(content, str):
        raise TryAgain("a reply that is no chat completion")
    return Completion(content, *tokens, finish=str(choice.get("finish_reason") or "stop"))


def _model_ids(text: bytes) -> list[str]:
    try:
        return [str(model["id"]) for model in json.loads(text)["data"]]
    except (ValueError, KeyError, TypeError):
        return []


def _error_message(text: bytes) -> str:
    written = text.decode("utf-8", "replace")
    try:
        error = json.loads(written)
        error = error.get("error", error)
        return str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        return written


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a Retry-After header in either of its forms (RFC 9110, 10.2.3)."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds, 0.0), MAX_WAIT) if seconds == seconds else None


def _connection_fault(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return "connection refused"
    return "time-out" if isinstance(error, asyncio.TimeoutError) else "connection lost"


def _as_teacher_error(error: Exception, url: str) -> TeacherError:
    return error if isinstance(error, TeacherError) else TeacherError(f"{url} does not list its models: {error}")
