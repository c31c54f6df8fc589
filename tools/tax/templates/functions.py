"""What expressions can do to values: the operators, the comparisons and the functions, each bounded.

Everything here raises ExpressionError for values that it cannot take. docs/problem-templates.md lists it all
for contributors; a test keeps that list whole.
"""

import ast
import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tax.templates.values import (
    MAX_BITS,
    MAX_DECIMALS,
    MAX_LIST,
    MAX_TEXT,
    ExpressionError,
    Scalar,
    Value,
    described,
    items,
    list_of,
    number,
    rendered,
    rounded,
    same,
    sequence,
    text,
    whole,
)


@dataclass(frozen=True)
class Function:
    """A function of expressions: how it is written, what it computes, and how many arguments it takes."""

    usage: str
    compute: Callable[..., Value]
    least: int = 1
    most: int = 1


def _add(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        raise ExpressionError(
            f"{described(left)} and {described(right)} cannot be joined; turn both into text with str"
        )
    return number(left) + number(right)


def _times(left: Value, right: Value) -> Value:
    if isinstance(right, str | list):
        left, right = right, left
    if isinstance(left, str | list):
        times = whole(right)
        if times * len(left) > MAX_TEXT:
            raise ExpressionError(f"{described(left)} is repeated {times:,} times, which is too long")
        return left * times
    return number(left) * number(right)


def _divided(operation: Callable[[Fraction, Fraction], Fraction | int]) -> Callable[[Value, Value], Value]:
    def compute(left: Value, right: Value) -> Value:
        dividend, divisor = number(left), number(right)
        if divisor == 0:
            raise ExpressionError(f"{described(left)} is divided by zero")
        return Fraction(operation(dividend, divisor))

    return compute


def _power(left: Value, right: Value) -> Value:
    base, exponent = number(left), whole(right)
    if base == 0 and exponent < 0:
        raise ExpressionError(f"0 cannot be raised to the power {exponent}")
    size = max(abs(base.numerator), base.denominator)
    if abs(exponent) * (size.bit_length() - 1) > MAX_BITS:
        raise ExpressionError(f"{described(left)} to the power {exponent:,} has too many digits")
    return Fraction(base**exponent)


def _ordered(operation: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def compute(left: Value, right: Value) -> bool:
        if type(left) is not type(right) or not isinstance(left, Fraction | str):
            raise ExpressionError(f"{described(left)} and {described(right)} have no order")
        return operation(left, right)

    return compute


def _contains(left: Value, right: Value) -> bool:
    if isinstance(right, str) and isinstance(left, str):
        return left in right
    if isinstance(right, list):
        return any(same(left, item) for item in right)
    raise ExpressionError(f"{described(left)} cannot be looked for in {described(right)}")


OPERATORS: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: _add,
    ast.Sub: lambda left, right: number(left) - number(right),
    ast.Mult: _times,
    ast.Div: _divided(operator.truediv),
    ast.FloorDiv: _divided(operator.floordiv),
    ast.Mod: _divided(operator.mod),
    ast.Pow: _power,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: same,
    ast.NotEq: lambda left, right: not same(left, right),
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: _contains,
    ast.NotIn: lambda left, right: not _contains(left, right),
}


def _several(values: tuple[Value, ...]) -> list[Scalar]:
    """The items of the one list that was given, or else the values themselves; never none."""
    several = items(values[0]) if len(values) == 1 else list_of(values)
    if not several:
        raise ExpressionError("the list is empty")
    return several


def _sorted(values: Iterable[Scalar]) -> list[Scalar]:
    several = list(values)
    numbers = [value for value in several if isinstance(value, Fraction)]
    texts = [value for value in several if isinstance(value, str)]
    if len(several) not in (len(numbers), len(texts)):
        raise ExpressionError("only numbers, or only texts, can be put in order")
    return [*sorted(numbers), *sorted(texts)]


def _total(values: Value) -> Fraction:
    total = Fraction(0)
    for value in items(values):
        total += number(value)
        if total.denominator.bit_length() > MAX_BITS:
            raise ExpressionError("the sum has a denominator of more than 38 digits, which is the limit")
    return total


def _round(value: Value, decimals: Value = Fraction(0)) -> Fraction:
    places = whole(decimals)
    if abs(places) > MAX_BITS // 4:
        raise ExpressionError(f"{places:,} decimals are too many to round to")
    scale = Fraction(10) ** places
    return rounded(number(value) * scale) / scale


def _sqrt(value: Value) -> Fraction:
    square = number(value)
    if square < 0:
        raise ExpressionError(f"{described(value)} is negative and has no square root")
    root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
    if root * root != square:
        raise ExpressionError(f"{described(value)} has no exact square root", "draw the root, and square it")
    return root


def _common(operation: Callable[..., int]) -> Callable[..., Fraction]:
    def compute(*values: Value) -> Fraction:
        result = 0 if operation is math.gcd else 1
        for value in _several(values):
            result = operation(result, whole(value))
            if result.bit_length() > MAX_BITS:
                raise ExpressionError("the result has more than 38 digits, which is the limit")
        return Fraction(result)

    return compute


def _range(*bounds: Value) -> list[Scalar]:
    numbers = range(*map(whole, bounds)) if len(bounds) < 3 or whole(bounds[2]) else None
    if numbers is None:
        raise ExpressionError("the step of a range cannot be 0")
    first = numbers[: MAX_LIST + 1]
    if len(first) > MAX_LIST:
        raise ExpressionError(f"this range has more than {MAX_LIST} numbers, which is the limit")
    return [Fraction(value) for value in first]


def _join(separator: Value, values: Value) -> str:
    parts = [rendered(item) for item in items(values)]
    if sum(map(len, parts)) + len(text(separator)) * len(parts) > 2 * MAX_TEXT:
        raise ExpressionError(f"the joined text has more than {MAX_TEXT:,} characters, which is the limit")
    return text(separator).join(parts)


def _replace(value: Value, old: Value, new: Value) -> str:
    times = text(value).count(text(old))
    if times * len(text(new)) > MAX_TEXT:
        raise ExpressionError(f"the new text has more than {MAX_TEXT:,} characters, which is the limit")
    return text(value).replace(text(old), text(new))


def _count(values: Value, wanted: Value) -> Fraction:
    if isinstance(values, str):
        return Fraction(values.count(text(wanted)))
    return Fraction(sum(same(value, wanted) for value in items(values)))


def _index(values: Value, wanted: Value) -> Fraction:
    if isinstance(values, str):
        place = values.find(text(wanted))
    else:
        place = next((place for place, value in enumerate(items(values)) if same(value, wanted)), -1)
    if place < 0:
        raise ExpressionError(f"{described(wanted)} is not in {described(values)}")
    return Fraction(place)


def _truths(values: Value) -> list[bool]:
    truths = [value for value in items(values) if isinstance(value, bool)]
    if len(truths) < len(items(values)):
        raise ExpressionError("the list holds more than True and False", "compare, as in [n > 3 for n in numbers]")
    return truths


def _fixed(value: Value, decimals: Value) -> str:
    if not 0 <= whole(decimals) <= MAX_DECIMALS:
        raise ExpressionError(f"a number is written with 0 to {MAX_DECIMALS} decimals, not {whole(decimals):,}")
    return rendered(value, whole(decimals))


def _digits(value: Value) -> list[Scalar]:
    return [Fraction(int(digit)) for digit in str(abs(whole(value)))]


FUNCTIONS: dict[str, Function] = {
    "abs": Function("abs(number)", lambda value: abs(number(value))),
    "all": Function("all(list)", lambda values: all(_truths(values))),
    "any": Function("any(list)", lambda values: any(_truths(values))),
    "capitalize": Function("capitalize(text)", lambda value: text(value)[:1].upper() + text(value)[1:]),
    "ceil": Function("ceil(number)", lambda value: Fraction(math.ceil(number(value)))),
    "count": Function("count(text or list, part)", _count, 2, 2),
    "digits": Function("digits(number)", _digits),
    "fixed": Function("fixed(number, decimals)", _fixed, 2, 2),
    "floor": Function("floor(number)", lambda value: Fraction(math.floor(number(value)))),
    "gcd": Function("gcd(number, number) or gcd(list)", _common(math.gcd), 1, 9),
    "index": Function("index(text or list, part)", _index, 2, 2),
    "join": Function("join(separator, list)", _join, 2, 2),
    "lcm": Function("lcm(number, number) or lcm(list)", _common(math.lcm), 1, 9),
    "len": Function("len(text or list)", lambda value: Fraction(len(sequence(value)))),
    "lower": Function("lower(text)", lambda value: text(value).lower()),
    "max": Function("max(number, number) or max(list)", lambda *values: _sorted(_several(values))[-1], 1, 9),
    "min": Function("min(number, number) or min(list)", lambda *values: _sorted(_several(values))[0], 1, 9),
    "range": Function("range(end), range(start, end) or range(start, end, step)", _range, 1, 3),
    "replace": Function("replace(text, old, new)", _replace, 3, 3),
    "reversed": Function("reversed(text or list)", lambda value: sequence(value)[::-1]),
    "round": Function("round(number) or round(number, decimals)", _round, 1, 2),
    "sorted": Function("sorted(text or list)", lambda value: _sorted(sequence(value))),
    "sqrt": Function("sqrt(number)", _sqrt),
    "str": Function("str(value)", rendered),
    "sum": Function("sum(list)", _total),
    "unique": Function(
        "unique(list)", lambda value: list({(type(item), item): item for item in items(value)}.values())
    ),
    "upper": Function("upper(text)", lambda value: text(value).upper()),
}
