"""Which keys a group of a leaf may have, as its models say, and which of them a misspelt one was meant to be."""

import difflib
from collections.abc import Set
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag

from tax.source import Loc

# The key that would have made a group another kind of seed or document than it was taken for.
_DECIDING = {"QuestionSeed": "messages", "LocalDocument": "repo"}
_MAX_KEY = 60  # characters of a key that is compared with the known ones


def known_keys(model: type[BaseModel], loc: Loc) -> dict[str, str | None]:
    """Return the keys of the group at `loc` (pydantic's, with its tags), each with its description."""
    group = _group(model, loc)
    fields = group.model_fields.items() if group else ()
    return {field.alias or name: field.description for name, field in fields}


def deciding_key(model: type[BaseModel], loc: Loc) -> str:
    """Return the key that would have made the group at `loc` another kind, such as `messages`; "" where none would."""
    group = _group(model, loc)
    return _DECIDING.get(group.__name__, "") if group else ""


def nearest_key(key: str, model: type[BaseModel], loc: Loc, present: Set[str]) -> str | None:
    """Return the known key, not yet present in the group, that an unknown one most resembles."""
    if len(key) > _MAX_KEY:
        return None
    known = [*known_keys(model, loc), deciding_key(model, loc)]
    written = key.strip().lower().replace("-", "_").replace(" ", "_")
    return _nearest(written, tuple(each for each in known if each not in present))


@lru_cache(maxsize=1000)
def _nearest(key: str, candidates: tuple[str, ...]) -> str | None:
    near = difflib.get_close_matches(key, candidates, 1, 0.7)
    return near[0] if near else None


def _group(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """Return the model of the group at `loc`."""
    return _cached_group(model, tuple(0 if isinstance(part, int) else part for part in loc))


@lru_cache(maxsize=1000)
def _cached_group(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    return _model_at(model, loc)


def _model_at(annotation: Any, loc: Loc) -> type[BaseModel] | None:
    """Follow `loc` (with pydantic's tags in it) through the annotations of models, lists, mappings and unions."""
    if get_origin(annotation) is Annotated:
        return _model_at(get_args(annotation)[0], loc)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return annotation
        fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        return _model_at(fields[str(loc[0])], loc[1:]) if loc[0] in fields else None
    arguments = get_args(annotation)
    if get_origin(annotation) in {list, dict}:
        return _model_at(arguments[-1], loc[1:]) if loc else None
    tagged = [each for each in arguments if loc and Tag(str(loc[0])) in get_args(each)[1:]]
    if tagged:
        return _model_at(tagged[0], loc[1:])
    return next((found for each in arguments if (found := _model_at(each, loc))), None)
