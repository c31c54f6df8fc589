"""Coherence of instruction and response: the cosine of their sentence embeddings (Reflection-Tuning 6.1).

The paper names Sentence-BERT without its model. Any encoder's folder will do: a Sentence-BERT folder's own pooling and
length are honoured (sentence_bert.py), and the mean is taken where it says nothing. What is beyond the encoder's length
is left out.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tax.measures.models import context_length, load
from tax.measures.sentence_bert import read_encoder

if TYPE_CHECKING:
    import torch

BATCH = 32


class Embedder:
    """An encoder that turns texts into vectors of length 1."""

    def __init__(self, path: str) -> None:
        """Load the encoder of a folder. Raises UserError."""
        self._encoder = read_encoder(path)
        self._tokenizer, self._model = load(self._encoder.transformer, "AutoModel")
        context = context_length(self._model, self._tokenizer)
        self.context = min(context, self._encoder.longest or context)  # tokens, special ones included

    def embed(self, texts: Sequence[str]) -> "torch.Tensor":
        """Return a matrix (texts, dimensions) of unit vectors; a text of white space alone is a zero vector."""
        import torch

        rows = [self._tokens(text) for text in texts]
        filled = [place for place, row in enumerate(rows) if row]
        parts = [
            self._embed([rows[place] for place in filled[start : start + BATCH]])
            for start in range(0, len(filled), BATCH)
        ]
        vectors = torch.zeros(len(texts), parts[0].shape[1] if parts else 1)
        if parts:
            vectors[filled] = torch.cat(parts)
        return vectors

    def coherence(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return the cosine of each pair of texts, -1 to 1; 0 where one of them is empty."""
        if not pairs:
            return []
        vectors = self.embed([text for pair in pairs for text in pair])
        return [float(value) for value in (vectors[::2] * vectors[1::2]).sum(dim=1)]

    def _tokens(self, text: str) -> list[int]:
        if not text.strip():
            return []  # not the vector of the special tokens, which would say how alike nothing is to something
        text = text.lower() if self._encoder.lower else text
        return list(self._tokenizer(text, truncation=True, max_length=self.context)["input_ids"])

    def _embed(self, rows: Sequence[list[int]]) -> "torch.Tensor":
        """Return the unit vectors of rows of tokens, padded on the right whatever side the tokenizer prefers."""
        import torch

        ids = torch.full((len(rows), max(map(len, rows))), self._tokenizer.pad_token_id or 0)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        device = self._model.device
        ids, mask = ids.to(device), mask.to(device)
        with torch.inference_mode():
            states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        return torch.nn.functional.normalize(pooled(states, mask, self._encoder.pooling), dim=1).cpu()


def pooled(states: "torch.Tensor", mask: "torch.Tensor", pooling: str) -> "torch.Tensor":
    """Return one vector of each text: states (texts, tokens, dimensions), a mask that is 1 and then 0, one of POOLINGS.

    The weighted mean weighs each token by its place, the first by 1 (Muennighoff 2022, SGPT).
    """
    if pooling == "cls":
        return states[:, 0]
    if pooling == "lasttoken":
        last = mask.sum(dim=1) - 1
        return states[range(len(states)), last]
    if pooling == "max":
        return states.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).amax(dim=1)
    weights = (mask * mask.cumsum(dim=1) if pooling == "weightedmean" else mask).unsqueeze(-1).float()
    return (states * weights).sum(dim=1) / weights.sum(dim=1)
