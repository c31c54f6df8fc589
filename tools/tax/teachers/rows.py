"""How each row of a batch is drawn: its own grammar, temperature, top-p, seed and length, whoever shares the batch.

transformers samples a whole batch with one generator, so that a row's draw depends on its neighbours. Here a row's
noise comes from its own seed, by the Gumbel-max trick (argmax of logits plus Gumbel noise draws from their softmax),
and generate() is left to take the argmax. A JSON schema becomes a grammar by llguidance: a token that the grammar does
not allow gets no weight, so that every finished answer is in its schema.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from llguidance import LLMatcher, LLTokenizer
from transformers import LogitsProcessor, StoppingCriteria

from tax.teachers.base import Request, Sampling, Unstructured

_COMPACT = {"whitespace_flexible": False}  # no way to spend the answer on blanks between its fields


@dataclass
class Row:
    """One call in a batch. `tokens`: its prompt; `limit`: the tokens its answer may have."""

    request: Request
    tokens: list[int]
    limit: int
    matcher: Any = None  # of the request's schema, if it has one
    cancelled: Callable[[], bool] = lambda: False

    @property
    def size(self) -> int:
        """What it takes of a batch at most, in tokens."""
        return len(self.tokens) + self.limit


def matcher(tokenizer: LLTokenizer, request: Request) -> Any:
    """Return what holds a request's answer to its schema, None where it has none. Raises Unstructured."""
    if request.schema is None:
        return None
    grammar = LLMatcher.grammar_from_json_schema(json.dumps(request.schema), overrides=_COMPACT)
    made = LLMatcher(tokenizer, grammar)
    if made.is_error():
        raise Unstructured
    return made


class DrawRows(LogitsProcessor):
    """Turns logits, of shape (rows, vocabulary), into scores whose argmax is each row's draw."""

    def __init__(self, rows: Sequence[Row], ends: Sequence[int], device: torch.device) -> None:
        self._rows = rows
        self._matchers = [row.matcher for row in rows]  # None also once the row has ended
        self._ends = ends  # the tokens that end an answer
        self._width: int | None = None  # of the prompts
        self._generators = [
            torch.Generator(device).manual_seed(each.seed or 0) if each.temperature else None
            for each in (row.request.sampling for row in rows)
        ]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores after the tokens so far, of shape (rows, length), left-padded."""
        if self._width is None:
            self._width = input_ids.shape[1]
        else:
            self._follow(input_ids[:, -1].tolist())
        scores = scores.float()
        allowed = self._allowed(scores.shape[1])
        if allowed is not None:
            scores = scores.masked_fill(~allowed.to(scores.device), float("-inf"))
        for index, (row, generator) in enumerate(zip(self._rows, self._generators, strict=True)):
            if generator is not None:
                scores[index] = _noisy(scores[index], row.request.sampling, generator)
        return scores

    def _follow(self, drawn: Sequence[int]) -> None:
        for index, token in enumerate(drawn):
            if token in self._ends:
                self._matchers[index] = None
            elif self._matchers[index] is not None:
                self._matchers[index].consume_token(token)

    def _allowed(self, vocabulary: int) -> torch.Tensor | None:
        if not any(self._matchers):
            return None
        allowed: Any = numpy.ones((len(self._rows), vocabulary), dtype=bool)
        for index, held in enumerate(self._matchers):
            if held is None:
                continue
            allowed[index] = False
            if held.is_stopped():
                allowed[index, self._ends] = True
            else:
                bits = numpy.frombuffer(held.compute_bitmask(), dtype=numpy.uint8)
                unpacked = numpy.unpackbits(bits, count=min(vocabulary, 8 * len(bits)), bitorder="little")
                allowed[index, : len(unpacked)] = unpacked
        return torch.from_numpy(allowed)


def _noisy(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> torch.Tensor:
    logits = logits / sampling.temperature
    if sampling.top_p < 1:
        ordered, places = logits.softmax(-1).sort(descending=True)
        beyond = ordered.cumsum(-1) - ordered >= sampling.top_p  # the first token is always kept
        logits = logits.masked_fill(torch.zeros_like(beyond).scatter(0, places, beyond), float("-inf"))
    noise = torch.empty_like(logits).exponential_(generator=generator)
    return logits - noise.log()


class StopRows(StoppingCriteria):
    """Ends a row at its own limit, and where nobody waits for it any longer."""

    def __init__(self, rows: Sequence[Row], width: int, closed: Callable[[], bool]) -> None:
        self._rows = rows
        self._width = width
        self._closed = closed

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        """Return for each row whether it has ended."""
        drawn, closed = input_ids.shape[1] - self._width, self._closed()
        ended = [closed or drawn >= row.limit or row.cancelled() for row in self._rows]
        return torch.tensor(ended, device=input_ids.device)
