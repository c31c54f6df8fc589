"""The calculator of problem templates: exact, bounded, and clear about what is wrong."""

import operator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.templates.expressions import MAX_DEPTH, MAX_LENGTH, compile_expression
from tax.templates.functions import FUNCTIONS
from tax.templates.values import MAX_LIST, MAX_TEXT, ExpressionError, Value, exact, rendered

VALUES: dict[str, Value] = {
    "n": Fraction(7),
    "half": Fraction(1, 2),
    "word": "pepper",
    "numbers": [Fraction(value) for value in (5, 3, 8, 3)],
    "names": ["Mia", "Ben", "Zoe"],
    "on": True,
    "many": [Fraction(value) for value in range(MAX_LIST)],
    "long": "a" * MAX_TEXT,
}


def value(text: str) -> Value:
    return compile_expression(text).value(VALUES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("1 / 3 * 3", 1),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("2 ** 10", 1024),
        ("2 ** -2", Fraction(1, 4)),
        ("half ** 3", Fraction(1, 8)),
        ("7 % 0.5", 0),
        ("'ab' + 'c'", "abc"),
        ("'ab' * 2", "abab"),
        ("3 * [1]", [1, 1, 1]),
        ("numbers + [1]", [5, 3, 8, 3, 1]),
        ("1 < n <= 7", True),
        ("1 < n < 7", False),
        ("n == 7 and not n != 7", True),
        ("n > 9 or on", True),
        ("'yes' if n > 5 else 'no'", "yes"),
        ("'epp' in word", True),
        ("8 in numbers", True),
        ("4 not in numbers", True),
        ("'a' < 'b'", True),
        ("True == 1", False),
        ("word[0] + word[-1]", "pr"),
        ("numbers[1:3]", [3, 8]),
        ("word[::-1]", "reppep"),
        ("[x * x for x in numbers if x > 3]", [25, 64]),
        ("[c for c in word if c != 'p']", ["e", "e", "r"]),
        ("[n for n in [1, 2]][0] + n", 8),
        ("'a\\nb'", "a\nb"),
        ("'3rd' + ' 1if'", "3rd 1if"),
        ("1e-3 + .5 + 1_000", Fraction(1000501, 1000)),
        ("1 +\n2", 3),
        ("'text'  # a note", "text"),
    ],
)
def test_the_language(text: str, expected: object) -> None:
    assert value(text) == expected


CALLS: list[tuple[str, object]] = [
    ("abs(-3)", 3),
    ("all([x > 2 for x in numbers])", True),
    ("any([x > 8 for x in numbers])", False),
    ("capitalize('the end')", "The end"),
    ("ceil(2.1)", 3),
    ("count(word, 'p')", 3),
    ("count(numbers, 3)", 2),
    ("digits(-307)", [3, 0, 7]),
    ("fixed(2.5, 2)", "2.50"),
    ("fixed(0.125, 2)", "0.13"),
    ("floor(-1.5)", -2),
    ("gcd(12, 18)", 6),
    ("gcd([12, 18, 27])", 3),
    ("index(names, 'Zoe')", 2),
    ("index(word, 'pp')", 2),
    ("join(' + ', numbers)", "5 + 3 + 8 + 3"),
    ("lcm(4, 6, 10)", 60),
    ("len(word) + len(names)", 9),
    ("lower('ABC')", "abc"),
    ("max(numbers)", 8),
    ("min(3, half)", Fraction(1, 2)),
    ("min(names)", "Ben"),
    ("range(3)", [0, 1, 2]),
    ("range(5, 0, -2)", [5, 3, 1]),
    ("replace(word, 'pp', 'b')", "peber"),
    ("reversed(word)", "reppep"),
    ("reversed(numbers)", [3, 8, 3, 5]),
    ("round(2.5)", 3),
    ("round(-2.5)", -3),
    ("round(1 / 3, 2)", Fraction(33, 100)),
    ("round(1250, -2)", 1300),
    ("sorted(numbers)", [3, 3, 5, 8]),
    ("sorted('cab')", ["a", "b", "c"]),
    ("sqrt(9 / 4)", Fraction(3, 2)),
    ("str(2.50) + str(on)", "2.5True"),
    ("sum(numbers)", 19),
    ("sum([])", 0),
    ("unique([3, 1, 3, True])", [3, 1, True]),
    ("upper(word)", "PEPPER"),
]


