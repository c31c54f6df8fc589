"""Cloze, and true or false with exactly one altered figure: what a statement's numbers and terms allow to ask."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tax.teachers.builtin.lexicon import words
from tax.teachers.builtin.reading import Question, Reading, Statement, number, shuffled
from tax.teachers.builtin.wording import Wording
from tax.text.prose import CODE

BLANK = "_____"
_UNIT = (
    r" ?(?:%|°[CF]|(?:per cent|percent)\b| [a-z][a-z-]*"
    r"| (?:km|m|cm|mm|kg|g|mg|MW|GWh|kWh|Hz|kHz|MHz|GB|MB|KB|s)\b(?:/[a-z]+)?)"
)
_MEASURE = (
    r"多?(?:公里|公尺|公分|公釐|公克|公斤|公升|毫升|平方公里|小時|分鐘|秒|年|天|人|倍|戶|棟|座|次|條|個|歲|元|度|%|gal)"
)
_FIGURE = re.compile(
    r"(?<![\w+#.,:/@`\-−–^*{(])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?P<scale> (?:million|billion|trillion))?(?:(?P<unit>{_UNIT})|(?P<measure>{_MEASURE}))"
)
_YEAR = re.compile(
    r"\b(?:in|of|since|until|by|January|February|March|April|May|June|July|August|September|October|November|December)"
    r" (?P<number>1\d{3}|20[0-4]\d)\b(?! [a-z]+s\b)(?!年)"
)
_NO_UNIT = words(
    """
    to and or of in at on by for with from as is are was were has have had than per the a an it that which because
    when if so but not plus minus times each more most ago
    """
)
_NAME = re.compile(r"(?<=[a-z,] )(?!I\b)[A-Z][a-zéüö]+(?:[ -][A-Z][a-zéüö]+)+(?![\w-]| [#\d])")


@dataclass(frozen=True)
class Figure:
    """A number in a statement, and the kind of thing that it counts."""

    start: int
    end: int
    text: str
    kind: str
    value: float


def figures(text: str) -> list[Figure]:
    """Return the numbers that carry a unit, and the years; code and ranges are left alone."""
    hidden = CODE.sub(lambda code: "`" * len(code[0]), text)
    found = []
    for match in _FIGURE.finditer(hidden):
        unit = (match["unit"] or match["measure"] or "").strip().removeprefix("多")
        after = hidden[match.end() : match.end() + 4]
        if unit in _NO_UNIT or after.startswith((" (", "（")) or _inside(hidden, match.start()):
            continue  # a figure that is given again in other units
        if after.startswith((" to ", "到", "至")) or hidden[: match.start()].endswith((" to ", "到", "至")):
            continue  # an end of a range
        end = match.end("scale") if match["scale"] else match.end("number")
        kind = (
            "calendar" if unit == "年" and re.fullmatch(r"1\d{3}|20\d\d", match["number"]) else unit.removesuffix("s")
        )
        found.append(_figure(text, match.start(), end, kind + (match["scale"] or "")))
    for match in _YEAR.finditer(hidden):
        found.append(_figure(text, match.start("number"), match.end("number"), "calendar"))
    return sorted(found, key=lambda figure: figure.start)


def _inside(text: str, at: int) -> bool:
    return text.count("(", 0, at) > text.count(")", 0, at) or text.count("（", 0, at) > text.count("）", 0, at)


def _figure(text: str, start: int, end: int, kind: str) -> Figure:
    digits = re.match(r"[\d,.]+", text[start:end])
    value = float(digits[0].replace(",", "").rstrip(".")) if digits else 0.0
    return Figure(start, end, text[start:end], kind, value)


def truth_questions(reading: Reading, statements: Sequence[Statement], wording: Wording) -> Iterator[Question]:
    """Yield true or false about statements with figures; a false one takes its figure from elsewhere in the chunk."""
    known = [(figure, each.text) for each in statements for figure in figures(each.text)]
    for each in statements:
        text = each.text
        own = [figure for figure in figures(text) if text.count(figure.text) == 1]
        if not own:
            continue
        asked, answer = text, wording.true
        if number(text) % 2:
            altered = _altered(text, own, [figure for figure, other in known if other != text])
            if altered is None:
                continue
            asked, answer = altered, wording.false.format(statement=text)
        yield Question("truth", _filled(wording.truth, asked, reading.title), answer, each.span)


def _altered(text: str, own: Sequence[Figure], others: Sequence[Figure]) -> str | None:
    for figure in shuffled(own, text):
        fitting = [
            other
            for other in others
            if other.kind == figure.kind and other.text not in text and _differs(figure.value, other.value, figure.kind)
        ]
        if fitting:
            other = shuffled(fitting, text)[0]
            return text[: figure.start] + other.text + text[figure.end :]
    return None


def _differs(a: float, b: float, kind: str) -> bool:
    return a != b if kind == "calendar" else abs(a - b) > 0.1 * max(a, b) and max(a, b) <= 1000 * max(min(a, b), 1e-9)


def cloze_questions(
    reading: Reading, statements: Sequence[Statement], terms: Sequence[str], wording: Wording
) -> Iterator[Question]:
    """Yield statements with a figure, a name or a term taken out; the answer is the whole statement."""
    for each in statements:
        text = each.text
        spans = [(figure.start, figure.end) for figure in figures(text)]
        spans += [match.span() for match in _NAME.finditer(text)]
        spans += [match.span() for match in CODE.finditer(text) if match.start() and len(match[0]) > 5]
        for term in terms:
            at = text.find(term, 1)
            if at > 0 and not text[at - 1].isalnum() and len(term) > 3:
                spans.append((at, at + len(term)))
        single = [(start, end) for start, end in spans if text.count(text[start:end]) == 1]
        if single:
            start, end = shuffled(sorted(set(single)), text)[0]
            blanked = text[:start] + BLANK + text[end:]
            yield Question("cloze", _filled(wording.cloze, blanked, reading.title), text, each.span)


def _filled(templates: Sequence[str], statement: str, title: str) -> tuple[str, ...]:
    usable = [template for template in templates if title or "{title}" not in template]
    quoted = statement.rstrip("。")
    return shuffled([each.format(statement=statement, quoted=quoted, title=title) for each in usable], statement)
