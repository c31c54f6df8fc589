"""Whether an English sentence stands alone: it names what it speaks of and hangs on no sentence before it."""

import re

from tax.teachers.builtin.grammar import parse
from tax.teachers.builtin.lexicon import COMMON, FAMILIAR, GENERIC
from tax.teachers.builtin.reading import Reading
from tax.text.segments import tokens


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_CONNECTIVE = re.compile(
    r"(?:However|Moreover|Furthermore|Therefore|Thus|Hence|Consequently|Nevertheless|Nonetheless|Similarly|Likewise"
    r"|Additionally|In addition|In fact|Indeed|As a result|For this reason|In practice|In general|Of course|Note that)"
    r",? (?=\w)"
)
_INSERTED = re.compile(r",? (?:therefore|however|moreover|consequently|nevertheless|thus|hence)\b,?")
# How a sentence begins that leans on the one before it.
_FIRST = _any(
    r"(?:its?|this|these|those|that|they|them|theirs?|he|she|his|hers?|him|we|our|i|my|you|your|such|here|both)\b",
    r"(?:another|others?|neither|either|so|but|and|or|yet|nor|then|again|also|instead|otherwise|still|too|as before)\b",
    r"there\b(?! (?:is|are|was|were) )",
    r"(?:some of|(?:at least )?one of|each of|all of|none of|\w+ more|only then|at first|in turn|even so)\b",
    r"(?:by contrast|in contrast|on the other hand|in other words|in particular|another way)\b",
    r"the (?:other|latter|former|same|following|above|next|previous|first line|original|idea|answer|case)\b",
    r"the (?:two|three|four|five)\b(?!-)",
    r"an? (?:longer|shorter|larger|smaller|higher|lower|better|similar|second|third|later|earlier|further)\b",
    r"an? (?:different|new|final)\b",
    r"(?:in|at|on|of|for|from|by|with|to|after|before|under|during|as|if|when|because|without|unlike|like)"
    r" (?:this|that|these|those|such|it|them|the same|other)\b",
)
# What, anywhere, points out of the sentence.
_ANYWHERE = _any(
    r"\b(?:this|these|aforementioned|mentioned|latter|former|following|otherwise|likewise|here|we|our|us|me)\b",
    r"(?<!, and )(?<!; )\bsuch (?!as\b)|\bfor such\b|(?<!and )(?<!were )\bthen\b",
    r"\binstead\b(?! of)|\bas well\b(?! as)|\btoo[,.]|\bfurther\.|\bas (?:follows|noted|said)\b",
    r"\b(?:above|below)(?:[,.;)]|$)",
    r"\b(?:listed|shown|given|described|discussed|see|table|figure|section) (?:above|below)\b",
    r"\bthe (?:table|figure|diagram|chapter|section|passage|text|example|previous|preceding|matching)\b",
    r"\bthe same (?!moment|time|place|size)(?!.*\bas\b)",
    r"\bthat (?:system|protection|way|case|time|day|year|state|kind|point|process|period|method|value|number)\b",
    r"\bthat (?:place|name|word|rule|form|range|level|area|moment|limit|order|sense|reason|branch|date)\b",
    r"\b(?:figure|table|fig\.|section|chapter|appendix|equation|eq\.) \(?\d",
    r"\b(?:two|three|four|several) others?\b",
)
_LATE_SUBJECT = re.compile(
    r"(?:In|On|At|With|For|From|During|After|Before|Under|By|If|When|Once) [^,]{3,60}?,? the (?P<noun>[a-z]+) "
    r"(?:is|are|was|were|must|can|should|may|has|have)\b"
)
_STRAY = re.compile(r"http|\||\*\*|__|^\d+\. |^[A-Z][a-z]+s (?:an?|the|whether|if|how|that) ")  # marks; no subject
_ANCHOR = re.compile(
    r"\b(?:of|for|in|from|between|that|which|whose|at|to|with|on|against|by)\b|[A-Z][a-z]|[A-Z]{3}|[0-9`]"
)
_MIN_WORDS, _MAX_WORDS = 6, 50


def statement(sentence: str) -> str | None:
    """Return the sentence without its connectives; None where it is no statement of a sensible length."""
    text = _CONNECTIVE.sub("", sentence, count=1) if _CONNECTIVE.match(sentence) else sentence
    text = _INSERTED.sub("", text)
    text = text[0].upper() + text[1:] if text[0].islower() and text is not sentence else text
    if not text.endswith(".") or not (text[0].isupper() or text[0] in "`0123456789"):
        return None
    if not _MIN_WORDS <= len(text.split(" ")) <= _MAX_WORDS or _STRAY.search(text):
        return None
    return text


def stands_alone(text: str, reading: Reading) -> bool:
    """Tell whether a statement can be read without the text around it."""
    if _FIRST.match(text) or _ANYWHERE.search(text):
        return False
    late = _LATE_SUBJECT.match(text)
    if late and not _known(late["noun"], reading):
        return False
    inner = re.sub(
        r"^(?:If|When|Once|In|On|At|With|For|From|By|During|After|Before|Because|Since|Although|While) ", "", text
    )
    return not _bare_definite(inner[0].upper() + inner[1:], reading)


def _bare_definite(text: str, reading: Reading) -> bool:
    """Tell whether a text opens with "the" and a noun that nothing in the sentence or the headings explains."""
    if not text.startswith("The "):
        return False
    clause = parse(text.rstrip("."))
    subject = clause.subject if clause else " ".join(text.split(" ")[:8])
    words = subject.removeprefix("The ").split(" ")
    if _ANCHOR.search(" ".join(words)):
        return False
    if any(word.lower() in GENERIC for word in words):
        return True
    if (
        clause
        and clause.auxiliary in {"is", "are"}
        and re.match(r"(?:an?|the) ", clause.rest)
        and len(clause.rest.split()) > 6
    ):
        return False  # the sentence says itself what the noun is
    return not any(_known(word, reading) for word in words[-2:])


def _known(word: str, reading: Reading) -> bool:
    return word.strip(",").lower() in FAMILIAR or word.strip(",").lower() in reading.topics


def needs_title(question: str, title: str) -> bool:
    """Tell whether a question shares no telling word with the title, so that the title must be named."""
    telling = {_stem(word) for word in tokens(title) if len(word) > 2 and word not in COMMON}
    return not telling & {_stem(word) for word in tokens(question)}


def _stem(word: str) -> str:
    return word.removesuffix("s")[:6]