@pytest.mark.parametrize(("text", "expected"), CALLS)
def test_functions(text: str, expected: object) -> None:
    assert value(text) == expected


def test_every_function_is_tried_above() -> None:
    tried = {text.split("(")[0] for text, _ in CALLS}
    assert FUNCTIONS.keys() <= tried


def test_names_are_the_variables_alone() -> None:
    expression = compile_expression("sum([x * a for x in b if x > len(c)]) + x")
    assert expression.names == {"a", "b", "c", "x"}
    assert compile_expression("[x for x in range(3)]").names == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.b", "'a.b' is not something an expression can hold"),
        ("n.real", "not something an expression can hold"),
        ("(lambda: 1)()", "there is no function"),
        ("f'{n}'", "not something an expression can hold"),
        ("{'a': 1}", "not something an expression can hold"),
        ("(1, 2)", "not something an expression can hold"),
        ("len(*names)", "not something an expression can hold"),
        ("(y := 3)", "not something an expression can hold"),
        ("[x for x in numbers for y in numbers]", "one 'for NAME in LIST'"),
        ("[x for x, y in numbers]", "one 'for NAME in LIST'"),
        ("__import__('os')", "there is no function '__import__'"),
        ("word.upper()", "there is no function 'word.upper'"),
        ("lenn(word)", "did you mean 'len'"),
        ("nunbers[0]", "did you mean 'numbers'"),
        ("round(n, digits=2)", "round is called with other arguments"),
        ("sqrt()", "sqrt is called with other arguments"),
        ("n is 7", "'is' is not a comparison"),
        ("~n", "'~' is not an operation"),
        ("n @ n", "an operation that expressions do not have"),
        ("n << 2", "an operation that expressions do not have"),
        ("None", "'None' is not a number"),
        ("b'x'", "not a number"),
        ("1j", "'1j' is not a number"),
        ("1e999", "not a number that one can compute with"),
        ("n +", "cannot be read as an expression"),
        ("n = 3", "cannot be read as an expression"),
        ("n n", "cannot be read as an expression"),
        ("'abc", "cannot be read as an expression"),
        ("1if on else 2", "'1if' is not a number"),
        (r"'\d'", "a backslash stands here"),
        ("", "cannot be read as an expression"),
        ("\x00", "cannot be read as an expression"),
        ("n / (n - 7)", "the number 7 is divided by zero"),
        ("0 ** -1", "0 cannot be raised to the power -1"),
        ("2 ** half", "a whole number is needed"),
        ("word + n", "cannot be joined"),
        ("word - 'p'", "a number is needed"),
        ("on + 1", "True stands where a number is needed"),
        ("word < n", "have no order"),
        ("numbers < numbers", "have no order"),
        ("n in word", "cannot be looked for"),
        ("n and on", "True or False is needed"),
        ("1 if n else 2", "True or False is needed"),
        ("names[3]", "there is no place 3"),
        ("names[half]", "a whole number is needed"),
        ("n[0]", "a text or a list is needed"),
        ("word[::0]", "the step of a slice cannot be 0"),
        ("[numbers]", "a list cannot hold another list"),
        ("[numbers for x in names]", "a list cannot hold another list"),
        ("sqrt(2)", "sqrt: the number 2 has no exact square root"),
        ("sqrt(-1)", "negative"),
        ("max([])", "the list is empty"),
        ("sorted([1, 'a'])", "only numbers, or only texts"),
        ("index(word, 'z')", "is not in"),
        ("any(numbers)", "more than True and False"),
        ("str(1 / 3)", "cannot be written exactly"),
        ("fixed(1, 99)", "0 to 12 decimals"),
        ("range(1, 2, 0)", "the step of a range cannot be 0"),
    ],
)
def test_faults_say_what_is_wrong_and_where(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(text)
    assert said in str(caught.value)
    assert ", in `" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9",
        "(10 ** 20) ** 2",
        "10 ** 30 * 10 ** 30",
        "1 / 10 ** 30 / 10 ** 30",
        "-" * 300 + "1",
        "(" * 240 + "1" + ")" * 240,
        "[" * 150 + "]" * 150,
        "{" + "-" * 450 + "~n}",
        "+".join(["n"] * (MAX_DEPTH + 3)),
        "n + " * MAX_LENGTH + "n",
        "'ab' * 10 ** 9",
        "[1] * 10 ** 9",
        "long + long",
        "long * 2",
        "many + many",
        "range(10 ** 12)",
        "range(0, 10 ** 30)",
        "[[y for y in many][0] for x in many]",
        "[count(many, x) for x in many]",
        "[len(sorted(many)) for x in many]",
        "sum([1 / x for x in range(1, 300)])",
        "lcm(range(1, 200))",
        "join(long, many)",
        "replace(long, 'a', long)",
        "upper('ß' * 1500)",
        "round(n, 10 ** 9)",
        "n ** (10 ** 12)",
    ],
)
def test_what_is_too_much_ends_with_a_message(text: str) -> None:
    with pytest.raises(ExpressionError):
        value(text)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        compile_expression(text).value(VALUES)
    except ExpressionError as error:
        assert str(error)


