"""Servers with a context smaller than a prompt and its longest answer: a shorter answer is asked for."""

import asyncio
import json

import pytest

from support.journals import finished_calls
from support.loopback import REFUSALS, RunningLoopback
from tax.config import TeacherConfig
from tax.teachers.base import CallFailed, Completion, Request, Sampling
from tax.teachers.open import open_teacher
from tax.teachers.room import LEAST, Room, told

LEAVES = "taxonomy/compositional_skills"
CONTEXT = 2048
NO_LIMIT = 100_000


def ask(number, words=400, tokens=4096):
    return Request("loopback-1", (("user", f"{number} " + "word " * words),), Sampling(0.5, tokens, seed=number))


def using(server, requests, together=False, **options):
    """Answer requests one after the other, or at once; return completions, and what failed."""

    async def once():
        configured = {"t": TeacherConfig(url=server.url, **options)}
        teacher = await open_teacher("t", "", configured)
        try:
            if together:
                return await asyncio.gather(*(teacher.complete(each) for each in requests), return_exceptions=True)
            return [(await asyncio.gather(teacher.complete(each), return_exceptions=True))[0] for each in requests]
        finally:
            await teacher.close()

    return asyncio.run(once())


@pytest.mark.parametrize("refuses", REFUSALS)
@pytest.mark.parametrize("together", [False, True])
def test_answers_come_and_refusals_are_few(refuses, together):
    with RunningLoopback(context=CONTEXT, refuses=refuses) as server:
        answers = using(server, [ask(number, 100 + 10 * number) for number in range(40)], together)
    assert [answer.finish for answer in answers] == ["stop"] * 40
    assert server.refused <= (6 if not together else 40 * 3)


@pytest.mark.parametrize("refuses", REFUSALS)
def test_a_context_that_is_known_costs_no_refusal(refuses):
    with RunningLoopback(context=CONTEXT, refuses=refuses, lists_context=True) as server:
        assert all(answer.finish == "stop" for answer in using(server, [ask(each) for each in range(9)], together=True))
    assert server.refused == 0
    with RunningLoopback(context=CONTEXT, refuses=refuses) as server:
        assert all(answer.finish == "stop" for answer in using(server, [ask(1), ask(2)], context=CONTEXT))
    assert server.refused == 0


@pytest.mark.parametrize("refuses", [*REFUSALS, ""])
@pytest.mark.parametrize("lists_context", [False, True])
def test_a_prompt_that_leaves_no_room_is_too_long(refuses, lists_context):
    with RunningLoopback(context=CONTEXT, refuses=refuses, lists_context=lists_context) as server:
        fits, too_long, fits_too = using(server, [ask(1), ask(2, 2000), ask(3)])
    assert isinstance(too_long, CallFailed)
    assert str(too_long).startswith("too long for the teacher: ")
    assert fits.finish == fits_too.finish == "stop"


def test_the_user_may_set_a_smaller_context_than_the_server_lists():
    with RunningLoopback(context=CONTEXT, lists_context=True) as server:
        using(server, [ask(1, 100)], context=512)
        (body,) = server.bodies
    assert LEAST < body["max_tokens"] < 512


def test_a_call_that_fits_asks_for_all_it_wants():
    with RunningLoopback(context=NO_LIMIT, lists_context=True) as server:
        using(server, [ask(1)])
        (body,) = server.bodies
    assert body["max_tokens"] == 4096


@pytest.mark.parametrize("refuses", ["vllm", ""])
def test_a_long_answer_gets_all_the_room_there_is_and_tells_where_it_was_cut(refuses):
    with RunningLoopback(
        context=CONTEXT, refuses=refuses, lists_context=bool(refuses), say=lambda name, text: "x" * 40_000
    ) as server:
        (answer,) = using(server, [ask(1, 1000)])
    assert answer.finish == "room"
    assert answer.prompt_tokens + answer.completion_tokens == CONTEXT


def test_an_answer_cut_at_the_length_asked_for_is_no_matter_of_room():
    with RunningLoopback(context=CONTEXT, say=lambda name, text: "x" * 40_000) as server:
        (answer,) = using(server, [ask(1, tokens=100)])
    assert (answer.finish, answer.completion_tokens) == ("length", 100)


def test_halves_find_a_context_that_is_never_said():
    """The guess ends within an eighth of the truth, and below it."""
    room, refusals = Room(), 0
    for _ in range(50):
        prompt, asked = 500, room.first(1000, 4096)
        while prompt + asked > 3000:
            refusals += 1
            asked = room.shorter(1000, asked, "too long")
        room.longer(1000, asked, 4096, Completion("", prompt, 10))
    assert refusals < 8
    assert 3000 * 7 / 8 - 100 <= room.taken <= 3000


@pytest.mark.parametrize(
    ("refusal", "numbers"),
    [
        ("The input (5000 tokens) is longer than the model's context length (4096 tokens).", (4096, 5000)),
        ("request (5,000 tokens) exceeds the available context size (4,096 tokens), try again", (4096, 5000)),
        ("This model's maximum context length is 4097 tokens, your messages resulted in 6164 tokens.", (4097, 6164)),
        ("your request has 41 input tokens, at least", (None, 41)),
        ("your prompt contains at least 41 input tokens", (None, None)),
        ("max_tokens is too large", (None, None)),
        ("max_tokens=9000 cannot be greater than max_model_len=max_total_tokens=4096. Please", (4096, None)),
        ("Input length (170068) exceeds model's maximum context length (131072).", (131072, 170068)),
        ("However, you requested 100500 tokens in the messages, Please reduce", (None, 100500)),
        ("The decoder prompt (length 5001) is longer than the maximum model length of 4096.", (4096, 5001)),
    ],
)
def test_what_refusals_tell(refusal, numbers):
    assert told(refusal) == numbers


def generate(tax, server, *more):
    code, output, errors = tax(
        "generate", LEAVES, "--teacher", server.url, "--samples", "6", "--concurrency", "4", "--json", *more
    )
    assert code == 0, errors
    return json.loads(output)


@pytest.mark.parametrize("lists_context", [False, True])
def test_a_run_on_a_small_context_yields_samples_and_resumes(tax, taxonomy, lists_context):
    with RunningLoopback(context=4096, lists_context=lists_context) as server:
        manifest = generate(tax, server)
        assert manifest["kept"] > 0
        assert server.refused <= (0 if lists_context else 8)
        assert not any("too long" in reason for reason in manifest["dropped"])
        assert generate(tax, server)["kept"] == manifest["kept"]
    asked_for = finished_calls(taxonomy)
    assert len(asked_for) == len(set(asked_for)) > 0


def test_an_answer_cut_for_want_of_room_is_asked_again_with_more(tax):
    """The first server's answers never end; the second has the room."""

    def endless(name, text):
        return "x" * 40_000 if name.startswith("response") or not name else None

    with RunningLoopback(context=4096, say=endless) as server:
        first = generate(tax, server)
        assert first["kept"] == 0
        assert set(first["dropped"]) == {"the answer was cut for want of room"}
        server.context, server.say = NO_LIMIT, None
        assert generate(tax, server)["kept"] > 0
