"""Values of problem templates: exact numbers, texts, True and False, lists of these, and their written form.

A list holds no list, so nothing that is built in bounded steps can be large.
"""

from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from math import isfinite

from tax.problems import excerpt

Scalar = Fraction | str | bool
Value = Scalar | list[Scalar]

MAX_BITS = 128  # of a numerator or denominator: 38 digits
MAX_TEXT = 2_000  # characters
MAX_LIST = 500  # items
MAX_DECIMALS = 12  # that are written out


class ExpressionError(Exception):
    """An expression cannot be read, or has no value; message and fix are for the contributor who wrote it."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


def exact(value: int | float | str) -> Scalar:
    """Return a number or text of a YAML file as a value: 0.1 is one tenth. Raises ExpressionError."""
    if isinstance(value, str):
        return _fitting(value)
    if isinstance(value, float) and not isfinite(value):
        raise ExpressionError(f"{value} is not a number that one can compute with")
    return _fitting(Fraction(Decimal(repr(value))) if isinstance(value, float) else Fraction(value))


def checked(value: Value) -> Value:
    """Return the value if it is within the limits. Raises ExpressionError."""
    if not isinstance(value, list):
        return _fitting(value)
    if len(value) > MAX_LIST:
        raise ExpressionError(f"the list has {len(value):,} items, and {MAX_LIST} is the limit")
    return value


def list_of(values: Iterable[Value]) -> list[Scalar]:
    """Return values as a list. Raises ExpressionError if one of them is a list."""
    items: list[Scalar] = []
    for value in values:
        if isinstance(value, list):
            raise ExpressionError("a list cannot hold another list")
        items.append(value)
    return items


def number(value: Value) -> Fraction:
    """Return the value as a number. Raises ExpressionError if it is none."""
    if not isinstance(value, Fraction):
        raise ExpressionError(f"{described(value)} stands where a number is needed")
    return value


def whole(value: Value) -> int:
    """Return the value as an integer. Raises ExpressionError if it is no whole number."""
    if number(value).denominator != 1:
        raise ExpressionError(f"{described(value)} stands where a whole number is needed")
    return number(value).numerator


def text(value: Value) -> str:
    """Return the value as text. Raises ExpressionError if it is none."""
    if not isinstance(value, str):
        raise ExpressionError(f"{described(value)} stands where a text is needed")
    return value


def sequence(value: Value) -> str | list[Scalar]:
    """Return the value as a text or list. Raises ExpressionError if it is neither."""
    if not isinstance(value, str | list):
        raise ExpressionError(f"{described(value)} stands where a text or a list is needed")
    return value


def items(value: Value) -> list[Scalar]:
    """Return the value as a list. Raises ExpressionError if it is none."""
    if not isinstance(value, list):
        raise ExpressionError(f"{described(value)} stands where a list is needed")
    return value


def same(left: Value, right: Value) -> bool:
    """Tell whether two values are equal; values of two kinds never are."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def weight(value: Value) -> int:
    """Return what handling a value costs in steps."""
    if isinstance(value, list):
        return len(value)
    return len(value) // 50 if isinstance(value, str) else 0


def described(value: Value) -> str:
    """Return a value as messages name it."""
    if isinstance(value, str):
        return f"the text '{excerpt(value, 40)}'"
    if isinstance(value, list):
        return f"the list '{excerpt(', '.join(str(item) for item in value[:20]), 40)}'"
    return f"the number {value}" if isinstance(value, Fraction) else str(value)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the words that suggest the nearest known name; nothing where none is near."""
    near = get_close_matches(name[:40], list(names), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def rounded(value: Fraction) -> int:
    """Round to a whole number, a half away from zero."""
    magnitude = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return magnitude if value >= 0 else -magnitude


def rendered(value: Value, decimals: int | None = None, grouped: bool = False) -> str:
    """Write a value out: a number exactly, or rounded to `decimals` (a half away from zero), or with commas.

    Raises ExpressionError for a number without a short exact decimal form, where no decimals are stated.
    """
    if isinstance(value, list):
        return ", ".join(rendered(item, decimals, grouped) for item in value)
    if not isinstance(value, Fraction):
        if decimals is not None or grouped:
            number(value)
        return str(value)
    places = MAX_DECIMALS if decimals is None else decimals
    scaled = value * 10**places
    if decimals is None and scaled.denominator != 1:
        message = f"{described(value)} cannot be written exactly with {MAX_DECIMALS} decimals"
        raise ExpressionError(message, "round it, as in round(x, 2)")
    units = rounded(scaled)
    integer, fraction = divmod(abs(units), 10**places)
    tail = f"{fraction:0{places}d}" if places else ""
    tail = tail.rstrip("0") if decimals is None else tail
    return ("-" if units < 0 else "") + (f"{integer:,}" if grouped else str(integer)) + (f".{tail}" if tail else "")


def _fitting(value: Scalar) -> Scalar:
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise ExpressionError("a number has more than 38 digits, which is the limit")
    elif isinstance(value, str) and len(value) > MAX_TEXT:
        raise ExpressionError(f"the text has {len(value):,} characters, and {MAX_TEXT:,} is the limit")
    return value
