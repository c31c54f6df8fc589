"""Local models that measure: loaded from a folder, on a GPU where there is one. Nothing is fetched, nothing is run."""

import math
from pathlib import Path
from typing import Any

from tax.problems import UserError, excerpt, install

INSTALL = f"measuring with a model needs torch and transformers: {install('train')}"


def load(path: str | Path, kind: str) -> tuple[Any, Any]:
    """Return the tokenizer and the model of a folder; `kind` is the auto class's name.

    Raises UserError where a package is missing, or where the model cannot be loaded or is of another kind. Code that
    comes with a model is not run, and no pickle is read.
    """
    try:
        import torch
        import transformers
        from safetensors import SafetensorError
    except ImportError as error:
        raise UserError(INSTALL) from error
    folder = model_folder(path)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    safely: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **safely)
        model, loading = getattr(transformers, kind).from_pretrained(
            folder, dtype="auto", use_safetensors=True, output_loading_info=True, **safely
        )
        model = model.to(device).eval()
    except (OSError, ValueError, KeyError, RuntimeError, MemoryError, SafetensorError) as error:
        raise UserError(f"the model {excerpt(str(folder), 200)} cannot be loaded: {_told(error)}") from error
    random = sorted(name for name in loading["missing_keys"] if "pooler" not in name)  # no pooler is asked
    if random:
        own = ", ".join(model.config.architectures or ["unnamed"])
        raise UserError(
            f"the model {excerpt(str(folder), 200)} ({excerpt(own)}) cannot serve as {kind}: it lacks "
            f"{excerpt(random[0])}, which would be drawn at random"
        )
    return tokenizer, model


def model_folder(path: str | Path) -> Path:
    """Return the folder of a model with weights in safetensors. Raises UserError.

    Without this look, a name with a typo would be asked of a model hub, and another's model might come back.
    """
    folder = Path(path).expanduser()
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{excerpt(str(folder), 200)} is no model folder: it has no config.json. Name a folder that "
            "transformers' save_pretrained or a model hub's download made"
        )
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{excerpt(str(folder), 200)} has no weights in safetensors, and pickled ones are not read, since they can "
            "run code. Load the model with transformers where you trust it, and save_pretrained writes them"
        )
    return folder


def context_length(model: Any, tokenizer: Any) -> int:
    """Return how many tokens a model can read at once."""
    longest = getattr(model.config, "max_position_embeddings", None) or math.inf
    return int(min(longest, tokenizer.model_max_length, 1 << 20))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory was too small, a GPU's or the machine's.

    torch has an error of its own for a GPU; a tensor too large for the machine is a plain RuntimeError.
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
    )


def _told(error: BaseException) -> str:
    if is_out_of_memory(error):
        return "it does not fit into memory. Name a smaller one"
    return excerpt(str(error), 300)
