"""Attention over rows that hold several samples, none of which may see another.

Registered with transformers beside its own: `segments` runs torch's scaled_dot_product_attention over samples of about
one length at a time, and `varlen` torch's own kernel for such rows on GPUs. Neither builds a mask, and the work is the
sum of the squares, not the square of the sum. transformers' `sdpa` and `eager` see the samples by their restarting
positions, with a mask as large as the row squared.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from tax_training.errors import UserError

NAMES = {
    "flash": "flash_attention_2",
    "varlen": "tax_varlen",
    "segments": "tax_segments",
    "sdpa": "sdpa",
    "eager": "eager",
}
UNKNOWN = {"softcap", "s_aux", "position_bias"}  # what some models ask of attention beside the mask


def implementation(attention: str, device: torch.device, *, half: bool) -> str:
    """Return transformers' name of the attention that a plan asks for. Raises UserError where it cannot run here."""
    flash = find_spec("flash_attn") is not None
    if attention == "auto":
        attention = "flash" if flash and half and device.type == "cuda" else "segments"
    if attention in {"flash", "varlen"} and not (device.type == "cuda" and half):
        raise UserError(f"engine.attention: {attention} needs a GPU and bf16: take segments, or sdpa")
    if attention == "flash" and not flash:
        raise UserError("engine.attention: flash needs the flash-attn package (pip install flash-attn); or take varlen")
    return NAMES[attention]


def register() -> None:
    """Make our two implementations known to transformers."""
    from transformers import AttentionInterface, AttentionMaskInterface

    functions: dict[str, Callable[..., Any]] = {"segments": _segments, "varlen": _varlen}
    for name, function in functions.items():
        AttentionInterface.register(NAMES[name], function)
        AttentionMaskInterface.register(NAMES[name], _no_mask)


@contextmanager
def runnable(config: Any, device: torch.device) -> Iterator[None]:
    """Have a model on the CPU, whose attention has no kernel there, attend as transformers' own does, for the time."""
    own = config._attn_implementation
    if device.type == "cpu" and own in {NAMES["flash"], NAMES["varlen"]}:
        config._attn_implementation = NAMES["eager"]
    try:
        yield
    finally:
        config._attn_implementation = own


def row_arguments(implementation: str, bounds: list[int], device: torch.device) -> dict[str, Any]:
    """Return what the attention functions need to know of a row: where its samples start."""
    if implementation == NAMES["segments"]:
        return {"layout": Layout.of(bounds, device)}
    if implementation in {NAMES["flash"], NAMES["varlen"]}:
        starts = torch.tensor(bounds, dtype=torch.int32, device=device)
        longest = max(end - start for start, end in pairwise(bounds))
        return {
            "cu_seq_lens_q": starts, "cu_seq_lens_k": starts, "max_length_q": longest, "max_length_k": longest
        }  # fmt: skip
    return {}


def _no_mask(*_: Any, **__: Any) -> None:
    """Samples are told apart by their bounds."""


def _refuse_unknown(longest: int, sliding_window: int | None, asked: dict[str, Any]) -> None:
    unknown = [name for name in UNKNOWN if asked.get(name) is not None]
    if sliding_window is not None and sliding_window < longest:
        unknown.append("sliding_window")
    if unknown:
        raise UserError(
            f"the model's attention uses {', '.join(unknown)}: set engine.attention to sdpa, eager or flash"
        )


def _segments(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    layout: "Layout | None" = None,
    sliding_window: int | None = None,
    **asked: Any,
) -> tuple[torch.Tensor, None]:
    """Attend within each sample; query has shape (1, heads, T, size), the result (1, T, heads, size)."""
    layout = layout or Layout.of([0, query.shape[2]], query.device)
    _refuse_unknown(layout.longest, sliding_window, asked)
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    rows = [part[0].transpose(0, 1) for part in (query, key, value)]  # (T, heads, size)
    attended = []
    for places, count in layout.groups:
        q, k, v = (row.index_select(0, places).unflatten(0, (count, -1)).transpose(1, 2) for row in rows)
        found = scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True, scale=scaling)
        attended.append(found.transpose(1, 2).flatten(0, 1))
    return torch.cat(attended).index_select(0, layout.back).unsqueeze(0), None


@dataclass(frozen=True)
class Layout:
    """How a row's samples are gathered into groups of about one length, and put back.

    A sample that is shorter than its group's longest repeats its last token: what follows a token is not seen by it.
    """

    groups: list[tuple[torch.Tensor, int]]  # the places in the row of a group's tokens, and how many samples it has
    back: torch.Tensor  # for each token of the row, its place in the groups one after another
    longest: int

    @classmethod
    def of(cls, bounds: list[int], device: torch.device) -> "Layout":
        """Group the samples of a row that starts and ends at `bounds`."""
        starts, lengths = torch.tensor(bounds[:-1]), torch.tensor(bounds).diff()
        groups, back, filled = [], torch.empty(bounds[-1], dtype=torch.long), 0
        for chosen in _alike(lengths.tolist()):
            longest = int(lengths[chosen].max())
            steps = torch.arange(longest).expand(len(chosen), -1)
            own = steps < lengths[chosen, None]
            places = starts[chosen, None] + torch.minimum(steps, lengths[chosen, None] - 1)
            back[places[own]] = filled + torch.arange(places.numel()).view_as(places)[own]
            groups.append((places.flatten().to(device), len(chosen)))
            filled += places.numel()
        return cls(groups, back.to(device), int(lengths.max()))


def _alike(lengths: list[int]) -> Iterator[list[int]]:
    """Yield the numbers of samples of about one length: few groups, and little repeated."""
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    group = order[:1]
    for number in order[1:]:
        if lengths[number] < 0.8 * lengths[group[0]] - 16:
            yield group
            group = []
        group.append(number)
    yield group


def _varlen(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int = 0,
    sliding_window: int | None = None,
    **asked: Any,
) -> tuple[torch.Tensor, None]:
    """As _segments, in one kernel. Simplified: without dropout, which no model of today has in its attention."""
    from torch.nn.attention.varlen import varlen_attn

    assert cu_seq_lens_q is not None, "a row's bounds come with it"
    _refuse_unknown(max_length_q, None, asked)
    if dropout:
        raise UserError("the model has dropout in its attention: set engine.attention to segments or flash")
    window = (-1, 0) if sliding_window is None else (sliding_window - 1, 0)
    q, k, v = (part[0].transpose(0, 1).to(value.dtype).contiguous() for part in (query, key, value))  # RoPE is in fp32
    attended = varlen_attn(
        q, k, v, cu_seq_lens_q, cu_seq_lens_q, max_length_q, max_length_q,
        scale=scaling, window_size=window, enable_gqa=query.shape[1] != key.shape[1],
    )  # fmt: skip
    assert isinstance(attended, torch.Tensor)
    return attended.unsqueeze(0), None