_PIECES = st.sampled_from(
    [*FUNCTIONS, *VALUES, *"()[],+-*/%<>.:=", "**", "//", "==", " if ", " else ", " for ", " in "]
)


@given(st.lists(_PIECES | st.integers(0, 99).map(str), max_size=25).map("".join))
def test_any_mix_of_the_language_is_computed_or_refused(text: str) -> None:
    try:
        compile_expression(text).value(VALUES)
    except ExpressionError as error:
        assert str(error)


_NUMBERS = st.integers(0, 999).map(lambda number: (str(number), Fraction(number)))
_SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv}


@given(
    st.recursive(
        _NUMBERS,
        lambda inner: (
            st.tuples(inner, st.sampled_from(sorted(_SIGNS)), inner)
            .filter(lambda made: made[2][1] != 0)
            .map(
                lambda made: (
                    f"({made[0][0]} {made[1]} {made[2][0]})",
                    Fraction(_SIGNS[made[1]](made[0][1], made[2][1])),
                )
            )
        ),
        max_leaves=6,
    )
)
def test_arithmetic_is_exact(made: tuple[str, Fraction]) -> None:
    text, expected = made
    assert value(text) == expected


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6))
def test_a_decimal_is_written_out_exactly(number: Decimal) -> None:
    written = rendered(Fraction(number))
    assert Fraction(written) == Fraction(number)
    assert not written.endswith((".", "0")) or "." not in written


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6), st.integers(0, 5))
def test_rounding_takes_a_half_away_from_zero(number: Decimal, places: int) -> None:
    step = Decimal(1).scaleb(-places)
    expected = number.quantize(step, ROUND_HALF_UP)
    assert rendered(Fraction(number), places) == format(expected if expected else abs(expected), "f")


@pytest.mark.parametrize(
    ("number", "decimals", "grouped", "expected"),
    [
        (Fraction(-3), None, False, "-3"),
        (Fraction(1234567), None, True, "1,234,567"),
        (Fraction(-12345, 10), 2, True, "-1,234.50"),
        (Fraction(-1, 1000), 2, False, "0.00"),
        (Fraction(2, 3), 0, False, "1"),
    ],
)
def test_numbers_are_written(number: Fraction, decimals: int | None, grouped: bool, expected: str) -> None:
    assert rendered(number, decimals, grouped) == expected


def test_numbers_of_a_file_are_exact() -> None:
    assert exact(0.1) == Fraction(1, 10)
    assert exact(1e-3) == Fraction(1, 1000)
    for bad in (float("nan"), float("inf"), 1e300, 10**40):
        with pytest.raises(ExpressionError):
            exact(bad)
