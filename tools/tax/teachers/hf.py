"""`hf:FOLDER`: a model folder in this process, by transformers' generate; also how a tuned checkpoint answers.

A thread of its own holds the model, so that the event loop goes on. It forms a batch from the calls that wait: the
oldest, and those nearest to it in size, padded on the left. Simplified: a batch ends with its longest answer, and no
prefix is shared between calls; where that matters, vllm: does better.
"""

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from llguidance.hf import from_tokenizer

from tax.config import EngineOptions
from tax.problems import excerpt
from tax.teachers.base import CallFailed, Completion, Request, TeacherError
from tax.teachers.engines import answer_room, chat_tokens, fingerprint, model_folder
from tax.teachers.rows import DrawRows, Row, StopRows, matcher

GATHER = 0.02  # seconds a batch that is not full waits for more calls

_log = logging.getLogger(__name__)


class HF:
    """One model, answering batch after batch."""

    free = False
    grounded_only = False

    def __init__(self, name: str, path: str, options: EngineOptions) -> None:
        folder = model_folder("hf", path)
        self.name = name
        self._tokenizer, self._model = _loaded(folder, options.dtype)
        self._ends = _take_ends(self._model, self._tokenizer)
        self._context = _context(self._model.config, options.context)
        self.model = f"hf:{folder.name}@{fingerprint(folder, options.dtype, self._context)}"
        vocabulary = max(len(self._tokenizer), self._model.config.get_text_config().vocab_size)
        self._grammars = from_tokenizer(self._tokenizer, vocabulary, self._ends)
        self._batch = options.batch
        self._waiting: list[tuple[Row, asyncio.Future[Completion]]] = []
        self._turn = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def reads(self, language: str, text: str) -> bool:
        """Take any text."""
        return True

    async def complete(self, request: Request) -> Completion:
        """Answer as part of one of the next batches."""
        tokens = chat_tokens(self._tokenizer, request.messages)
        room = answer_room(len(tokens), request.sampling.max_tokens, self._context)
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        row = Row(request, tokens, room, matcher(self._grammars, request), future.cancelled)
        with self._turn:
            self._waiting.append((row, future))
            self._turn.notify()
        return await future

    async def close(self) -> None:
        """End the batch under way at its next token, and the thread."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        while batch := self._next_batch():
            rows = [row for row, _ in batch]
            try:
                answers: Sequence[Completion | Exception] = self._generate(rows)
            except torch.OutOfMemoryError:
                if len(batch) > 1:
                    self._shrink(batch)
                    continue
                answers = [CallFailed("too long for the teacher: it does not fit into memory")]
            except Exception as error:  # noqa: BLE001 - whatever it was, the calls that wait for it must end
                told = f"{self.name} failed: {type(error).__name__}: {excerpt(error, 300)}"
                answers = [TeacherError(told)] * len(rows)
            for (_, future), answer in zip(batch, answers, strict=True):
                with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits
                    future.get_loop().call_soon_threadsafe(_settle, future, answer)

    def _next_batch(self) -> list[tuple[Row, "asyncio.Future[Completion]"]]:
        """Wait for calls and return the next batch; nothing once the teacher is closed."""
        with self._turn:
            self._turn.wait_for(lambda: self._waiting or self._closed)
            self._turn.wait_for(lambda: len(self._waiting) >= self._batch or self._closed, GATHER)
            if self._closed:
                return []
            oldest = self._waiting[0][0].size
            ranked = sorted(range(len(self._waiting)), key=lambda place: abs(self._waiting[place][0].size - oldest))
            taken = set(ranked[: self._batch])  # the oldest is among them: a stable sort leaves it first
            batch = [each for place, each in enumerate(self._waiting) if place in taken]
            self._waiting = [each for place, each in enumerate(self._waiting) if place not in taken]
            return batch

    def _shrink(self, batch: list[tuple[Row, "asyncio.Future[Completion]"]]) -> None:
        self._batch = len(batch) // 2
        _log.warning("%s runs out of memory: batches of %d from here on", self.name, self._batch)
        with self._turn:
            self._waiting = batch + self._waiting
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _generate(self, rows: Sequence[Row]) -> list[Completion]:
        device = self._model.device
        width = max(len(row.tokens) for row in rows)
        pad = self._ends[0]
        tokens = [[pad] * (width - len(row.tokens)) + row.tokens for row in rows]
        mask = [[0] * (width - len(row.tokens)) + [1] * len(row.tokens) for row in rows]
        for row in rows:
            if row.matcher is not None:
                row.matcher.reset()
        with torch.inference_mode():
            drawn = self._model.generate(
                torch.tensor(tokens, device=device),
                attention_mask=torch.tensor(mask, device=device),
                generation_config=transformers.GenerationConfig(
                    do_sample=False,
                    max_new_tokens=max(row.limit for row in rows),
                    eos_token_id=self._ends,
                    pad_token_id=pad,
                ),
                logits_processor=transformers.LogitsProcessorList([DrawRows(rows, self._ends, device)]),
                stopping_criteria=transformers.StoppingCriteriaList([StopRows(rows, width, lambda: self._closed)]),
            )
        return [self._completion(row, answer) for row, answer in zip(rows, drawn[:, width:].tolist(), strict=True)]

    def _completion(self, row: Row, drawn: list[int]) -> Completion:
        drawn = drawn[: row.limit]
        end = next((place for place, token in enumerate(drawn) if token in self._ends), None)
        text = self._tokenizer.decode(drawn[:end], skip_special_tokens=True)
        return Completion(text, len(row.tokens), len(drawn[:end]), "length" if end is None else "stop")


def _settle(future: "asyncio.Future[Completion]", answer: Completion | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _loaded(folder: Path, dtype: str) -> tuple[Any, Any]:
    """Return tokenizer and model, on the GPU if there is one. Nothing of the folder is run, and no pickle is read."""
    if not sys.stderr.isatty():
        transformers.utils.logging.disable_progress_bar()
    # It takes a batch's padding for a text beyond the context, which no row reaches.
    logging.getLogger("transformers.generation.stopping_criteria").setLevel(logging.ERROR)
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")  # else DeepSpeed, where it is installed, warns of it
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise TeacherError(f"transformers cannot load {folder}: {excerpt(error, 300)}") from error
    if not isinstance(tokenizer, transformers.PreTrainedTokenizerFast):
        raise TeacherError(f"{folder} has no tokenizer.json: hf: needs a fast tokenizer")
    try:
        return tokenizer, model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    except torch.OutOfMemoryError as error:
        raise TeacherError(
            f"{folder} does not fit into the GPU beside what that holds. Set CUDA_VISIBLE_DEVICES to nothing, and it "
            "answers on the CPU"
        ) from error


def _take_ends(model: Any, tokenizer: Any) -> list[int]:
    """Return the tokens that end an answer, and leave nothing else of the model's own way of drawing."""
    said = [tokenizer.eos_token_id, model.generation_config.eos_token_id, model.config.get_text_config().eos_token_id]
    ends = [end for each in said for end in (each if isinstance(each, list) else [each]) if end is not None]
    if not ends:
        raise TeacherError("the model names no token that ends an answer: set eos_token_id in its config.json")
    model.generation_config = transformers.GenerationConfig()
    return list(dict.fromkeys(ends))


def _context(config: Any, limit: int | None) -> int:
    """Return how many tokens the model takes, and no more than the user allows."""
    takes = getattr(config.get_text_config(), "max_position_embeddings", None) or 2**31
    return min(takes, limit or takes)
