"""The leaf format as JSON schemas, for editors and other programs; `schemas/` is written from the models of version 4.

An editor that is given schemas/skill.schema.json completes keys and shows what they mean. `tax validate` does not
read the schemas: its models check the same, 20 times as fast, and its rules check more.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from tax.leaf import KnowledgeLeaf, SkillLeaf

DIALECT = GenerateJsonSchema.schema_dialect
_FILES: dict[str, type[BaseModel]] = {"skill.schema.json": SkillLeaf, "knowledge.schema.json": KnowledgeLeaf}


def schemas() -> dict[str, str]:
    """Return the schemas: file name to text, JSON Schema draft 2020-12."""
    written = {}
    for name, model in _FILES.items():
        schema = {"$schema": DIALECT, **_strict(model.model_json_schema())}
        written[name] = json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
    return written


def write(folder: Path) -> list[Path]:
    """Write the schemas into a folder, and return the files whose text changed."""
    changed = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def _strict(schema: Any) -> Any:
    """Say what the models mean and pydantic's schemas leave open: no null for a key that is left out, no odd names."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    choices = schema.get("anyOf", [])
    if {"type": "null"} in choices:
        [choice] = [each for each in choices if each != {"type": "null"}]
        rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
        return _strict({**choice, **rest})
    closed = {"additionalProperties": False} if "patternProperties" in schema else {}
    names = {"gt": "exclusiveMinimum"}
    return {names.get(key, key): _strict(value) for key, value in schema.items()} | closed


if __name__ == "__main__":
    write(Path("schemas"))
