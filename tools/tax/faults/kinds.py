"""The kinds of faults, one function each; its docstring is the rule's manual, and `MANUALS` names them by rule."""

from collections.abc import Callable
from dataclasses import replace

from pydantic import BaseModel

from tax.faults import fixes
from tax.faults.fault import Fault
from tax.faults.keys import is_of_pair, known_keys, nearest_key
from tax.faults.words import described, name_of
from tax.leaf import KnowledgeLeaf, SkillLeaf
from tax.problems import Problem, excerpt
from tax.source import Loc, Source

EXPECTED = {
    "string_type": "a text",
    "int_type": "a number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a group of keys",
    "model_type": "a group of keys",
    "stated": "a text",
}


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
    return fault.problem("missing-key", f"`{key}` is missing{where}", fixes.added(fault, key))


def unknown_key(fault: Fault) -> Problem:
    """A key that leaves of this kind do not have, often a misspelt one.

    Passes:
        task_description: Explain how the sea moves.

    Fails:
        task_descripton: Explain how the sea moves.
    """
    key = str(fault.raw[-1])
    keys = known_keys(fault.model, fault.group)
    where = f"of {name_of(fault.loc[:-1])}" if fault.loc[:-1] else f"of a {_kind(fault.model)} leaf"
    same, other = (KnowledgeLeaf, SkillLeaf) if _is_knowledge(fault.model) else (SkillLeaf, KnowledgeLeaf)
    meant = fault.meant
    speaker = fixes.speaker(fault)
    if speaker:
        fix = f"write `role: {speaker}` here, and the words on the next line as `content: ...`"
    elif fault.held:
        fix = fixes.unwrapped(fault)
    elif meant:
        fix = f"did you mean `{meant}`?{fixes.strange_letters(key)}"
    elif "questions_and_answers" in keys and is_of_pair(key):
        fix = "put each question with its answer under `questions_and_answers`, as an item of that list"
    elif len(fault.loc) == 1 and (is_of_pair(key) or key in known_keys(fault.model, ("seed_examples", 0))):
        fix = "it belongs to a seed: put it below `seed_examples:`, in one column with the seed's other keys"
    elif newest := _newest_name(fault, same):
        name = "it" if newest == key else f"`{newest}`"
        fix = f"version 4 of the format has {name}: write `version: 4` at the top; else delete it"
    elif key in known_keys(other, fault.group):
        fix = f"it belongs to {_kind(other)} leaves, which lie in another branch; move the leaf, or delete the key"
    else:
        fix = f"delete it; the keys here are {', '.join(keys)}"
    return fault.problem("unknown-key", f"`{excerpt(key)}` is no key {where}", fix, at_key=True)


def _newest_name(fault: Fault, newest: type[BaseModel]) -> str | None:
    """Return the key of version 4 that a key of an older leaf is, or was meant to be."""
    if fault.model is newest:
        return None
    key = str(fault.raw[-1])
    return nearest_key(key, newest, fault.group, fault.source.keys(fault.loc[:-1]) - {key})


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
    if fault.raw[-1] == "(range)":
        expected = "a range or a list"
    message = f"{name} must be {expected}, but {described(fault.value)}"
    return fault.problem("wrong-type", message, fixes.retyped(fault, expected))


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
        fix = "write its text after the colon (one that starts with # in quotes), or delete the line"
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
        message, add = f"{name_of(loc)} is an empty list", f"{least} or more"
    else:
        message = f"{name_of(loc)} has {actual} {'item' if actual == 1 else 'items'}, but {least} or more are needed"
        add = f"{least - actual} more"
    return source.problem(loc, "too-few", message, f"add {add}, each starting with `- `")


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
    from difflib import get_close_matches

    name = name_of(fault.loc)
    if fault.kind == "literal_error":
        choices = [choice.strip(" '") for choice in str(fault.details["expected"]).replace(" or ", ", ").split(",")]
        written = excerpt(fault.value) if isinstance(fault.value, str) else described(fault.value)
        message = f"{name} must be {' or '.join(choices)}, but is {written}"
        near = get_close_matches(str(fault.value)[:60].lower(), choices, 1, 0.5)
        if fault.raw[-1] == "[key]":
            message, fix = f"{name} is no key of {name_of(fault.loc[:-1])}", f"the keys here are {', '.join(choices)}"
            return fault.problem("unknown-key", message, fix, at_key=True)
        return fault.problem("bad-value", message, f"write {' or '.join(near or choices)}")
    if fault.raw[-1:] == ("[key]",):
        fix = "start with a small letter; then small letters, digits and _, 32 at most"
        return fault.problem("bad-value", f"{name} cannot be a name", fix, at_key=True)
    message, fix = fixes.in_form(fault)
    return fault.problem("bad-value", f"{name} is {excerpt(fault.value, 40)}, but {message}", fix)


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


def string_form(fault: Fault) -> Problem:
    if not str(fault.value).strip():
        return empty_text(fault)
    return bad_value(fault)


def short_list(fault: Fault) -> Problem:
    return too_few(fault.source, fault.loc, int(fault.details["min_length"]), int(fault.details["actual_length"]))


def _is_knowledge(model: type[BaseModel]) -> bool:
    return "domain" in model.model_fields


def _kind(model: type[BaseModel]) -> str:
    return "knowledge" if _is_knowledge(model) else "skill"


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


KINDS: dict[str, Callable[[Fault], Problem]] = {
    "missing": missing_key,
    "extra_forbidden": unknown_key,
    **dict.fromkeys(EXPECTED, wrong_type),
    "string_too_short": empty_text,
    "string_pattern_mismatch": string_form,
    "too_short": short_list,
    "turns": turns,
    "range": empty_range,
}
MANUALS: dict[str, Callable[..., Problem]] = {
    "missing-key": missing_key,
    "unknown-key": unknown_key,
    "wrong-type": wrong_type,
    "empty-text": empty_text,
    "too-few": too_few,
    "duplicate-item": duplicate_item,
    "bad-value": bad_value,
    "turns": turns,
    "empty-range": empty_range,
}
