"""A teacher behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama, TGI, SGLang): POST /chat/completions.

Several servers share the calls (servers.py). aiohttp, because it keeps a server of 64 slots 97% busy where other
clients fall off once more calls wait than connections exist. One `complete` is one try: when to try again is the
caller's business (calls.py).
"""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tax.problems import excerpt
from tax.teachers.base import CallFailed, Completion, Refused, Request, TeacherError, TryAgain, Unstructured
from tax.teachers.replies import completion, error_message, listed, retry_after
from tax.teachers.room import prompt_bytes
from tax.teachers.servers import Server, Servers

MAX_REPLY = 8_000_000  # bytes
_BUSY = {402, 408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}  # 402: no credit is left
_SCHEMA_WORDS = ("response_format", "json_schema", "schema", "guided", "structured", "grammar")
_LENGTH_WORDS = (
    "context length",
    "context_length",
    "context size",
    "context window",
    "maximum context",
    "too long",
    "max_tokens",
    "max_new_tokens",
    "max_model_len",
)
_FILTER_WORDS = ("content_filter", "content filter", "content management", "content policy", "safety system", "flagged")


class _TooLong(CallFailed):
    """A server refused a call for its length; `told` is all that it said."""

    def __init__(self, reason: str, told: str = "") -> None:  # a default, or it could not come through Ray
        super().__init__(reason)
        self.told = told


class OpenAITeacher:
    """One model on one server, or on several that share the calls."""

    free = False
    grounded_only = False

    def __init__(
        self, name: str, urls: Sequence[str], model: str, key_env: str = "", context: int | None = None
    ) -> None:
        self.name = name
        self.model = model
        self.servers = Servers(list(dict.fromkeys(base_url(url) for url in urls)))
        for server in self.servers.all:
            server.room.narrow(context)
        self._key_env = key_env or "TAX_API_KEY"
        self._session: aiohttp.ClientSession | None = None

    def reads(self, language: str, text: str) -> bool:
        """Take any text."""
        return True

    async def complete(self, request: Request) -> Completion:
        """Post one chat completion to the server with the fewest calls in flight."""
        server = self.servers.choose(request.leaf)
        try:
            if not server.known:
                await self._meet(server)
            return await self._answer(server, request)
        except TryAgain as fault:
            if len(self.servers.all) == 1:
                raise
            elsewhere = server.aside and self.servers.another(server)
            raise TryAgain(
                f"{fault} from {server.url}", 0.0 if elsewhere else fault.after, gone=fault.gone, said=fault.said
            ) from fault

    async def choose_model(self) -> None:
        """Ask every server for its models; take their only one where none was named. Raises TeacherError.

        A server that does not answer is set aside, as long as another one does; it is asked when it is back.
        """
        found = await asyncio.gather(*(self._models(server) for server in self.servers.all), return_exceptions=True)
        listed: dict[str, dict[str, int | None]] = {}
        for server, models in zip(self.servers.all, found, strict=True):
            if isinstance(models, dict):
                server.known = True
                listed[server.url] = models
            elif not isinstance(models, TryAgain):
                raise models
        if not listed:
            raise TeacherError(
                f"no teacher answers at {', '.join(server.url for server in self.servers.all)} ({found[0]}). "
                "Start its server, or mend the address given to --teacher"
            )
        common = set.intersection(*(set(models) for models in listed.values()))
        if not self.model and len(common) == 1 and all(len(models) == 1 for models in listed.values()):
            self.model = common.pop()
        for server in self.servers.all:
            server.room.narrow(listed.get(server.url, {}).get(self.model))
        for url, models in listed.items():
            if not self.model:
                served = "; ".join(f"{each} serves {_shown(listed[each])}" for each in listed)
                raise TeacherError(f"{served}. Name one with --model{' that all serve' * (len(listed) > 1)}")
            if models and self.model not in models:
                raise TeacherError(f"{url} has no model '{excerpt(self.model)}'. Its models: {_shown(models)}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _answer(self, server: Server, request: Request) -> Completion:
        """Ask for as long an answer as the server has room for, and again for a shorter one where it refuses that."""
        wanted, size = request.sampling.max_tokens, prompt_bytes(request.messages)
        body, asked, refused = _body(request), server.room.first(size, wanted), False
        while True:
            body["max_tokens"] = asked
            status, headers, text = await self._send(server, "POST", "/chat/completions", body)
            if status != 200:
                refusal = self._refusal(server, status, headers, text, structured=request.schema is not None)
                shorter = server.room.shorter(size, asked, refusal.told) if isinstance(refusal, _TooLong) else None
                if shorter is None:
                    raise refusal
                asked, refused = shorter, True
                continue
            answer = completion(text)
            longer = server.room.longer(size, asked, wanted, answer)
            if longer is None or refused:
                return _told_cut(answer, asked, wanted)
            asked = longer

    async def _models(self, server: Server) -> dict[str, int | None]:
        """Return the models that a server lists, each with its context where that is said.

        Raises TryAgain where the server does not answer, or TeacherError.
        """
        status, headers, text = await self._send(server, "GET", "/models")
        if status == 404 and self.model:
            return {}  # a server that does not list its models
        if status != 200:
            refusal = self._refusal(server, status, headers, text, structured=False)
            if isinstance(refusal, TryAgain) and len(self.servers.all) > 1:
                raise refusal
            raise _as_teacher_error(refusal, server.url)
        return listed(text)

    async def _meet(self, server: Server) -> None:
        """Learn whether a server that was away at the start serves the model, so that answers are of one model."""
        models = await self._models(server)
        if models and self.model not in models:
            reason = f"it serves {_shown(models)}, not '{excerpt(self.model)}'"
            self.servers.exclude(server, reason)
            raise TryAgain("another model", after=0.0)
        server.room.narrow(models.get(self.model))
        server.known = True

    async def _send(self, server: Server, method: str, path: str, body: object = None) -> tuple[int, Any, bytes]:
        session = self._session or self._connect()
        server.in_flight += 1
        try:
            # Redirects are not followed: they would carry the key to another host.
            async with session.request(method, server.url + path, json=body, allow_redirects=False) as response:
                text = await response.content.read(MAX_REPLY)
                while not response.content.at_eof():
                    more = await response.content.read(MAX_REPLY)
                    if len(text) + len(more) > MAX_REPLY:
                        raise CallFailed(f"the reply is larger than {MAX_REPLY:,} bytes")
                    text += more
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            fault = _connection_fault(error)
            gone = isinstance(error, aiohttp.ClientConnectorError)
            self.servers.failed(server, fault, gone=gone)
            raise TryAgain(fault, gone=gone) from error
        finally:
            server.in_flight -= 1
        if response.status in _BUSY and response.status >= 500:
            self.servers.failed(server, f"HTTP {response.status}", gone=False)
        else:
            self.servers.answered(server)
        return response.status, response.headers, text

    def _connect(self) -> aiohttp.ClientSession:
        key = os.environ.get(self._key_env, "").strip()
        if not key.isprintable():
            raise TeacherError(f"the key in {self._key_env} holds a line end or the like: write it anew")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),  # the throttle is the only limit
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=900),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            json_serialize=lambda value: json.dumps(value, ensure_ascii=False),
        )
        return self._session

    def _refusal(self, server: Server, status: int, headers: Any, text: bytes, *, structured: bool) -> Exception:
        said = excerpt(error_message(text), 200)
        if status in _BUSY:
            return TryAgain(f"HTTP {status}", retry_after(headers.get("Retry-After")), said=said)
        words = said.lower()
        if any(word in words for word in _FILTER_WORDS):
            return CallFailed(f"HTTP {status}: {said}")
        if status in {401, 403}:
            return TeacherError(
                f"{server.url} refuses the key (HTTP {status}: {said}). "
                f"Put it into the environment variable {self._key_env}"
            )
        if status in {301, 302, 307, 308, 404, 405}:
            return TeacherError(f"{server.url} does not serve '{excerpt(self.model)}' (HTTP {status}: {said})")
        if any(word in words for word in _LENGTH_WORDS) and "not supported" not in words:
            return _TooLong(f"too long for the teacher: {said}", error_message(text))
        if structured and status in {400, 422, 501} and any(word in words for word in _SCHEMA_WORDS):
            return Unstructured()
        return Refused(f"HTTP {status}: {said}")


