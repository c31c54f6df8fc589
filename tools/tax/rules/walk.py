"""The places of a leaf where people write for the model: its texts, and its questions.

Several rules walk the same leaf; what they walk is listed once, and forgotten with the leaf.
"""

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from tax.load import Loaded
from tax.source import Loc, Source

Text = tuple[Loc, str]
Question = tuple[Loc, tuple[str, ...], dict[str, Any]]

_SAID = ("question", "answer", "context", "content")

_ABOUT: WeakKeyDictionary[Source, list[Text]] = WeakKeyDictionary()
_TEXTS: WeakKeyDictionary[Source, list[Text]] = WeakKeyDictionary()
_QUESTIONS: WeakKeyDictionary[Source, list[Question]] = WeakKeyDictionary()


def texts(leaf: Loaded) -> list[Text]:
    """Return the texts that people wrote for the model, each with its place."""
    found = _TEXTS.get(leaf.source)
    if found is None:
        found = _TEXTS[leaf.source] = list(_texts(leaf))
    return found


def about(leaf: Loaded) -> list[Text]:
    """Return the texts beside those of texts(): who wrote the leaf, what is said of documents, problem templates."""
    found = _ABOUT.get(leaf.source)
    if found is None:
        found = _ABOUT[leaf.source] = [*_names(leaf), *_templates(leaf)]
    return found


def questions(leaf: Loaded) -> list[Question]:
    """Return every question: its place, its words as they are compared, and the group that it stands in."""
    found = _QUESTIONS.get(leaf.source)
    if found is None:
        found = _QUESTIONS[leaf.source] = list(_questions(leaf))
    return found


def kind(loc: Loc) -> str:
    """Return the key that a text stands under, of an item of a list that of the list."""
    return str(loc[-2] if isinstance(loc[-1], int) else loc[-1])


def _texts(leaf: Loaded) -> Iterator[Text]:
    for key in ("task_description", "domain", "document_outline"):
        if isinstance(leaf.data.get(key), str):
            yield (key,), leaf.data[key]
    yield from _items(leaf.data, "principles", ())
    for index, seed in leaf.seeds:
        yield from _strings(seed, ("seed_examples", index))
        for key in ("questions_and_answers", "messages"):
            items = seed.get(key)
            for place, item in enumerate(items) if isinstance(items, list) else ():
                if isinstance(item, dict):
                    yield from _strings(item, ("seed_examples", index, key, place))


def _names(leaf: Loaded) -> Iterator[Text]:
    yield from _strings(leaf.data, (), ("created_by",))
    for loc, document in _groups(leaf, "documents"):
        yield from _strings(document, loc, ("path", "title"))
        yield from _items(document, "authors", loc)


def _templates(leaf: Loaded) -> Iterator[Text]:
    for loc, template in _groups(leaf, "problem_templates"):
        yield from _strings(template, loc, ("question", "answer"))
        yield from _items(template, "steps", loc)


def _questions(leaf: Loaded) -> Iterator[Question]:
    for index, seed in leaf.seeds:
        loc: Loc = ("seed_examples", index)
        items, messages = seed.get("questions_and_answers"), seed.get("messages")
        if isinstance(items, list):
            for place, pair in enumerate(items):
                if isinstance(pair, dict) and isinstance(pair.get("question"), str):
                    at = (*loc, "questions_and_answers", place, "question")
                    yield at, (_words(pair["question"]),), pair
        elif isinstance(messages, list):
            contents = [each.get("content") for each in messages if isinstance(each, dict)]
            if contents and all(isinstance(each, str) for each in contents):
                yield (*loc, "messages"), tuple(_words(str(each)) for each in contents), seed
        elif isinstance(seed.get("question"), str):
            context = seed.get("context")
            key = (_words(seed["question"]), _words(context) if isinstance(context, str) else "")
            yield (*loc, "question"), key, seed


def _groups(leaf: Loaded, key: str) -> Iterator[tuple[Loc, dict[str, Any]]]:
    """Yield the items of a list that are groups of keys."""
    items = leaf.data.get(key)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield (key, index), item


def _items(group: dict[str, Any], key: str, loc: Loc) -> Iterator[Text]:
    """Yield the items of a list that are texts."""
    items = group.get(key)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, str):
            yield (*loc, key, index), item


def _strings(group: dict[str, Any], loc: Loc, keys: tuple[str, ...] = _SAID) -> Iterator[Text]:
    for key in keys:
        text = group.get(key)
        if isinstance(text, str):
            yield (*loc, key), text


def _words(text: str) -> str:
    return " ".join(text.lower().split())
