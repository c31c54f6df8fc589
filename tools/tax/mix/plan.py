"""What of a plan concerns mixing: the student's tokenizer, the settings under `mix`, and what each phase takes.

The rest of a plan (learning rates, engine and so on) is the trainer's, which reads all of it strictly.
"""

import hashlib
import importlib.util
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, StringConstraints, model_validator

from tax.mix.yaml_file import read_yaml
from tax.problems import UserError, excerpt

Stock = Literal["knowledge-short", "knowledge-long", "foundational", "compositional", "feedback", "corpus", "all"]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]

BRANCH_STOCKS = ("knowledge-short", "knowledge-long", "foundational", "compositional")
"""What `all` stands for: the conversations of the three branches."""

_TRAINER = "tax_training"  # whose package the shipped plans come with; it is not imported
_RESERVED = {"heldout", "tokenizer", "mix"}  # names of other files in the data folder


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _well_spelt(cls, given: Any) -> Any:
        for key in given if isinstance(given, dict) else ():
            near = get_close_matches(str(key), cls.model_fields, n=1, cutoff=0.75)
            if near and key not in cls.model_fields:
                raise ValueError(f"there is no setting `{excerpt(key, 40)}`; did you mean `{near[0]}`?")
        return given


class NewTokenizer(BaseModel):
    """A tokenizer that is trained on the mixed data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vocab_size: Annotated[int, Field(ge=300)]


class TrainTokenizer(BaseModel):
    """`tokenizer: {train: {vocab_size: N}}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: NewTokenizer


class Student(_Part):
    """The student: here only its tokenizer counts."""

    model: str | None = None
    tokenizer: str | TrainTokenizer | None = None

    @model_validator(mode="after")
    def _has_a_tokenizer(self) -> "Student":
        if self.tokenizer is None and self.model is None:
            raise ValueError("name the student's `model`, or a `tokenizer`: lengths are counted in its tokens")
        return self

    @property
    def tokenizer_source(self) -> str | NewTokenizer:
        """A folder or a hub name; or what tokenizer is to be trained."""
        if isinstance(self.tokenizer, TrainTokenizer):
            return self.tokenizer.train
        return self.tokenizer or self.model or ""


class MixSettings(BaseModel):
    """The settings under `mix`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: Literal["median"] | PositiveInt = "median"
    seed: int = 0
    heldout: Annotated[float, Field(ge=0, lt=1)] = 0.05


class Phase(_Part):
    """What a phase takes as its own, and which shares of earlier phases it replays."""

    kind: str = "sft"
    take: Annotated[list[Stock], Field(min_length=1)]
    replay: dict[str, Share] = {}

    @property
    def documents(self) -> bool:
        """Whether the phase reads plain documents, not conversations."""
        return self.kind == "cpt"

    @property
    def stocks(self) -> frozenset[str]:
        """What the phase takes, `all` spelt out."""
        return frozenset(name for taken in self.take for name in (BRANCH_STOCKS if taken == "all" else (taken,)))

    @model_validator(mode="after")
    def _forms_agree(self) -> "Phase":
        if self.documents != ("corpus" in self.take) or (self.documents and len(self.take) > 1):
            raise ValueError("a phase of kind cpt takes [corpus] and nothing else, and no other kind takes corpus")
        return self


class Plan(_Part):
    """A plan, as far as it concerns mixing."""

    description: str = ""
    student: Student
    mix: MixSettings = MixSettings()
    phases: Annotated[dict[Name, Phase], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _defaults_hold(cls, given: Any) -> Any:
        """Put what stands under `defaults` into each phase that does not say otherwise, as the trainer does."""
        if not isinstance(given, dict):
            return given
        defaults, phases = given.get("defaults"), given.get("phases")
        if not (isinstance(defaults, dict) and isinstance(phases, dict)):
            return given
        whole = {name: {**defaults, **own} if isinstance(own, dict) else own for name, own in phases.items()}
        return {**given, "phases": whole}

    @model_validator(mode="after")
    def _replays_look_back(self) -> "Plan":
        earlier: dict[str, Phase] = {}
        for name, phase in self.phases.items():
            if name in _RESERVED:
                raise ValueError(f"a phase cannot be called {name}: the data folder has another file of that name")
            for other in phase.replay:
                if other not in earlier:
                    raise ValueError(f"phase {name} replays {other}, which is no earlier phase")
                if earlier[other].documents != phase.documents:
                    raise ValueError(f"phase {name} cannot replay {other}: one reads documents, one conversations")
            earlier[name] = phase
        return self


def find_plan(plan: str) -> Path:
    """Return the file of a plan: a path, or the name of a shipped plan, as `tax train` takes it. Raises UserError."""
    path = Path(plan)
    if path.is_file():
        return path
    shipped = shipped_plans()
    if plan in shipped:
        return shipped[plan]
    there = f", or one of {', '.join(shipped)}" if shipped else ""
    raise UserError(f"there is no plan {excerpt(plan, 80)}: name a file{there}")


def shipped_plans() -> dict[str, Path]:
    """Return the plans that come with the trainer, by name: within its package in a wheel, beside it in a checkout."""
    trainer = importlib.util.find_spec(_TRAINER)
    if trainer is None or trainer.origin is None:
        return {}
    package = Path(trainer.origin).parent
    folders = (package / "plans", package.parent / "plans")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {file.stem: file for file in sorted(folder.glob("*.yaml"))}


def read_plan(path: Path) -> tuple[Plan, str]:
    """Read a plan, and return it with the SHA-256 of its file. Raises UserError."""
    plan = read_yaml(path, Plan)
    return plan, hashlib.sha256(path.read_bytes()).hexdigest()
