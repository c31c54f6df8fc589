"""Numbers in running text, by value, however a language writes them.

A number has several possible values where its writing is ambiguous: 1.200 is 1.2 or 1,200; in `3 million` it is 3, with
a word that may be translated by itself, or 3,000,000; 三點五 is 3.5, or five minutes after three.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

MAX_WRITTEN = 60  # characters; a longer run of digits has no value here

_TEN = ("〇零", "一壹", "二貳贰兩两", "三參叁", "四肆", "五伍", "六陸陆", "七柒", "八捌", "九玖")
_DIGITS = {character: value for value, characters in enumerate(_TEN) for character in characters}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_SCALES = {"萬": 10**4, "万": 10**4, "億": 10**8, "亿": 10**8, "兆": 10**12}
_WORDS = {"k": 10**3, "thousand": 10**3, "tausend": 10**3, "mille": 10**3, "mil": 10**3, "hundred": 100}
_WORDS |= dict.fromkeys(["m", "mio", "million", "millions", "millionen", "millón", "millones"], 10**6)
_WORDS |= dict.fromkeys(["bn", "mrd", "billion", "milliarden", "milliards"], 10**9) | {"trillion": 10**12}

_DECIMAL_COMMA = set("bg cs da de el es fi fr hu id it nl no pl pt ro ru sv tr uk vi".split())
_HAN = "".join([*_DIGITS, *_UNITS, *_SCALES])
_GROUPED = r"\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?"
_NUMBER = re.compile(
    rf"(?P<digits>{_GROUPED}|\d+(?:[.,]\d+)*)"
    rf"(?:[ \u00a0]?(?P<scale>[百千{''.join(_SCALES)}]+)|[ \u00a0-]?(?P<word>[^\W\d_]{{1,10}})\b)?"
    rf"|(?P<han>[{_HAN}]+(?:點[{''.join(_DIGITS)}]+)?)"
)


@dataclass(frozen=True)
class Number:
    """A number as it is written, and the values that it may have."""

    written: str
    values: frozenset[Decimal]
    in_digits: bool


def numbers(text: str, language: str = "") -> list[Number]:
    """Return the numbers of a text, in order. Full-width digits, and those of other scripts, count as digits.

    `language` (a BCP 47 tag) says which mark begins decimals; without it, 1.200 may be either.
    """
    point = "" if not language else "," if language.lower().partition("-")[0] in _DECIMAL_COMMA else "."
    folded = "".join(_folded(character) for character in text)
    found = []
    for match in _NUMBER.finditer(folded):
        written = match["digits"] or match["han"]
        if len(written) <= MAX_WRITTEN:
            values = frozenset(_with_scale(match, point) if match["digits"] else _han(written))
            found += [Number(written, values, bool(match["digits"]))] if values else []
    return found


def _folded(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return str(digit) if digit is not None else {"．": ".", "٫": ".", "٬": ","}.get(character, character)


def _with_scale(match: re.Match[str], point: str) -> Iterator[Decimal]:
    scale = _WORDS.get((match["word"] or "").lower(), 1)
    for character in match["scale"] or "":
        scale *= _SCALES.get(character) or _UNITS[character]
    for value in _digits(match["digits"], point):
        yield value
        yield value * scale


def _digits(written: str, point: str) -> Iterator[Decimal]:
    """Yield the values of digits with marks between them: a mark groups thousands, or begins the decimals (`point`)."""
    marks = [character for character in written if not character.isdigit()]
    parts = re.split(r"\D", written)
    if not marks:
        yield Decimal(written)
        return
    if len(set(marks)) == 1 and marks[0] != point and len(parts[0]) <= 3 and all(len(part) == 3 for part in parts[1:]):
        yield Decimal("".join(parts))
    if marks[-1] in (point or ".,") and (len(marks) == 1 or marks[-1] not in marks[:-1]):
        yield Decimal("".join(parts[:-1]) + "." + parts[-1])
    if " " in marks:  # 10 100, which may be two numbers
        yield Decimal(parts[0])


def _han(written: str) -> Iterator[Decimal]:
    """Yield the values of Chinese numerals: 三百零五, 二〇二六, 一萬二千, 三點五."""
    whole, point, decimals = written.partition("點")
    digits = "".join(str(_DIGITS[character]) for character in whole if character in _DIGITS)
    if len(digits) < len(whole):
        value = Decimal(_read(whole))
    elif digits:
        value = Decimal(digits)
    else:
        return
    yield value
    if len(digits) == len(whole) <= 3:  # 二三 is also two or three
        yield from (Decimal(digit) for digit in digits)
    if point:
        after = "".join(str(_DIGITS[character]) for character in decimals)
        yield from (Decimal(after), Decimal(f"{value}.{after}"))


def _read(written: str) -> int:
    """Return the value of numerals with units: 一億二千三百萬四千五 (the last five are hundreds)."""
    total = section = digit = 0
    unit = 1
    for character in written:
        if character in _DIGITS:
            digit = _DIGITS[character]
            continue
        if character in _UNITS:
            unit = _UNITS[character]
            section += (digit or 1) * unit
        else:
            unit = _SCALES[character]
            total = (total + section + digit or 1) * unit if total < unit else total + (section + digit) * unit
            section = 0
        digit = 0
    short = unit > 10 and digit and written[-2] not in "〇零"
    return total + section + (digit * unit // 10 if short else digit)
