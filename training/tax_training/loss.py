"""The student with its loss: rows in, the summed cross-entropy of the learnt tokens out.

Only the positions that are learnt go through the head, some at a time, and their logits are computed again in the
backward pass: a row's logits never stand in memory all at once.
"""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from tax_training.attention import row_arguments, runnable
from tax_training.data import IGNORED, Row
from tax_training.errors import UserError


class LearntLoss(nn.Module):
    """A causal language model of transformers, with the loss on top."""

    def __init__(self, language_model: Any, chunk: int) -> None:
        """Wrap a model; `chunk` tokens have their logits in memory at once, or all the row's where it is 0."""
        super().__init__()
        self.language_model = language_model
        self.chunk = chunk

    def forward(self, row: Row) -> torch.Tensor:
        """Return the sum over the row's learnt tokens of -log p, in fp32 (fp64 for a model in fp64)."""
        targets = row.targets[0]
        learnt = targets != IGNORED
        if self.chunk == 0:
            return _summed(self._outputs(self.language_model, row).logits[0][learnt], targets[learnt])
        hidden, targets = self.hidden(row)[learnt], targets[learnt]
        if len(targets) <= self.chunk:
            return self._loss_of(hidden, targets)
        sums = [
            checkpoint(self._loss_of, *parts, use_reentrant=False)
            for parts in zip(hidden.split(self.chunk), targets.split(self.chunk), strict=True)
        ]
        return torch.stack(sums).sum()

    def hidden(self, row: Row) -> torch.Tensor:
        """Return the last hidden state of each position, shape (T, width)."""
        found: torch.Tensor = self._outputs(self.language_model.base_model, row).last_hidden_state[0]
        return found

    def _outputs(self, module: Any, row: Row) -> Any:
        bounds = row_arguments(self.language_model.config._attn_implementation, row.bounds, row.tokens.device)
        return module(input_ids=row.tokens, position_ids=row.positions, use_cache=False, **bounds)

    def _loss_of(self, hidden: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return _summed(self.language_model.get_output_embeddings()(hidden), targets)


def check(model: LearntLoss, vocabulary: int, *, packing: bool) -> None:
    """Try the model on a few tokens: packed samples must not see each other, nor the loss pass over its own head.

    Raises UserError: another architecture might mix samples in ways that are not attention, or scale its logits.
    """
    device = next(model.parameters()).device
    first, second, other = (
        [number % vocabulary for number in numbers] for numbers in ((5, 6, 7), (8, 9, 11), (3, 2, 1))
    )
    training = model.training
    model.eval()
    with torch.no_grad(), runnable(model.language_model.config, device):
        beside, poisoned = (model.hidden(_probe([before, second], device))[-2:] for before in (first, other))
        whole = model._outputs(model.language_model, _probe([second], device)).logits[0]
        ours = model.language_model.get_output_embeddings()(model.hidden(_probe([second], device)))
    model.train(training)
    if packing and not torch.allclose(beside, poisoned, atol=1e-3, rtol=1e-3):
        raise UserError("this model lets samples in one row see each other: set engine.packing to false")
    if model.chunk and not torch.allclose(whole, ours, atol=1e-2, rtol=1e-2):
        raise UserError("this model changes its logits after the head: set engine.loss_chunk to 0")


def _probe(samples: list[list[int]], device: torch.device) -> Row:
    import numpy as np

    return Row.of([(np.array(tokens), np.ones(len(tokens), np.bool_)) for tokens in samples]).to(device)


def _summed(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    exact = logits if logits.dtype == torch.float64 else logits.float()
    return cross_entropy(exact, targets, reduction="sum")
