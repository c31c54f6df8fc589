"""How long an answer a server has room for, learnt from its list of models, its refusals and its counts of tokens.

A server whose context is smaller than a prompt and its longest answer together refuses the call, so a shorter answer
is asked for. Only the server counts a prompt's tokens; here they are estimated from its bytes, on the high side: an
answer that is cut for that is asked for once more, by the server's own count (openai.py). Simplified: a server that
refuses without a number is probed by halves, and calls that are under way at the start all pay for what it teaches.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tax.teachers.base import Completion
from tax.teachers.engines import LEAST_ROOM

LEAST = 64  # tokens of an answer; where not even so many are taken, it is the prompt that is too long
DENSITY = 1 / 3  # tokens a byte, until a text turns out to have more: English has about 1/4, Chinese up to 1/3
OVERHEAD = 64  # tokens that a chat template adds
# What vLLM, SGLang, llama.cpp, TGI and OpenAI write when they refuse a call for its length.
_CONTEXT = re.compile(
    r"(?:context|model) (?:length|size|window)(?: is| of)?(?: only)? \(?([\d,]+)"
    r"|max_model_len=(?:max_total_tokens=)?(\d+)|must be <= ([\d,]+)"
)
_PROMPT = re.compile(  # "at least 41 input tokens" is where vLLM stopped counting
    r"(?<!at least )\b([\d,]+) (?:input tokens|`inputs` tokens|tokens from the input|(?:tokens )?in the messages)"
    r"|(?:[Ii]nput|request)(?: length)? \(([\d,]+)(?: tokens)?\)|prompt \(length (\d+)\)|messages resulted in ([\d,]+)"
)


def prompt_bytes(messages: Sequence[tuple[str, str]]) -> int:
    """Return the size of a prompt, which its tokens are estimated from."""
    return sum(len(content.encode("utf-8", "surrogatepass")) for _, content in messages)


def told(refusal: str) -> tuple[int | None, int | None]:
    """Return the context and the prompt's tokens that a refusal tells, None for what it does not tell."""
    found = [next(filter(None, match.groups()), "") if match else "" for match in _searched(refusal)]
    context, prompt = (int(digits) if (digits := each.replace(",", "")) else None for each in found)
    return context, prompt


def _searched(refusal: str) -> tuple[re.Match[str] | None, re.Match[str] | None]:
    return _CONTEXT.search(refusal), _PROMPT.search(refusal)


@dataclass
class Room:
    """What is known of one server. All numbers but `density` are tokens of a prompt and its answer together."""

    context: int | None = None  # as the user, its list of models or a refusal says
    taken: int = 0  # the most that it took
    refused: int | None = None  # the least that it refused without saying its context
    density: float = DENSITY

    def narrow(self, context: int | None) -> None:
        """Note a context that the server, or the user, says."""
        if context:
            self.context = min(context, self.context or context)

    def first(self, size: int, wanted: int) -> int:
        """Return how many tokens of the `wanted` to ask for, after a prompt of `size` bytes."""
        limit = self._limit()
        return wanted if limit is None else min(wanted, max(LEAST, limit - self._estimate(size)))

    def shorter(self, size: int, asked: int, refusal: str) -> int | None:
        """Learn from a refusal; return how many tokens to ask for instead, None where the prompt leaves no room."""
        context, prompt = told(refusal)
        self.narrow(context)
        if prompt is not None:
            self._weigh(size, prompt)
        if context is not None and prompt is not None and context - prompt < asked:
            return context - prompt if context - prompt >= min(LEAST_ROOM, asked) else None
        if context is None:
            self.refused = min(self._estimate(size) + asked, self.refused or 2**31)
        if asked <= LEAST:
            return None
        likely = self.first(size, asked)
        return likely if likely < asked else max(LEAST, asked // 2)

    def longer(self, size: int, asked: int, wanted: int, answer: Completion) -> int | None:
        """Learn from an answer; return how many tokens to ask for instead where it was cut though there is room."""
        if not answer.prompt_tokens:
            return None
        self._weigh(size, answer.prompt_tokens)
        self.taken = max(self.taken, answer.prompt_tokens + asked)
        room = min(wanted, (self.context or 0) - answer.prompt_tokens)
        return room if answer.finish == "length" and room > asked else None

    def _estimate(self, size: int) -> int:
        return OVERHEAD + int(size * self.density)

    def _weigh(self, size: int, tokens: int) -> None:
        self.density = min(1.0, max(self.density, (tokens - OVERHEAD) / max(1, size)))

    def _limit(self) -> int | None:
        """Return the context, or a guess: between what was taken and what was refused, until these are close."""
        if self.refused is None or not self.taken:
            return self.context
        near = self.refused - self.taken <= self.taken // 8
        guess = self.taken if near else (self.taken + self.refused) // 2
        return min(guess, self.context or guess)
