"""A YAML file of settings (a plan, a registry of sources) to its model; what is wrong is told with its line."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tax.problems import UserError, excerpt
from tax.source import Source

M = TypeVar("M", bound=BaseModel)

_SHOWN = 5  # faults told at once


def read_yaml(path: Path, model: type[M]) -> M:
    """Read a file into a model. Raises UserError, which names the line, the key and what is wanted there."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8: save it with the encoding UTF-8") from error
    source = Source(str(path), text)
    if source.problems:
        fault = source.problems[0]
        raise UserError(f"{path}, line {fault.line}: {fault.message}" + (f" ({fault.fix})" if fault.fix else ""))
    if not isinstance(source.data, dict):
        raise UserError(f"{path} holds no keys: it must begin with one such as `{next(iter(model.model_fields))}:`")
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        faults = error.errors(include_url=False)[:_SHOWN]
        raise UserError("\n".join(_told(source, dict(fault)) for fault in faults)) from error


def _told(source: Source, fault: dict[str, object]) -> str:
    loc = fault["loc"]
    assert isinstance(loc, tuple)
    known = source.known(loc)
    line = source.position(known).line
    key = ".".join(str(part) for part in (loc if fault["type"] == "missing" else known)) or "the file"
    if fault["type"] == "missing":
        return f"{source.path}, line {line}: `{key}` is missing"
    if fault["type"] == "extra_forbidden":
        return f"{source.path}, line {line}: there is no setting `{'.'.join(str(part) for part in loc)}`"
    said = str(fault["msg"]).removeprefix("Value error, ")
    given = "" if isinstance(fault["input"], dict) else f" is {excerpt(fault['input'], 60)}:"
    return f"{source.path}, line {line}: `{key}`{given} {excerpt(said, 200)}"
