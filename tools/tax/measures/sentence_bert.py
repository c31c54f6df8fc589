"""What a Sentence-BERT folder says of itself: which part is the transformer, how it pools, how much it reads.

Both forms of the pooling's config are read: a boolean for each mode, and, since sentence-transformers 5, the mode's
name. A folder whose vectors would not be what is computed here is refused. Simplified: no prompt is put before a text,
also where the folder names one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tax.measures.models import model_folder
from tax.problems import UserError, excerpt

POOLINGS = ("cls", "mean", "max", "weightedmean", "lasttoken")
_PARTS = ("Transformer", "Pooling", "Normalize")
_MODES = {  # the booleans of the older form
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_ALIKE = {"mean_sqrt_len_tokens": "mean"}  # longer than the mean, in its direction: the same once of length 1


@dataclass(frozen=True)
class Encoder:
    """A sentence encoder: the folder of its transformer, its pooling, and how many tokens of a text it reads."""

    transformer: Path
    pooling: str
    longest: int | None
    lower: bool  # texts are put into lower case first


def read_encoder(path: str | Path) -> Encoder:
    """Return what a folder says of itself; without a word on pooling, the mean. Raises UserError."""
    folder = Path(path).expanduser()
    transformer, pooling = _parts(folder)
    mode = _pooling(pooling / "config.json")
    model_folder(transformer)
    longest, lower = None, False
    for config in sorted(transformer.glob("sentence_*_config.json")):  # sentence_bert_, sentence_roberta_ and so on
        settings = _read(config, dict)
        longest, lower = settings.get("max_seq_length"), settings.get("do_lower_case") is True
        if longest is not None and (type(longest) is not int or longest < 1):
            raise UserError(f"{config} has a max_seq_length of {excerpt(str(longest))}: it must be a count of tokens")
    return Encoder(transformer, mode, longest, lower)


def _parts(folder: Path) -> tuple[Path, Path]:
    """Return the folders of the transformer and of the pooling."""
    listed = folder / "modules.json"
    if not listed.is_file():
        return folder, folder / "1_Pooling"
    modules = [each for each in _read(listed, list) if isinstance(each, dict)]
    parts = {str(each.get("type")).rpartition(".")[2]: str(each.get("path") or "") for each in modules}
    unknown = [name for name in parts if name not in _PARTS]
    if unknown:
        raise UserError(
            f"{listed} lists {excerpt(', '.join(unknown))}, which is not known here, and the vectors without it would "
            "not be the encoder's: name one of Transformer, Pooling and Normalize alone"
        )
    missing = [name for name in _PARTS[:2] if name not in parts]
    if missing:
        raise UserError(f"{listed} lists no {' and no '.join(missing)}: name a sentence encoder's folder")
    return folder / parts["Transformer"], folder / parts["Pooling"]


def _pooling(config: Path) -> str:
    """Return how a pooling's config pools, one of POOLINGS. Raises UserError for another way."""
    settings = _read(config, dict) if config.is_file() else {}
    named = settings.get("pooling_mode")
    if named is not None:
        modes = [str(each).lower() for each in (named if isinstance(named, list) else [named])]
    else:
        chosen = [name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True]
        modes = [_MODES.get(name, name) for name in chosen]
        if not modes and settings.get("pooling_mode_mean_tokens", True) is True:
            modes = ["mean"]  # sentence-transformers' own default
    mode = _ALIKE.get(modes[0], modes[0]) if len(modes) == 1 else None
    if mode not in POOLINGS:
        raise UserError(
            f"{config} pools by {excerpt(' and '.join(modes)) if modes else 'nothing'}: known here is one of "
            f"{', '.join(POOLINGS)}"
        )
    return mode


def _read(path: Path, kind: type) -> Any:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    if not isinstance(read, kind):
        raise UserError(f"{path} cannot be read: it is no {'object' if kind is dict else 'list'}")
    return read
