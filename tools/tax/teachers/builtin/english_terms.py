"""What an English sentence says a thing is, does or is called."""

import re
from collections.abc import Iterator

from tax.teachers.builtin.grammar import Asked, Casing, base, parse
from tax.teachers.builtin.lexicon import GENERIC, TELLING

_NOUNS = r"(?:[\w`'’./@{}+-]+ ){0,5}[\w`'’./@{}+-]+"
_DEFINITION = re.compile(
    rf"(?P<term>(?:(?:An?|The) )?{_NOUNS})(?:, (?:also |sometimes )?(?:called|known as) [^,]{{2,60}},)? "
    r"(?P<verb>is|are) (?P<rest>.{15,})"
)
_KIND = re.compile(
    r"(?:an?|the|any) (?:[\w-]+ ){1,5}?(?:that|which|who|whose|where|in which|with|of|for|to|from|between|caused|used"
    r"|made|computed|at|on|across|after|above|below) .{8,}"
)
_KIND_PLURAL = re.compile(r"(?:[a-z-]+ ){0,3}[a-z]+s (?:that|which|who|whose|in which|where|of|for|from|with) .{8,}")
_RANKED = re.compile(
    r"(?:the|one of the) (?:(?:[\w-]+ ){0,2}"
    r"(?:\w+est|most|least|best|first|last|main|only|usual|right|chief|simplest|dangerous|key)(?: [\w-]+){1,5}?"
    r"|(?:\w+est|best-known|most \w+)(?: [\w-]+){1,4}?) (?:of|for|in|to|that|on) [^,;:]{4,80}"
)
_CALLED = re.compile(
    r"(?P<subject>[^,;:]{10,120}?) (?P<verb>is|are) (?:often |usually |also )?(?:called|known as) "
    r"(?P<name>[^,;:]{2,60}?)(?:(?:,| and | because |;|:).*)?"
)
_CALLED_ASIDE = re.compile(r"(?P<subject>The [^,;:]{10,80}), called (?P<name>[^,;:]{2,40}), ")


def definitions(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask what a term is, or which term a description names: "A neap tide is a tide of ..."."""
    match = _DEFINITION.fullmatch(text)
    term = _term(match["term"], casing) if match else None
    if match is None or term is None:
        return
    rest, plural = match["rest"], match["verb"] == "are"
    if _RANKED.match(rest):
        return
    if not (_KIND_PLURAL if plural else _KIND).fullmatch(rest):
        return
    verb = match["verb"]
    if plural:
        yield "definition", f"What are {term}?", f"What is meant by {term}?", f"How are {term} defined?"
    else:
        yield "definition", f"What is {term}?", f"What is meant by {term}?", f"How is {term} defined?"
    description = re.split(r"[,;:] ", rest)[0]
    indefinite = re.match(r"(?:An?) |[^T]", match["term"]) and (plural or re.match(r"(?:an?|any) ", description))
    if indefinite and len(description.split()) >= 6 and re.search(r"\b(?:that|which|who|where|whose)\b", description):
        forms = [
            f"What is the term for {description}?",
            f"What {verb} {description} called?",
            f"What do you call {description}?",
        ]
        yield ("term", *forms)


def _term(subject: str, casing: Casing) -> str | None:
    words = subject.split(" ")
    bare = words[1:] if words[0] in {"A", "An", "The"} else words
    if not 1 <= len(bare) <= 6 or not all(re.match(r"[\w`]", word) for word in bare):
        return None
    if any(word.lower() in GENERIC for word in bare[-1:]) or re.search(
        r"(?i)\b(?:that|which|who|it|they|there|this|these|only|also|here|now|is|are|was|were|has|have|can|and then)\b",
        subject,
    ):
        return None
    return casing.lower_first(subject)


def defined(text: str) -> str | None:
    """Return the term, with its article, that a statement defines."""
    match = _DEFINITION.fullmatch(text.rstrip("."))
    if match is None or not (_KIND_PLURAL if match["verb"] == "are" else _KIND).fullmatch(match["rest"]):
        return None
    return match["term"] if len(match["term"].split(" ")) <= 5 else None


def ranked(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask what holds a rank: "The Bay of Fundy is the best-known case of resonance"."""
    clause = parse(text)
    if clause is None or clause.auxiliary not in {"is", "was"}:
        return
    match = _RANKED.match(clause.rest)
    if match and not match[0].startswith("one of") and "its" not in match[0].split():
        description = re.split(
            r",? (?:but|because|so) | and (?=(?:has|have|is|was|can) |\w+s (?:about|an?|the|no|its|it|\d))", match[0]
        )[0]
        yield "term", f"What {clause.auxiliary} {description}?"


def named(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask what something is called."""
    match = _CALLED.fullmatch(text) or _CALLED_ASIDE.match(text)
    if match is None or re.search(r"\b(?:what|how|it|and)\b", match["subject"]):
        return
    subject = casing.lower_first(match["subject"])
    described = re.search(r"\b(?:of|that|who|which|whose|from|for|in|with|between)\b", match["subject"])
    if subject and described:
        yield "term", f"What {match.groupdict().get('verb', 'is')} {subject} called?"


def meanings(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask what a code or a sign means."""
    match = re.match(r"(?P<sign>`[^`]+`|The (?:word|term|phrase|option|command|field) [^,;:]{2,40}?) means ", text)
    if match:
        yield "definition", f"What does {match['sign'][0].lower() + match['sign'][1:]} mean?"


def subjects(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask for the subject of a sentence: "What stores every code point in one 32-bit unit?"."""
    clause = parse(text)
    if clause is None or clause.auxiliary or clause.plural or " " in clause.verb or not clause.verb.endswith("s"):
        return
    predicate = re.split(r"[,;:] | (?:because|so|but) | and (?=\w+s (?:an?|the|no|its|it) )", clause.rest)[0]
    head = re.sub(r"\W", "", clause.subject.split(" ")[-1].lower())
    pronoun = re.search(r"\bnot only\b|\b(?:it|its|they|their|them|itself|one|each|same|two)\b", predicate)
    if len(predicate.split()) < 5 or pronoun or head[:5] in re.sub(r"[^\w ]", "", predicate.lower()):
        return
    if clause.verb in {"means", "comes", "happens", "runs", "ends", "goes", "stands", "lies", "begins", "remains"}:
        return
    if clause.subject.startswith("`--"):
        who = "Which option"
    elif clause.subject.startswith("`") and " " in clause.subject:
        who = "Which command"
    else:
        who = "What"
    yield "subject", f"{who} {clause.verb} {predicate}?"


def objects(text: str, casing: Casing) -> Iterator[Asked]:
    """Ask for what a sentence says of its subject: "What does a tide table list?"."""
    clause = parse(text)
    if clause is None or clause.auxiliary:
        return
    verb = clause.verb.split(" ")[-1]
    subject = casing.lower_first(clause.subject)
    if (
        subject
        and base(verb) in TELLING
        and len(clause.rest.split()) > 3
        and not re.match(r"(?:no|its|their)\b", clause.rest)
    ):
        yield "detail", f"What {'do' if clause.plural else 'does'} {subject} {base(verb)}?"
