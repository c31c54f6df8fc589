"""How messages name places and values of a leaf."""

import json

from tax.problems import excerpt
from tax.source import Loc

_ITEMS = {
    "seed_examples": "seed",
    "questions_and_answers": "pair",
    "messages": "message",
    "documents": "document",
    "authors": "author",
    "patterns": "pattern",
    "principles": "principle",
    "problem_templates": "problem template",
    "steps": "step",
    "conditions": "condition",
    "table": "row",
}


def name_of(loc: Loc) -> str:
    """Return what a message calls the value at `loc`: `answer`, seed 3, pair 2 of seed 3."""
    if not loc:
        return "this file"
    last = loc[-1]
    if isinstance(last, str):
        return f"`{excerpt(last)}`"
    parent = str(loc[-2]) if len(loc) > 1 else "the list"
    name = f"{_ITEMS[parent]} {last + 1}" if parent in _ITEMS else f"item {last + 1} of `{excerpt(parent)}`"
    nested = len(loc) == 4 and loc[0] in {"seed_examples", "problem_templates", "documents"}
    return f"{name} of {name_of(loc[:2])}" if nested else name


def described(value: object) -> str:
    if isinstance(value, bool):
        return f"{str(value).lower()} is a truth value (yes or no)"
    if isinstance(value, int | float):
        return f"{excerpt(value)} is a number"
    if isinstance(value, str):
        return f'"{excerpt(value, 40)}" is a text'
    return "this is a list" if isinstance(value, list) else "this is a group of keys"


def quoted(text: str) -> str:
    """Return a text in double quotes, as YAML has it."""
    return json.dumps(excerpt(text, 80), ensure_ascii=False)
