"""What those who show a run rely on in its manifest; a file of that name may be any program's."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tax.problems import UserError, excerpt
from tax.runs import MANIFEST, read_manifest


class _Taxonomy(BaseModel):
    commit: str | None
    dirty: bool


class _Teacher(BaseModel):
    name: str
    model: str


class _Document(BaseModel):
    blob: str
    characters: int = 0


class _Pooled(BaseModel):
    leaf: str
    path: str
    blob: str
    seeds: list[int]


class _Input(BaseModel):
    leaf: str
    path: str
    blob: str
    documents: list[_Document] = []
    pool: list[_Pooled] = []


class _Leaf(BaseModel):
    leaf: str
    drawn: int
    kept: int
    dropped: dict[str, int] | None
    stop: str
    skipped: bool
    carried: str = ""
    originals: int = 0


class _Stage(BaseModel):
    entered: int
    kept: int
    dropped: dict[str, int]


class _Calls(BaseModel):
    asked: dict[str, int]
    reused: dict[str, int]
    retries: dict[str, int]
    prompt_tokens: int
    completion_tokens: int


class _Finished(BaseModel):
    id: str
    taxonomy: _Taxonomy
    teacher: _Teacher
    settings: dict[str, Any]
    inputs: list[_Input]
    leaves: list[_Leaf]
    stages: dict[str, _Stage]
    dropped: dict[str, int]
    calls: _Calls
    kept: int
    drawn: int
    skipped: int
    carried: int = 0
    command: str = ""
    originals: int = 0


def finished_run(folder: Path) -> dict[str, Any]:
    """Return the manifest of a finished run. Raises UserError where the run is not finished or this is none."""
    manifest = read_manifest(folder)
    if manifest.get("status") in {"running", "interrupted", "failed"}:
        raise UserError(f"the run {folder} is not finished: it is {manifest['status']}. Run its command again to go on")
    try:
        _Finished.model_validate(manifest, strict=True)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise UserError(
            f"{folder / MANIFEST} is no manifest of a finished run: its `{excerpt(place)}` is missing or of another "
            "form. Name a run folder that tax wrote"
        ) from error
    return manifest
