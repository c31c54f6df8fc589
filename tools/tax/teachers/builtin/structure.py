"""Questions about what a document's form says plainly: its lists, its tables and how its sections open."""

import re
from collections.abc import Callable, Iterator, Sequence

from tax.teachers.builtin.reading import Listing, Question, Reading, Statement, Table, number, shuffled
from tax.teachers.builtin.wording import Wording
from tax.text.segments import Span, tokens

MAX_ANSWER = 150  # tokens
_BARE = frozenset(["yes", "no", "none", "是", "否", "有", "無", "無此項"])  # says nothing without its column
_POINTING = re.compile(
    r"\b(?:table|figure|list|listed|diagram|following|below|above)\b|[上下](?:表|圖|列)|如下|以下(?:列|是|為)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?P<label>[^:：.。，,;；`\"]{2,40}|`[^`]{1,40}`)(?:[:：] ?| [-–—] )(?P<text>.{12,})")
_PROCEDURE = re.compile(
    r"\b(?:steps?|procedure|process|how to|instructions?|recipe)\b|步驟|流程|程序|動作|做法", re.IGNORECASE
)
_HANGING = re.compile(r"(?:This|These|It|They|That|Such|Here|We|In this|There)\b|[這此其它本我]")


def list_questions(
    reading: Reading, wording: Wording, asked: Callable[[str, Reading], tuple[str, ...]]
) -> Iterator[Question]:
    """Yield what each list answers; `asked` makes questions of the line that introduces a list."""
    for listing in reading.lists:
        if any(_HANGING.match(text) for text in listing.texts):
            continue
        yield from _labels(listing, reading, wording)
        if sum(len(tokens(text)) for text in listing.texts) > MAX_ANSWER:
            continue
        place = {"title": reading.title, "heading": listing.heading}
        lone = _placed(place) and sum(other.heading == listing.heading for other in reading.lists) == 1
        procedure = listing.ordered and _PROCEDURE.search(f"{listing.intro} {listing.heading}")
        general = wording.steps if procedure else wording.listing
        own = asked(listing.intro, reading)
        wordings = own or tuple(form.format(**place) for form in general if lone and listing.opens)
        if wordings and listing.whole:
            yield Question("list", shuffled(wordings, listing.intro), _items(listing), listing.span)
        if procedure and lone:
            yield _step(listing, place, wording)


def _items(listing: Listing) -> str:
    marks = [f"{index}." if listing.ordered else "-" for index in range(1, len(listing.items) + 1)]
    return "\n".join(f"{mark} {text}" for mark, text in zip(marks, listing.texts, strict=True))


def _step(listing: Listing, place: dict[str, str], wording: Wording) -> Question:
    at = number(listing.texts[0]) % (len(listing.items) - 1)
    step, (following, span) = listing.texts[at], listing.items[at + 1]
    forms = [form.format(**place, step=step) for form in wording.after_step]
    return Question("list", shuffled(forms, step), following, span)


def _labels(listing: Listing, reading: Reading, wording: Wording) -> Iterator[Question]:
    """Ask what items say that are set off as "label: text", where all of a list are."""
    place = {"title": reading.title, "heading": listing.heading}
    matches = [(_LABEL.fullmatch(text), span) for text, span in listing.items]
    if not _placed(place) or not all(match for match, _ in matches):
        return
    for match, span in matches:
        if match:
            forms = [form.format(**place, label=match["label"]) for form in wording.labelled]
            text = match["text"]
            yield Question("list", shuffled(forms, text), text[0].upper() + text[1:], span)


def table_questions(reading: Reading, wording: Wording) -> Iterator[Question]:
    """Yield look-ups in each table whose first column names its rows."""
    for table in reading.tables:
        keys = [row[0] for row, _ in table.rows]
        if not reading.title or not table.heading or len(set(keys)) < len(keys) or not all(keys):
            continue
        place = {"title": reading.title, "heading": table.heading, "first": table.columns[0]}
        for row, span in table.rows:
            question = _row(table, row, span, place, wording)
            if question:
                yield question


