"""The training loop: one for all phases; what differs between them is data in the plan (run.py goes through them).

Progress is (phase, epoch, step), and everything else follows from it: which samples a step has (data.batch_plan), its
learning rate (schedule.py), its random numbers. So a run that was killed goes on as if it had not been, with as many
processes or with others.
"""

import hashlib
import shutil
import time
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tax_training import model as models
from tax_training import schedule
from tax_training.board import Board
from tax_training.checkpoints import Folder, Reader
from tax_training.corpus import file_digest, tokenizer_digest
from tax_training.deepspeed_engine import sharded_loading
from tax_training.engine import Engine, NotFinite, open_engine, uses_deepspeed
from tax_training.errors import Interrupted, UserError
from tax_training.loss import check
from tax_training.memory import enough_memory
from tax_training.phase_data import PhaseData
from tax_training.phase_folder import PhaseFolder
from tax_training.plan import Phase, Plan
from tax_training.progress import Progress
from tax_training.select import Score, choose, contenders, run_command
from tax_training.stop import Stop
from tax_training.world import World


class PhaseRun:
    """One phase of a run."""

    def __init__(
        self, plan: Plan, name: str, data: Path, out: Path, world: World, tokenizer: Any, stop: Stop,
        progress: type[Progress], empty: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.plan, self.name, self.world, self.stop = plan, name, world, stop
        self.phase: Phase = plan.phases[name]
        self.tokenizer = tokenizer
        self.data = PhaseData(plan, name, data, out / "tokens", tokenizer, world, self._say)
        self.device = models.device_of(world.local)
        self.folder = PhaseFolder(out / name)
        self.checkpoints = Folder(self.folder.checkpoints, world.gather, world.process, world.processes)
        before = plan.before(name, passed_over=empty)
        self.before = PhaseFolder(out / before) if before else None
        self.passed_over = name in empty
        self.progress_of = progress

    def run(self) -> None:
        """Train the phase to its end, choose its best checkpoint, and write that one's model."""
        if self.passed_over:
            self._say(f"{self.name} is passed over: {self.data.file} is empty")
            return
        identity = self.world.once(self._claim)
        if self.folder.finished:
            self._say(f"{self.name} is finished: {self.folder.model}")
            return
        self.samples = self.data.samples()
        self.per_epoch = -(-len(self.samples) // self.phase.batch_size)
        self.total = self.per_epoch * self.phase.epochs
        self.progress = self.progress_of(self.name, self.total, self.per_epoch)
        self._introduce()
        self.heldout = dict(self.data.heldout())
        self.doing = f"while the model of {self.name} was loaded and set up"
        with enough_memory(lambda: self.doing):
            engine = self._open()
            step = self._resume(engine)
            while step < self.total:
                self.doing = f"in step {step + 1} of {self.name}"
                step = self._step(engine, step)
            self.doing = f"while the model of {self.name} was written"
            self.world.once(lambda: self._finish(identity))

    def _step(self, engine: Engine, step: int) -> int:
        """Take step number `step` (from 0), and do what is due after it; return the number of steps taken."""
        started = time.monotonic()
        epoch, place = divmod(step, self.per_epoch)
        batch = self.data.batches(self.samples, epoch)[place]
        learnt = self.samples.learnt(batch)
        rate = schedule.learning_rate(self.phase, step, self.total)
        torch.manual_seed(_seed(self.plan.seed, self.name, step, self.world.process))
        try:
            done = engine.step(self.data.rows(self.samples, batch), learnt, rate, lambda: self.stop.asked)
        except NotFinite as error:
            raise UserError(self._not_finite(step, batch)) from error
        tokens = sum(self.samples.length(sample) for sample in batch)
        step += 1
        metrics = {
            "phase": self.name, "epoch": epoch, "step": step, "loss": done.loss, "learning_rate": rate,
            "gradient_norm": done.gradient_norm, "samples": len(batch), "tokens": tokens, "learnt": learnt,
            "seconds": round(time.monotonic() - started, 4),
        }  # fmt: skip
        if self.board:
            self.folder.log(metrics)
            self.board.draw(metrics)
            self.progress.step(metrics)
        self._after(engine, step, stopped=done.stop and step < self.total)
        return step

    def _after(self, engine: Engine, step: int, *, stopped: bool) -> None:
        """Save, measure and prune where the plan has it due after a step."""
        measure = self._measured_after(step)
        every = self.plan.checkpoints.every or self.per_epoch
        if measure or stopped or step % every == 0 or step % self.per_epoch == 0:
            self._save(engine, step)
            if measure and not stopped:
                self._measure(engine, step)
            self.world.once(self._prune)
        if stopped:
            raise Interrupted(f"stopped after step {step} of {self.name}; the same command goes on from there")

    def _measured_after(self, step: int) -> bool:
        every = self.phase.select.every
        return step == self.total or step % (self.per_epoch if every == "epoch" else every) == 0

    def _save(self, engine: Engine, step: int) -> None:
        state = {
            "phase": self.name, "epoch": step // self.per_epoch, "seed": self.plan.seed, "updates": engine.updates,
            "scores": [asdict(score) for score in self.scores],
            "best": choose(self.scores, self.phase.select).step if self.scores else None,
            "start": self.before.path.name if self.before else None, "plan": self.plan.model_dump(mode="json"),
        }  # fmt: skip
        self.checkpoints.save(step, engine.tensors(), state)

    def _measure(self, engine: Engine, step: int) -> None:
        """Measure the checkpoint of a step: held-out losses, and the plan's metric."""
        losses = {}
        for name, (samples, chosen) in self.heldout.items():
            total, count = engine.measure(self.data.rows(samples, chosen))
            losses[name] = total / count
        score = losses.get(self.name) if self.phase.select.metric == "heldout" else None
        if self.phase.select.metric == "command":
            score = self.world.once(lambda: self._evaluate(step))
        self.scores.append(Score(step, step // self.per_epoch, score, losses))
        self.world.once(lambda: self.folder.write_scores(self.scores))
        if self.board:
            self.board.draw_heldout(losses, step)
        told = ["held-out loss", *(f"{name} {loss:.4f}" for name, loss in losses.items())] if losses else []
        told += [f"score {score:g}"] if self.phase.select.metric == "command" else []
        if told:
            self._say("  ".join([f"{self.name} step {step}:", *told]))

    def _evaluate(self, step: int) -> float:
        assert self.phase.select.command is not None, "the plan has a command"
        self._export(self.checkpoints.at(step), self.folder.candidate, {"step": step})
        score = run_command(self.phase.select.command, self.folder.candidate, dict(self.data.measured())[self.name])
        shutil.rmtree(self.folder.candidate, ignore_errors=True)
        return score

    def _prune(self) -> None:
        newest = self.checkpoints.steps()[-self.plan.checkpoints.keep :]
        self.checkpoints.prune({*newest, *contenders(self.scores, self.phase.select)})

    def _resume(self, engine: Engine) -> int:
        """Go on from the newest whole checkpoint; return its step, or 0 at the phase's start."""
        state = self.world.once(lambda: self.checkpoints.newest(self._say))
        step = int(state["step"]) if state else 0
        if state:
            engine.restore(Reader(self.checkpoints.at(step)))
            self._say(f"{self.name} goes on after step {step}")
        elif self.phase.optimizer == "carried" and self.before is not None:
            kept, taken = Folder(self.before.checkpoints, self.world.gather), self.before.about()["step"]
            engine.restore(Reader(self.world.once(lambda: kept.whole(taken))), weights=False)
        self.scores = self.world.once(lambda: self.folder.cut_back(step))
        self.board = Board(self.folder.path / "tensorboard", step) if self.world.first else None
        if state and self._measured_after(step) and not any(score.step == step for score in self.scores):
            self._measure(engine, step)
        return step

    def _open(self) -> Engine:
        start = self.before.model if self.before else None
        half = models.in_bf16(self.plan.engine, self.device)
        fresh = start is None and self.plan.student.config is not None  # drawn as in one process
        sharded = not fresh and self.plan.engine.zero == 3 and uses_deepspeed(self.plan.engine, self.world.processes)
        with sharded_loading(self.plan.engine, half) if sharded else nullcontext():
            loaded = models.load_student(self.plan, start, self.tokenizer, self.device)
        models.check_positions(loaded.config, self.plan)
        model = models.prepare(loaded, self.plan)
        if not sharded:  # simplified: a model in shares cannot be tried before it is trained
            check(model, len(self.tokenizer), packing=self.plan.engine.packing)
        return open_engine(model, self.plan, self.phase, self.world, self.device, half)

    def _claim(self) -> dict[str, Any]:
        """Hold the phase's folder against the plan and the data."""
        if self.before is not None and not self.before.finished:
            raise UserError(
                f"{self.name} starts from the model of {self.before.path.name}, which is not finished: "
                "train it first, or leave --phase out to train all phases in their order"
            )
        identity = {
            "student": self.plan.student.model_dump(exclude={"architecture"}),
            "seed": self.plan.seed,
            "settings": self.phase.model_dump(exclude={"take", "replay", "samples"}),
            "tokenizer": tokenizer_digest(self.tokenizer),
            "data": file_digest(self.data.file),
            **{f"heldout/{file.name}": file_digest(file) for _, file in self.data.measured() if file.is_file()},
            "start": self.before.fingerprint() if self.before else "the student",
        }
        if self.before is not None:
            self.before.hold_as_start(identity)
        self.folder.claim(identity)
        self.folder.keep_tokenizer(self.tokenizer)
        return identity

    def _finish(self, identity: dict[str, Any]) -> None:
        """Choose the phase's best checkpoint and write its model."""
        best = choose(self.scores, self.phase.select)
        about = {
            "phase": self.name, "step": best.step, "epoch": best.epoch, "steps": self.total, "score": best.score,
            "heldout": best.heldout, "scores": [asdict(score) for score in self.scores],
            "samples": len(self.samples), "left_out": dict(self.samples.counts), **identity,
            "plan": self.plan.model_dump(mode="json"),
            "versions": {"torch": torch.__version__, "transformers": models.transformers_version()},
        }  # fmt: skip
        self._export(self.checkpoints.whole(best.step), self.folder.model, about)
        self._say(f"{self.name}: the checkpoint of step {best.step} of {self.total} is taken: {self.folder.model}")

    def _export(self, checkpoint: Path, folder: Path, about: dict[str, Any]) -> None:
        start = self.before.model if self.before else None
        models.export(checkpoint, self.plan, start, self.tokenizer, folder, about)

    def _introduce(self) -> None:
        """Say what the phase is about to do."""
        left_out = "".join(f"; {reason}: {count}" for reason, count in self.samples.counts.items())
        self._say(
            f"{self.name}: {len(self.samples):,} samples, {self.phase.epochs} epochs, {self.total} steps of "
            f"{self.phase.batch_size} samples{left_out}"
        )
        for warning in schedule.warnings(list(self.plan.phases.items()), {self.name: self.total}):
            if warning.startswith(f"{self.name}:"):
                self._say(f"warning: {warning}")

    def _not_finite(self, step: int, batch: list[str]) -> str:
        return (
            f"the loss or the gradient of step {step + 1} of {self.name} is no finite number. Nothing is lost: the "
            f"checkpoints before it are whole. Lower the learning rate (--set {self.name}.learning_rate="
            f"{self.phase.learning_rate / 2:g}, into another --out), warm up longer, or look at the step's samples: "
            f"{', '.join(batch[:5])}" + (" …" if len(batch) > 5 else "")
        )

    def _say(self, text: str) -> None:
        if self.world.first:
            progress = getattr(self, "progress", None) or self.progress_of(self.name, 1, 1)
            progress.say(text)


def _seed(*parts: object) -> int:
    """Return a seed that is a function of where the run is."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()) >> 1
