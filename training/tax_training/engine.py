"""What computes a step: a small interface, with plain torch and DeepSpeed (deepspeed_engine.py) behind it.

An engine takes a step's rows and the number of learnt tokens in the whole step, over all processes, and weighs each
row's summed loss by it: the gradient is that of the mean over the step's learnt tokens, however they were packed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from tax_training.checkpoints import Reader, Tensors
from tax_training.data import Row
from tax_training.errors import UserError
from tax_training.loss import LearntLoss
from tax_training.plan import Engine as EngineSettings
from tax_training.plan import Phase, Plan
from tax_training.world import World


class NotFinite(Exception):
    """A step's loss or gradient is no finite number; the weights are as they were before it."""


@dataclass(frozen=True)
class Step:
    """What came of a step, over all processes."""

    loss: float  # mean over the learnt tokens
    gradient_norm: float  # before it was clipped
    stop: bool  # whether any process was asked to stop


class Engine(Protocol):
    """Trains a model, step by step."""

    def step(self, rows: Sequence[Row], learnt: int, rate: float, stop: Callable[[], bool]) -> Step:
        """Take one optimizer step on this process's rows; `learnt` counts the learnt tokens of all processes' rows.

        `stop` tells whether this process was asked to stop, until the end of this step. Raises NotFinite.
        """
        ...

    def measure(self, rows: Sequence[Row]) -> tuple[float, int]:
        """Return the summed loss and the number of learnt tokens of all processes' rows."""
        ...

    def tensors(self) -> Tensors:
        """Yield each trained parameter with its moments, whole, in fp32; all processes go through them together."""
        ...

    def restore(self, reader: Reader, *, weights: bool = True, moments: bool = True) -> None:
        """Take weights, moments and the number of updates over from a checkpoint."""
        ...

    @property
    def updates(self) -> int:
        """How many updates the moments hold: AdamW's step, which corrects their bias."""
        ...


def open_engine(model: LearntLoss, plan: Plan, phase: Phase, world: World, device: torch.device, half: bool) -> Engine:
    """Return the engine that the plan and the number of processes ask for. Raises UserError."""
    if uses_deepspeed(plan.engine, world.processes):
        from tax_training.deepspeed_engine import DeepSpeedEngine

        return DeepSpeedEngine(model, plan.engine, phase, world, device, half)
    return TorchEngine(model, phase, device, half)


def uses_deepspeed(settings: EngineSettings, processes: int) -> bool:
    """Tell which engine serves. Raises UserError where the plan's cannot."""
    asked = processes > 1 or settings.zero is not None or settings.offload
    if settings.kind == "torch" and asked:
        raise UserError(
            "engine.kind: torch is for one process without engine.zero and engine.offload: take deepspeed, or auto"
        )
    return settings.kind == "deepspeed" or asked


def adamw(model: LearntLoss, phase: Phase) -> torch.optim.AdamW:
    """Return the phase's optimizer of the trained parameters; norms and biases (vectors) do not decay."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": chosen, "weight_decay": decay}
        for matrices, decay in [(True, phase.weight_decay), (False, 0.0)]
        if (chosen := [p for p in trained if (len(getattr(p, "ds_shape", p.shape)) > 1) == matrices])
    ]
    return torch.optim.AdamW(groups, lr=phase.learning_rate, betas=phase.betas, eps=phase.epsilon, fused=True)


class TorchEngine:
    """Plain torch, for one process. Weights and optimizer are fp32; in bf16 only the products are computed."""

    def __init__(self, model: LearntLoss, phase: Phase, device: torch.device, half: bool) -> None:
        self.model = model.to(device)
        self.model.train()
        self.device, self.half = device, half
        self.clip = phase.gradient_clip or math.inf
        self.optimizer = adamw(self.model, phase)
        self.updates = 0

    def step(self, rows: Sequence[Row], learnt: int, rate: float, stop: Callable[[], bool]) -> Step:
        """Take one optimizer step. Raises NotFinite."""
        self.optimizer.zero_grad(set_to_none=True)
        sums = []
        for row in rows:
            loss = self._loss(row)
            (loss / learnt).backward()
            sums.append(loss.detach())
        total = torch.stack(sums).double().sum()
        norm = torch.nn.utils.clip_grad_norm_([p for _, p in self._trained()], self.clip)
        result = Step(float(total) / learnt, float(norm), stop())
        if not (math.isfinite(result.loss) and math.isfinite(result.gradient_norm)):
            raise NotFinite
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.updates += 1
        return result

    @torch.no_grad()
    def measure(self, rows: Sequence[Row]) -> tuple[float, int]:
        """Return the summed loss and the number of learnt tokens."""
        self.model.eval()
        total = sum(float(self._loss(row)) for row in rows)
        self.model.train()
        return total, sum(row.learnt for row in rows)

    def tensors(self) -> Tensors:
        """Yield each trained parameter with its moments."""
        for name, parameter in self._trained():
            state = self.optimizer.state.get(parameter) or {}
            moments = {
                kind: state[kind] if kind in state else torch.zeros_like(parameter)
                for kind in ("exp_avg", "exp_avg_sq")
            }
            yield name, {"weight": parameter, **moments}

    @torch.no_grad()
    def restore(self, reader: Reader, *, weights: bool = True, moments: bool = True) -> None:
        """Take weights and moments over from a checkpoint."""
        for name, parameter in self._trained():
            kept = reader.tensors(name)
            if weights:
                parameter.copy_(kept["weight"])
            if moments and reader.state["updates"]:
                self.optimizer.state[parameter] = {
                    "step": torch.tensor(float(reader.state["updates"]), device=parameter.device),
                    "exp_avg": kept["exp_avg"].to(parameter),
                    "exp_avg_sq": kept["exp_avg_sq"].to(parameter),
                }
        if moments:
            self.updates = int(reader.state["updates"])

    def _loss(self, row: Row) -> torch.Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            loss: torch.Tensor = self.model(row.to(self.device))
            return loss

    def _trained(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        for name, parameter in self.model.language_model.named_parameters():
            if parameter.requires_grad:
                yield name, parameter
