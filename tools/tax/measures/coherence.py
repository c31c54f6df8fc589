"""Coherence of instruction and response: the cosine of their sentence embeddings (Reflection-Tuning 6.1).

The paper names Sentence-BERT without its model. Any encoder's folder will do; a Sentence-BERT folder's own pooling
(`1_Pooling/config.json`) is honoured where it is the mean or the first token, and the mean is taken where it says
nothing. What is beyond the encoder's context is left out.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tax.measures.models import context_length, load
from tax.problems import UserError

if TYPE_CHECKING:
    import torch

BATCH = 32


class Embedder:
    """An encoder that turns texts into vectors of length 1."""

    def __init__(self, path: str) -> None:
        """Load the encoder of a folder. Raises UserError."""
        self._pooling = _pooling(Path(path))
        self._tokenizer, self._model = load(path, "AutoModel")
        self._context = context_length(self._model, self._tokenizer)
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token

    def embed(self, texts: Sequence[str]) -> "torch.Tensor":
        """Return a matrix (texts, dimensions) of unit vectors; an empty text is a zero vector."""
        import torch

        parts = [self._embed(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        return torch.cat(parts)

    def coherence(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return the cosine of each pair of texts, -1 to 1."""
        first = self.embed([instruction for instruction, _ in pairs])
        second = self.embed([response for _, response in pairs])
        return [float(value) for value in (first * second).sum(dim=1)]

    def _embed(self, texts: Sequence[str]) -> "torch.Tensor":
        import torch

        encoded = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._context, return_tensors="pt"
        )
        mask = encoded["attention_mask"].to(self._model.device)
        with torch.inference_mode():
            states = self._model(
                input_ids=encoded["input_ids"].to(self._model.device), attention_mask=mask
            ).last_hidden_state.float()
        weights = mask.unsqueeze(-1).float()
        if self._pooling == "cls":
            vectors = states[:, 0]
        else:
            vectors = (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        return torch.nn.functional.normalize(vectors, dim=1).cpu()


def _pooling(folder: Path) -> str:
    """Return how a Sentence-BERT folder pools: mean or cls. Raises UserError for another way."""
    config = folder / "1_Pooling" / "config.json"
    if not config.is_file():
        return "mean"
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{config} cannot be read: {error}") from error
    chosen = sorted(name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True)
    if chosen == ["pooling_mode_cls_token"]:
        return "cls"
    if chosen in ([], ["pooling_mode_mean_tokens"]):
        return "mean"
    raise UserError(f"{config} pools by {', '.join(chosen)}: only the mean and the first token are known here")
