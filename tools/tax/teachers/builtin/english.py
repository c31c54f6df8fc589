"""Questions that an English sentence answers, each family by its own strict pattern; the answer is the sentence."""

import re
from collections.abc import Callable, Iterator, Sequence

from tax.teachers.builtin import english_figures, english_reasons, english_terms
from tax.teachers.builtin.grammar import Asked, Casing, Clause, invert, parse
from tax.teachers.builtin.reading import Question, Reading, Statement, shuffled
from tax.teachers.builtin.standing import needs_title, stands_alone, statement

Family = Callable[[str, Casing], Iterator[Asked]]

FAMILIES: tuple[Family, ...] = (
    english_terms.definitions,
    english_terms.ranked,
    english_terms.named,
    english_terms.meanings,
    english_terms.subjects,
    english_terms.objects,
    english_reasons.causes,
    english_reasons.effects,
    english_reasons.conditions,
    english_reasons.ways,
    english_figures.dates,
    english_figures.quantities,
    english_figures.measures,
)


def statements(reading: Reading) -> list[Statement]:
    """Return the sentences of a chunk that can be asked about by themselves."""
    found = []
    for index, sentence in enumerate(reading.sentences):
        text = statement(sentence.text)
        if text is None or sentence.in_example or not stands_alone(text, reading):
            continue
        if sentence.kind == "item" and parse(text.rstrip(".")) is None:
            continue  # a phrase or an order, which hangs on the list's first line
        found.append(Statement(text, sentence.span, sentence.paragraph, index))
    return found


def questions(reading: Reading, known: Sequence[Statement]) -> Iterator[Question]:
    """Yield what can be asked about single statements."""
    casing = Casing(each.text for each in reading.sentences)
    for each in known:
        for family in FAMILIES:
            for name, *asked in family(each.text.rstrip("."), casing):
                wordings = [wording for question in asked for wording in titled(question, name, reading.title)]
                yield Question(name, shuffled(wordings, each.text), each.text, each.span)


def titled(question: str, family: str, title: str) -> tuple[str, ...]:
    """Return a question in wordings that name the document, where the question says too little of its subject."""
    telling = family == "definition" and re.search(
        r"\b(?:is|by|are) (?:an? )?\w+ \w+(?: defined)?\?|\w{10}|[A-Z0-9`]", question[8:]
    )
    alone = family == "term" or (telling and " the " not in question)
    if not title or alone or not needs_title(question, title):
        return (question,)
    quoted = '"' + title.replace('"', "'") + '"'
    inside = question[0].lower() + question[1:]
    if not question.endswith("?"):
        return (f"Following {quoted}, {inside}",)
    return (
        f"According to {quoted}, {inside}",
        f"{question[:-1]}, according to {quoted}?",
        f"As described in {quoted}, {inside}",
        f"Going by {quoted}, {inside}",
    )


_NUMBER_WORD = r"(?:two|three|four|five|six|seven|eight|nine|ten|several|some|a few|many)"
_OBJECT = re.compile(rf"(?P<count>{_NUMBER_WORD}) (?P<noun>[^,;:]{{4,60}})")
_MANNER = re.compile(
    r"(?P<rest>.*?) ?\b(?P<word>in|by|with|into|for) "
    rf"(?P<count>these|the following|{_NUMBER_WORD}) (?P<noun>[a-z -]{{4,40}})"
)


def list_intro(intro: str, reading: Reading) -> tuple[str, ...]:
    """Return the questions that the first line of a list gives rise to."""
    line = intro.rstrip(":.")
    if re.match(r"(?:These|This|They|It|Such) |\w+ more ", line) or len(line) > 160:
        return ()
    following = re.match(r"(?:The|These) following (?P<rest>[a-z].+)", line)
    counted = (
        re.match(rf"(?P<count>{_NUMBER_WORD}) (?P<rest>[a-z].+)", line, re.IGNORECASE) if intro.endswith(":") else None
    )
    question = None
    if following:
        question = f"Which {following['rest']}?"
    elif counted:
        question = f"Which {_counted(counted['count'], counted['rest'])}?"
    elif stands_alone(line + ".", reading):
        question = _list_question(line, Casing(each.text for each in reading.sentences))
    return titled(question, "list", reading.title) if question else ()


def _list_question(line: str, casing: Casing) -> str | None:
    clause = parse(line)
    if clause is None:
        return None
    alike = re.fullmatch(r"(?P<rest>.*?),? (?:like this|as follows)", clause.rest)
    if alike:
        return invert(Clause(clause.subject, clause.auxiliary, clause.verb, alike["rest"]), casing, "How")
    manner = _MANNER.fullmatch(clause.rest)
    if manner:
        lead = f"{manner['word'].capitalize()} which {_counted(manner['count'], manner['noun'])}"
        return invert(Clause(clause.subject, clause.auxiliary, clause.verb, manner["rest"]), casing, lead)
    match = _OBJECT.fullmatch(clause.rest)
    if match and not clause.auxiliary:
        lead = f"Which {_counted(match['count'], match['noun'])}"
        return invert(Clause(clause.subject, "", clause.verb, ""), casing, lead)
    return None


def _counted(count: str, noun: str) -> str:
    kept = count.lower() not in {"several", "some", "a few", "many", "these", "the following"}
    return f"{count.lower()} {noun}" if kept else noun
