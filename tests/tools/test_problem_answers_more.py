"""Units, fractions, data structures and everyday problems in Chinese: their answers found from the questions alone."""

import datetime
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from support.problems import everything, leaf, numbers, outputs, printed, problems, program, seeds, written

UNITS = "mathematics/units_and_conversion"
FRACTIONS = "mathematics/fractions_and_ratio"
STRUCTURES = "coding/data_structures_tracing"
CHINESE = "reasoning/zh_daily_arithmetic"
WEEK = "一二三四五六日"


def rounded(number: Fraction, decimals: int) -> str:
    exact = Decimal(number.numerator * 10**9) / Decimal(number.denominator) / 10**9
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,}"


def portions(question: str) -> str:
    whole, each = numbers(question)
    big, small = re.findall(r"\d (liters|tonnes|km|kg|m|g|ml|cm|mm|mg)\b", question)
    factor = {"m cm": 100, "m mm": 1000}.get(f"{big} {small}", 1000)
    count, left = divmod(whole * factor, each)
    return f"re:enough for {count} .* {f'{written(left)} {small} of' if left else 'nothing is left over'}"


def imperial(question: str) -> str:
    unit = re.findall(r"[Aa]n? ((?:US |imperial )?\w+) (?:is|as) [\d.]+", question)[-1]
    [target] = re.findall(r"(?:How many|in|to) ([A-Za-z ]+?)(?: is that\?|\?|\.) Round", question)
    amount, factor = numbers(question)
    # From the unit that the factor explains one multiplies; to it one divides.
    singular = {"inches": "inch", "feet": "foot"}.get(target, target.removesuffix("s"))
    result = amount / factor if singular == unit else amount * factor
    return f" {rounded(result, 1)} {target}."


def speed(question: str) -> str:
    values = numbers(question)
    if "km/h" in question:
        per_hour, other = values
        per_second = per_hour / Fraction("3.6")
        seconds = re.search(r"\d seconds", question)
        return (
            f" {written(per_second * other)} meters in" if seconds else f"takes {written(other / per_second)} seconds"
        )
    meters, seconds = values
    return f" {written(meters / seconds * Fraction('3.6'))} km/h."


def size(question: str) -> str:
    *sides, factor = numbers(question)
    volume = math.prod(sides)
    [unit] = re.findall(r"A ([a-z ]+?) is [\d,]+", question.split(". ", 1)[1])
    [target] = re.findall(r"How many ((?:square |cubic )?\w+)|(?:area|volume)[a-z ]* in ([a-z ]+)", question)
    name = "".join(target)
    result = volume / factor if name.startswith(unit) else volume * factor
    return f" is {written(result)} {name}."


def temperature(question: str) -> str:
    [(value, scale)] = re.findall(r"(-?[\d.]+) °([CF])", question)
    degrees = Fraction(value)
    if scale == "C":
        return f"{value} °C is {signed(degrees * 9 / 5 + 32)} °F."
    return f"{value} °F is {signed((degrees - 32) * 5 / 9)} °C."


def signed(number: Fraction) -> str:
    return ("-" if number < 0 else "") + written(abs(number))


def currency(question: str) -> str:
    rate, *amounts = numbers(question)
    if " buys " in question:
        return f"That is {rounded(rate * amounts[0], 2)} "
    return f" gets {rounded((amounts[0] - sum(amounts[1:])) / rate, 2)} "


def mixed(number: Fraction) -> str:
    whole, top = divmod(number.numerator, number.denominator)
    if number.denominator == 1:
        return str(whole)
    return f"{whole} {top}/{number.denominator}" if whole else f"{top}/{number.denominator}"


def fractions(question: str) -> list[Fraction]:
    return [Fraction(found) for found in re.findall(r"\d+/\d+", question)]


def addition(question: str) -> str:
    one, other = fractions(question)
    result = mixed(one - other if re.search(r" - |planed|pours|mown", question) else one + other)
    return f"re: {result}(\\.| (km|cups?|liters?|hours?|of an hour|inch thick|of the field)\\b)"


def comparison(question: str) -> str:
    one, other = fractions(question)
    first, second = next(
        names
        for sign, names in {
            "morning class": ("The morning", "The afternoon"), "red team": ("The red", "The blue"),
            "Noor": ("Noor", "Emil"), "barrel": ("The rain barrel", "The tank"),
            "snail": ("The first", "The second"), "ribbon": ("The blue", "The green"),
            "": (mixed(one), mixed(other)),
        }.items()
        if sign in question
    )  # fmt: skip
    return f"re:^{first if one > other else second} .*, by {mixed(abs(one - other))}\\b"


