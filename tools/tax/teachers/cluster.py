"""`--engine ray`: a teacher spread over a Ray cluster, each worker with an engine or endpoint of its own.

The run itself stays in one process: it draws, judges, keeps the journal and writes the run folder, and sends each call
to a worker. So keys, resume and results are those of any other run, nodes share no files but the model, and a lost
worker costs its calls in flight: they go to another one, while Ray starts it anew. The calls of a leaf go to one
worker, whose cache holds their beginning (servers.py). Simplified: the one process is the limit (docs/scale.md).
"""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else ray warns of a change to come

import ray
from ray.exceptions import RayError, RayTaskError

from tax.config import TeacherConfig
from tax.problems import excerpt
from tax.teachers.base import Completion, Request, Teacher, TeacherError, TryAgain
from tax.teachers.open import ENGINES, open_teacher
from tax.teachers.servers import Servers

PATIENCE = 30  # seconds between two lines that say that workers are waited for

_log = logging.getLogger(__name__)
_Outcome = Completion | Exception


class Worker:
    """A teacher in a process of its own, anywhere in the cluster; opened at its first call, also after a restart."""

    def __init__(self, spec: str, configured: Mapping[str, TeacherConfig], model: str) -> None:
        self._opening = spec, model, configured
        self._teacher: Teacher | None = None
        self._lock = asyncio.Lock()

    async def describe(self) -> tuple[str, str, bool] | Exception:
        """Open the teacher, and return where it runs, its model and whether it is free, or why it cannot be opened."""
        try:
            teacher = await self._opened()
        except TeacherError as error:
            return error
        return f"{socket.gethostname()}, process {os.getpid()}", teacher.model, teacher.free

    async def complete(self, request: Request) -> _Outcome:
        """Answer a request, or return what the teacher raised: exceptions come through Ray changed."""
        try:
            teacher = await self._opened()
            if teacher.model != request.model:
                return TeacherError(
                    f"a worker has the model '{excerpt(teacher.model)}', the run '{excerpt(request.model)}'"
                )
            return await teacher.complete(request)
        except Exception as error:  # noqa: BLE001 - it is raised where the call was made
            return error

    async def close(self) -> None:
        """Let go of the teacher."""
        if self._teacher is not None:
            await self._teacher.close()

    async def _opened(self) -> Teacher:
        async with self._lock:
            if self._teacher is None:
                self._teacher = await open_teacher(*self._opening)
            return self._teacher


class Cluster:
    """The workers as one teacher."""

    free = False
    grounded_only = False

    def __init__(self, name: str, workers: Sequence[Any], *, started: bool) -> None:
        self.name = name
        self.model = ""
        self.servers = Servers([])
        self._workers = {f"worker {number}": worker for number, worker in enumerate(workers, start=1)}
        self._started = started  # ray, by this process
        self._aside = contextlib.ExitStack()
        self._aside.enter_context(contextlib.redirect_stdout(sys.stderr))  # ray talks, and stdout is the command's own

    def reads(self, language: str, text: str) -> bool:
        """Take any text."""
        return True

    async def choose_model(self) -> None:
        """Wait for the workers, and learn the model that they share. Raises TeacherError."""
        asked = {url: asyncio.ensure_future(worker.describe.remote()) for url, worker in self._workers.items()}
        waiting: set[asyncio.Future[Any]] = set(asked.values())
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=PATIENCE)
            if waiting:
                _log.warning("waiting for %d of %d workers; `ray status` shows room", len(waiting), len(asked))
        models, workers = {}, {}
        for url, future in asked.items():
            try:
                found = future.result()
            except RayError as error:
                raise TeacherError(f"{url} cannot start: {excerpt(error, 300)}") from error
            if isinstance(found, Exception):
                raise found
            place, model, free = found
            if free:
                raise TeacherError(f"the teacher {self.name} needs no cluster: leave out --engine ray")
            models[f"{url} ({place})"], workers[f"{url} ({place})"] = model, self._workers[url]
        if len(set(models.values())) > 1:
            served = ", ".join(f"{url} has {excerpt(model)}" for url, model in models.items())
            raise TeacherError(f"the workers do not have the same model: {served}")
        self.model = models.popitem()[1]
        self._workers, self.servers = workers, Servers(list(workers))

    async def complete(self, request: Request) -> Completion:
        """Send one call to a worker."""
        server = self.servers.choose(request.leaf)
        server.in_flight += 1
        try:
            # What filled the prompt stays here: it is for teachers without a model.
            outcome: _Outcome = await self._workers[server.url].complete.remote(replace(request, fields={}))
        except RayTaskError:
            raise  # our own fault: a worker returns what its teacher raises
        except RayError as error:  # the worker, or its node with an answer that had not yet been fetched from there
            self.servers.failed(server, "lost", gone=True)
            raise TryAgain(f"{server.url} lost", 0.0 if self.servers.another(server) else None) from error
        finally:
            server.in_flight -= 1
        self.servers.answered(server)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def close(self) -> None:
        """End the workers; a cluster that was there before stays."""
        with contextlib.suppress(RayError, TimeoutError):
            async with asyncio.timeout(15):
                await asyncio.gather(*(worker.close.remote() for worker in self._workers.values()))
        for worker in self._workers.values():
            ray.kill(worker, no_restart=True)
        if self._started:
            await asyncio.to_thread(ray.shutdown)
        self._aside.close()


