"""The engines behind the Teacher protocol, one call at a time."""

import asyncio
import json

import pytest

from support.loopback import RunningLoopback
from tax.config import TeacherConfig
from tax.teachers.base import CallFailed, Completion, Refused, Request, Sampling, TeacherError, TryAgain, Unstructured
from tax.teachers.open import open_teacher
from tax.teachers.openai import OpenAITeacher, base_url
from tax.teachers.replies import retry_after

ASK = Request("loopback-1", (("user", "hello"),), Sampling(0.5, 10, seed=7), prompt="response_precise")


def complete(url, request=ASK):
    async def once():
        teacher = OpenAITeacher("t", [url], "loopback-1")
        try:
            return await teacher.complete(request)
        finally:
            await teacher.close()

    return asyncio.run(once())


def test_a_call_and_its_cost():
    with RunningLoopback() as server:
        completion = complete(server.url)
        (body,) = server.bodies
    assert completion.text
    assert completion.prompt_tokens > 0
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert (body["temperature"], body["max_tokens"], body["seed"]) == (0.5, 10, 7)


class Canned:
    """Makes the server give one answer to every chat request."""

    def __init__(self, status=200, text="", **headers):
        self.status, self.text, self.headers = status, text, headers

    async def __call__(self, request):
        from aiohttp import web

        return web.Response(status=self.status, text=self.text, headers=self.headers)


@pytest.mark.parametrize(
    ("canned", "error", "said"),
    [
        (Canned(429, "busy"), TryAgain, "HTTP 429"),
        (Canned(503, "starting"), TryAgain, "HTTP 503"),
        (Canned(200, "<html>"), TryAgain, "no chat completion"),
        (Canned(200, '{"choices": []}'), TryAgain, "no chat completion"),
        (Canned(200, '{"choices": [{"message": {"content": 5}}]}'), TryAgain, "no chat completion"),
        (Canned(200, "[" * 100_000), TryAgain, "no chat completion"),
        (Canned(400, "[" * 100_000), CallFailed, "HTTP 400"),
        (Canned(401, '{"error": {"message": "bad key"}}'), TeacherError, "bad key.*TAX_API_KEY"),
        (Canned(402, '{"message": "no credit is left"}'), TryAgain, "HTTP 402"),
        (Canned(400, '{"message": "temperature must be 1"}'), Refused, "HTTP 400: temperature must be 1"),
        (Canned(400, '{"message": "max_tokens is not supported"}'), Refused, "HTTP 400: max_tokens is not supported"),
        (Canned(404, '{"error": "no such model"}'), TeacherError, "no such model"),
        (Canned(307, "", Location="http://elsewhere.example/"), TeacherError, "HTTP 307"),
        (Canned(400, '{"message": "maximum context length is 4096"}'), CallFailed, "too long for the teacher"),
        (Canned(400, '{"error": {"message": "no \\u001b[31m"}}'), CallFailed, r"HTTP 400: no \\x1b\[31m"),
        (Canned(418, "teapot"), CallFailed, "HTTP 418: teapot"),
    ],
)
def test_what_a_server_may_answer(canned, error, said):
    with RunningLoopback(chat=canned) as server, pytest.raises(error, match=said):
        complete(server.url)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "The response was filtered due to the prompt triggering our content management policy."),
        (403, "Your chosen model requires moderation and your input was flagged for violence."),
    ],
)
def test_a_content_filter_refuses_the_call_and_not_the_run(status, said):
    reply = Canned(status, json.dumps({"error": {"message": said}}))
    with RunningLoopback(chat=reply) as server, pytest.raises(CallFailed, match=f"HTTP {status}: {said}") as raised:
        complete(server.url)
    assert not isinstance(raised.value, Refused)


def test_a_schema_that_is_refused():
    asked = Request("m", ASK.messages, ASK.sampling, schema={"type": "object", "properties": {}})
    with RunningLoopback(structured=False) as server, pytest.raises(Unstructured):
        complete(server.url, asked)


@pytest.mark.parametrize("count", ["1e400", "NaN", "-5", '"many"', "[]"])
def test_an_answer_is_taken_whatever_its_server_says_of_its_cost(count):
    usage = f'{{"prompt_tokens": {count}, "completion_tokens": 3}}'
    text = f'{{"choices": [{{"message": {{"content": "Hi."}}}}], "usage": {usage}}}'
    with RunningLoopback(chat=Canned(200, text)) as server:
        assert complete(server.url) == Completion("Hi.", 0, 3)


