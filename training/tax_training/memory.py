"""Memory that ran out, said as what the user can change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from tax_training.errors import UserError

_OF_THE_CPU = "can't allocate memory"  # torch's own words for it, in a plain RuntimeError


@contextmanager
def enough_memory(doing: Callable[[], str]) -> Iterator[None]:
    """Turn memory that ran out into a UserError; `doing` says what was under way, like "in step 3 of kt1"."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise UserError(_ran_out(doing())) from error
    except RuntimeError as error:
        if _OF_THE_CPU not in str(error):
            raise
        raise UserError(_ran_out(doing())) from error


def _ran_out(doing: str) -> str:
    return (
        f"memory ran out {doing}. Nothing is lost: the same command goes on from the last checkpoint. Let less stand "
        "in memory at once: a smaller engine.micro_tokens, --set engine.activation_checkpointing=true, "
        "--set engine.zero=3, --set engine.offload=true, student.lora, or a smaller student; --dry-run estimates each"
    )
