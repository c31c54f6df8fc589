"""DeepSpeed behind the engine's interface: ZeRO stages 0 to 3, with or without CPU offload.

A step has as many micro-batches as its packing gives, so DeepSpeed is told to accumulate over one and where the last
one is. Checkpoints are not DeepSpeed's own: parameters and moments are put together whole, so that another stage,
another number of processes, or plain torch goes on from them.
"""

import contextlib
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from tax_training.checkpoints import Reader, Tensors
from tax_training.data import Row
from tax_training.engine import NotFinite, Step, adamw
from tax_training.errors import UserError, install
from tax_training.loss import LearntLoss
from tax_training.plan import Engine as EngineSettings
from tax_training.plan import Phase
from tax_training.world import World

MOMENTS = ("exp_avg", "exp_avg_sq")


def deepspeed_config(settings: EngineSettings, clip: float, half: bool) -> dict[str, Any]:
    """Return DeepSpeed's configuration. Raises UserError for what it cannot do."""
    stage = 1 if settings.zero is None else settings.zero
    if stage == 0 and (half or settings.offload):
        raise UserError("engine.zero: 0 neither computes in bf16 nor offloads: take 1, 2 or 3")
    zero: dict[str, Any] = {"stage": stage}
    if settings.offload:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
        if stage == 3:
            zero["offload_param"] = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": clip,
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,  # torch's fused AdamW runs on CPUs too
        "bf16": {"enabled": half},
        "data_types": {"grad_accum_dtype": "fp32"},
        "steps_per_print": 1 << 40,
    }


@contextlib.contextmanager
def sharded_loading(settings: EngineSettings, half: bool) -> Iterator[None]:
    """Have transformers load models for ZeRO-3 in shares: no process ever has the whole of one."""
    from transformers.integrations.deepspeed import HfDeepSpeedConfig, unset_hf_deepspeed_config

    if not torch.distributed.is_initialized():
        _alone()
    held = HfDeepSpeedConfig(deepspeed_config(settings, 0.0, half))
    try:
        yield
    finally:
        del held
        unset_hf_deepspeed_config()