def _row(table: Table, row: tuple[str, ...], span: Span, place: dict[str, str], wording: Wording) -> Question | None:
    """Ask one thing about a row: for one of its cells, for whose cell it is, or for all of them."""
    values = [
        (name, value) for name, value in zip(table.columns[1:], row[1:], strict=True) if value not in {"", "-", "—"}
    ]
    if not values:
        return None
    key = row[0] if re.search(r"[^\W\d_]", row[0]) else f"{table.columns[0]} = {row[0]}"
    seed = number("".join(row))
    column, value = values[seed % len(values)]
    names = {
        **place,
        "column": column,
        "value": value,
        "key": key if key.startswith("`") else wording.quote.format(key),
    }
    index = table.columns.index(column)
    lone = sum(other[index] == value for other, _ in table.rows) == 1
    if len(values) > 1 and (seed % 3 == 0 or value.lower() in _BARE):
        cells = "\n".join(f"- {name}{wording.colon}{value}" for name, value in values)
        forms, answer = wording.row, f"{key}{wording.colon.rstrip()}\n{cells}"
    elif seed % 3 == 1 and lone and len(value) > 3:
        forms, answer = wording.key, wording.key_answer.format(column=column, key=key, value=value.rstrip(".。"))
    else:
        forms, answer = wording.cell, wording.cell_answer.format(column=column, key=key, value=value.rstrip(".。"))
    return Question("table", shuffled([form.format(**names) for form in forms], key), answer, span)


def opening_questions(reading: Reading, wording: Wording) -> Iterator[Question]:
    """Ask how a section opens; the answer is its first paragraph, or as much of it as is short."""
    for heading, start, said in reading.openings:
        place = {"title": reading.title, "heading": heading}
        if not _placed(place) or _HANGING.match(said[0][0]):
            continue
        taken: list[str] = []
        end = start
        for text, span in said:
            if (
                sum(len(tokens(each)) for each in [*taken, text]) > MAX_ANSWER // 2
                or text.endswith((":", "："))
                or _POINTING.search(text)
            ):
                break
            taken.append(text)
            end = span
        if taken and len(tokens(" ".join(taken))) > 15:
            forms = [form.format(**place) for form in wording.opening]
            joined = ("" if wording.stop == "。" else " ").join(taken)
            yield Question("section", shuffled(forms, heading), joined, Span(start.start, end.end))


def profile_questions(
    reading: Reading, known: Sequence[Statement], defined: Callable[[str], str | None], wording: Wording
) -> Iterator[Question]:
    """Ask for all that a paragraph says of a term that it defines: that sentence and those after it about the term."""
    for at, first in enumerate(known):
        term = defined(first.text)
        if term is None or not reading.title:
            continue
        bare = _bare(term)
        run = [first]
        for each in known[at + 1 :]:
            if (
                each.paragraph != first.paragraph
                or each.index != run[-1].index + 1
                or not _bare(each.text).startswith(bare)
            ):
                break
            run.append(each)
        if len(run) > 1 and sum(len(tokens(each.text)) for each in run) <= MAX_ANSWER:
            shown = (
                term if term[:1].islower() or not term.startswith(("A ", "An ", "The ")) else term[0].lower() + term[1:]
            )
            forms = [form.format(title=reading.title, term=shown) for form in wording.profile]
            joined = ("" if wording.stop == "。" else " ").join(each.text for each in run)
            yield Question("profile", shuffled(forms, term), joined, Span(first.span.start, run[-1].span.end))


def _bare(text: str) -> str:
    return re.sub(r"^(?:an?|the) ", "", text.lower())


def _placed(place: dict[str, str]) -> bool:
    return bool(place["title"] and place["heading"] and place["title"] != place["heading"])
