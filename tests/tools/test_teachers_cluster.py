"""A real Ray cluster of two workers on this machine: the calls of a run, and what the loss of a worker costs."""

import asyncio
import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("ray", reason="needs the cluster extra")

import ray
from ray.exceptions import ObjectLostError

from support.loopback import RunningLoopback
from tax.config import TeacherConfig
from tax.teachers.base import CallFailed, Request, Sampling, TeacherError, TryAgain
from tax.teachers.cluster import Cluster, _share, open_cluster

LEAVES = "taxonomy/compositional_skills"


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Ray with room for four workers, whose processes find what this one imports."""
    paths = os.pathsep.join([str(Path("tools").resolve()), os.environ.get("PYTHONPATH", "")])
    ray.init(
        "local",
        num_cpus=4,
        log_to_driver=False,
        include_dashboard=False,
        runtime_env={"env_vars": {"PYTHONPATH": paths}},
    )
    yield
    ray.shutdown()


def samples(folder):
    """A run's samples and drops, but for the teacher's address."""
    read = [(folder / name).read_text(encoding="utf-8").splitlines() for name in ("samples.jsonl", "dropped.jsonl")]
    return [[json.loads(line) | {"teacher": ""} for line in lines] for lines in read]


def generate(tax, url, folder, *more):
    code, output, errors = tax(
        "generate", LEAVES, "--teacher", url, "--samples", "12", "--concurrency", "8", "--json",
        "--out", folder, "--calls", folder.with_name(f"{folder.name}-calls"), *more,
    )  # fmt: skip
    assert code == 0, errors
    return json.loads(output)


def test_a_worker_is_killed_in_mid_run_and_the_samples_are_the_same(tax, tmp_path, monkeypatch):
    with RunningLoopback() as server:
        unbroken = generate(tax, server.url, tmp_path / "alone")
    workers = []
    choose_model = Cluster.choose_model

    async def watched(teacher):
        await choose_model(teacher)
        workers.extend(int(server.url.rpartition(" ")[2].strip(")")) for server in teacher.servers.all)

    def kill_one(seen):
        if seen == 60:
            os.kill(workers[0], signal.SIGKILL)

    monkeypatch.setattr(Cluster, "choose_model", watched)
    with RunningLoopback(delay=0.01) as server:
        server.on_request = kill_one
        spread = generate(tax, server.url, tmp_path / "spread", "--engine", "ray", "--workers", "2")
        asked_twice = sum(server.requests.values()) - len(server.requests)
    assert len(workers) == 2
    assert samples(tmp_path / "spread") == samples(tmp_path / "alone")
    assert spread["kept"] == unbroken["kept"] > 0
    assert any("lost" in cause for cause in spread["calls"]["retries"])
    assert asked_twice <= 8  # those in flight at the worker that was lost


def test_a_run_on_a_cluster_and_one_without_share_their_calls(tax, tmp_path):
    with RunningLoopback() as server:
        generate(tax, server.url, tmp_path / "run", "--engine", "ray", "--workers", "2")
        again = generate(tax, server.url, tmp_path / "run")
        assert set(server.requests.values()) == {1}  # no finished call is asked again
    assert again["calls"]["reused"]


def opened(spec, configured=None, workers=2, use=None):
    async def once():
        teacher = await open_cluster(spec, "", configured or {}, workers)
        try:
            return await use(teacher) if use else None
        finally:
            await teacher.close()

    return asyncio.run(once())


def test_an_answer_lost_with_its_node_is_asked_for_again():
    """A large answer stays on its node until it is fetched. Told by Ray's own error: one machine cannot lose a node."""

    async def lost_answer(request):
        raise ObjectLostError("00" * 28, "", "")

    async def lose_one(teacher):
        (name,) = teacher._workers
        worker = teacher._workers[name]
        request = Request(teacher.model, (("user", "hello"),), Sampling())
        teacher._workers[name] = SimpleNamespace(complete=SimpleNamespace(remote=lost_answer))
        try:
            with pytest.raises(TryAgain, match=r"worker 1 .* lost"):
                await teacher.complete(request)
        finally:
            teacher._workers[name] = worker
        return await teacher.complete(request)

    with RunningLoopback() as server:
        assert opened(server.url, workers=1, use=lose_one).text


def test_a_prompt_that_is_too_long_is_told_through_the_cluster():
    async def ask(teacher):
        await teacher.complete(Request(teacher.model, (("user", "word " * 5000),), Sampling()))

    with RunningLoopback(context=2048) as server, pytest.raises(CallFailed, match="too long for the teacher"):
        opened(server.url, workers=1, use=ask)


def test_each_worker_has_its_share_of_the_servers():
    async def ask(teacher):
        assert isinstance(teacher, Cluster)
        requests = [
            Request(teacher.model, (("user", f"hello {leaf}"),), Sampling(), leaf=leaf) for leaf in (0, 1, 0, 1, 0)
        ]
        for request in requests:
            await teacher.complete(request)

    with RunningLoopback() as one, RunningLoopback() as other:
        opened(f"{one.url},{other.url}", use=ask)
        assert (one.seen, other.seen) == (3, 2)  # the calls of a leaf go to one worker
    entry = TeacherConfig(url=["http://a", "http://b", "http://c"])
    assert _share("pair", {"pair": entry}, 0, 2)[1]["pair"].url == ["http://a", "http://c"]
    assert _share("http://a,http://b", {}, 2, 4) == ("http://a", {})
    assert _share("hf:models/a,b", {}, 1, 2) == ("hf:models/a,b", {})
    assert _share("hf:.", {}, 1, 2) == (f"hf:{Path.cwd()}", {})


def test_what_a_cluster_refuses(tax):
    with pytest.raises(TeacherError, match="needs no cluster"):
        opened("builtin")
    with pytest.raises(TeacherError, match="no teacher answers at"):
        opened("http://127.0.0.1:9/v1")
    with (
        RunningLoopback(models=("a",)) as one,
        RunningLoopback(models=("b",)) as other,
        pytest.raises(TeacherError, match="the workers do not have the same model"),
    ):
        opened(f"{one.url},{other.url}")
    code, _, errors = tax("generate", LEAVES, "--workers", "2")
    assert code == 2
    assert "--workers is for a cluster" in errors
