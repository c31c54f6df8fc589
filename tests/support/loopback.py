"""A real HTTP server on loopback that speaks the chat API: answers every prompt in its schema, with faults on request.

Its answers are a function of the request, so that two runs can be compared. Faults are not: they come by the number of
the request, so that a call that met one succeeds when it is tried again.
"""

import asyncio
import contextlib
import hashlib
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

WORDS = (
    "amber basin cedar delta ember fjord grove harbour inlet jetty kelp ledge marsh nectar otter pebble quartz reed "
    "shoal thicket umber valley willow yarrow zephyr anchor beacon copper drift estuary flint gravel heron island"
).split()


@dataclass
class Faults:
    """How often each fault strikes: every Nth request, 0 for never."""

    busy: int = 0  # 429 with Retry-After 0
    error: int = 0  # 500
    dropped: int = 0  # the connection is closed without an answer
    broken: int = 0  # JSON that breaks off
    empty: int = 0  # an answer without a character


@dataclass
class Loopback:
    """The server's state: what it was asked, and how it behaves."""

    faults: Faults = field(default_factory=Faults)
    structured: bool = True  # False: refuses response_format with HTTP 400, and answers between markers
    models: tuple[str, ...] = ("loopback-1",)
    context: int = 0  # tokens; 0: any number. What is longer is refused with HTTP 400, or cut
    lists_context: bool = False  # in its list of models
    refuses: str = "vllm"  # how: REFUSALS; "": as llama.cpp, which refuses prompts alone and cuts answers
    refuse: Callable[[str], str] = lambda text: ""  # text -> why the call is refused with HTTP 400
    refused: int = 0  # calls
    rate: Callable[[str, str], Any] | None = None  # (prompt name, text) -> a rating, to make a judge strict
    say: Callable[[str, str], str | None] | None = None  # (prompt name, text) -> an answer, None for the usual one
    requests: Counter[str] = field(default_factory=Counter)  # answered with 200, by a hash of the request's body
    seen: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    delay: float = 0.0
    url: str = ""
    stop_after: int = 0  # requests; then every further one is refused with 500
    keys: set[str] = field(default_factory=set)
    on_request: Callable[[int], object] = lambda seen: None
    chat: Callable[[web.Request], Any] | None = None  # answers every chat request, instead of all of the above

    async def models_route(self, request: web.Request) -> web.Response:
        context = {"max_model_len": self.context} if self.lists_context else {}
        return web.json_response({"data": [{"id": model, **context} for model in self.models]})

    async def chat_route(self, request: web.Request) -> web.StreamResponse:
        if self.chat is not None:
            return await self.chat(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._chat(request)
        finally:
            self.in_flight -= 1

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.seen += 1
        number = self.seen  # before others come in
        self.keys.add(request.headers.get("Authorization", ""))
        self.on_request(self.seen)
        await asyncio.sleep(self.delay)
        fault = self._fault(number)
        if fault == "busy":
            return web.json_response({"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "0"})
        if fault == "error":
            return web.json_response({"error": {"message": "out of luck"}}, status=500)
        if fault == "dropped" and request.transport is not None:
            request.transport.close()
            return web.Response()
        if "response_format" in body and not self.structured:
            message = "response_format of type json_schema is not supported"
            return web.json_response({"error": {"message": message}}, status=400)
        if why := self.refuse(body["messages"][-1]["content"]):
            return web.json_response({"error": {"message": why}}, status=400)
        asked = body["max_tokens"]
        prompt, room = self._room(body)
        if room <= 0:
            return self._refusal(prompt, asked)
        written = json.dumps(body, sort_keys=True)
        self.requests[hashlib.sha256(written.encode()).hexdigest()] += 1
        self.bodies.append(body)
        if self.context:  # an answer's words do not hang on how long it may be
            text = self._answer(body, json.dumps(body | {"max_tokens": 0}, sort_keys=True))
        else:
            text = self._answer(body, written)
        if fault == "broken":
            text = text[: len(text) // 2] if "response_format" in body else ""
        elif fault == "empty":
            text = ""
        cut = self.context > 0 and len(text) // 4 > room
        text = text[: 4 * room] if cut else text
        usage = {"prompt_tokens": prompt, "completion_tokens": max(1, len(text) // 4)}
        finish = "length" if cut else "stop"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        return web.json_response({"choices": [choice], "usage": usage})

    def _room(self, body: dict[str, Any]) -> tuple[int, int]:
        """Return the prompt's tokens and how many the answer may have; none where the call is refused."""
        prompt, asked = prompt_tokens(body["messages"]), body["max_tokens"]
        if not self.context:
            return prompt, asked
        if self.refuses:
            return prompt, asked if prompt + asked <= self.context else 0
        return prompt, min(asked, self.context - prompt)

    def _refusal(self, prompt: int, asked: int) -> web.Response:
        self.refused += 1
        if self.refuses:
            message = REFUSALS[self.refuses](prompt, asked, self.context)
        else:
            message = f"request ({prompt} tokens) exceeds the available context size ({self.context} tokens)"
        return web.json_response({"error": {"message": message}}, status=400)

    def _fault(self, number: int) -> str:
        if self.stop_after and number > self.stop_after:
            return "error"
        for name in ("busy", "error", "dropped", "broken", "empty"):
            every = getattr(self.faults, name)
            if every and number % every == 0:
                return name
        return ""

    def _answer(self, body: dict[str, Any], written: str) -> str:
        words = random.Random(hashlib.sha256(written.encode()).digest())
        text = body["messages"][-1]["content"]
        named = body.get("response_format", {}).get("json_schema", {}).get("name", "")
        said = self.say(named, text) if self.say else None
        if said is not None:
            return said
        if "response_format" in body:
            named = body["response_format"]["json_schema"]
            return json.dumps(self._object(named["schema"], named["name"], text, words), ensure_ascii=False)
        if "[END]" in text:
            return self._marked(text, words)
        return sentence(words, 30)

    def _object(self, schema: dict[str, Any], name: str, text: str, words: random.Random) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in schema["properties"].items():
            if value["type"] == "array":
                count = value.get("maxItems", 3)
                made[key] = [self._object(value["items"], name, text, words) for _ in range(count)]
            elif "enum" in value:
                made[key] = (
                    self.rate(name, text) if self.rate else value["enum"][0 if name == "judge_faithfulness" else -1]
                )
            elif key == "evidence":
                made[key] = _first_sentence(text)
            else:
                made[key] = sentence(words, 14)
        return made

    def _marked(self, text: str, words: random.Random) -> str:
        form = text.rsplit("\n\n", 1)[1].splitlines()  # the last paragraph, in whichever language it is asked for
        groups = 5 if "Repeat this form" in text or "每一組都重複" in text else 1
        lines = []
        for _ in range(groups):
            for line in form:
                marker, _, about = line.partition("]")
                choices = re.search(r"(?:one of |下列之一：)([^:：]*)", about)
                best = re.split(", |、", choices[1])[-1].strip() if choices else sentence(words, 14)
                best = "YES" if choices and "YES" in about else best
                lines.append(line if marker == "[END" else f"{marker}] {best}")
        return "\n".join(lines)


def prompt_tokens(messages: list[dict[str, str]]) -> int:
    """Return how many tokens the server counts: four characters each, and a few for the template."""
    return 10 + sum(len(message["content"]) for message in messages) // 4


def sentence(words: random.Random, length: int) -> str:
    """Return a sentence of random words, unlike any other."""
    return " ".join(words.choice(WORDS) + str(words.randrange(100)) for _ in range(length)).capitalize() + "."


def _first_sentence(text: str) -> str:
    chunk = text.partition("<document>\n")[2].partition("\n</document>")[0]
    lines = [line for line in chunk.splitlines() if line.strip() and not line.startswith("#")]
    return lines[0] if lines else chunk


# How servers refuse a call that is longer than their context, by (tokens of the prompt, of the answer, context).
REFUSALS: dict[str, Callable[[int, int, int], str]] = {
    "vllm": lambda prompt, answer, context: (
        f"This model's maximum context length is {context} tokens. However, you requested {prompt + answer} tokens "
        f"({prompt} in the messages, {answer} in the completion). Please reduce the length."
    ),
    "vllm 0.10": lambda prompt, answer, context: (
        f"'max_tokens' or 'max_completion_tokens' is too large: {answer}. This model's maximum context length is "
        f"{context} tokens and your request has {prompt} input tokens ({answer} > {context} - {prompt})."
    ),
    "vllm 0.15": lambda prompt, answer, context: (
        f"max_tokens={answer} cannot be greater than max_model_len=max_total_tokens={context}. Please request fewer "
        "output tokens."
        if answer > context
        else f"This model's maximum context length is {context} tokens. However, you requested {answer} output tokens "
        f"and your prompt contains at least {context - answer + 1} input tokens, for a total of at least "
        f"{context + 1} tokens. Please reduce the length of the input prompt or the number of requested "
        "output tokens."
    ),
    "sglang": lambda prompt, answer, context: (
        f"Requested token count exceeds the model's maximum context length of {context} tokens. You requested a total "
        f"of {prompt + answer} tokens: {prompt} tokens from the input messages and {answer} tokens for the completion."
    ),
    "tgi": lambda prompt, answer, context: (
        f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {context}. Given: {prompt} `inputs` "
        f"tokens and {answer} `max_new_tokens`"
    ),
    "silent": lambda prompt, answer, context: "context_length_exceeded",
}


class RunningLoopback:
    """A Loopback served by a thread of its own while the context is open."""

    def __init__(self, **settings: Any) -> None:
        self.server = Loopback(**settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Loopback:
        self._thread.start()
        self._ready.wait()
        return self.server

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(RuntimeError):  # it has gone away already
            self.leave()
        self._thread.join()

    def leave(self) -> None:
        """Close the server, as one that dies: what is in flight is lost, and connections are refused."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _start(self) -> web.AppRunner:
        application = web.Application(client_max_size=2**24)
        application.router.add_get("/v1/models", self.server.models_route)
        application.router.add_post("/v1/chat/completions", self.server.chat_route)
        runner = web.AppRunner(application, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner
