"""--dry-run: the resolved plan, and by arithmetic its steps, tokens, work and memory. Nothing is trained or written.

Memory follows ZeRO's accounting (Rajbhandari et al. 2020, section 3) and, for activations, 34 bytes a token, layer and
unit of width in 16 bits (Korthikanti et al. 2022, equation 2, without the attention scores, which flash-like kernels
do not keep). Simplified: no fragmentation, no communication buffers; leave a tenth free.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from tax_training import schedule
from tax_training.engine import uses_deepspeed
from tax_training.errors import UserError, quoted
from tax_training.mixed import ignored
from tax_training.plan import Phase, Plan, Student, TrainTokenizer

GIB = 1 << 30


@dataclass(frozen=True)
class PhaseEstimate:
    """What a phase will take."""

    phase: str
    new: int | None  # samples of its own, where that is known
    samples: int | None  # with those that it replays
    steps: int | None
    warmup: int | None
    tokens: int | None  # over all epochs
    exact: bool  # whether tokens were counted by `tax mix`; else as many as the contexts hold
    flops: float | None  # 6 a parameter and token (Kaplan et al. 2020); a third more when activations are recomputed


@dataclass(frozen=True)
class Size:
    """How large the student is."""

    parameters: int
    trained: int
    layers: int
    width: int
    vocabulary: int


def dry_run(plan: Plan, data: Path | None, processes: int | None, *, as_json: bool = False) -> str:
    """Return what the plan will do, as text or JSON. Raises UserError."""
    import torch

    world = processes or 1
    size = student_size(plan.student)
    phases = [estimate_phase(plan, name, data, size) for name in plan.phases]
    large = size.parameters > 100_000_000  # it will see a GPU, though there may be none here
    precision = plan.engine.precision
    half = precision == "bf16" or (precision == "auto" and (large or torch.cuda.is_available()))
    memory = {name: memory_of(plan, phase, size, world, half=half) for name, phase in plan.phases.items()}
    totals = {estimate.phase: estimate.steps for estimate in phases if estimate.steps is not None}
    warnings = schedule.warnings(list(plan.phases.items()), totals) + (ignored(plan, data) if data else [])
    resolved = plan.model_dump(mode="json", exclude={"defaults"}, exclude_none=True)
    if as_json:
        found = {
            "plan": resolved, "student": asdict(size), "processes": world, "precision": "bf16" if half else "fp32",
            "phases": [asdict(estimate) for estimate in phases], "memory_bytes": memory, "warnings": warnings,
        }  # fmt: skip
        return json.dumps(found, ensure_ascii=False, indent=2)
    lines = [yaml.safe_dump(resolved, sort_keys=False, allow_unicode=False, width=120)]
    of = " (by student.architecture)" if plan.student.architecture else ""
    lines.append(f"student: {size.parameters:,} parameters, {size.trained:,} of them trained{of}")
    lines += _phase_table(plan, phases)
    lines += _memory_table(memory, world, "bf16" if half else "fp32")
    lines += [f"warning: {warning}" for warning in warnings]
    return "\n".join(lines)


def estimate_phase(plan: Plan, name: str, data: Path | None, size: Size) -> PhaseEstimate:
    """Estimate a phase from the data that `tax mix` wrote, or from the plan's own `samples` and what is replayed."""
    phase = plan.phases[name]
    if data is None:
        new, samples, tokens = phase.samples, _with_replay(plan, name), None
    else:
        new, samples, tokens = _mixed(data, name)
    if samples is None:
        return PhaseEstimate(name, new, None, None, None, None, False, None)
    steps = -(-samples // phase.batch_size) * phase.epochs
    exact = tokens is not None
    total = (tokens if tokens is not None else samples * phase.context_length) * phase.epochs
    work = 8 if plan.engine.activation_checkpointing else 6
    return PhaseEstimate(
        name, new, samples, steps, schedule.warmup_steps(phase, steps), total, exact,
        float(work * size.parameters * total),
    )  # fmt: skip


def _with_replay(plan: Plan, name: str) -> int | None:
    """Return the plan's samples of a phase and those it replays, shares of what is new in earlier ones."""
    own = [(1.0, plan.phases[name].samples)]
    own += [(share, plan.phases[earlier].samples) for earlier, share in plan.phases[name].replay.items() if share]
    counts = [round(share * samples) for share, samples in own if samples is not None]
    return sum(counts) if len(counts) == len(own) else None


def memory_of(plan: Plan, phase: Phase, size: Size, processes: int, *, half: bool) -> dict[str, int]:
    """Return the bytes that one process needs on its device, by what they are for."""
    sharded = uses_deepspeed(plan.engine, processes)
    stage = (1 if plan.engine.zero is None else plan.engine.zero) if sharded else 0
    share = [processes if stage >= least else 1 for least in (1, 2, 3)]  # of optimizer, gradients, weights
    short = 2 if half else 4
    if sharded:  # computing copies, and fp32 masters beside the two moments
        weights, optimizer = short * size.parameters // share[2], 12 * size.trained // share[0]
        if stage == 0:
            optimizer = 8 * size.trained
        if plan.engine.offload:
            optimizer, weights = 0, 0 if stage == 3 else weights
    else:  # fp32 weights (frozen ones in 16 bits), and the copies that autocast makes of those trained
        frozen = size.parameters - size.trained
        weights = short * frozen + (6 if half else 4) * size.trained
        optimizer = 8 * size.trained
    row = max(plan.engine.micro_tokens or 0, phase.context_length)
    layer = 17 * short * size.width * row
    kept = (
        short * size.width * row * size.layers + layer if plan.engine.activation_checkpointing else layer * size.layers
    )
    logits = min(plan.engine.loss_chunk or row, row) * size.vocabulary * (short + 8)
    return {
        "weights": weights, "gradients": 4 * size.trained // share[1], "optimizer": optimizer,
        "activations": kept, "logits": logits,
    }  # fmt: skip


def student_size(student: Student) -> Size:
    """Return the student's size from its config, without its weights. Raises UserError."""
    import torch
    from transformers import AutoModelForCausalLM

    from tax_training.model import adapted

    config = _config(student)
    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
    except ValueError as error:
        raise UserError(f"{quoted(config.model_type)} is no student: {quoted(str(error), 300)}") from error
    if student.lora is not None:
        with torch.device("meta"):
            model = adapted(model, student.lora, seed=0)
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    stated = config.get_text_config()
    return Size(
        sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained),
        stated.num_hidden_layers, stated.hidden_size, stated.vocab_size,
    )  # fmt: skip


