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

_TEXTS: WeakKeyDictionary[Source, list[Text]] = WeakKeyDictionary()
_QUESTIONS: WeakKeyDictionary[Source, list[Question]] = WeakKeyDictionary()


def texts(leaf: Loaded) -> list[Text]:
    """Return the texts that people wrote for the model, each with its place."""
    found = _TEXTS.get(leaf.source)
    if found is None:
        found = _TEXTS[leaf.source] = list(_texts(leaf))
    return found


def questions(leaf: Loaded) -> list[Question]:
    """Return every question: its place, its words as they are compared, and the group that it stands in."""
    found = _QUESTIONS.get(leaf.source)
    if found is None:
        found = _QUESTIONS[leaf.source] = list(_questions(leaf))
    return found


def _texts(leaf: Loaded) -> Iterator[Text]:
    for key in ("task_description", "domain", "document_outline"):
        if isinstance(leaf.data.get(key), str):
            yield (key,), leaf.data[key]
    for index, seed in leaf.seeds:
        yield from _strings(seed, ("seed_examples", index))
        for key in ("questions_and_answers", "messages"):
            items = seed.get(key)
            for place, item in enumerate(items) if isinstance(items, list) else ():
                if isinstance(item, dict):
                    yield from _strings(item, ("seed_examples", index, key, place))


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


def _strings(group: dict[str, object], loc: Loc) -> Iterator[Text]:
    for key in ("question", "answer", "context", "content"):
        text = group.get(key)
        if isinstance(text, str):
            yield (*loc, key), text


def _words(text: str) -> str:
    return " ".join(text.lower().split())