class DeepSpeedEngine:
    """DeepSpeed, for any number of processes."""

    def __init__(
        self, model: LearntLoss, settings: EngineSettings, phase: Phase, world: World, device: torch.device, half: bool
    ) -> None:
        try:
            import deepspeed
        except ModuleNotFoundError as error:
            raise UserError(f"more than one process, and ZeRO, need {error.name}: {install('train')}") from error
        logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
        exact = {name: buffer.clone() for name, buffer in model.named_buffers() if buffer.is_floating_point()}
        self.inner = adamw(model, phase)
        config = deepspeed_config(settings, phase.gradient_clip, half)
        if not torch.distributed.is_initialized():
            _alone()
        self.engine, self.optimizer, _, _ = deepspeed.initialize(model=model, optimizer=self.inner, config=config)
        self.stage = config["zero_optimization"]["stage"]
        self.model, self.world, self.device = model, world, self.engine.device
        for name, buffer in model.named_buffers():  # rotary frequencies stay fp32: in bf16 far positions blur
            if name in exact:
                buffer.data = exact[name].to(self.device)
        self.updates = 0

    def step(self, rows: Sequence[Row], learnt: int, rate: float, stop: Callable[[], bool]) -> Step:
        """Take one optimizer step on this process's rows. Raises NotFinite."""
        self.engine.train()
        sums = []
        for number, row in enumerate(rows, start=1):
            self.engine.set_gradient_accumulation_boundary(number == len(rows))
            loss = self.engine(row.to(self.device))
            self.engine.backward(loss * (self.world.processes / learnt))  # DeepSpeed takes the processes' mean
            sums.append(loss.detach())
            if number < len(rows):
                self.engine.step()
        total, asked = self.world.sum(float(torch.stack(sums).double().sum()), float(stop()))
        if not math.isfinite(total):
            raise NotFinite
        norm = self._norm() if self.stage == 0 else None
        for group in [*self.inner.param_groups, *self.optimizer.param_groups]:
            group["lr"] = rate
        self.engine.step()
        self.updates += 1
        norm = float(self.engine.get_global_grad_norm()) if norm is None else norm
        if not math.isfinite(norm):
            raise NotFinite
        return Step(total / learnt, norm, asked > 0)

    @torch.no_grad()
    def measure(self, rows: Sequence[Row]) -> tuple[float, int]:
        """Return the summed loss and the number of learnt tokens of all processes' rows."""
        self.engine.eval()
        total = sum(float(self.engine(row.to(self.device))) for row in rows)
        self.engine.train()
        loss, learnt = self.world.sum(total, float(sum(row.learnt for row in rows)))
        return loss, round(learnt)

    def tensors(self) -> Tensors:
        """Yield each trained parameter with its moments, whole; all processes take part."""
        if self.updates:
            self._link()
        for name, parameter in self._trained():
            whole = {"weight": self._whole(parameter, None)}
            for kind in MOMENTS:
                whole[kind] = self._whole(parameter, kind) if self.updates else torch.zeros_like(whole["weight"])
            yield name, whole

    @torch.no_grad()
    def restore(self, reader: Reader, *, weights: bool = True, moments: bool = True) -> None:
        """Take weights and moments over from a checkpoint, of whatever engine."""
        updates = int(reader.state["updates"])
        if moments and updates:
            self._begin_moments(updates)
            self._link()
        for name, parameter in self._trained():
            kept = reader.tensors(name)
            if weights:
                self._take(parameter, kept["weight"], None)
            for kind in MOMENTS:
                if moments and updates:
                    self._take(parameter, kept[kind], kind)
        if moments:
            self.updates = updates

    def _norm(self) -> float:
        gradients = [parameter.grad for _, parameter in self._trained() if parameter.grad is not None]
        return float(torch.nn.utils.get_total_norm(gradients))

    def _begin_moments(self, updates: int) -> None:
        """Give the optimizer the state that it has after its first step, to be filled in."""
        if self.stage == 3:
            flat = list(self.optimizer.fp32_partitioned_groups_flat)
        else:
            flat = [part for group in self.inner.param_groups for part in group["params"]]
        for part in flat:
            step = torch.tensor(float(updates), device=part.device)
            self.inner.state[part] = {
                "step": step, "exp_avg": torch.zeros_like(part), "exp_avg_sq": torch.zeros_like(part)
            }  # fmt: skip

    def _link(self) -> None:
        """Let DeepSpeed find the moments of its parameters: after a first step it knows the first group's only."""
        if self.stage in (1, 2):
            self.optimizer._hp_optimizer_states_linked = False
            self.optimizer._lazy_init_hp_params_optimizer_state()

    def _whole(self, parameter: Any, kind: str | None) -> torch.Tensor:
        from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

        if self.stage == 0:
            found = parameter.detach() if kind is None else self.inner.state[parameter][kind]
        elif kind is None:
            found = safe_get_full_fp32_param(parameter)
        else:
            found = safe_get_full_optimizer_state(parameter, kind)
        assert isinstance(found, torch.Tensor), "a trained parameter has a master copy and moments"
        return found

    def _take(self, parameter: Any, value: torch.Tensor, kind: str | None) -> None:
        """Put a whole tensor into this process's share of a parameter (kind None) or of one of its moments."""
        if self.stage == 0:
            (parameter if kind is None else self.inner.state[parameter][kind]).copy_(value)
        elif self.stage == 3:
            self._take_share(parameter, value, kind)
        else:
            parameter.set_full_hp_param(value.to(parameter.device), kind)
            if kind is None:
                parameter.data.copy_(value)

    def _take_share(self, parameter: Any, value: torch.Tensor, kind: str | None) -> None:
        from deepspeed.utils import safe_set_local_fp32_param, safe_set_local_optimizer_state

        size = parameter.ds_tensor.numel()  # all shares are alike; the last is filled up
        flat = torch.zeros(size * self.world.processes, dtype=value.dtype)
        flat[: value.numel()] = value.flatten()
        share = flat[size * self.world.process :][:size]
        if kind is None:
            parameter.ds_tensor.data.copy_(share)
            safe_set_local_fp32_param(parameter, share)
        else:
            safe_set_local_optimizer_state(parameter, share, kind)

    def _trained(self) -> Iterator[tuple[str, Any]]:
        for name, parameter in self.model.language_model.named_parameters():
            if parameter.requires_grad:
                yield name, parameter


def _alone() -> None:
    """Make the process group of a single process, which DeepSpeed wants too, and say its place as a launcher would."""
    os.environ.setdefault("LOCAL_RANK", "0")
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    store = torch.distributed.HashStore()  # type: ignore[attr-defined]  # it is, without being listed
    torch.distributed.init_process_group(backend, store=store, rank=0, world_size=1)
