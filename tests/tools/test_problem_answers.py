"""The problems of the shipped leaves: right by another way than their own, many, and well written."""

import datetime
import itertools
import random
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction

import pytest

from support.problems import SKILLS, everything, leaf, problems, seeds
from tax.templates.expressions import compile_expression
from tax.templates.template import Template

LEAVES = sorted(path.parent.relative_to(SKILLS).as_posix() for path in SKILLS.rglob("qna.yaml"))
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def numbers(text: str) -> list[Fraction]:
    return [Fraction(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def written(number: Fraction) -> str:
    return f"{float(number):,.10f}".rstrip("0").rstrip(".")


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_makes_many_different_problems(name: str) -> None:
    templates = [Template(model) for model in leaf(name).problem_templates]
    assert [template.faults() for template in templates] == [[]] * len(templates)
    rng = random.Random(1)
    made = [template.instance(rng) for template in templates for _ in range(150)]
    assert len({problem.question for problem in made}) >= 500
    assert not {problem.question for problem in made} & {seed.question for seed in seeds(name)}


SLIPS = re.compile(
    r"(?<!\n)  |\ba (?!one|eu|uni|use)[aeiou]\w|\ban [bcdfgjklmnpqrstvwxz]\w|\.\.|[?!]\.| [,.]|[{}]|\b(\w+) \1\b"
    r"|(?<![\d.,/-])1 (?:days|hours|minutes|weeks|points|times|places)\b"
)


@pytest.mark.parametrize("name", LEAVES)
def test_texts_read_well(name: str) -> None:
    for text in everything(name):
        prose = re.sub(r"```.*?```|`[^`]*`|\"[^\"]*\"", "Q", text, flags=re.DOTALL)
        found = SLIPS.search(prose)
        assert found is None, (found.group(), text)


@pytest.mark.parametrize("name", [name for name in LEAVES if not name.startswith(("coding", "linguistics"))])
def test_calculations_in_the_steps_are_right(name: str) -> None:
    calculation = re.compile(r"(?<![\w.:/])(\d[\d,.]*(?: [-+×/] \d[\d,.]*)+) = \$?(\d[\d,]*(?:\.\d+)?)")
    found = [match for text in everything(name) for match in calculation.finditer(text)]
    assert len(found) > 50
    for match in found:
        left = compile_expression(match[1].replace("×", "*").replace(",", "")).value({})
        assert left == Fraction(match[2].replace(",", "")), match.group()


def sale(question: str) -> str:
    percent, price = numbers(question)
    return f"costs ${written(price - price * percent / 100)}."


def change(question: str) -> str:
    old, new = numbers(question)[:2]
    return f"by {written(abs(new - old) / old * 100)}%."


def before(question: str) -> str:
    percent, now = numbers(question)
    return f"${written(now / (1 + (percent if 'increase' in question else -percent) / 100))}."


def share(question: str) -> str:
    total, part = numbers(question)
    fact = re.search(
        r"of them (.*?)\. What percentage of the [a-z ]+? (are|do|need|come|sprout|crack|fail|go|stay|pass)", question
    )
    assert fact
    asked = question[fact.start(2) : -1]
    return f"{written((part if asked == fact[1] else total - part) / total * 100)}% of"


def twice(question: str) -> str:
    one, two = numbers(question)
    first, second = re.findall(r"raised|lowered", question)
    factor = (1 + (one if first == "raised" else -one) / 100) * (1 + (two if second == "raised" else -two) / 100)
    return f"{written(abs(factor - 1) * 100)}% {'higher' if factor > 1 else 'lower'}"


def points(question: str) -> str:
    old, new = numbers(question)
    size = abs(new - old)
    return f"by {size} percentage point{'s' if size != 1 else ''}, or by {written(size / old * 100)}% of"


def distance(question: str) -> str:
    speed, hours, minutes = numbers(question)
    return f"is {written(speed * (hours + minutes / 60))} km."


def meeting(question: str) -> str:
    apart, one, two = numbers(question)
    time = apart / (one + two)
    way = time * (max(one, two) if "the faster one" in question else min(one, two))
    return f"re:after {written(time)} hours?; .* covered {written(way)} km"


def cheaper(question: str) -> str:
    small, small_price, large, large_price = numbers(question)
    one, other = small_price / small, large_price / large
    return f" of {small if one < other else large} is cheaper, by ${float(abs(one - other)):.2f} per "


def in_proportion(question: str) -> str:
    known, amount, wanted = numbers(question)
    return f" {written(amount / known * wanted).replace(',', '')} "


def inverse(question: str) -> str:
    known, time, wanted = numbers(question)
    return f" {written(known * time / wanted)} "


def mixture(question: str) -> str:
    one, two, total = numbers(question)
    shares = [f"{written(total * part / (one + two)).replace(',', '')} \\w+ of .*" for part in (one, two)]
    return f"re:{shares[0]} and {shares[1]}"


def weekday(question: str) -> str:
    day = next(day for day in DAYS if day in question)
    days = int(numbers(question)[0]) * (1 if "days later" in question else -1)
    # January 1, 2024 was a Monday.
    date = datetime.date(2024, 1, 1 + DAYS.index(day)) + datetime.timedelta(days)
    return f" {DAYS[date.weekday()]}."


def last_day(question: str) -> str:
    found = re.search(r"([A-Z][a-z]+) (\d+) and .*?(\d+) days", question)
    assert found
    start = datetime.datetime.strptime(f"{found[1]} {found[2]} 2023", "%B %d %Y")
    end = start + datetime.timedelta(int(found[3]) - 1)
    return f" {end:%B} {end.day}."


def ranking(question: str) -> str:
    facts = re.findall(r"(\w+) is (\w+) than (\w+)\.", question)
    people = sorted({name for one, _, other in facts for name in (one, other)})
    downward = {"taller", "older", "faster", "stronger", "louder"}
    pairs = [(one, other) if word in downward else (other, one) for one, word, other in facts]
    [order] = [
        order
        for order in itertools.permutations(people)
        if all(order.index(one) < order.index(other) for one, other in pairs)
    ]
    asked = question.rsplit("Who is ", 1)[1]
    low = any(word in asked for word in ("shortest", "youngest", "slowest", "weakest", "quietest"))
    place = 2 if "in the middle" in asked else int("second" in asked)
    return f"{order[::-1][place] if low else order[place]} is "


def clock(question: str) -> str:
    hour, minute, minutes = (int(number) for number in numbers(question.replace(":0", ":")))
    end = datetime.datetime(2024, 1, 1, hour, minute) + datetime.timedelta(minutes=minutes)
    return f" {end.hour}:{end:%M}."


def in_line(question: str) -> str:
    one, other = numbers(question)
    return f"{one + other - 1} "


def next_bus(question: str) -> str:
    interval = int(numbers(question)[0])
    first, now = (int(hour) * 60 + int(minute) for hour, minute in re.findall(r"(\d+):(\d\d)", question))
    leave = next(time for time in range(first, 24 * 60, interval) if time >= now)
    return f"leaves at {leave // 60}:{leave % 60:02}, after a wait of {leave - now} "


def syllogism(question: str) -> str:
    statements = re.findall(r"\b(all|no|some) (\w+) are (not )?(\w+)", question, re.IGNORECASE)
    groups = sorted({name for _, one, _, other in statements for name in (one, other)})
    kinds = [frozenset(itertools.compress(groups, chosen)) for chosen in itertools.product([0, 1], repeat=3)]

    def holds(world: tuple[frozenset[str], ...], statement: tuple[str, str, str, str]) -> bool:
        word, one, negated, other = statement
        inside = [other in kind for kind in world if one in kind]
        return (
            all(inside)
            if word.lower() == "all"
            else not any(inside)
            if word.lower() == "no"
            else (not negated) in inside
        )

    worlds = [world for size in range(9) for world in itertools.combinations(kinds, size)]
    *premises, goal = statements
    follows = all(holds(world, goal) for world in worlds if all(holds(world, premise) for premise in premises))
    return "Yes, it follows" if follows else "No, it does not follow"


def knights(question: str) -> str:
    one, other = re.findall(r"You meet (\w+)\s+and (\w+)", question)[0]
    good, bad = ("truth-teller", "liar") if "liar" in question else ("knight", "knave")

    def says(speaker: int, text: str, kinds: tuple[bool, bool]) -> bool:
        named = kinds[1] if other in text else kinds[0]
        tests = {
            "We are both": kinds == ((good in text),) * 2,
            "of the same kind": kinds[0] == kinds[1],
            "of different kinds": kinds[0] != kinds[1],
            "At least one": not all(kinds),
            "If I am": not kinds[speaker] or kinds[1],
            "Exactly one": kinds[0] != kinds[1],
            "tells the truth": named,
            f"is a {bad}.": not named,
            f"is a {good}.": named,
        }
        return next(value for sign, value in tests.items() if sign in text)

    spoken = [((one, other).index(who), text) for who, text in re.findall(r'(\w+) says: "(.*?)"', question)]
    worlds = [(first, second) for first in (True, False) for second in (True, False)]
    [kinds] = [kinds for kinds in worlds if all(says(who, text, kinds) == kinds[who] for who, text in spoken)]
    words = [good if kind else bad for kind in kinds]
    return (
        f"Both {one} and {other} are {words[0]}s."
        if kinds[0] == kinds[1]
        else f"{one} is a {words[0]}, and {other} is a {words[1]}."
    )


def matching(question: str) -> str:
    head = re.match(r"Four \w+, (.*?), each (\w+) a different \w+: (.*?)\. (.*) Who \2 (.*)\?", question)
    assert head
    people, items = re.split(r", | and ", head[1]), re.split(r", | or ", head[3])

    def fits(given: dict[str, str]) -> bool:
        for sentence in head[4].rstrip(".").split(". "):
            who, rest = sentence.split(" ", 1)
            positive = not re.search(r"neither|did not", rest)
            if (given[who] in [item for item in items if re.search(rf"{item}\b", rest)]) != positive:
                return False
        return True

    [given] = [given for order in itertools.permutations(items) if fits(given := dict(zip(people, order, strict=True)))]
    return f"{next(who for who, item in given.items() if item == head[5])} "


def worst_case(question: str) -> str:
    stock = {color: int(number) for number, color in re.findall(r"(\d+) (\w+)", question)}
    wish = question.rsplit("to be sure of", 1)[1]
    single = next((color for color in stock if f"one {color} " in wish), "")

    def sure(got: dict[str, int]) -> bool:
        if single:
            return got[single] >= 1
        if "same" in wish:
            return max(got.values()) >= (2 if "two" in wish else 3)
        return sum(map(bool, got.values())) >= (2 if "two" in wish else len(stock))

    hands = itertools.product(*(range(number + 1) for number in stock.values()))
    unlucky = [sum(hand) for hand in hands if not sure(dict(zip(stock, hand, strict=True)))]
    return f"take out {max(unlucky) + 1} "


def two_kinds(question: str) -> str:
    table = {
        "chickens": (2, 4), "bicycles": (2, 3), "beetles": (6, 8), "stools": (3, 4), "five-dollar": (5, 10),
        "two-person": (2, 5), "tables for four": (4, 6), "pens": (8, 12),
    }  # fmt: skip
    one, other = next(sizes for sign, sizes in table.items() if sign in question)
    count, total = (int(number) for number in re.findall(r", (\d+) \w+ in all\. .*?(\d+) \w+\. How", question)[0])
    [more] = [more for more in range(count + 1) if (count - more) * one + more * other == total]
    return f"There are {count - more} "


def spelled(question: str) -> str:
    letter, word = re.findall(r'"(\w+)"', question)
    times = sum(character == letter for character in word)
    return f'"{letter}" occurs {"once" if times == 1 else "twice" if times == 2 else f"{times} times"} in "{word}".'


def alphabetical(question: str) -> str:
    words = sorted(question.replace("?", ":").split(": ")[1].rstrip(".").split(", "))
    return f"The order is: {', '.join(words)}."


ANSWERS: dict[str, dict[int, Callable[[str], str]]] = {
    "mathematics/percentages": {0: sale, 1: change, 2: before, 3: share, 4: twice, 5: points},
    "mathematics/rates_and_proportion": {
        0: distance, 1: meeting, 2: cheaper, 3: in_proportion, 4: inverse, 5: mixture
    },
    "reasoning/ordering_and_calendar": {0: weekday, 1: last_day, 2: ranking, 3: clock, 4: in_line, 5: next_bus},
    "reasoning/deduction": {1: syllogism, 2: knights, 3: matching, 4: worst_case, 5: two_kinds},
    "linguistics/english_word_forms": {2: alphabetical, 3: spelled},
}  # fmt: skip
CASES = [(name, place) for name, families in ANSWERS.items() for place in families]


@pytest.mark.parametrize(("name", "place"), CASES)
def test_answers_are_right(name: str, place: int) -> None:
    for problem in problems(name, place):
        expected = ANSWERS[name][place](problem.question)
        right = re.search(expected[3:], problem.answer) if expected.startswith("re:") else expected in problem.answer
        assert right, (expected, problem.question, problem.answer)


def printed(answer: str) -> str:
    found = re.findall(r"prints.*?(?:```\n(.*?)```|`([^`\n]*)`)", answer, re.DOTALL)
    return "".join(found[-1]).strip()


def test_programs_print_what_the_answers_say() -> None:
    name = "coding/python_tracing"
    made = [(seed.question, seed.answer) for seed in seeds(name)]
    for place in range(len(leaf(name).problem_templates)):
        made += [(problem.question, problem.answer) for problem in problems(name, place, 15)]
    programs = [re.findall(r"```python\n(.*?)```", question, re.DOTALL)[0] for question, _ in made]
    # One process runs them all, each in names of its own; a line tells their outputs apart.
    script = "import sys\nfor program in sys.stdin.read().split('\\0'):\n    exec(program, {})\n    print('-' * 30)\n"
    run = subprocess.run(
        [sys.executable, "-I", "-c", script], input="\0".join(programs), capture_output=True, text=True, check=True
    )
    outputs = run.stdout.split("-" * 30 + "\n")[:-1]
    assert [printed(answer) for _, answer in made] == [output.strip() for output in outputs]


@pytest.mark.parametrize("place", [0, 1, 4, 5])
def test_the_completed_sentence_is_the_given_one(place: int) -> None:
    for problem in problems("linguistics/english_word_forms", place):
        given = re.findall(r'"([^"]*___[^"]*)"', problem.question)[0]
        full = re.findall(r'"([^"]*\.)"', problem.answer)[-1]
        assert re.fullmatch(re.escape(given).replace("___", r"[\w -]+?"), full), (given, full)