def _config(student: Student) -> Any:
    from transformers import AutoConfig

    from tax_training.model import fresh_config

    settings = student.config or student.architecture
    if settings is not None:
        vocabulary = student.tokenizer.train.vocab_size if isinstance(student.tokenizer, TrainTokenizer) else None
        return fresh_config({"vocab_size": vocabulary, **settings} if vocabulary else settings)
    try:
        return AutoConfig.from_pretrained(str(student.model), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"the config of {quoted(student.model)} cannot be read, so its size is not known: "
            "give it as student.architecture"
        ) from error


def _mixed(data: Path, phase: str) -> tuple[int | None, int, int | None]:
    """Return a phase's own samples, all with those replayed, and their tokens (of one epoch). Raises UserError.

    The first and the last are known where `tax mix` wrote them into mix.json.
    """
    try:
        with (data / f"{phase}.jsonl").open("rb") as lines:
            samples = sum(1 for line in lines if line.strip())
    except OSError as error:
        raise UserError(
            f"{data / f'{phase}.jsonl'} cannot be read: {error.strerror}. Is --data what tax mix wrote?"
        ) from error
    try:
        about = json.loads((data / "mix.json").read_text(encoding="utf-8"))["phases"][phase]
        new = about.get("own")
        tokens = sum(int(count) for count in about["tokens"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, samples, None
    return new if isinstance(new, int) else None, samples, tokens


def _phase_table(plan: Plan, phases: list[PhaseEstimate]) -> list[str]:
    replayed = any(found.new not in (None, found.samples) for found in phases)
    heads = f"{'new':>10} {'with replay':>11}" if replayed else f"{'samples':>10}"
    heads += f" {'epochs':>6} {'steps':>7} {'warm-up':>7} {'rate':>8} {'tokens':>20} {'FLOPs':>9}"
    lines = [f"{'phase':10} {heads}"]
    for found in phases:
        phase = plan.phases[found.phase]
        counts = [(found.new, 10), (found.samples, 11)] if replayed else [(found.samples, 10)]
        row = f"{found.phase:10} " + " ".join(
            f"{'?' if count is None else format(count, ','):>{width}}" for count, width in counts
        )
        if found.samples is None:
            lines.append(f"{row} {phase.epochs:>6}   name the data with --data")
            continue
        tokens = f"{'' if found.exact else 'up to '}{found.tokens:,}"
        lines.append(
            f"{row} {phase.epochs:>6} {found.steps:>7,} {found.warmup:>7,} "
            f"{phase.learning_rate:>8.1e} {tokens:>20} {found.flops:>9.2e}"
        )
    return lines


def _memory_table(memory: dict[str, dict[str, int]], processes: int, precision: str) -> list[str]:
    names = list(next(iter(memory.values())))
    heading = "".join(f"{name:>13}" for name in [*names, "sum"])
    lines = ["", f"GiB on each of {processes} device(s), {precision}", f"{'phase':10}{heading}"]
    for phase, parts in memory.items():
        figures = [*parts.values(), sum(parts.values())]
        lines.append(f"{phase:10}" + "".join(f"{figure / GIB:>13.2f}" for figure in figures))
    return lines
