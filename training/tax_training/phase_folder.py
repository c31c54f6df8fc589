"""The folder of one phase in a run, OUT/PHASE: what it holds, and that it is of this plan and this data.

`phase.json` says from the first moment what the phase is trained from, and `tokenizer/` lies beside it; `metrics.jsonl`
has a line a step and `scores.json` what was measured, both cut back to the checkpoint that a run goes on from;
`checkpoints/`; and at the end `model/`, a folder that transformers loads, with `training.json`.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tax_training.errors import UserError, quoted
from tax_training.files import digest, told, write_whole
from tax_training.select import Score

Report = Callable[[str], None]


class PhaseFolder:
    """One phase's files. Only the first process writes them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.model = path / "model"
        self.tokenizer = path / "tokenizer"  # what reads and writes for a checkpoint's model
        self.candidate = path / "candidate"  # a checkpoint's model while a command evaluates it
        self._metrics = path / "metrics.jsonl"
        self._scores = path / "scores.json"

    @property
    def finished(self) -> bool:
        """Whether the phase is trained and its model written."""
        return (self.model / "training.json").is_file()

    @property
    def begun(self) -> bool:
        """Whether anything of the phase was trained."""
        return self.finished or self.checkpoints.is_dir()

    def claim(self, identity: dict[str, Any]) -> None:
        """Make the folder that of this phase. Raises UserError where it was begun with another plan or other data.

        What was claimed and never came to a checkpoint, such as with a student that could not be loaded, binds nobody.
        """
        file = self.path / "phase.json"
        with told(str(self.path)):
            self.path.mkdir(parents=True, exist_ok=True)
        if not (file.exists() and self.begun):
            shutil.rmtree(self.tokenizer, ignore_errors=True)
            write_whole(file, _json(identity))
            return
        self._hold(_read(file), identity)

    def _hold(self, earlier: dict[str, Any], identity: dict[str, Any]) -> None:
        changed = next(_changed("", earlier, _plain(identity)), None)
        if changed:
            key, was, now = changed
            raise UserError(
                f"{self.path} was begun with another {key}: {quoted(was)}, and not {quoted(now)}. Take another "
                f"--out; or delete {self.path} and the phases after it, to train them again"
            )

    def keep_tokenizer(self, tokenizer: Any) -> None:
        """Write the phase's tokenizer, whole or not at all, where it is not there yet."""
        if self.tokenizer.is_dir():
            return
        part = self.tokenizer.with_name("tokenizer.part")
        with told(str(self.tokenizer)):
            shutil.rmtree(part, ignore_errors=True)
            tokenizer.save_pretrained(part)
            part.replace(self.tokenizer)

    def start(self) -> str:
        """Return what the phase was started from: a fingerprint of the phase before it, or "the student"."""
        return str(_read(self.path / "phase.json").get("start"))

    def about(self) -> dict[str, Any]:
        """Return what the finished phase's training.json says. Raises UserError where the model is damaged."""
        about: dict[str, Any] = _read(self.model / "training.json")
        for name, known in about.get("files", {}).items():
            file = self.model / Path(name).name
            if not file.is_file() or digest(file) != known:
                raise UserError(
                    f"{file} is not as it was written: delete the folder {self.model}, and the same command writes it "
                    "again from the phase's checkpoints"
                )
        return about

    def fingerprint(self) -> str:
        """Return a digest of what the phase's model is: what the next phase starts from."""
        about = self.about()
        return hashlib.sha256(_json([_read(self.path / "phase.json"), about["step"]]).encode()).hexdigest()[:16]

    def hold_as_start(self, identity: dict[str, Any]) -> None:
        """Raise UserError where the phase is of another student than the phase that starts from it, or otherwise drawn.

        Of several phases each holds the one before it; of one alone (`--phase`), nothing else does.
        """
        earlier, tokenizer = _read(self.path / "phase.json"), identity["tokenizer"]
        if earlier.get("tokenizer", tokenizer) != tokenizer:
            raise UserError(
                f"{self.path} was trained with another tokenizer than the data has now, so its model would read other "
                "words. Train all phases on this data, into another --out; or name the data that it was trained on"
            )
        common = {"student", "seed"} & earlier.keys()
        self._hold({key: earlier[key] for key in common}, {key: identity[key] for key in common})

    def cut_back(self, step: int) -> list[Score]:
        """Forget the metrics and scores after a step, which will be made again; return the scores up to it."""
        kept = []
        if self._metrics.exists():
            for line in self._metrics.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(line)["step"] <= step:
                        kept.append(line + "\n")
                except (ValueError, KeyError, TypeError):
                    break  # the last line, cut off in the middle
        write_whole(self._metrics, "".join(kept))
        scores = [Score(**score) for score in _read(self._scores)] if self._scores.exists() else []
        scores = [score for score in scores if score.step <= step]
        self.write_scores(scores)
        return scores

    def write_scores(self, scores: list[Score]) -> None:
        """Write all scores of the phase."""
        write_whole(self._scores, _json([asdict(score) for score in scores]))

    def log(self, metrics: dict[str, Any]) -> None:
        """Append a step's metrics."""
        with told(str(self._metrics)), self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics, ensure_ascii=False) + "\n")


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({error}): delete it, or take another --out") from error


def _changed(place: str, earlier: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs between two values of JSON: its place, what it was, what it is."""
    if isinstance(earlier, dict) and isinstance(now, dict):
        for key in {**earlier, **now}:
            yield from _changed(f"{place}.{key}" if place else key, earlier.get(key), now.get(key))
    elif earlier != now:
        yield place, earlier, now


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value as it is read back from JSON."""
    plain: dict[str, Any] = json.loads(json.dumps(value))
    return plain
