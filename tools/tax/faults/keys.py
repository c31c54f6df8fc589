"""Which keys a group of a leaf may have, as its models say, and which of them a misspelt one was meant to be."""

from collections.abc import Set
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag

from tax.source import Loc

# The key that would have made a group another kind of seed or document than it was taken for.
_DECIDING = {"QuestionSeed": "messages", "LocalDocument": "repo"}
# What other formats and hurried people call a key; where several are named, the first that is still open.
_ALIASES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["q", "prompt", "instruction", "query", "user", "human"], ("question",)),
    **dict.fromkeys(["a", "ans", "response", "output", "completion", "reply", "assistant", "gpt"], ("answer",)),
    **dict.fromkeys(["qa", "qna", "q&a", "qas", "q_and_a", "pairs", "questions"], ("questions_and_answers",)),
    **dict.fromkeys(["passage", "paragraph", "excerpt"], ("context",)),
    **dict.fromkeys(["hold_out", "held_out", "heldout", "eval"], ("holdout",)),
    **dict.fromkeys(["conversation", "conversations", "dialogue", "dialog", "chat", "turns"], ("messages",)),
    **dict.fromkeys(["author", "contributor", "creator"], ("created_by", "authors")),
    **dict.fromkeys(["examples", "seeds", "samples"], ("seed_examples",)),
    **dict.fromkeys(["file", "filename", "file_name"], ("path",)),
    **dict.fromkeys(["task", "description"], ("task_description",)),
    **dict.fromkeys(["topic", "subject"], ("domain",)),
    **dict.fromkeys(["speaker", "from"], ("role",)),
    **dict.fromkeys(["link", "address"], ("url",)),
    **dict.fromkeys(["text", "value"], ("content", "context")),
    "outline": ("document_outline",),
    "input": ("question", "context"),
    "sha": ("commit",),
}
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
    """Return the known key, not yet present in the group, that an unknown one stands for or most resembles."""
    if len(key) > _MAX_KEY:
        return None
    known = [*known_keys(model, loc), deciding_key(model, loc)]
    candidates = tuple(each for each in known if each not in present)
    return _alias(_plain(key), candidates, present) or _nearest(_plain(key), candidates)


def is_of_pair(key: str) -> bool:
    """Tell whether a key is, or stands for, the question or the answer of a pair."""
    return {_plain(key), *_ALIASES.get(_plain(key), ())} & {"question", "answer"} != set()


def _plain(key: str) -> str:
    return key.strip().lower().replace("-", "_").replace(" ", "_")


def _alias(key: str, candidates: tuple[str, ...], present: Set[str]) -> str | None:
    """Return what another name of a key stands for, as `input` does for `context` where there is an `instruction`."""
    meant = [each for each in _ALIASES.get(key, ()) if each in candidates]
    if len(meant) < 2:
        return meant[0] if meant else None
    taken = {other[0] for each in present if len(other := _ALIASES.get(_plain(each), ())) == 1}
    return next((each for each in meant if each not in taken), meant[0])


@lru_cache(maxsize=1000)
def _nearest(key: str, candidates: tuple[str, ...]) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(key, candidates, 1, 0.7)
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