def test_an_empty_answer_is_a_completion():
    with RunningLoopback(
        chat=Canned(200, '{"choices": [{"message": {"content": null}, "finish_reason": "length"}]}')
    ) as server:
        assert complete(server.url) == Completion("", 0, 0, "length")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("1", 1.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("9999", 120.0),
        ("soon", None),
        ("nan", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after(header, seconds):
    assert retry_after(header) == seconds


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/", "http://localhost:8000/v1"),
        ("https://host/v1/", "https://host/v1"),
        ("https://host/api/openai/v1", "https://host/api/openai/v1"),
    ],
)
def test_addresses(given, base):
    assert base_url(given) == base


@pytest.mark.parametrize(
    "given",
    [
        "ftp://host",
        "http://",
        "http://user:pass@host",
        "host:8000",
        "file:///etc/passwd",
        "http://[::1",
        "http://host:99999/v1",
        "http://host:port/v1",
        "http://a..host/v1",
        f"http://{'a' * 64}/v1",
    ],
)
def test_no_addresses(given):
    with pytest.raises(TeacherError, match="is no address of a server"):
        base_url(given)


def test_a_key_is_sent_without_the_line_end_of_its_file(monkeypatch):
    monkeypatch.setenv("TAX_API_KEY", "sesame\r\n")
    with RunningLoopback() as server:
        complete(server.url)
    assert server.keys == {"Bearer sesame"}


def test_a_key_of_two_lines_is_told_and_not_shown(monkeypatch):
    monkeypatch.setenv("TAX_API_KEY", "open\nsesame")
    with pytest.raises(TeacherError, match=r"^the key in TAX_API_KEY holds a line end or the like: write it anew$"):
        complete("http://127.0.0.1:9/v1")


def test_a_server_without_encryption_is_told_as_such():
    with RunningLoopback() as server, pytest.raises(TryAgain, match=r"^no secure connection$"):
        complete(server.url.replace("http:", "https:"))


def opened(spec, model="", configured=None):
    async def once():
        teacher = await open_teacher(spec, model, configured or {})
        await teacher.close()
        return teacher

    return asyncio.run(once())


def test_a_teacher_named_in_the_configuration():
    with RunningLoopback(models=("a", "b")) as server:
        teacher = opened("local", configured={"local": TeacherConfig(url=server.url, model="b")})
        assert (teacher.name, teacher.model) == ("local", "b")
        assert opened("local", "a", {"local": TeacherConfig(url=server.url, model="b")}).model == "a"


def test_a_server_without_a_list_of_models():
    with RunningLoopback(models=()) as server:
        with pytest.raises(TeacherError, match="Name one with --model"):
            opened(server.url)
        assert opened(server.url, "m").model == "m"


SCRIPT = """
answers:
  - prompt: judge_*
    contains: tides
    replies: [{rating: 0, reason: no}]
  - prompt: judge_*
    replies:
      - {rating: 1, reason: first}
      - "free text"
"""


def scripted(tmp_path, text):
    (tmp_path / "script.yaml").write_text(text, encoding="utf-8")
    return opened(f"scripted:{tmp_path / 'script.yaml'}")


def test_a_script_answers_by_the_first_rule_that_fits(tmp_path):
    teacher = scripted(tmp_path, SCRIPT)

    def answer(prompt, text, draw=0):
        return asyncio.run(
            teacher.complete(Request("scripted", (("user", text),), Sampling(), draw=draw, prompt=prompt))
        ).text

    assert answer("judge_pair", "on tides") == '{"rating": 0, "reason": "no"}'
    assert answer("judge_pair", "else") == '{"rating": 1, "reason": "first"}'
    assert answer("judge_pair", "else", draw=3) == "free text"
    with pytest.raises(CallFailed, match="no answer for the prompt response_precise"):
        answer("response_precise", "x")


def test_an_edited_script_is_another_teacher(tmp_path):
    before = scripted(tmp_path, SCRIPT).model
    assert scripted(tmp_path, SCRIPT).model == before
    assert scripted(tmp_path, SCRIPT.replace("free", "freer")).model != before


@pytest.mark.parametrize("text", ["answers: 3", "[", "answers: [{replies: []}]", "answers: [{replies: [x], promt: y}]"])
def test_a_script_that_is_none(tmp_path, text):
    with pytest.raises(TeacherError, match="is no script"):
        scripted(tmp_path, text)
