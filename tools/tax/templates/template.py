"""Problem templates at work: what is wrong with one, and the problems that it makes.

A template draws values, computes others from them, draws again where a condition is not met, and fills its
texts. It comes from a stranger, so all work is bounded, the checking included.
"""

import keyword
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from tax.leaf import ProblemTemplate, Range
from tax.leaf import Scalar as Written
from tax.problems import excerpt
from tax.source import Loc
from tax.templates.expressions import Budget, Expression, compile_expression
from tax.templates.functions import FUNCTIONS
from tax.templates.placeholders import MAX_CHARACTERS, Text
from tax.templates.values import ExpressionError, Scalar, Value, described, did_you_mean, exact, number

MAX_VALUES = 1_000  # in the list of a variable, or rows in the table
MAX_NAMES = 60  # of variables, columns and derived values together
MAX_ENTRIES = 30  # steps, or conditions
MAX_FAULTS = 20  # that are reported of one template

# How long `instance` looks for a problem that meets the conditions, and `faults` for what only values show.
DRAWS, STEPS = 10_000, 300_000
TRIAL_DRAWS, TRIAL_STEPS, TRIAL_PROBLEMS = 1_000, 30_000, 100


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `loc` is the place of the value within the template, as keys and indexes."""

    loc: Loc
    message: str
    fix: str = ""


class TemplateError(Exception):
    """A template makes no problem: the message says why, `fault` says where and how to mend it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True)
class Instance:
    """One problem of a template, with the values that it was made from."""

    question: str
    answer: str
    steps: tuple[str, ...]
    values: dict[str, Value]

    @property
    def response(self) -> str:
        """What the student should answer: the worked steps, a blank line, the answer."""
        return "\n\n".join(filter(None, ["\n".join(self.steps), self.answer]))


@dataclass(frozen=True)
class _Task:
    """An expression of the template: it gives the value `name`, or is a condition where that is empty."""

    loc: Loc
    expression: Expression
    name: str = ""


class _Rejected(Exception):
    """A condition is not met; `loc` says which."""

    def __init__(self, loc: Loc) -> None:
        self.loc = loc