async def open_cluster(spec: str, model: str, configured: Mapping[str, TeacherConfig], count: int | None) -> Teacher:
    """Return a teacher whose workers, `count` of them or one for each node or GPU, have what `--teacher` names.

    Joins the cluster that RAY_ADDRESS names, or that runs on this machine; else starts one on this machine alone.
    Raises TeacherError.
    """
    started = not ray.is_initialized()
    if started:
        try:
            ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
        except (RayError, ConnectionError, ValueError, RuntimeError) as error:
            raise TeacherError(
                f"no Ray cluster can be joined or started: {excerpt(error, 300)}. If one on this machine has died, "
                "`ray stop` clears it away; RAY_ADDRESS names another"
            ) from error
    gpus = _gpus(spec, configured)
    number = count or (int(ray.cluster_resources()["GPU"]) // gpus if gpus else len(ray.nodes()))
    worker = ray.remote(Worker).options(
        num_cpus=1, num_gpus=gpus, max_restarts=-1, max_concurrency=1000, scheduling_strategy="SPREAD"
    )
    workers = [worker.remote(*_share(spec, configured, each, number), model) for each in range(max(1, number))]
    teacher = Cluster(spec, workers, started=started)
    try:
        await teacher.choose_model()
    except BaseException:
        await teacher.close()
        raise
    return teacher


def _gpus(spec: str, configured: Mapping[str, TeacherConfig]) -> int:
    """Return how many GPUs a worker takes: none where it asks a server, or the cluster has none."""
    entry = configured.get(spec)
    engine = entry.engine if entry else spec.partition(":")[0] in ENGINES
    if not engine or not ray.cluster_resources().get("GPU"):
        return 0
    return entry.tensor_parallel if entry else 1


def _share(
    spec: str, configured: Mapping[str, TeacherConfig], number: int, workers: int
) -> tuple[str, dict[str, TeacherConfig]]:
    """Return what worker `number` opens: the whole teacher, or of several servers its share of the addresses.

    A model's path is made absolute: a worker stands in another folder.
    """
    entry = configured.get(spec)
    urls = entry.url if entry else spec.split(",") if spec.startswith("http") else []
    share = urls[number % len(urls) :: workers] if urls else []
    if entry:
        return spec, {spec: entry.model_copy(update={"url": share, "engine": _absolute(entry.engine)})}
    return ",".join(share) or _absolute(spec), {}


def _absolute(spec: str) -> str:
    kind, colon, path = spec.partition(":")
    return f"{kind}:{Path(path).expanduser().resolve()}" if colon and Path(path).expanduser().exists() else spec