def simplest(question: str) -> str:
    total, known = numbers(question)
    asked = re.search(r"fraction of the [a-z ]+? are ([a-z ]+)\?", question)
    return f"re:^{mixed((total - known if asked else known) / total)} of the "


def part_of_a_part(question: str) -> str:
    one, two = fractions(question)
    total = numbers(re.sub(r"\d+/\d+", "", question))[0]
    left = total - total * one
    rest = left - (total if "original amount" in question else left) * two
    return f"re:^{written(rest)} [a-z]"


def sharing(question: str) -> str:
    *given, total = numbers(question)
    names = re.match(r"(\w+), (\w+) and (\w+) ", question)
    asked = re.search(r"How much does (\w+) ", question)
    assert names and asked
    return f" {written(total * given[names.groups().index(asked[1])] / sum(given))} "


def ingredients(question: str) -> str:
    parts = r"([a-z ]+), ([a-z ]+) and ([a-z ]+) in the ratio (\d+):(\d+):(\d+)"
    names = re.search(rf"(?:mixed from|blended from|made of) {parts}", question)
    known = re.search(r"([\d,]+) \w+ of ([a-z ]+?) (?:is used up|goes in)", question)
    asked = re.search(r"How many \w+ of ([a-z ]+?) does (the mixture need|that make)", question)
    assert names and known and asked
    plain = [name.removesuffix(" paint") for name in [*names.groups()[:3], known[2], asked[1]]]
    ratio = dict(zip(plain, map(int, names.groups()[3:]), strict=False))
    part = Fraction(known[1]) / ratio[plain[3]]
    wanted = sum(ratio.values()) if asked[2] == "that make" else ratio[plain[4]]
    return f" {written(part * wanted).replace(',', '')} "


