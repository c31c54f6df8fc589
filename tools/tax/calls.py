"""Asking a teacher: through the journal, within the throttle, with retries, to a parsed answer.

Everything that can go wrong with one call ends here: a finished call is not asked again; a busy server is asked again
after a back-off, during which the call's slot serves others; a broken answer is drawn again; and what still fails is a
CallFailed with the reason under which it is counted.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tax.answers import Answer, BrokenAnswer, parse, plain
from tax.journal import Journal
from tax.problems import UserError
from tax.prompts import Prompt
from tax.teachers.base import (
    CallFailed,
    Completion,
    Refused,
    Request,
    Sampling,
    Teacher,
    TeacherError,
    TryAgain,
    Unstructured,
)
from tax.throttle import Priority, Throttle

DRAWS = 3  # how often a broken answer is drawn before its draw is given up
TRIES = 10  # how often a busy or broken server is asked for one draw
FAILURES_IN_A_ROW = 50  # failed calls without one success between them: the teacher is gone, not the call unlucky
RETRY_TEMPERATURE = 0.5  # a broken answer at temperature 0 would come again as it was
DRAIN = 10.0  # seconds at the end of a run


@dataclass
class Meter:
    """What a run has done so far: the progress display reads it, the manifest keeps it."""

    asked: Counter[str] = field(default_factory=Counter)  # calls by prompt, answered by the teacher in this run
    reused: Counter[str] = field(default_factory=Counter)  # calls by prompt, found in the journal
    retries: Counter[str] = field(default_factory=Counter)  # by cause
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Caller:
    """Asks one teacher for one run."""

    def __init__(self, teacher: Teacher, journal: Journal, slots: int, seed: int) -> None:
        self.teacher = teacher
        self.throttle = Throttle(slots)
        self.meter = Meter()
        self._journal = journal
        self._seed = seed
        self._structured = True
        self._failures = 0  # in a row
        self._unanswered = 0  # calls that were given up
        self._fault = ""  # of the last of them
        self._lost: UserError | None = None  # an answer could not be kept: nothing more is asked
        self._sent: set[asyncio.Task[Completion]] = set()

    async def ask(
        self,
        prompt: Prompt,
        fields: Mapping[str, Any],
        *,
        priority: Priority,
        draw: int = 0,
        count: int = 0,
        conversation: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Ask, and return the answer's fields ({"text": ...} for a prompt without output fields).

        `draw` tells apart several answers to the same messages; `count` bounds the answer's list. A broken answer is
        drawn again. Raises CallFailed where no draw could be read, TeacherError where the teacher cannot be used.
        """
        fault = ""
        for attempt in range(DRAWS):
            completion = await self._draw(
                prompt, fields, draw * DRAWS + attempt, attempt, count, conversation, priority
            )
            try:
                return _read(completion, prompt)
            except BrokenAnswer as error:
                fault = str(error)
                self.meter.retries["broken answer"] += 1
        raise CallFailed(fault)

    async def answer(
        self, prompt: Prompt, conversation: Sequence[tuple[str, str]], *, priority: Priority
    ) -> Completion:
        """Ask once, and return the answer as it came, cut or empty: for one who is examined, whose answer it is.

        Raises CallFailed where there is none, TeacherError where the teacher cannot be used.
        """
        return await self._draw(prompt, {}, 0, 0, 0, conversation, priority)

    async def _draw(
        self,
        prompt: Prompt,
        fields: Mapping[str, Any],
        draw: int,
        attempt: int,
        count: int,
        conversation: Sequence[tuple[str, str]],
        priority: Priority,
    ) -> Completion:
        while True:
            structured = self._structured
            request = self.request(prompt, fields, draw, attempt, count, conversation, leaf=priority[0])
            try:
                return await self._once(request, priority)
            except Unstructured:
                if not structured:
                    raise TeacherError("the teacher refuses plain text answers too") from None
                self._structured = False

    def request(
        self,
        prompt: Prompt,
        fields: Mapping[str, Any],
        draw: int = 0,
        attempt: int = 0,
        count: int = 0,
        conversation: Sequence[tuple[str, str]] = (),
        leaf: int | None = None,
    ) -> Request:
        """Return the request that asking would send."""
        file = prompt.file
        texts = {name: str(fields[name]) for name in prompt.placeholders}
        temperature = max(file.temperature, RETRY_TEMPERATURE) if attempt else file.temperature
        return Request(
            model=self.teacher.model,
            messages=prompt.render(texts, conversation, structured=self._structured),
            sampling=Sampling(temperature, file.max_tokens, seed=(self._seed * 1_000_003 + draw) % 2**31),
            schema=prompt.schema(count) if self._structured else None,
            draw=draw,
            prompt=prompt.name,
            fields=fields,
            leaf=leaf,
        )

    async def _once(self, request: Request, priority: Priority) -> Completion:
        found = None if self.teacher.free else self._journal.find(request.key)
        if found is not None:
            self.meter.reused[request.prompt] += 1
            return found
        return await self._with_retries(request, priority)

    async def _with_retries(self, request: Request, priority: Priority) -> Completion:
        answers, fault = self.meter.asked.total(), TryAgain("")
        for tried in range(TRIES):
            if tried:
                await asyncio.sleep(fault.after if fault.after is not None else _back_off(tried - 1))
            await self.throttle.acquire(priority)
            if self._lost is not None:
                self.throttle.release()
                raise self._lost
            sent = asyncio.create_task(self._send(request))
            self._sent.add(sent)
            sent.add_done_callback(self._landed)
            try:
                # Shielded: where nobody waits for it any longer, a call under way is still paid for, and kept.
                return await asyncio.shield(sent)
            except TryAgain as error:
                fault = error
                self.meter.retries[str(error)] += 1
                self._count_failure(error)
            except Refused as error:
                self._give_up(error)
                raise
        if fault.gone and self.meter.asked.total() == answers:  # nor was another call answered in all that time
            raise self._stopped(fault, TRIES)
        given_up = CallFailed(f"{fault}, {TRIES} times{_words(fault)}")
        self._give_up(given_up)
        raise given_up

    async def _send(self, request: Request) -> Completion:
        try:
            completion = await self.teacher.complete(request)
        finally:
            self.throttle.release()
        self._failures = 0
        # An answer that a server's context cut is no part of the call's identity: with more room it is another one.
        if not self.teacher.free and completion.finish != "room":
            self._keep(request, completion)
        self.meter.asked[request.prompt] += 1
        self.meter.prompt_tokens += completion.prompt_tokens
        self.meter.completion_tokens += completion.completion_tokens
        return completion

    def _keep(self, request: Request, completion: Completion) -> None:
        try:
            self._journal.add(request, completion)
        except UserError as error:
            self._lost = error
            raise

    def _landed(self, sent: asyncio.Task[Completion]) -> None:
        self._sent.discard(sent)
        if not sent.cancelled():
            sent.exception()  # looked at, so that a call that nobody waits for may fail in silence

    async def drain(self) -> None:
        """Wait, but not for long, for the calls under way that nobody waits for: they are paid for."""
        if self._sent:
            await asyncio.wait(self._sent, timeout=DRAIN)

    async def close(self) -> None:
        """Break off the calls under way."""
        for sent in list(self._sent):
            sent.cancel()
        await asyncio.gather(*self._sent, return_exceptions=True)

    def expect_answers(self) -> None:
        """Raise TeacherError where calls were given up and none was answered, be it in an earlier run."""
        if self._unanswered and not self.meter.asked and not self.meter.reused:
            raise TeacherError(
                f"the teacher {self.teacher.name} answers no call: {self._unanswered:,} were given up, the last for "
                f"{self._fault}. Run the same command again when that is mended"
            )

    def _give_up(self, error: CallFailed) -> None:
        self._unanswered, self._fault = self._unanswered + 1, str(error)
        if self._unanswered > self._patience:
            self.expect_answers()

    def _count_failure(self, fault: TryAgain) -> None:
        self._failures += 1
        if self._failures > self._patience:
            raise self._stopped(fault, self._failures)

    @property
    def _patience(self) -> int:
        return max(FAILURES_IN_A_ROW, 5 * self.throttle.slots)

    def _stopped(self, fault: TryAgain, times: int) -> TeacherError:
        return TeacherError(
            f"the teacher {self.teacher.name} has stopped answering ({fault}, {times} times in a row{_words(fault)}). "
            "Finished calls are kept: run the same command again when it is back"
        )


def _words(fault: TryAgain) -> str:
    return f": {fault.said}" if fault.said else ""


def _back_off(tried: int) -> float:
    """Seconds to wait: doubling from a quarter second to at most 20, with jitter so that calls do not return as one."""
    return min(20.0, 0.25 * 2.0**tried) * random.uniform(0.5, 1.0)


def _read(completion: Completion, prompt: Prompt) -> Answer:
    if completion.finish in {"length", "room"}:
        raise BrokenAnswer(_cut(completion, prompt.file.max_tokens))
    if prompt.file.output:
        return parse(completion.text, prompt.file.output)
    return plain(completion.text)


def _cut(completion: Completion, limit: int) -> str:
    if completion.finish == "length" and not 0 < completion.completion_tokens < limit:
        return f"the answer was cut at {limit} tokens"
    together = completion.prompt_tokens + completion.completion_tokens
    return f"the answer was cut for want of room: with its prompt it takes {together} tokens"
