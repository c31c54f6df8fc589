"""How to mend a value: the fixes that show what to write."""

import re
import unicodedata

from tax.faults.fault import Fault
from tax.faults.keys import known_keys, nearest_key
from tax.faults.words import quoted
from tax.problems import excerpt, printable
from tax.yaml_errors import WIDE_COLON

_ADDRESS = re.compile(r"(?:http://|(?:ssh://)?git@)?([\w-]+(?:\.[\w-]+)+)[:/]([\w./~-]+)")
_EXAMPLES = {"license": "CC-BY-4.0", "path": "tides.md"}
_MAX_STRANGE = 3  # letters of a key, which is in another language if it has more
_MAX_NAMES = 5  # of a list that should be one text
_SPEAKERS = {
    **dict.fromkeys(["user", "human", "question", "q", "customer", "prompt"], "user"),
    **dict.fromkeys(["assistant", "ai", "bot", "model", "answer", "a", "system", "agent"], "assistant"),
}


def added(fault: Fault, key: str) -> str:
    """Return how to add a key that is missing."""
    about = known_keys(fault.model, fault.group).get(key) or ""
    return f"add a line `{key}: {_EXAMPLES.get(key, '...')}`" + (f" ({about.rstrip('.')})" if about else "")


def strange_letters(key: str) -> str:
    """Return why a key is not what it looks like: letters that cannot be seen, or are of another script."""
    strange = [f"U+{ord(letter):04X}" for letter in dict.fromkeys(key) if not letter.isascii() and _is_strange(letter)]
    if not strange or len(strange) > _MAX_STRANGE:
        return ""
    return f" Type it anew, as {', '.join(strange)} in it is invisible or looks like another letter"


def _is_strange(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category in {"Cf", "Mn", "Zs"} or (category[0] == "L" and "LATIN SMALL" not in unicodedata.name(letter, ""))


def unwrapped(fault: Fault) -> str:
    """Return how to bring up the keys of a group that stand below a name of their own, such as `seed1:`."""
    key, first = str(fault.raw[-1]), str(next(iter(fault.value)))
    first = nearest_key(first, fault.model, fault.group, frozenset()) or first
    name = excerpt(key, 30)
    if len(fault.loc) > 1 and next(iter(fault.source.keys(fault.loc[:-1])), "") == key:
        return f"delete `{name}:` and move its keys up to the dash, as in `- {excerpt(first, 30)}: ...`"
    return f"delete the line `{name}:` and move its keys up, no deeper than `{name}:` stands now"


def speaker(fault: Fault) -> str | None:
    """Return who speaks in a turn that was written as `User: Hello` instead of with the keys role and content."""
    in_turn = len(fault.loc) > 2 and fault.loc[-3] == "messages"
    return _SPEAKERS.get(str(fault.raw[-1]).strip().lower()) if in_turn else None


def retyped(fault: Fault, expected: str) -> str:
    """Return how to turn a value into one of the expected type."""
    value = fault.value
    if "a text" in expected:
        return _as_text(fault)
    if fault.raw[-1] == "(range)":
        return "write a range such as {from: 1, to: 9}, or a list such as [1, 2, 3]"
    if expected == "a list":
        return _as_list(fault)
    if expected == "true or false":
        return "write true or false, without quotes"
    if expected == "a number":
        return "write it in digits, without quotes"
    keys = list(known_keys(fault.model, fault.raw))
    wide = WIDE_COLON.match(value) if isinstance(value, str) else None
    if wide:
        return f"write an ordinary colon and a space in the place of each wide one (：), as in `{wide.group(2)}: ...`"
    if len(fault.loc) == 2 and fault.loc[0] == "seed_examples" and isinstance(value, str | int | float):
        return "write `- question: ...`, and on the next line, below `question`, `answer: ...`"
    return f"write its keys below it: {', '.join(keys)}" if keys else "write `name: value` pairs below it"


def _as_text(fault: Fault) -> str:
    key, value = fault.loc[-1] if fault.loc else "", fault.value
    names = value[:_MAX_NAMES] if isinstance(value, list) and key in {"created_by", "license"} else []
    if names and all(isinstance(each, str) for each in names):
        return _as_one(str(key), names)
    if not isinstance(value, dict | list):
        return f"put it in quotes: {quoted(fault.source.scalar(fault.loc) or str(value))}"
    key_line, line = fault.source.key_position(fault.loc).line, fault.source.position(fault.loc).line
    if isinstance(key, str) and line > key_line:
        return (
            f"if these lines are one text, write `{excerpt(key)}: |` above them, so that they may hold any characters"
        )
    return "put the whole text in double quotes, so that it may hold colons, brackets and dashes"


def _as_one(key: str, names: list[str]) -> str:
    """Return how to write several names, or licences, as one text."""
    if len(names) == 1:
        return f"write it without brackets and dashes: {excerpt(names[0])}"
    if key == "license":
        return f"write {excerpt(' AND '.join(names), 120)} (OR in the place of AND, if one may choose)"
    return f"write one text with the names in it: {quoted(', '.join(names))}"


def _as_list(fault: Fault) -> str:
    key, value = str(fault.loc[-1]) if fault.loc else "", fault.value
    if isinstance(value, dict):
        first = next(iter(value), "question")
        return f"start each item with a dash, as in `- {excerpt(first, 30)}: ...`, and indent its other keys as deep"
    if isinstance(value, str) and value.strip() and len(value) <= 60 and "\n" not in value:
        return f"write it as a list: {excerpt(key)}: [{quoted(value)}]"
    return "write each item on a line of its own that starts with `- `"


def in_form(fault: Fault) -> tuple[str, str]:
    """Return what is wrong with a text that is not of the form that its key asks for, and what to write."""
    key = str(fault.loc[-1]) if fault.loc else ""
    message, fix = _FORMS.get(key, (str(fault.details.get("message", "")), ""))
    address = re.fullmatch(
        r"(?:http://|(?:ssh://)?git@)?([\w-]+(?:\.[\w-]+)+)[:/]([\w./~-]+)", str(fault.value).strip()
    )
    if key == "repo" and address:
        fix = f"write https://{printable(address[1])}/{printable(address[2])}"
    return message, fix


_FORMS = {
    "commit": (
        "a commit is named by its full hash",
        "write its 40 digits (0-9, a-f): the commit's page on the web shows them, and so does `git rev-parse HEAD`",
    ),
    "revision": ("a revision is the full hash", "write all 40 digits (0-9, a-f) of the dataset's commit"),
    "language": ("a language is named by its tag of BCP 47", "write a tag such as en, fr, pt-BR or zh-Hant-TW"),
    "repo": ("a repository's address starts with https://", "write it as your browser shows it"),
    "step": ("a step must be more than 0", "write a number above 0"),
}