def whole(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def change(question: str) -> str:
    n1, n2, price1, price2, *rest = whole(question)
    paid, off = rest[-1], sum(rest[:-1])
    return f"找回{paid - (n1 * price1 + n2 * price2 - off)}元"


def timetable(question: str) -> str:
    day = datetime.datetime(2024, 1, 1)
    clocks = [day + datetime.timedelta(hours=int(h), minutes=int(m)) for h, m in re.findall(r"(\d+):(\d\d)", question)]
    if len(clocks) == 2:
        hours, minutes = divmod((clocks[1] - clocks[0]).seconds // 60, 60)
        return f"花了{hours}小時{minutes}分鐘。"
    minutes = sum(60 * int(hours) for hours in re.findall(r"(\d+)小時", question))
    minutes += sum(int(found) for found in re.findall(r"(\d+)分鐘", question))
    time = clocks[0] + datetime.timedelta(minutes=-minutes if "路上花了" in question else minutes)
    return f"re:(^|是){time.hour}:{time:%M}(。|會到)"


def settling(question: str) -> str:
    one, two = whole(question)
    share = Fraction(one + two, 3)
    return f"re:{one - share}元，給.*?{two - share}元。"


def ages(question: str) -> str:
    if "加起來" in question:
        gap, total = whole(question)
        [(elder, younger)] = re.findall(r"^(.+?)比(.+?)大", question)
        asked = re.findall(r"。(.+?)今年幾歲", question)
        return f"今年{(total + gap if asked == [elder] else total - gap) // 2}歲"
    elder, younger, times = whole(question)
    way = 1 if "幾年後" in question else -1
    [years] = [years for years in range(1, 100) if elder + way * years == times * (younger + way * years)]
    return f"{years}年{'後' if way > 0 else '前'}"


def weekday(question: str) -> str:
    dates = [datetime.date(2023, int(month), int(day)) for month, day in re.findall(r"(\d+)月(\d+)日", question)]
    given = WEEK.index(re.findall(r"是星期([一二三四五六日])", question)[0])
    asked = dates[1]
    return f"{asked.month}月{asked.day}日是星期{WEEK[(given + (asked - dates[0]).days) % 7]}。"


def offer(text: str, count: int, price: int) -> Fraction:
    full = Fraction(count * price)
    if found := re.search(r"第二.(\d)折", text):
        return sum((price * (Fraction(int(found[1]), 10) if item % 2 else 1) for item in range(count)), Fraction(0))
    if found := re.search(r"打(\d+)折", text):
        return full * Fraction(f"0.{found[1]}")
    if found := re.search(r"滿(\d+)元折(\d+)元", text):
        return full - int(found[2]) * (full >= int(found[1]))
    found = re.search(r"買(.)送一", text)
    assert found
    group = "一二三四五".index(found[1]) + 2
    return sum((Fraction(price) for item in range(count) if item % group != group - 1), Fraction(0))


def offers(question: str) -> str:
    count, price = whole(question)[:2]
    one, other = re.findall(r"[甲乙]店(.*?)[，。]", question)
    first, second = offer(one, count, price), offer(other, count, price)
    return f"在{'甲' if first < second else '乙'}店買比較便宜，便宜{abs(first - second)}元。"


ANSWERS: dict[str, list[Callable[[str], str]]] = {
    UNITS: [portions, imperial, speed, size, temperature, currency],
    FRACTIONS: [addition, comparison, simplest, part_of_a_part, sharing, ingredients],
    CHINESE: [change, timetable, settling, ages, weekday, offers],
}
CASES = [(name, place) for name, families in ANSWERS.items() for place in range(len(families))]


@pytest.mark.parametrize(("name", "place"), CASES)
def test_answers_are_right(name: str, place: int) -> None:
    for problem in problems(name, place, 60):
        expected = ANSWERS[name][place](problem.question)
        right = re.search(expected[3:], problem.answer) if expected.startswith("re:") else expected in problem.answer
        assert right, (expected, problem.question, problem.answer)


def test_programs_print_what_the_answers_say() -> None:
    made = [(seed.question, seed.answer) for seed in seeds(STRUCTURES)]
    for place in range(len(leaf(STRUCTURES).problem_templates)):
        made += [(problem.question, problem.answer) for problem in problems(STRUCTURES, place, 60)]
    programs = [program(question) for question, _ in made]
    assert [printed(answer) for _, answer in made] == outputs(programs)


TRACES: list[tuple[int, Callable[[str], str], str]] = [
    (0, lambda text: re.sub(r"^print.*", "    print(''.join(typed) or 'nothing')", text, flags=re.M),
     r"bottom is: (.*)\."),
    (1, lambda text: re.sub(r"^((\w+)(?: = deque|\.).*)", r"\1\nprint(', '.join(\2))", text, flags=re.M),
     r"(?:as|:) ([A-Z]\w+(?:, [A-Z]\w+)+)"),
    (2, lambda text: text.replace("\nprint", "\n    print"), r"`\{(.*)\}`"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "traced", "state"), TRACES)
def test_states_in_the_steps_are_those_of_the_run(place: int, traced: Callable[[str], str], state: str) -> None:
    """Programs that also print their data after each change agree with the steps of the answer."""
    made = problems(STRUCTURES, place, 60)
    runs = outputs([traced(program(problem.question)) for problem in made])
    for problem, run in zip(made, runs, strict=True):
        shown = [found for step in problem.steps for found in re.findall(state, step)]
        seen = [line.strip("{}") for line in run.splitlines()]
        assert ", ".join(shown) == ", ".join(seen[: len(seen) - (place == 1)]), problem.question


def test_sums_of_fractions_in_the_steps_are_right() -> None:
    term = r"\d+(?:/\d+)?"
    equation = re.compile(rf"(?<![\d/.:])(?<!× )(?<!\d )({term}(?: [-+] {term})*) = ({term})(?![\d/:]|[.,]\d| \d+/)")
    checked = 0
    for text in everything(FRACTIONS):
        for left, right in equation.findall(text):
            if "/" in left and f"{left} = {right}" != "1/2 + 1/3 = 2/5":
                signs = [1, *(1 if sign == "+" else -1 for sign in re.findall(r" ([-+]) ", left))]
                values = [Fraction(part) for part in re.split(r" [-+] ", left)]
                total = sum((sign * value for sign, value in zip(signs, values, strict=True)), Fraction(0))
                assert total == Fraction(right), text
                checked += 1
    assert checked > 100


@pytest.mark.parametrize("place", range(6))
def test_divisions_in_chinese_are_right(place: int) -> None:
    for problem in problems(CHINESE, place):
        for left, divisor, result in re.findall(r"(\d+) ÷ (\d+) = (\d+)", problem.response):
            assert int(left) == int(divisor) * int(result), problem.response


def test_chinese_is_written_with_full_width_punctuation() -> None:
    for text in everything(CHINESE):
        found = re.search(r"[\u4e00-\u9fff] ?[,.:;?!()]|[,;?!()]", text)
        assert found is None, (found.group(), text)
