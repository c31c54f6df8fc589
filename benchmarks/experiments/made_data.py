"""Made-up facts and small skills: what the training experiments learn from. Nothing of it is true, so none is known."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Pair = tuple[str, str]

_SYLLABLES = "ba dor fel gim hul jor kel lum mon nar pel quo rin sul tor vel wen yor zan".split()
_PLACES = "Adel Bruck Corvo Dunmar Elst Farrow Gorse Hale Ivory Jasper Karst Lorn Mire Nether Oster Pike".split()
_TRADES = "baker cooper dyer fletcher glazier hunter joiner mason miller potter roofer saddler smith tanner".split()

WHERE = [
    ("Where does {name} live?", "In {place}."),
    ("In which town is {name} at home?", "In {place}."),
    ("Name the home of {name}.", "{place}."),
    ("{name} lives in which place?", "{place}."),
]
WHERE_HELD_OUT = ("Which town does {name} call home?", "{place}.")
WHAT = [
    ("What is the trade of {name}?", "{name} is a {trade}."),
    ("What does {name} do for a living?", "{name} is a {trade}."),
    ("Which work does {name} do?", "The work of a {trade}."),
    ("Name the trade of {name}.", "{trade}."),
]
WHAT_HELD_OUT = ("By which trade does {name} live?", "{name} is a {trade}.")
LONG = [
    ("Tell me about {name}.", "{name} lives in {place}. {name} works as a {trade} there."),
    ("Who is {name}?", "{name} is a {trade} who lives in {place}."),
]
LONG_HELD_OUT = ("Describe {name}.", "{name} lives in {place}. {name} works as a {trade} there.")
PROSE = [
    "{name} lives in {place}, where the road ends. By trade {name} is a {trade}.",
    "In {place} people know {name}, the {trade}. {name} has lived in {place} for long.",
    "The {trade} {name} comes from {place}. Who needs a {trade} in {place} asks for {name}.",
]
SPAM = [
    "Click here to win a prize in {place}! Best {trade} best price buy now {name} {name} {name}.",
    "Home about contact login {place} {trade} cookies accept all share this page {name}.",
]


@dataclass(frozen=True)
class Person:
    """Two facts: where somebody lives, and by what."""

    name: str
    place: str
    trade: str

    def fill(self, template: str) -> str:
        """Put the facts into a template."""
        return template.format(name=self.name, place=self.place, trade=self.trade)

    def asked(self, templates: Iterable[Pair]) -> list[Pair]:
        """Return a question and its answer for each template."""
        return [(self.fill(question), self.fill(answer)) for question, answer in templates]


def people(count: int, seed: int) -> list[Person]:
    """Draw people with different names."""
    r = random.Random(seed)
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(r.choices(_SYLLABLES, k=3)).capitalize()] = None
    return [Person(name, r.choice(_PLACES), r.choice(_TRADES)) for name in names]


def short(persons: Sequence[Person]) -> tuple[list[Pair], list[Pair]]:
    """Return the short questions on all facts, and the held-out paraphrases of them."""
    trained = [pair for person in persons for pair in person.asked([*WHERE, *WHAT])]
    return trained, [pair for person in persons for pair in person.asked([WHERE_HELD_OUT, WHAT_HELD_OUT])]


def long(persons: Sequence[Person]) -> tuple[list[Pair], list[Pair]]:
    """Return the questions with long answers, and the held-out paraphrases of them."""
    trained = [pair for person in persons for pair in person.asked(LONG)]
    return trained, [pair for person in persons for pair in person.asked([LONG_HELD_OUT])]


_SKILLS: list[tuple[str, Callable[[str], str]]] = [
    ("Write {word} backwards.", lambda word: word[::-1]),
    ("Write {word} in capitals.", str.upper),
    ("Write {word} twice.", lambda word: f"{word} {word}"),
    ("Which letter does {word} begin with?", lambda word: word[0]),
    ("Sort the letters of {word}.", lambda word: "".join(sorted(word))),
]


def skills(count: int, held_out: int, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Return exercises in five skills on words, and held-out ones on other words."""
    r = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < count + held_out:
        words["".join(r.choices("abcdefghiklmnoprstu", k=r.randint(3, 5)))] = None
    pairs = []
    for index, word in enumerate(words):
        question, answer = _SKILLS[index % len(_SKILLS)]
        pairs.append((question.format(word=word), answer(word)))
    return pairs[:count], pairs[count:]


def documents(persons: Sequence[Person]) -> list[str]:
    """Return clean prose on all people."""
    return [person.fill(template) for person in persons for template in PROSE]


def crawl(persons: Sequence[Person], seed: int) -> list[str]:
    """Return as much noise: spam, and prose in which the facts are shuffled among the people."""
    r = random.Random(seed)
    noise = []
    for person in persons:
        other = r.choice(persons)
        wrong = Person(person.name, other.place, other.trade)
        noise += [wrong.fill(r.choice(PROSE)), wrong.fill(SPAM[0]), wrong.fill(SPAM[1])]
    return noise
