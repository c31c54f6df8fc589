"""Several servers of one model: how calls are spread, and what becomes of a server that dies, or comes back."""

import asyncio
import contextlib
import logging

import pytest

from support.loopback import RunningLoopback
from tax.config import TeacherConfig
from tax.teachers.base import Request, Sampling, TeacherError, TryAgain
from tax.teachers.open import open_teacher
from tax.teachers.openai import OpenAITeacher
from tax.teachers.servers import FAILURES, FIRST_REST, LONGEST_REST, SLACK, Servers

DEAD = "http://127.0.0.1:9/v1"  # the discard port: nothing listens there


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def three():
    clock = Clock()
    servers = Servers(["http://a", "http://b", "http://c"], clock)
    return servers, *servers.all, clock


def test_the_least_busy_server_is_next(three):
    servers, a, b, c, _ = three
    a.in_flight, b.in_flight, c.in_flight = 2, 1, 3
    assert servers.choose() is b


def test_the_calls_of_a_leaf_go_to_one_server_unless_it_is_busy(three):
    servers, a, b, c, _ = three
    assert [servers.choose(leaf) for leaf in range(4)] == [a, b, c, a]
    b.in_flight = SLACK
    assert servers.choose(1) is b
    b.in_flight += 1
    assert servers.choose(1) is a
    servers.failed(c, "connection refused", gone=True)
    assert servers.choose(2) is a


def test_a_server_that_is_gone_is_set_aside_and_tried_again_with_one_call(three, caplog):
    servers, a, b, _, clock = three
    servers.failed(a, "connection refused", gone=True)
    assert servers.choose() is b
    assert "http://a is set aside for 1 s: connection refused" in caplog.text
    clock.now += FIRST_REST
    assert servers.choose() is a
    a.in_flight = 1  # while that one call is under way, the others go elsewhere
    assert servers.choose() is b


def test_bad_luck_sets_no_server_aside(three):
    servers, a, *_ = three
    for _ in range(10):
        for _ in range(FAILURES - 1):
            servers.failed(a, "connection lost", gone=False)
        servers.answered(a)
    assert not a.aside
    for _ in range(FAILURES):
        servers.failed(a, "HTTP 503", gone=False)
    assert a.aside


def test_calls_that_fail_together_count_once_and_rests_grow(three):
    servers, a, _, _, clock = three
    rests = []
    for _ in range(10):
        for _ in range(32):
            servers.failed(a, "time-out", gone=True)
        rests.append(a.until - clock.now)
        clock.now = a.until
    assert rests[:3] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST]
    assert rests[-1] == LONGEST_REST
    servers.answered(a)
    servers.failed(a, "time-out", gone=True)
    assert a.until - clock.now == FIRST_REST


def test_where_all_are_set_aside_the_first_due_is_tried(three):
    servers, a, b, c, clock = three
    for each in (b, a, c):
        servers.failed(each, "connection refused", gone=True)
        clock.now += 0.1
    assert servers.choose() is b
    assert not servers.another(b)


def test_a_lone_server_is_never_spoken_of(caplog):
    servers = Servers(["http://a"], Clock())
    servers.failed(servers.all[0], "connection refused", gone=True)
    servers.answered(servers.all[0])
    assert not caplog.text
    assert servers.choose() is servers.all[0]


def ask(number):
    return Request("loopback-1", (("user", f"hello {number}"),), Sampling(0.5, 10, seed=number))


async def answers(teacher, count):
    """Ask, and ask again where that is asked for; return the texts and the causes of trying again."""
    causes = []

    async def one(number):
        for _ in range(50):
            try:
                return (await teacher.complete(ask(number))).text
            except TryAgain as again:
                causes.append(str(again))
        raise AssertionError("asked fifty times")

    return await asyncio.gather(*(one(number) for number in range(count))), causes


def run(urls, count, model="", then=None):
    async def once():
        teacher = OpenAITeacher("t", urls, model)
        try:
            await teacher.choose_model()
            found = await answers(teacher, count)
            return (*found, await then(teacher)) if then else found
        finally:
            await teacher.close()

    return asyncio.run(once())


def test_calls_are_spread_and_the_answers_do_not_tell_by_whom():
    with RunningLoopback(delay=0.02) as one, RunningLoopback(delay=0.02) as other:
        shared, _ = run([one.url, other.url], 40)
        assert one.seen == other.seen == 20
        alone, _ = run([one.url], 40)
    assert shared == alone