def base_url(url: str) -> str:
    """Return the address that paths are added to; a bare host gets /v1. Raises TeacherError for no http(s) address."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        whole = parts.scheme in {"http", "https"} and bool(host) and parts.port != 0
    except ValueError:  # half an address in brackets, a host that cannot be one, or a port that is no number of one
        whole = False
    if not whole or parts.username or parts.query:
        raise TeacherError(f"'{excerpt(url)}' is no address of a server: it looks like http://localhost:8000/v1")
    return url.rstrip("/") if parts.path.strip("/") else url.rstrip("/") + "/v1"


def _body(request: Request) -> dict[str, Any]:
    """Return a chat completion's request, but for `max_tokens`."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": role, "content": content} for role, content in request.messages],
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
    }
    if request.sampling.seed is not None:
        body["seed"] = request.sampling.seed
    if request.schema is not None:
        schema = {"name": request.prompt, "schema": request.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _told_cut(completion: Completion, asked: int, wanted: int) -> Completion:
    """Return a completion that says so where it was cut for want of room, be it by us or by the server alone."""
    short = asked < wanted or 0 < completion.completion_tokens < wanted
    return replace(completion, finish="room") if completion.finish == "length" and short else completion


def _shown(models: Iterable[str]) -> str:
    return ", ".join(excerpt(model) for model in list(models)[:10]) or "no model"


def _connection_fault(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no such host"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no secure connection"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "connection refused"
    return "time-out" if isinstance(error, asyncio.TimeoutError) else "connection lost"


def _as_teacher_error(error: Exception, url: str) -> TeacherError:
    if isinstance(error, TeacherError):
        return error
    said = f": {error.said}" if isinstance(error, TryAgain) and error.said else ""
    return TeacherError(f"{url} does not list its models: {error}{said}")
