"""When something happened, who did it, how many and how much, as an English sentence says."""

import re
from collections.abc import Iterator

from tax.teachers.builtin.grammar import Asked, Casing, base, invert, parse
from tax.teachers.builtin.lexicon import CREATED, PAST

_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = (
    rf"(?:(?:[Ii]n|[Oo]n) (?:(?:\d{{1,2}} )?{_MONTH} (?:\d{{1,2}}, )?)?(?:1\d{{3}}|20\d\d)\b(?! [a-z]+s\b)"
    r"|[Ii]n the (?:1\d|20)\d0s)"
)
_DATED = re.compile(rf",? {_DATE}")
_DATE_FIRST = re.compile(rf"{_DATE},? (?P<main>.+)")
_DATE_ASIDE = re.compile(
    r"(?P<subject>[^,;]{3,60}), (?P<verb>published|released|opened|introduced|built|founded|designed) " + _DATE + ","
)
_WHO = re.compile(r"(?P<name>[A-Z][\w.'’-]+(?: [A-Z][\w.'’-]*){1,3})(?:, [^,]{4,60},)? (?P<verb>\w+) (?P<rest>.{8,})")
_LEANING = re.compile(r"\b(?:his|her|their|such|new|better)\b")
_COUNT = (
    r"(?P<count>(?:about |at least |exactly |only )?"
    r"(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve))"
)
_COUNTED = re.compile(
    rf"{_COUNT} (?P<noun>(?:[a-z-]+ ){{0,3}}?[a-z-]+s)\b(?P<where> (?:in|at|on) [^,;:]+)?(?: of | and |[,;.]|$)"
)
_DURATION = re.compile(r"(?:about )?\d[\d,.]* (?:\w+ )?(?:second|minute|hour|day|week|month|year)")
_VALUE = re.compile(r"(?:about |roughly |only |nearly )?[\d−-][\d,.]*")


def dates(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask when something happened, and who did it."""
    first, found = _DATE_FIRST.match(text), _DATED.search(text)
    clause = parse(first["main"] if first else text[: found.start()] if found else "")
    past = clause and (clause.auxiliary in {"was", "were"} or clause.verb.split(" ")[-1] in PAST)
    question = invert(clause, casing, "When") if clause and past and "not" not in clause.rest.split() else None
    if question:
        yield "date", re.split(r", | and (?=\w+ed )", question.rstrip("?"))[0] + "?"
    aside = _DATE_ASIDE.match(text)
    subject = casing.lower_first(aside["subject"]) if aside else None
    if aside and subject:
        yield "date", f"When was {subject} {aside['verb']}?"
    who = _WHO.match(text)
    if who and who["verb"] in CREATED and not _LEANING.search(who["rest"]):
        yield "person", f"Who {who['verb']} {re.split(r'[,;:] ', who['rest'])[0]}?"


def quantities(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask how many, how long, or what a measured value is."""
    clause = parse(text)
    subject = casing.lower_first(clause.subject) if clause else None
    if clause is None or subject is None:
        return
    helper = "do" if clause.plural else "does"
    counted = _COUNTED.match(clause.rest)
    if counted and clause.verb in {"has", "have", "contains", "contain"}:
        yield "number", f"How many {counted['noun']} {helper} {subject} {base(clause.verb)}{counted['where'] or ''}?"
    if clause.verb in {"lasts", "takes", "last", "take"} and _DURATION.match(clause.rest):
        yield "number", f"How long {helper} {subject} {base(clause.verb)}?"
    named = re.match(r"the .* (?:of|for|between|from) ", subject)
    if clause.auxiliary in {"is", "was"} and _VALUE.match(clause.rest) and named:
        yield "number", f"What {clause.auxiliary} {subject}?"
    divided = re.match(rf"divided into {_COUNT} (?P<noun>[a-z]+s)\b", clause.rest) if clause.auxiliary else None
    if divided:
        yield "number", f"Into how many {divided['noun']} {clause.auxiliary} {subject} divided?"


def measures(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask for the measure that something has: "has a natural period of about 13 hours"."""
    match = re.fullmatch(r"(?P<place>(?:For|With|At|In|On) [^,]{3,60})(?:, in [^,]{3,50})?, (?P<main>.+)", text)
    clause = parse(match["main"][0].upper() + match["main"][1:] if match else text)
    subject = casing.lower_first(clause.subject) if clause else None
    if clause is None or subject is None or base(clause.verb) != "have":
        return
    found = re.match(r"an? (?P<noun>(?:[a-z-]+ ){1,4})of (?:about |only about |only )?[\d−]", clause.rest)
    if found:
        place = " " + match["place"][0].lower() + match["place"][1:] if match else ""
        yield "number", f"What {found['noun']}{'do' if clause.plural else 'does'} {subject} have{place}?"
