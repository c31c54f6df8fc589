"""What a leaf's models refuse, in words: each of pydantic's errors becomes a Problem at the value at fault.

One function a kind of fault; its docstring is the rule's manual. One slip makes one problem: a misspelt key is not
also reported as a missing one.
"""

import difflib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from tax.leaf import KnowledgeLeaf, SkillLeaf
from tax.problems import Problem, excerpt
from tax.source import Loc, Source

_EXPECTED = {
    "string_type": "a text",
    "int_type": "a number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a group of keys",
    "model_type": "a group of keys",
}
# The key that would have made a group another kind of seed or document than it was taken for.
_DECIDING_KEY = {"QuestionSeed": "messages", "LocalDocument": "repo"}
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
_MAX_KEY = 60  # characters of a key that is compared with the known ones


@dataclass(frozen=True)
class Fault:
    """One of pydantic's errors: `loc` is its place in the file, `raw` the same with pydantic's own parts in it."""

    source: Source
    model: type[BaseModel]
    kind: str
    raw: Loc
    loc: Loc
    value: Any
    details: dict[str, Any]
    expected: tuple[str, ...]

    def problem(self, rule: str, message: str, fix: str, *, at_key: bool = False) -> Problem:
        return self.source.problem(self.loc, rule, message, fix, at_key=at_key)


