"""Local models that measure: loaded from a folder or a hub's name, on a GPU where there is one."""

import math
from typing import Any

from tax.problems import UserError, excerpt

INSTALL = "measuring with a model needs torch and transformers: pip install 'tax[train]'"


def load(path: str, kind: str) -> tuple[Any, Any]:
    """Return the tokenizer and the model of a folder (or a hub's name); `kind` is the auto class's name.

    Raises UserError where a package is missing or the model cannot be loaded. Code that comes with a model is not run.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise UserError(INSTALL) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model = getattr(transformers, kind).from_pretrained(path, dtype="auto", trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"the model {excerpt(path, 200)} cannot be loaded: {excerpt(error, 300)}") from error
    return tokenizer, model.to(device).eval()


def context_length(model: Any, tokenizer: Any) -> int:
    """Return how many tokens a model can read at once."""
    longest = getattr(model.config, "max_position_embeddings", None) or math.inf
    return int(min(longest, tokenizer.model_max_length, 1 << 20))
