"""Read a plan from its YAML file, with `--set` settings put over it.

YAML is 1.2's core schema, as everywhere in tax: `1e-6` is a number and `no` is a text. A key that stands twice is an
error, and so is a key that no setting has.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tax_training.errors import UserError, quoted
from tax_training.plan import Checkpoints, Engine, Mix, Phase, Plan, Select, Student

MAX_BYTES = 1_000_000
_HERE = Path(__file__).parent
PLANS = next(
    (folder for folder in (_HERE / "plans", _HERE.parent / "plans") if folder.is_dir()), _HERE.parent / "plans"
)


def load_plan(plan: str, overrides: Sequence[str] = (), *, mixed: bool = False) -> Plan:
    """Read a plan by its path or, for a shipped one, its name; overrides: `name.setting=value`. Raises UserError.

    `mixed`: the data is there already, so that an override of what `tax mix` alone reads would do nothing: refused.
    """
    path = find_plan(plan)
    raw = _parse(_text(path), str(path))
    if not isinstance(raw, dict):
        raise UserError(f"{path} is no plan: it must be a mapping with `student` and `phases`")
    for override in overrides:
        _override(raw, override, mixed=mixed)
    if not isinstance(raw.get("phases"), dict):
        raise UserError(f"{path}: `phases` must map each phase's name to its settings")
    defaults = raw.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise UserError(f"{path}: `defaults` must map settings to values")
    merged = {**raw, "phases": {str(name): _merged(defaults, phase) for name, phase in raw["phases"].items()}}
    try:
        return Plan.model_validate_json(json.dumps(merged), strict=True)
    except ValidationError as error:
        told = [f"{path}: {line}" for line in _told(error, raw)]
        raise UserError("\n".join(dict.fromkeys(told))) from error
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} holds a value that no setting takes: {error}") from error


def find_plan(plan: str) -> Path:
    """Return the file of a plan: a path, or the name of a shipped plan. Raises UserError."""
    path = Path(plan)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(PLANS.glob("*.yaml"))}
    if plan in shipped:
        return shipped[plan]
    raise UserError(f"there is no plan {quoted(plan)}: name a file, or one of {', '.join(shipped)}")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise UserError(f"{path} is too large for a plan ({len(data)} bytes)")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{quoted(key.value)} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in [
    ("null", r"(?:null|Null|NULL|~|)", ["n", "N", "~", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
]:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^{_pattern}$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))


def _parse(text: str, where: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from error


def _override(raw: dict[str, Any], override: str, *, mixed: bool) -> None:
    """Put `kt1.learning_rate=1e-6` into the plan: the first word is a phase, or a setting of the plan."""
    path, equals, value = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise UserError(f"--set {quoted(override)}: write it as phase.setting=value, like kt1.learning_rate=1e-6")
    phases = raw.get("phases")
    if isinstance(phases, dict) and keys[0] in phases:
        keys = ["phases", *keys]
    elif keys[0] not in Plan.model_fields:
        known = [*(phases if isinstance(phases, dict) else []), *Plan.model_fields]
        raise UserError(f"--set {quoted(override)}: the plan has no {quoted(keys[0])}; it has {', '.join(known)}")
    setting = _parse(value, f"--set {quoted(override)}")
    decided = next((each for each in _places(keys, setting) if _decided_by_mix(each)), None) if mixed else None
    if decided:
        name = ".".join(decided).removeprefix("phases.")
        raise UserError(
            f"--set {quoted(override)}: {name} is decided by tax mix: change it in the plan, run tax mix again, and "
            "train on that"
        )
    place = raw
    for key in keys[:-1]:
        below = place.get(key)
        place[key] = dict(below) if isinstance(below, dict) else {}
        place = place[key]
    place[keys[-1]] = setting


def _places(keys: list[str], setting: Any) -> Iterator[list[str]]:
    """Yield the place of every setting that a value sets: a mapping sets several at once."""
    yield keys
    for key, below in setting.items() if isinstance(setting, dict) else ():
        yield from _places([*keys, str(key)], below)


def _decided_by_mix(keys: list[str]) -> bool:
    """Tell whether a setting is one that the data was mixed by, and that the trainer does not read."""
    of_phases = keys[1:] if keys[0] == "defaults" else keys[2:] if keys[0] == "phases" else []
    trained = keys[:3] == ["student", "tokenizer", "train"]
    return keys[0] == "mix" or trained or of_phases[:1] in (["take"], ["replay"])


def _merged(defaults: dict[str, Any], phase: Any) -> Any:
    """Return a phase's settings over the defaults; `select` is merged setting by setting too."""
    if not isinstance(phase, dict):
        return phase
    merged = {**defaults, **phase}
    if isinstance(defaults.get("select"), dict) and isinstance(phase.get("select"), dict):
        merged["select"] = {**defaults["select"], **phase["select"]}
    return merged


def _told(error: ValidationError, raw: dict[str, Any]) -> Iterator[str]:
    for fault in error.errors():
        place = [str(part) for part in fault["loc"]]
        message = fault["msg"].removeprefix("Value error, ")
        if len(place) > 2 and place[0] == "phases" and place[2] in (raw.get("defaults") or {}):
            phase = raw["phases"].get(place[1])
            if isinstance(phase, dict) and place[2] not in phase:
                place = ["defaults", *place[2:]]
        where = ".".join(place) or "the plan"
        if fault["type"] == "extra_forbidden":
            near = difflib.get_close_matches(place[-1], _settings(place), n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(_settings(place))}"
            yield f"{where}: there is no such setting{hint}"
        elif fault["type"] == "value_error":
            yield f"{where}: {message}"
        else:
            yield f"{where}: {message}" + (f", not {quoted(fault['input'])}" if fault["type"] != "missing" else "")


def _settings(place: list[str]) -> list[str]:
    """Return the settings that may stand beside the one at `place`."""
    rooms: dict[str, type[BaseModel]] = {
        "student": Student, "mix": Mix, "engine": Engine, "checkpoints": Checkpoints, "select": Select
    }  # fmt: skip
    room = next((rooms[part] for part in reversed(place[:-1]) if part in rooms), None)
    return list((room or (Phase if place[0] in {"phases", "defaults"} else Plan)).model_fields)