def test_a_dead_server_costs_a_few_tries(caplog):
    with RunningLoopback() as server:
        texts, causes = run([DEAD, server.url], 60)
        assert server.seen == 60
    assert len(texts) == 60
    assert f"{DEAD} is set aside" in caplog.text
    assert set(causes) <= {f"connection refused from {DEAD}"}


def test_a_server_that_dies_and_comes_back(caplog):
    """It answers 500 for a while: it is set aside, tried again when it is due, and then takes calls as before."""
    with RunningLoopback(delay=0.01) as one, RunningLoopback(delay=0.01) as other:

        async def heal(teacher):
            other.stop_after = 0
            for server in teacher.servers.all:
                server.until = 0.0  # its rest is over
            await answers(teacher, 40)
            return [server.aside for server in teacher.servers.all]

        other.stop_after = 1  # from its second call on
        texts, causes, aside = run([one.url, other.url], 60, then=heal)
    assert len(texts) == 60
    assert f"HTTP 500 from {other.url}" in causes
    assert aside == [False, False]
    assert "answers again" in caplog.text


def test_all_servers_dead_at_the_start():
    with pytest.raises(TeacherError, match=r"no teacher answers at http://127.0.0.1:9/v1, http://127.0.0.1:7/v1"):
        run([DEAD, "http://127.0.0.1:7"], 1)


def test_servers_that_do_not_agree_on_the_model():
    with RunningLoopback(models=("a",)) as one, RunningLoopback(models=("b",)) as other:
        with pytest.raises(TeacherError, match=r"serves a; .* serves b. Name one with --model that all serve"):
            run([one.url, other.url], 1)
        with pytest.raises(TeacherError, match=rf"{other.url} has no model 'a'. Its models: b"):
            run([one.url, other.url], 1, model="a")


def test_a_server_that_comes_later_with_another_model_takes_no_calls(caplog):
    with RunningLoopback(models=("a",)) as one, RunningLoopback(models=("b",)) as other:

        async def late(teacher):
            teacher.servers.all[1].known = False  # as if it had been away at the start
            await answers(teacher, 20)
            return teacher.servers.all[1].until

        async def once():
            teacher = OpenAITeacher("t", [one.url], "")
            await teacher.choose_model()
            teacher.servers.all += Servers([other.url]).all
            try:
                return await late(teacher)
            finally:
                await teacher.close()

        assert asyncio.run(once()) == float("inf")
        assert other.seen == 0
    assert f"{other.url} takes no calls: it serves b, not 'a'" in caplog.text


def test_a_list_of_servers_by_url_and_by_configuration():
    async def opened(spec, configured=None):
        teacher = await open_teacher(spec, "", configured or {})
        await teacher.close()
        return teacher

    with RunningLoopback() as one, RunningLoopback() as other:
        given = f"{one.url}, {other.url},{one.url}/"
        assert [each.url for each in asyncio.run(opened(given)).servers.all] == [one.url, other.url]
        configured = {"pair": TeacherConfig(url=[one.url, other.url])}
        assert len(asyncio.run(opened("pair", configured)).servers.all) == 2


def test_a_run_loses_a_server_and_ends_as_with_one(tax, tmp_path):
    """The whole command: the same samples from two servers, one of which dies, as from one."""
    leaf = "taxonomy/compositional_skills"

    def samples(urls, name):
        folder = tmp_path / name
        code, _, errors = tax(
            "generate", leaf, "--teacher", urls, "--model", "loopback-1", "--samples", 6,
            "--out", folder, "--calls", tmp_path / f"{name}-calls", "--quiet",
        )  # fmt: skip
        assert code == 0, errors
        lines = (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
        return [line.replace(urls, "URL") for line in lines], (folder / "manifest.json").read_text(encoding="utf-8")

    with RunningLoopback() as one:
        alone, _ = samples(one.url, "alone")
        stack = contextlib.ExitStack()
        other = stack.enter_context(RunningLoopback())
        stops = iter([*[None] * 10, stack.close])
        one.on_request = lambda seen: (next(stops, None) or (lambda: None))()
        logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
        both, manifest = samples(f"{one.url},{other.url}", "both")
    assert both == alone
    assert f"from {other.url}" in manifest