class Template:
    """A template, read once: `faults` says what is wrong with it, `instance` makes problems of it."""

    def __init__(self, model: ProblemTemplate) -> None:
        self._found: list[Fault] = []  # by reading alone
        self._draws: dict[str, Callable[[random.Random], Scalar]] = {}
        self._rows: list[dict[str, Scalar]] = []
        self._tasks: list[_Task] = []  # in the order of work
        self._texts: dict[Loc, Text] = {}
        if self._is_small(model):
            self._read_variables(model)
            self._read_table(model)
            self._read_expressions(model)
            self._read_texts(model)

    def faults(self) -> list[Fault]:
        """Return what is wrong: what reading the template shows or, where that is nothing, its problems."""
        if self._found:
            return list(self._found)
        try:
            return self._trial()
        except TemplateError as error:
            return [error.fault]

    def instance(self, rng: random.Random) -> Instance:
        """Return a problem drawn with `rng`. Raises TemplateError where the template has a fault."""
        if self._found:
            raise TemplateError(self._found[0])
        for attempt in self._attempts(rng, DRAWS, STEPS):
            if isinstance(attempt, Instance):
                return attempt
        raise TemplateError(Fault(("conditions",), "no problem met the conditions, over many draws", _LOOSEN))

    def _fault(self, loc: Loc, message: str, fix: str = "") -> None:
        if len(self._found) < MAX_FAULTS:
            self._found.append(Fault(loc, message, fix))

    def _is_small(self, model: ProblemTemplate) -> bool:
        names = len(model.variables) + max(map(len, model.table), default=0) + len(model.derived)
        if names > MAX_NAMES:
            self._fault((), f"this template has {names:,} names, and {MAX_NAMES} is the limit")
        parts: dict[Loc, tuple[int, int]] = {
            ("table",): (len(model.table), MAX_VALUES),
            ("steps",): (len(model.steps), MAX_ENTRIES),
            ("conditions",): (len(model.conditions), MAX_ENTRIES),
        }
        for name, values in model.variables.items():
            if isinstance(values, list):
                parts["variables", name] = len(values), MAX_VALUES
        for loc, (size, limit) in parts.items():
            if size > limit:
                self._fault(loc, f"this has {size:,} entries, and {limit:,} is the limit")
        size = sum(map(len, [model.question, *model.steps, model.answer]))
        if size > MAX_CHARACTERS:
            message = f"question, steps and answer have {size:,} characters, and {MAX_CHARACTERS:,} is the limit"
            self._fault((), message)
        return not self._found

    def _exact(self, loc: Loc, written: Written) -> list[Scalar]:
        """Return the value, in a list that is empty where it has a fault."""
        try:
            return [exact(written)]
        except ExpressionError as error:
            self._fault(loc, str(error), error.fix)
            return []

    def _read_variables(self, model: ProblemTemplate) -> None:
        for name, values in model.variables.items():
            loc: Loc = ("variables", name)
            self._define(loc, name, set())
            if isinstance(values, Range):
                keys = {"from": values.from_, "to": values.to, "step": values.step}
                bounds = [number(bound) for key, value in keys.items() for bound in self._exact((*loc, key), value)]
                self._draws[name] = _stepper(*bounds) if len(bounds) == 3 else _chooser([Fraction(0)])
            else:
                choices = [choice for place, value in enumerate(values) for choice in self._exact((*loc, place), value)]
                self._draws[name] = _chooser(choices)

    def _read_table(self, model: ProblemTemplate) -> None:
        if not model.table:
            return
        columns = model.table[0].keys()
        for name in columns:
            self._define(("table", 0, name), name, self._draws.keys())
        for place, row in enumerate(model.table):
            if row.keys() != columns:
                wrong = [f"'{excerpt(name)}' is missing" for name in columns if name not in row]
                wrong += [f"'{excerpt(name)}' is new" for name in row if name not in columns]
                message = f"this row has other columns than the first: {', '.join(wrong[:5])}"
                self._fault(("table", place), message, "give every row the same columns")
            values = {name: value for name in row for value in self._exact(("table", place, name), row[name])}
            self._rows.append(values)

    def _define(self, loc: Loc, name: str, known: Iterable[str]) -> None:
        if name in known:
            self._fault(loc, f"the name '{name}' is given twice in this template", "rename one of the two")
        elif keyword.iskeyword(name):
            self._fault(loc, f"'{name}' is a word of the language of expressions", "choose another name")

    def _read_expressions(self, model: ProblemTemplate) -> None:
        """Put the expressions in the order of work: a condition comes as soon as its values are known."""
        known = {*self._draws, *(model.table[0] if model.table else ())}
        names = known | model.derived.keys()
        conditions = [(("conditions", place), text) for place, text in enumerate(model.conditions)]
        waiting = [task for loc, text in conditions for task in self._task(loc, text, names, names)]

        def queue_conditions() -> None:
            self._tasks += [task for task in waiting if task.expression.names <= known]
            waiting[:] = [task for task in waiting if not task.expression.names <= known]

        queue_conditions()
        for name, text in model.derived.items():
            self._define(("derived", name), name, known)
            self._tasks += self._task(("derived", name), text, known, names, name)
            known.add(name)
            queue_conditions()

    def _task(self, loc: Loc, text: str, known: Set[str], names: Set[str], name: str = "") -> list[_Task]:
        """Return the task of an expression, in a list that is empty where it has a fault."""
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            self._fault(loc, str(error), error.fix)
            return []
        unknown = sorted(expression.names - known)
        self._check_names(loc, unknown, names)
        return [] if unknown else [_Task(loc, expression, name)]

    def _read_texts(self, model: ProblemTemplate) -> None:
        names = {*self._draws, *(model.table[0] if model.table else ()), *model.derived}
        steps: dict[Loc, str] = {("steps", place): step for place, step in enumerate(model.steps)}
        written: dict[Loc, str] = {("question",): model.question, **steps, ("answer",): model.answer}
        for loc, text in written.items():
            self._texts[loc] = Text(text)
            for message, fix in self._texts[loc].faults:
                self._fault(loc, message, fix)
            self._check_names(loc, [name for name in self._texts[loc].names if name not in names], names)

    def _check_names(self, loc: Loc, unknown: Iterable[str], names: Set[str]) -> None:
        for name in islice(unknown, MAX_FAULTS - len(self._found)):
            if name in names:
                self._fault(loc, f"'{name}' is computed only below this", f"move this below '{name}'")
            elif name in FUNCTIONS:
                self._fault(loc, f"'{name}' is a function and needs its brackets", f"write {FUNCTIONS[name].usage}")
            else:
                message = f"nothing is called '{excerpt(name, 40)}'{did_you_mean(name, names)}"
                self._fault(loc, message, "use a name of `variables`, `table` or `derived`, or define this one")

    def _drawn(self, rng: random.Random, budget: Budget) -> dict[str, Value]:
        """Return the values of one problem. Raises _Rejected where they do not meet a condition."""
        values: dict[str, Value] = {name: draw(rng) for name, draw in self._draws.items()}
        if self._rows:
            values.update(rng.choice(self._rows))
        for task in self._tasks:
            try:
                value = task.expression.value(values, budget)
            except ExpressionError as error:
                raise TemplateError(Fault(task.loc, f"{error}{_where(task, values)}", error.fix)) from None
            if task.name:
                values[task.name] = value
            elif not isinstance(value, bool):
                message = f"a condition is True or False, and this gives {described(value)}{_where(task, values)}"
                raise TemplateError(Fault(task.loc, message, "write a comparison, such as a > b"))
            elif not value:
                raise _Rejected(task.loc)
        return values

    def _filled(self, values: dict[str, Value], budget: Budget) -> Instance:
        filled: list[str] = []
        for loc, text in self._texts.items():
            try:
                budget.spend(text.places)
                filled.append(text.filled(values))
            except ExpressionError as error:
                raise TemplateError(Fault(loc, str(error), error.fix)) from None
        question, *steps, answer = filled
        return Instance(question, answer, tuple(steps), values)

    def _attempts(self, rng: random.Random, draws: int, steps: int) -> Iterator[Instance | Loc]:
        """Draw again and again: a problem, or the place of the condition that it does not meet."""
        for _ in range(draws):
            budget = Budget()
            try:
                yield self._filled(self._drawn(rng, budget), budget)
            except _Rejected as rejected:
                yield rejected.loc
            steps -= budget.steps - budget.left
            if steps < 0:
                return

    def _trial(self) -> list[Fault]:
        """Make problems to see whether they can be made. Raises TemplateError where one cannot."""
        answers: dict[str, str] = {}
        made = 0
        rejections: Counter[Loc] = Counter()
        for attempt in self._attempts(random.Random(0), TRIAL_DRAWS, TRIAL_STEPS):
            if not isinstance(attempt, Instance):
                rejections[attempt] += 1
                continue
            made += 1
            if answers.setdefault(attempt.question, attempt.answer) != attempt.answer:
                two = f"'{excerpt(answers[attempt.question])}' and '{excerpt(attempt.answer)}'"
                message = f"one question gets two answers: {two}"
                return [Fault(("question",), message, "say in the question all that the answer depends on")]
            if made == TRIAL_PROBLEMS:
                break
        if not made:
            [(loc, _)] = rejections.most_common(1)
            message = f"in {rejections.total():,} draws no problem met the conditions; most fail on this one"
            return [Fault(loc, message, _LOOSEN)]
        if made > 1 and len(answers) == 1:
            return [Fault(("question",), "every problem asks the same question", "put a variable into it, as {name}")]
        return []


_LOOSEN = "loosen it, or draw the values so that they meet it"


def _where(task: _Task, values: Mapping[str, Value]) -> str:
    """Return the words that name the values which an expression met."""
    used = [f"{name} is {described(values[name])}" for name in sorted(task.expression.names)[:4]]
    return f" where {', '.join(used)}" if used else ""


def _stepper(start: Fraction, end: Fraction, step: Fraction) -> Callable[[random.Random], Scalar]:
    count = int((end - start) // step) + 1
    return lambda rng: start + step * rng.randrange(count)


def _chooser(choices: Sequence[Scalar]) -> Callable[[random.Random], Scalar]:
    return lambda rng: rng.choice(choices)
