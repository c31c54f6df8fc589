"""The learning rate of each step: a linear warm-up, then constant, or cosine to zero on request."""

import math

from tax_training.plan import Phase

COSINE_WARNING = (
    "cosine decay takes the learning rate to nearly zero, which can destabilize the phases that follow "
    "(LAB, section 3.3); the papers' schedule is constant"
)


def warmup_steps(phase: Phase, total: int) -> int:
    """Return how many steps the warm-up takes, of `total` steps."""
    return round(phase.warmup * total) if phase.warmup < 1 else int(phase.warmup)


def learning_rate(phase: Phase, step: int, total: int) -> float:
    """Return the learning rate of a step, counted from 0, of `total` steps."""
    warmup = warmup_steps(phase, total)
    if step < warmup:
        return phase.learning_rate * (step + 1) / warmup
    if phase.schedule == "constant":
        return phase.learning_rate
    done = (step - warmup) / max(total - warmup, 1)
    return phase.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def warnings(plan_phases: list[tuple[str, Phase]], totals: dict[str, int]) -> list[str]:
    """Return what a user should know about the phases' schedules before they start."""
    found = []
    for number, (name, phase) in enumerate(plan_phases):
        total = totals.get(name)
        if phase.schedule == "cosine" and number + 1 < len(plan_phases):
            found.append(f"{name}: {COSINE_WARNING}")
        if total is not None and warmup_steps(phase, total) >= total:
            found.append(
                f"{name}: the warm-up of {warmup_steps(phase, total)} steps outlasts the phase's {total}, "
                f"so the learning rate never reaches {phase.learning_rate:g}"
            )
    return found
