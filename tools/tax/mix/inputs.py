"""What `tax mix` is given: run folders and files of conversations, each row a sample with its place, or unread.

An argument is a run folder or a file (samples, messages, alpaca, sharegpt); TARGET=FILE sends all of it to a phase of
the plan, or to one of the stocks knowledge, foundational, compositional and feedback. A row of a file that has a
`thumb` (up, down) or a `rating` (1 to 5) is feedback: up, 4 and 5 are positive, all else is left out.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tax.exchange import Origin, Unfit, file_blob, parsed, rows, sample_of
from tax.leaf import UNSTATED_LICENSE
from tax.mix.plan import Phase
from tax.problems import UserError, excerpt
from tax.runs import SAMPLES, read_manifest, read_samples
from tax.sample import Sample

STOCKS = ("knowledge", "foundational", "compositional", "feedback")

NEGATIVE = "rated negatively"
UNRATED = "unread: no thumb up or down, and no rating of 1 to 5"
_POSITIVE = 4  # of 1 to 5


@dataclass(frozen=True)
class Input:
    """A run folder or file, and where its samples go: by their branches, unless a phase or a stock is named."""

    path: Path
    phase: str | None = None
    stock: str | None = None
    origin: Origin = field(default_factory=Origin)

    @property
    def file(self) -> Path:
        """The file that is read."""
        return self.path / SAMPLES if self.path.is_dir() else self.path

    @property
    def name(self) -> str:
        """What tables and mix.json call it."""
        return self.path.resolve().name


@dataclass(frozen=True)
class Row:
    """A sample that an input holds, and where it goes."""

    sample: Sample
    phase: str | None
    stock: str | None


def inputs_of(
    arguments: Sequence[str],
    feedback: Sequence[Path],
    phases: Mapping[str, Phase],
    licenses: Sequence[str],
    language: str,
) -> list[Input]:
    """Return the inputs that the command line names. Raises UserError where one is not there or makes no sense."""
    stated, default = _licenses(licenses)
    found = []
    for path, target in [*(_target(each, phases) for each in arguments), *((each, "feedback") for each in feedback)]:
        if not path.exists():
            raise UserError(f"there is no file or run folder {excerpt(str(path), 200)}")
        if path.is_dir():
            read_manifest(path)
        license = stated.get(path.name, default)
        phase = target if target in phases else None
        if phase and phases[phase].documents:
            raise UserError(f"phase {phase} reads documents, but {path} holds conversations: see --corpus")
        found.append(Input(path, phase, None if phase else target, Origin(license=license, language=language)))
    unknown = stated.keys() - {given.path.name for given in found}
    if unknown:
        raise UserError(f"--license names {excerpt(min(unknown))}, which is not among the files given")
    return found


def _target(argument: str, phases: Mapping[str, Phase]) -> tuple[Path, str | None]:
    target, equals, rest = argument.partition("=")
    if not equals or Path(argument).exists():
        return Path(argument), None
    if target not in phases and target not in STOCKS:
        known = ", ".join([*phases, *(stock for stock in STOCKS if stock not in phases)])
        raise UserError(f"{excerpt(argument, 200)}: '{excerpt(target)}' is no target; there are {known}")
    return Path(rest), target


def _licenses(options: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return the licences by file name, and the one of all other files, that state none themselves."""
    stated: dict[str, str] = {}
    default = UNSTATED_LICENSE
    for option in options:
        name, equals, license = option.rpartition("=")
        if equals:
            stated[Path(name).name] = license
        else:
            default = license
    return stated, default


def read(given: Input) -> Iterator[Row | str]:
    """Yield the rows of an input; a text is the reason why one is left out. Raises UserError where it is no input."""
    if given.path.is_dir():
        for sample in read_samples(given.path):
            yield Row(sample, given.phase, given.stock)
        return
    blob = file_blob(given.path)
    for _, written in rows(given.path):
        try:
            yield _row(written, given, blob)
        except Unfit as error:
            yield f"unread: {excerpt(str(error))}"


def _row(written: object, given: Input, blob: str) -> Row | str:
    if isinstance(written, bytes) and given.stock != "feedback":
        sample = _plain_sample(written)
        if sample is not None:
            return Row(sample, given.phase, given.stock)
    row = parsed(written)
    stock = given.stock
    if isinstance(row, dict) and (stock == "feedback" or "thumb" in row or "rating" in row):
        positive = _positive(row)
        if not positive:
            return UNRATED if positive is None else NEGATIVE
        row = {key: value for key, value in row.items() if key not in {"thumb", "rating"}}
        stock = stock or (None if given.phase else "feedback")
    return Row(sample_of(row, given.path.stem, blob, given.origin), given.phase, stock)


def _plain_sample(line: bytes) -> Sample | None:
    """Return a line that is a sample of ours and nothing more; what is not is looked at more closely."""
    if b'"leaf_blob"' not in line:
        return None
    try:
        return Sample.model_validate_json(line)
    except ValidationError:
        return None


def _positive(row: Mapping[str, Any]) -> bool | None:
    """Tell whether a row was rated positively; None where it was not rated, or not so that one could tell."""
    if "thumb" in row:
        return {"up": True, "down": False}.get(str(row["thumb"]).lower())
    rating = row.get("rating")
    if isinstance(rating, bool) or not isinstance(rating, int | float) or not 1 <= rating <= 5:
        return None
    return rating >= _POSITIVE


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content. Raises UserError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
