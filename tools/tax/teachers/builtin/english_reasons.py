"""Why, how and under which condition something happens, as an English sentence says."""

import re
from collections.abc import Iterator

from tax.teachers.builtin.grammar import Asked, Casing, Clause, base, invert, parse

_BECAUSE = re.compile(
    r"(?P<main>[^;:]{15,}?),? (?:(?:partly|mainly|largely|chiefly|simply|mostly) )?"
    r"(?:because (?!of\b)|(?<=, )since (?!then\b|\d))(?P<reason>.{10,})"
)
_SO = re.compile(
    r"(?P<main>[^;:]{15,}?)(?:, so|,? and therefore|,? and so|,? and thus|, which is why) "
    r"(?!that\b|far\b|as\b|much\b)(?P<effect>.{12,})"
)
_MEANS = re.compile(r"(?P<main>[^;:]{15,}?), which means (?:that )?(?P<effect>.{12,})")
_CONDITION = re.compile(r"(?P<word>If|When|Once) (?!\w+ing\b)(?P<condition>[^,;:]{12,110}), (?P<main>.{12,})")
_DONE_BY = re.compile(
    r"(?P<done>(?:be )?(?:\w+ly )?\w+(?:ed|en|ne|nd|wn|pt|ut|lt)(?: [^,;:]{1,40})?) "
    r"by (?:\w+ing|simulation|hand|inspection|comparison)\b"
)


def causes(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask for the reason of what comes before "because", or for what follows before "so" and "which means"."""
    because = _BECAUSE.fullmatch(text)
    if because and not re.search(r"\b(?:because|so)\b|, (?:and|but|or) ", because["main"]):
        question = _why(because["main"], casing)
        if question:
            yield "cause", question
        return
    so = _SO.fullmatch(text)
    fact = _fact(so["main"], casing) if so else None
    if fact:
        yield "cause", f"What follows from the fact that {fact}?", f"What is a consequence of the fact that {fact}?"
        return
    means = _MEANS.fullmatch(text)
    fact = _fact(means["main"], casing) if means else None
    if fact:
        yield "cause", f"What does it mean that {fact}?"


def _why(main: str, casing: Casing) -> str | None:
    clause = parse(main)
    question = invert(clause, casing, "Why") if clause else None
    if question:
        return question
    fact = _fact(main, casing)
    return f"Explain why {fact}." if fact else None


def _fact(main: str, casing: Casing) -> str | None:
    """Return a statement as it reads after "that"; None where it may be an order or a phrase."""
    certain = re.match(r"(?:The|An?|Each|Every|No|Some|Many|Most|All|Two|Three|Four|Both) ", main)
    if "," in main and not parse(main):
        return None
    return casing.lower_first(main) if certain or parse(main) else None


def effects(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask what a thing leads to, depends on or consists of."""
    clause = parse(text)
    relation = re.match(r"(to|in|rise to|on|of) [a-z0-9`]", clause.rest) if clause and not clause.auxiliary else None
    subject = casing.lower_first(clause.subject) if clause else None
    if clause is None or relation is None or subject is None:
        return
    verb = f"{base(clause.verb)} {relation[1]}"
    if verb in {"lead to", "result in", "give rise to", "depend on", "consist of"} and "," not in subject:
        yield "cause", f"What {'do' if clause.plural else 'does'} {subject} {verb}?"


def conditions(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask what happens, or is to be done, under a condition that opens the sentence."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        return
    lead = "What happens"
    if re.search(r"\b(?:should|must|need to|needs to)\b", match["main"]):
        lead = "What should be done"
    elif re.search(r"\b(?:can|may) be\b", match["main"]):
        lead = "What can be done"
    yield "condition", f"{lead} {match['word'].lower()} {match['condition']}?"


def ways(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask how something is done that is done "by ...ing"."""
    clause = parse(text)
    match = _DONE_BY.match(clause.rest) if clause and clause.auxiliary else None
    if clause and match and " by " not in match["done"]:
        question = invert(Clause(clause.subject, clause.auxiliary, "", match["done"]), casing, "How")
        if question:
            yield "way", question
