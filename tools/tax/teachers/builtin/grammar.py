"""As much English grammar as the built-in teacher needs: a simple clause's subject and verb, or nothing.

Every function declines (None, False) when the words do not fit its strict pattern: a question that is not asked costs
less than one that is wrong.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tax.teachers.builtin.lexicon import (
    ADVERBS,
    AUXILIARIES,
    DETERMINERS,
    INTRANSITIVE,
    NOT_VERBS,
    OPENERS,
    PAST,
    PLURAL_VERBS,
    SUBORDINATORS,
)
from tax.text.prose import CODE

Asked = tuple[str, ...]  # a family of questions, then the question in one or several wordings

_COMMON_ENDING = re.compile(r".*(?:ing|ly|tion|ness|ment|ity|ance|ence|sis|ology|able|ible|less|ful|phers|logists)")
_SERIES = re.compile(r"[^,]{1,40}(?:, [^,]{1,40}){1,5} (?:and|or) [^,]{1,40}")
_SECOND_PREDICATE = re.compile(
    r"[;:]|, (?:and|but|or|so|yet|while|whereas|although|though|because|for example)\b"
    r"|\b(?:and|but|or) (?:\w+ly )?(?:is|are|was|were|can|has|have|does|do|will|must|should|may) "
    r"|\b(?:and|but|or) (?:\w+ly )?\w+s (?:an?|the|its|their|no|not|it|them|about|\d)"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")


@dataclass(frozen=True)
class Clause:
    """A simple clause: subject, auxiliary ("" where the verb stands alone), verb and the rest."""

    subject: str
    auxiliary: str
    verb: str
    rest: str

    @property
    def plural(self) -> bool:
        """Whether the subject is plural, as its verb shows."""
        return (self.auxiliary or self.verb) in {"are", "were"} | PLURAL_VERBS


class Casing:
    """Which words a chunk writes with a capital in the middle of a sentence, and which it writes small."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._inside: Counter[str] = Counter()
        for text in texts:
            self._inside.update(_WORD.findall(CODE.sub("", text.split(" ", 1)[-1])))

    def lower_first(self, text: str) -> str | None:
        """Return text as it reads inside a sentence; None where nobody can tell whether it starts with a name."""
        match = _WORD.match(text)
        if match is None or not text[0].isupper():
            return text
        word = match[0]
        if word != word.capitalize() or self._inside[word] > self._inside[word.lower()]:
            return text
        small = word.lower()
        known = small in (DETERMINERS | OPENERS) or _COMMON_ENDING.fullmatch(small) or self._inside[small]
        if known or self._inside[small.removesuffix("s")] or self._inside[small + "s"]:
            return text[0].lower() + text[1:]
        return None


def parse(text: str) -> Clause | None:
    """Take a simple clause apart: short subject first, no words before it, verb certain."""
    words = text.split(" ")
    if not words or words[0].lower() in OPENERS or words[0].lower() in SUBORDINATORS:
        return None
    for index, word in enumerate(words[:14]):
        if word in SUBORDINATORS and index:
            return None
        if index == 0 or index + 1 >= len(words):
            continue
        kind = _verb_kind(words, index)
        if kind:
            return _clause(words, index, kind)
    return None


def _verb_kind(words: list[str], index: int) -> str:
    """Name the part that words[index] plays as a verb: auxiliary, singular, plural, past, or "" where it is none."""
    word, before, after = words[index], words[index - 1], words[index + 1]
    if word in AUXILIARIES or word == "cannot":
        return "auxiliary"
    if word in {"do", "does", "did"}:
        return "auxiliary" if after == "not" else ""
    if word in {"has", "have"}:
        return (
            "auxiliary"
            if after.endswith(("ed", "en")) or after in {"been", "not"}
            else "singular"
            if word == "has"
            else "plural"
        )
    if word in PAST:
        object_follows = after in DETERMINERS or after[0].isupper() or after[0] == "`" or before[0].isupper()
        return "past" if object_follows and before[0].isalpha() and after not in OPENERS else ""
    if word in PLURAL_VERBS and before.endswith("s") and not before.endswith(("ss", "us", "is", "'s", "’s")):
        return "plural"
    singular = word.islower() and word.isalpha() and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    if singular and word not in NOT_VERBS and not (before.endswith("s") and before not in ADVERBS):
        manner = re.fullmatch(r"\w+ly", after) and (len(words) == index + 2 or words[index + 2] in OPENERS)
        follows = after.lower() in DETERMINERS or after[0] in "`0123456789" or word in INTRANSITIVE or manner
        if follows and before.lower() not in DETERMINERS | OPENERS | {"and", "or"}:
            return "singular"
    return ""


def _clause(words: list[str], index: int, kind: str) -> Clause | None:
    start = index
    while start > 1 and (words[start - 1] in ADVERBS or words[start - 1].endswith("ly")):
        start -= 1
    subject = " ".join(words[:start])
    adverbs = words[start:index]
    if start > 12 or words[start - 1] in {"and", "or", "but"} or words[start - 1].endswith((",", ";", ":")):
        return None
    if "," in subject and not _SERIES.fullmatch(subject):
        return None
    if kind == "auxiliary":
        return Clause(subject, words[index], "", " ".join([*adverbs, *words[index + 1 :]]))
    verb, rest = words[index], " ".join(words[index + 1 :])
    return Clause(subject, "", " ".join([*adverbs, verb]) if adverbs else verb, rest)


def base(verb: str) -> str:
    """Return the base form of a verb in the third person (stores, carries, has) or in a past form that parse knows."""
    if verb in PAST:
        return PAST[verb]
    if verb in {"has", "does", "goes"}:
        return {"has": "have", "does": "do", "goes": "go"}[verb]
    if verb in PLURAL_VERBS or not verb.endswith("s"):
        return verb
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    if verb.endswith(("sses", "shes", "xes", "zzes")) or (verb.endswith("ches") and verb != "caches"):
        return verb[:-2]
    return verb[:-1]


def invert(clause: Clause, casing: Casing, lead: str) -> str | None:
    """Return a question such as "Why does a tidal day last ...?" for a lead such as "Why"; None if in doubt."""
    if _SECOND_PREDICATE.search(clause.rest) or clause.subject.startswith("There"):
        return None
    subject = casing.lower_first(clause.subject)
    if subject is None:
        return None
    if clause.auxiliary == "cannot":
        return f"{lead} can {subject} not {clause.rest}?"
    if clause.auxiliary:
        return f"{lead} {clause.auxiliary} {subject} {clause.rest}?"
    *adverbs, verb = clause.verb.split(" ")
    helper = "did" if verb in PAST else "do" if verb in PLURAL_VERBS else "does"
    words = [lead, helper, subject, *adverbs, base(verb), clause.rest]
    return " ".join(word for word in words if word) + "?"
