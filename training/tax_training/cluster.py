"""`python -m tax_training.cluster --workers N PLAN ...`: the same loop under Ray Train, for `tax train --launcher ray`.

Ray places the workers (one a GPU, or one a CPU core where there is none), joins them, and when one is lost starts them
again; they go on from the newest checkpoint in --out, as after any kill. Ray's own checkpoints are not used. On several
machines --data and --out must lie on storage that all of them share, and tax must be installed on each.
"""

import argparse
import logging
import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

from tax_training.__main__ import parser, usable
from tax_training.errors import UserError, install, quoted
from tax_training.plan import Plan
from tax_training.plan_file import load_plan

FAILURES = 8  # how often lost workers are started again
_ADDRESS = "RAY_ADDRESS names the cluster (host:port of its head); without it Ray is started on this machine"
_KNOCK = 10  # seconds that the cluster's head may take to answer
_LET_GO = 60  # seconds that a lost worker may take to let go of the folder


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 2 what the user must change, 3 workers were lost for good, 130."""
    options = parser()
    options.prog = "python -m tax_training.cluster"
    add = options.add_argument
    add("--workers", type=int, default=1, metavar="N", help="processes over the whole cluster, one a GPU (or CPU core)")
    add("--failures", type=int, default=FAILURES, metavar="N", help=f"restarts after losses (default: {FAILURES})")
    given = options.parse_args(arguments)
    try:
        return _run(given)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130


def _run(given: argparse.Namespace) -> int:
    if given.dry_run:
        raise UserError("--dry-run needs no cluster: python -m tax_training PLAN --dry-run --processes N")
    usable(given)
    plan = load_plan(given.plan, given.set, mixed=True)
    from tax_training.world import PATIENCE

    os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        import ray
        from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
        from ray.train.torch import TorchConfig, TorchTrainer
    except ImportError as error:
        raise UserError(f"--launcher ray needs Ray: {install('cluster')}") from error
    _reachable(os.environ.get("RAY_ADDRESS", ""))
    try:
        ray.init(logging_level=logging.WARNING)
    except (ConnectionError, RuntimeError) as error:
        raise UserError(f"no Ray cluster can be joined: {quoted(str(error), 300)}. {_ADDRESS}") from error
    resources: dict[str, float] = ray.cluster_resources()
    on_gpus = resources.get("GPU", 0) > 0
    told: Any = ray.remote(num_cpus=0)(Told)
    told = told.remote()
    work = {
        "plan": plan, "data": str(given.data.resolve()), "out": str(given.out.resolve()), "phase": given.phase,
        "told": told, "from": str(Path.cwd()),
    }  # fmt: skip
    trainer = TorchTrainer(
        train_worker,
        train_loop_config=work,
        scaling_config=ScalingConfig(num_workers=given.workers, use_gpu=on_gpus),
        run_config=RunConfig(
            storage_path=str(given.out.resolve() / ".ray"), failure_config=FailureConfig(max_failures=given.failures)
        ),
        torch_config=TorchConfig("cpu:gloo,cuda:nccl" if on_gpus else "gloo", timeout_s=int(PATIENCE.total_seconds())),
    )
    lost: TrainingFailedError | None = None
    try:
        trainer.fit()
    except TrainingFailedError as error:
        lost = error
    finally:
        fault = ray.get(told.fault.remote())
        ray.shutdown()
    if fault is not None:
        raise UserError(fault)
    if lost is not None:
        print(f"{lost}\nworkers were lost {given.failures + 1} times", file=sys.stderr)
        print("nothing is lost: the same command goes on from the last checkpoint", file=sys.stderr)
        return 3
    return 0


def _reachable(address: str) -> None:
    """Check that something listens at host:port, which Ray itself tries for minutes. Raises UserError."""
    found = re.fullmatch(r"(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})", address)
    if found is None:
        return  # none, `auto`, or another of Ray's forms
    try:
        socket.create_connection((found[1] or found[2], int(found[3])), timeout=_KNOCK).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at {quoted(address)}: {error}. {_ADDRESS}") from error


class Told:
    """Keeps what the user must change, so that a worker which fails for it is not started again in vain."""

    def __init__(self) -> None:
        self._fault: str | None = None

    def tell(self, fault: str) -> None:
        """Keep the first fault."""
        self._fault = self._fault or fault

    def fault(self) -> str | None:
        """Return it, if any."""
        return self._fault


def train_worker(work: dict[str, Any]) -> None:
    """Train in one of Ray's workers; a UserError goes to the driver, any other fault is Ray's to recover from."""
    import ray

    from tax_training.run import train

    if Path(work["from"]).is_dir():
        os.chdir(work["from"])  # a plan may name a model by a relative path
    told = work["told"]
    if ray.get(told.fault.remote()) is not None:
        return
    plan: Plan = work["plan"]
    out = Path(work["out"])
    _wait_for(out)
    try:
        train(plan, Path(work["data"]), out, work["phase"])
    except UserError as error:
        ray.get(told.tell.remote(str(error)))
        raise


def _wait_for(out: Path) -> None:
    """Wait until a worker that was lost has let go of the folder."""
    from ray.train import get_context

    from tax_training.files import only_one

    until = time.monotonic() + _LET_GO
    while get_context().get_world_rank() == 0:
        try:
            with only_one(out):
                return
        except UserError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
