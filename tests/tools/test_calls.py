"""Asking a teacher: what becomes of calls that it does not answer."""

import asyncio
import json

import pytest

from support.leaves import lines
from support.loopback import Faults, RunningLoopback
from tax.calls import TRIES, Caller
from tax.journal import Journal
from tax.prompts import load
from tax.teachers.base import CallFailed, Completion, TryAgain

LEAF = "taxonomy/compositional_skills/science"


@pytest.fixture
def waits(monkeypatch):
    """The waits between tries, which take no time here."""
    waited = []
    monkeypatch.setattr("tax.calls._back_off", lambda tried: waited.append(tried) or 0.0)
    return waited


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ({"refuse": lambda text: "temperature must be 1"}, "the last for HTTP 400: temperature must be 1. Run"),
        ({"faults": Faults(error=1)}, "the last for HTTP 500, 10 times: out of luck. Run"),
    ],
)
@pytest.mark.parametrize("command", [["generate", LEAF], ["recycle", "alpaca.json", "--limit", "3"]])
def test_a_run_without_any_answer_does_not_end_as_if_nothing_were(tax, taxonomy, alpaca, waits, command, server, told):
    with RunningLoopback(**server) as running:
        code, output, errors = tax(*command, "--teacher", running.url, "--out", "out", "--quiet")
        assert (code, output) == (2, "")
        assert "answers no call: " in errors
        assert told in errors
        assert json.loads((taxonomy / "out/manifest.json").read_text(encoding="utf-8"))["status"] == "failed"
        running.refuse, running.faults = (lambda text: ""), Faults()
        code, _, errors = tax(*command, "--teacher", running.url, "--out", "out", "--quiet")
        assert code == 0, errors


def test_the_words_of_a_server_that_stops_are_told(tax, waits):
    with RunningLoopback(stop_after=3) as server:
        code, _, errors = tax("generate", "--teacher", server.url, "--concurrency", "1", "--quiet")
    assert code == 2
    assert "has stopped answering (HTTP 500, 51 times in a row: out of luck). Finished calls are kept" in errors


def test_words_stand_beside_the_reason_that_is_counted(tax, taxonomy, waits):
    with RunningLoopback(refuse=lambda text: "we do not speak of this" if "everyday" in text else "") as server:
        code, _, errors = tax("generate", "--teacher", server.url, "--samples", "2", "--out", "out", "--quiet")
    assert code == 0, errors
    dropped = lines(taxonomy / "out/dropped.jsonl")
    refused = [drop for drop in dropped if drop["outcome"] == "failed"]
    assert {(drop["reason"], drop["detail"]) for drop in refused} == {("HTTP 400", "we do not speak of this")}


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
