"""`llamacpp:FILE`: a GGUF file in this process, by llama.cpp: a teacher for a laptop, one call after another.

A JSON schema becomes one of llama.cpp's grammars. What a call shares with the one before it is not computed again.
Simplified: no batches; llama.cpp's own server, given by its URL, answers several calls at once.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from llama_cpp import Llama, LlamaGrammar, StoppingCriteriaList
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from tax.config import EngineOptions
from tax.problems import excerpt
from tax.teachers.base import Completion, Request, TeacherError, Unstructured
from tax.teachers.engines import answer_room, chat_tokens, fingerprint

CONTEXT = 8192  # tokens, where the model takes more and the user names no number: a laptop's memory is small


class LlamaCpp:
    """One model file; a thread of its own answers, so that the event loop goes on."""

    free = False
    grounded_only = False

    def __init__(self, name: str, path: str, options: EngineOptions) -> None:
        file = Path(path).expanduser().resolve()
        if not file.is_file():
            raise TeacherError(f"llamacpp:{excerpt(path)}: there is no such file. Name a model's .gguf file")
        self.name = name
        self._llama = _loaded(file, options.context)
        self._tokenizer = _Tokenizer(self._llama)
        self._context = _context(self._llama)
        self.model = f"llamacpp:{file.name}@{fingerprint(file, self._context)}"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._closed = False

    def reads(self, language: str, text: str) -> bool:
        """Take any text."""
        return True

    async def complete(self, request: Request) -> Completion:
        """Answer when the calls before it are answered."""
        cancelled = False
        try:
            tokens = chat_tokens(self._tokenizer, request.messages)
            answering = self._thread.submit(self._answer, request, tokens, lambda: cancelled or self._closed)
            return await asyncio.wrap_future(answering)
        except asyncio.CancelledError:
            cancelled = True
            raise

    async def close(self) -> None:
        """End the call under way at its next token, and let go of the model."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        self._llama.close()

    def _answer(self, request: Request, tokens: list[int], nobody_waits: Callable[[], bool]) -> Completion:
        reply = self._llama.create_completion(
            tokens,
            temperature=request.sampling.temperature,
            top_p=request.sampling.top_p,
            top_k=0,
            min_p=0.0,
            seed=request.sampling.seed,
            max_tokens=answer_room(len(tokens), request.sampling.max_tokens, self._context),
            grammar=_grammar(request),
            stopping_criteria=StoppingCriteriaList([lambda drawn, logits: nobody_waits()]),
        )
        (choice,), usage = reply["choices"], reply["usage"]
        return Completion(choice["text"], usage["prompt_tokens"], usage["completion_tokens"], choice["finish_reason"])


class _Tokenizer:
    """The model's own chat template, as chat_tokens asks for it."""

    def __init__(self, llama: Any) -> None:
        self.chat_template = llama.metadata.get("tokenizer.chat_template")
        self._llama = llama
        begin, end = (self._written(token) for token in (llama.token_bos(), llama.token_eos()))
        self._format = Jinja2ChatFormatter(self.chat_template or "", bos_token=begin, eos_token=end)

    def apply_chat_template(self, turns: list[dict[str, str]], **settings: Any) -> list[int]:
        """Return the tokens of a conversation, up to the answer's beginning."""
        written = self._format(messages=turns).prompt.encode()
        tokens: list[int] = self._llama.tokenize(written, add_bos=False, special=True)
        return tokens

    def _written(self, token: int) -> str:
        return str(self._llama.detokenize([token], special=True).decode()) if token >= 0 else ""


def _loaded(file: Path, context: int | None) -> Any:
    try:
        return Llama(str(file), n_ctx=context or CONTEXT, n_gpu_layers=-1, verbose=False)
    except (ValueError, OSError, RuntimeError) as error:
        raise TeacherError(f"llama.cpp cannot load {file}: {excerpt(error, 300)}") from error


def _context(llama: Any) -> int:
    """Return how many tokens the model takes: those it was trained for, and no more than were set up."""
    trained = llama.metadata.get(f"{llama.metadata.get('general.architecture')}.context_length")
    return min(int(trained or CONTEXT), int(llama.n_ctx()))


def _grammar(request: Request) -> Any:
    if request.schema is None:
        return None
    try:
        return LlamaGrammar.from_json_schema(json.dumps(request.schema), verbose=False)
    except (ValueError, KeyError, TypeError) as error:
        raise Unstructured from error
