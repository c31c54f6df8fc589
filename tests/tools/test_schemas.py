"""The published JSON schemas: they are what the models say, and they judge leaves as the models do."""

import json
from pathlib import Path

import jsonschema
import pytest

from tax.load import load
from tax.schemas import schemas, write

ROOT = Path(__file__).parent.parent.parent
VALIDATORS = {name: jsonschema.Draft202012Validator(json.loads(text)) for name, text in schemas().items()}


def is_valid(loaded):
    name = "knowledge.schema.json" if loaded.branch == "knowledge" else "skill.schema.json"
    return VALIDATORS[name].is_valid(loaded.source.data)


def leaves(folder):
    return [loaded for path in sorted(ROOT.glob(f"{folder}/**/qna.yaml")) if (loaded := load(path)).version == 4]


def test_the_published_schemas_are_up_to_date():
    for name, text in schemas().items():
        published = (ROOT / "schemas" / name).read_text(encoding="utf-8")
        assert published == text, "write them anew: python -m tax.schemas"


@pytest.mark.parametrize("validator", VALIDATORS.values(), ids=VALIDATORS)
def test_a_schema_is_sound_and_describes_every_key(validator):
    schema = validator.schema
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for group in [schema, *schema["$defs"].values()]:
        assert group["description"]
        assert group["additionalProperties"] is False
        for key, value in group["properties"].items():
            assert value.get("description"), key


def test_sound_leaves_fit_their_schema():
    found = leaves("tests/leaves/good") + leaves("taxonomy")
    assert len(found) > 10
    assert [loaded.shown for loaded in found if not is_valid(loaded)] == []


def test_leaves_that_the_models_refuse_do_not_fit():
    """Faults of YAML itself, turns that do not alternate and empty ranges are more than a schema can say."""
    beyond = {"yaml-syntax", "duplicate-key", "yaml-tag", "turns", "empty-range"}
    found = [x for x in leaves("tests/leaves/bad") if {p.rule for p in x.problems if p.level == "error"} - beyond]
    assert len(found) > 10
    assert [loaded.shown for loaded in found if is_valid(loaded)] == []


def test_writing_tells_what_changed(tmp_path):
    assert {path.name for path in write(tmp_path)} == set(schemas())
    assert write(tmp_path) == []
