"""Asking a teacher: what becomes of calls that it does not answer."""

import asyncio

import pytest

from tax.calls import TRIES, Caller
from tax.journal import Journal
from tax.prompts import load
from tax.teachers.base import CallFailed, Completion, TryAgain


@pytest.fixture
def waits(monkeypatch):
    """The waits between tries, which take no time here."""
    waited = []
    monkeypatch.setattr("tax.calls._back_off", lambda tried: waited.append(tried) or 0.0)
    return waited


class Teacher:
    """Answers what does not speak of a lost server, which is never there."""

    name = model = "t"
    free = grounded_only = False

    def __init__(self):
        self.answered = asyncio.Event()

    async def complete(self, request):
        if "lost" in request.messages[-1][1]:
            await self.answered.wait()
            raise TryAgain("connection refused", gone=True)
        self.answered.set()
        return Completion("Here.")


def test_a_call_is_given_up_alone_while_others_are_answered_and_without_a_last_wait(tmp_path, waits):
    async def asked():
        caller = Caller(Teacher(), Journal(tmp_path), 2, 0)
        texts = [[("user", text)] for text in ("lost", "here")]
        answers = (caller.answer(load("student_answer", "en"), text, priority=(0,)) for text in texts)
        return await asyncio.gather(*answers, return_exceptions=True)

    lost, here = asyncio.run(asked())
    assert isinstance(lost, CallFailed)
    assert str(lost) == "connection refused, 10 times"
    assert here.text == "Here."
    assert waits == list(range(TRIES - 1))