def explain(source: Source, error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return the problems of a leaf that does not fit its model."""
    faults = _faults(source, error, model)
    renamed = {
        (*fault.loc[:-1], meant)
        for fault in faults
        if fault.kind == "extra_forbidden" and (meant := _meant(fault)) is not None
    }
    found: list[Problem] = []
    for fault in faults:
        if fault.kind != "missing" or not _is_renamed(fault, renamed):
            found.append(_RULES.get(fault.kind, bad_value)(fault))
    return found


def missing_key(fault: Fault) -> Problem:
    """A key that must be there is not. The problem stands where the group begins that lacks the key.

    Passes:
        seed_examples:
          - question: What is a neap tide?
            answer: A tide of small range, when the moon is at first or last quarter.

    Fails:
        seed_examples:
          - question: What is a neap tide?
    """
    key = str(fault.raw[-1])
    where = f" in {name_of(fault.loc)}" if fault.loc else ""
    about = _keys(fault.model, fault.raw[:-1]).get(key) or ""
    fix = f"add a line `{key}: ...`" + (f" ({about.rstrip('.')})" if about else "")
    return fault.problem("missing-key", f"`{key}` is missing{where}", fix)


def unknown_key(fault: Fault) -> Problem:
    """A key that leaves of this kind do not have, often a misspelt one.

    Passes:
        task_description: Explain how the sea moves.

    Fails:
        task_descripton: Explain how the sea moves.
    """
    key = str(fault.raw[-1])
    keys = _keys(fault.model, fault.raw[:-1])
    where = f"of {name_of(fault.loc[:-1])}" if fault.loc[:-1] else f"of a {_kind(fault.model)} leaf"
    meant = _meant(fault)
    if meant:
        fix = f"did you mean `{meant}`?"
    elif fault.model not in _NEW and any(key in _keys(model, fault.raw[:-1]) for model in _NEW):
        fix = "version 4 of the format has it: write `version: 4` at the top; else delete it"
    elif fault.model in _NEW and any(key in _keys(model, fault.raw[:-1]) for model in _NEW):
        other = "knowledge" if fault.model is SkillLeaf else "skill"
        fix = f"it belongs to {other} leaves, which lie in another branch; move the leaf, or delete the key"
    else:
        fix = f"delete it; the keys here are {', '.join(keys)}"
    return fault.problem("unknown-key", f"`{excerpt(key)}` is no key {where}", fix, at_key=True)


def wrong_type(fault: Fault) -> Problem:
    """A value of another type than its key takes, such as a number where a text must be.

    YAML reads 42, 3.14, true and null as numbers, truth values and nothing, unless they stand in quotes. (No and
    yes are texts in YAML 1.2.)

    Passes:
        task_description: "42"

    Fails:
        task_description: 42
    """
    if fault.value is None:
        return _nothing(fault)
    name, expected = name_of(fault.loc), " or ".join(dict.fromkeys(fault.expected))
    message = f"{name} must be {expected}, but {_described(fault.value)}"
    return fault.problem("wrong-type", message, _retyped(fault, expected))


def empty_text(fault: Fault) -> Problem:
    """A key without a text: nothing after its colon, or only spaces.

    Passes:
        created_by: octocat

    Fails:
        created_by: ""
    """
    name = name_of(fault.loc)
    fix = "write its text"
    if fault.source.is_block_text(fault.loc):
        fix = f"write its text below it, each line indented deeper than {name}"
    elif fault.value is None:
        fix = "write its text after the colon; a text that starts with # goes in quotes"
    return fault.problem("empty-text", f"{name} is empty", fix)


def too_few(source: Source, loc: Loc, least: int, actual: int) -> Problem:
    """A list with fewer items than it must have.

    Passes:
        seed_examples:
          - {question: What is a tide?, answer: The rise and fall of the sea.}

    Fails:
        seed_examples: []
    """
    if not actual:
        message = f"{name_of(loc)} is an empty list"
    else:
        message = f"{name_of(loc)} has {actual} {'item' if actual == 1 else 'items'}, but {least} or more are needed"
    return source.problem(loc, "too-few", message, f"add {least - actual} more, each starting with `- `")


def duplicate_item(source: Source, loc: Loc, first: Loc) -> Problem:
    """An item of a list that stands there a second time, where items must differ.

    Passes:
        version: 3
        document:
          repo: https://example.org/tides.git
          commit: 951999afdc59c46d325493568193b40bd5439c9e
          patterns: [high.md, low.md]

    Fails:
        version: 3
        document:
          repo: https://example.org/tides.git
          commit: 951999afdc59c46d325493568193b40bd5439c9e
          patterns: [high.md, high.md]
    """
    place = source.position(first)
    message = f"{name_of(loc)} repeats the one at line {place.line}, column {place.column}"
    return source.problem(loc, "duplicate-item", message, "change one of the two, or delete it")


def bad_value(fault: Fault) -> Problem:
    """A value of the right type that is none of those allowed here.

    Passes:
        response_style: precise

    Fails:
        response_style: exact
    """
    name = name_of(fault.loc)
    if fault.kind == "literal_error":
        choices = [choice.strip(" '") for choice in str(fault.details["expected"]).replace(" or ", ", ").split(",")]
        written = excerpt(fault.value) if isinstance(fault.value, str) else _described(fault.value)
        message = f"{name} must be {' or '.join(choices)}, but is {written}"
        near = difflib.get_close_matches(str(fault.value)[:_MAX_KEY].lower(), choices, 1, 0.5)
        return fault.problem("bad-value", message, f"write {near[0] if near else choices[0]}")
    if fault.raw[-1:] == ("[key]",):
        message = f"`{excerpt(fault.value)}` cannot be a name"
        fix = "start with a small letter; then small letters, digits and _, 32 at most"
        return fault.problem("bad-value", message, fix, at_key=True)
    message, fix = _FORMS.get(str(fault.loc[-1]) if fault.loc else "", (str(fault.details.get("message", "")), ""))
    return fault.problem("bad-value", f"{name} is {excerpt(fault.value, 40)}, but {message}", fix)


def language_tag(fault: Fault) -> Problem:
    return fault.problem(
        "language-tag",
        f"`{excerpt(fault.value, 40)}` is no language tag",
        "write the tag of BCP 47, such as en, fr, pt-BR or zh-Hant-TW",
    )


def turns(fault: Fault) -> Problem:
    """A dialogue whose turns do not alternate: first the user, then the assistant, who also ends it.

    Passes:
        seed_examples:
          - messages: [{role: user, content: What is a tide?}, {role: assistant, content: The sea's rise and fall.}]

    Fails:
        seed_examples:
          - messages: [{role: user, content: What is a tide?}, {role: user, content: Say it.}]
    """
    messages = fault.value["messages"]
    wanted = [("user", "assistant")[index % 2] for index in range(len(messages))]
    roles = [message["role"] for message in messages]
    wrong = next((index for index in range(len(roles)) if roles[index] != wanted[index]), None)
    if wrong is None:
        at = replace(fault, loc=(*fault.loc, "messages", len(roles) - 1, "role"))
        return at.problem(
            "turns", "a dialogue ends with the assistant, but this one ends with the user", "add the assistant's answer"
        )
    at = replace(fault, loc=(*fault.loc, "messages", wrong, "role"))
    message = f"message {wrong + 1} is the {wanted[wrong]}'s turn, but its role is {roles[wrong]}"
    return at.problem("turns", message, "let user and assistant take turns, the user first")


def empty_range(fault: Fault) -> Problem:
    """A range of a problem template that holds no number, as it ends below its beginning.

    Passes:
        problem_templates:
          - {question: "What is {a} + 1?", answer: "It is {b}.", variables: {a: {from: 1, to: 9}}, derived: {b: a + 1}}

    Fails:
        problem_templates:
          - {question: "What is {a} + 1?", answer: "It is {b}.", variables: {a: {from: 9, to: 1}}, derived: {b: a + 1}}
    """
    at = replace(fault, loc=(*fault.loc, "to"))
    return at.problem("empty-range", "`to` is less than `from`, so that this range holds no number", "swap the two")


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


def _string_form(fault: Fault) -> Problem:
    if not str(fault.value).strip():
        return empty_text(fault)
    return language_tag(fault) if fault.loc == ("language",) else bad_value(fault)


def _short_list(fault: Fault) -> Problem:
    return too_few(fault.source, fault.loc, int(fault.details["min_length"]), int(fault.details["actual_length"]))


_RULES: dict[str, Callable[[Fault], Problem]] = {
    "missing": missing_key,
    "extra_forbidden": unknown_key,
    **dict.fromkeys(_EXPECTED, wrong_type),
    "string_too_short": empty_text,
    "string_pattern_mismatch": _string_form,
    "too_short": _short_list,
    "turns": turns,
    "range": empty_range,
}
_NEW: tuple[type[BaseModel], ...] = (SkillLeaf, KnowledgeLeaf)
_FORMS = {
    "commit": ("a commit is the full hash", "write all 40 digits (0-9, a-f), as `git rev-parse HEAD` shows them"),
    "revision": ("a revision is the full hash", "write all 40 digits (0-9, a-f) of the dataset's commit"),
    "repo": ("a repository's address starts with https://", "write it as your browser shows it"),
    "step": ("a step must be more than 0", "write a number above 0"),
}


def _faults(source: Source, error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Return pydantic's errors, those of a union's members ("a number or a text") as one."""
    merged: dict[tuple[Loc, str], Fault] = {}
    for details in error.errors(include_url=False):
        kind, raw = details["type"], tuple(details["loc"])
        parent = kind in {"missing", "extra_forbidden"}
        loc = source.known(raw[:-1]) if parent else source.known(raw)
        if kind == "extra_forbidden":
            loc = (*loc, raw[-1])
        expected = (_EXPECTED[kind],) if kind in _EXPECTED else ()
        key = (loc, "type" if expected else f"{kind} {raw[-1:]}")
        if key in merged:
            merged[key] = replace(merged[key], expected=merged[key].expected + expected)
            continue
        context = {**details.get("ctx", {}), "message": details["msg"]}
        merged[key] = Fault(source, model, kind, raw, loc, details["input"], context, expected)
    return list(merged.values())


def _keys(model: type[BaseModel], loc: Sequence[str | int]) -> dict[str, str | None]:
    """Return the keys of the group at `loc` in a model's leaves, each with its description."""
    found = _model_at(model, tuple(loc))
    fields = found.model_fields.items() if found else ()
    return {field.alias or name: field.description for name, field in fields}


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


def _meant(fault: Fault) -> str | None:
    """Return the known key that an unknown one most resembles."""
    key = str(fault.raw[-1])
    if len(key) > _MAX_KEY:
        return None
    group = _model_at(fault.model, fault.raw[:-1])
    candidates = [*_keys(fault.model, fault.raw[:-1])]
    if group is not None and group.__name__ in _DECIDING_KEY:
        candidates.append(_DECIDING_KEY[group.__name__])
    near = difflib.get_close_matches(key.strip().lower().replace("-", "_").replace(" ", "_"), candidates, 1, 0.7)
    return near[0] if near else None


def _is_renamed(fault: Fault, renamed: set[Loc]) -> bool:
    """Tell whether a missing key is there under a misspelt name, or its group is misspelt into another kind."""
    group = _model_at(fault.model, fault.raw[:-1])
    deciding = _DECIDING_KEY.get(group.__name__, "") if group else ""
    return (*fault.loc, fault.raw[-1]) in renamed or (*fault.loc, deciding) in renamed


def _kind(model: type[BaseModel]) -> str:
    return "knowledge" if "domain" in model.model_fields else "skill"


def _nothing(fault: Fault) -> Problem:
    written = fault.source.scalar(fault.loc)
    if "a text" in fault.expected and not written:
        return empty_text(fault)
    if written:
        message = f"{name_of(fault.loc)} is {written}, which means nothing in YAML"
        return fault.problem("wrong-type", message, f'write a value; the word itself goes in quotes: "{written}"')
    expected = " or ".join(dict.fromkeys(fault.expected))
    fix = (
        "write its items below it, each on a line that starts with `- `" if expected == "a list" else "write its value"
    )
    return fault.problem("wrong-type", f"{name_of(fault.loc)} is empty, but must be {expected}", fix)


def _described(value: object) -> str:
    if isinstance(value, bool):
        return f"{str(value).lower()} is a truth value (yes or no)"
    if isinstance(value, int | float):
        return f"{excerpt(value)} is a number"
    if isinstance(value, str):
        return f'"{excerpt(value, 40)}" is a text'
    return "this is a list" if isinstance(value, list) else "this is a group of keys"


def _retyped(fault: Fault, expected: str) -> str:
    """Return how to turn a value into one of the expected type."""
    value = fault.value
    if "a text" in expected:
        if isinstance(value, dict):
            return "if a colon in the text makes it look like a key, put the whole text in double quotes"
        if isinstance(value, list):
            return "write one text; a text that starts with - or [ goes in double quotes, or after `|`"
        written = fault.source.scalar(fault.loc) or str(value)
        return f"put it in quotes: {json.dumps(excerpt(written, 80), ensure_ascii=False)}"
    if expected == "a list":
        return "write each item on a line of its own that starts with `- `"
    if expected == "true or false":
        return "write true or false, without quotes"
    if expected == "a number":
        return "write it in digits, without quotes"
    keys = ", ".join(_keys(fault.model, fault.raw))
    return f"write its keys below it: {keys}" if keys else "write `name: value` pairs below it"
