"""Expressions of problem templates: a small exact calculator in Python's grammar, safe for text of strangers.

`ast` parses an expression, a whitelist checks it and closures compute it; nothing is ever handed to eval.
Length, depth, steps, digits and sizes are bounded: the worst expression ends within milliseconds.
functions.py holds what it can do to the values of values.py; docs/problem-templates.md is the manual.
"""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tax.problems import excerpt
from tax.templates.functions import COMPARISONS, FUNCTIONS, OPERATORS
from tax.templates.values import (
    ExpressionError,
    Value,
    checked,
    described,
    did_you_mean,
    exact,
    list_of,
    number,
    sequence,
    weight,
    whole,
)

MAX_LENGTH = 500  # characters of an expression
MAX_DEPTH = 100  # parts within parts; a chain of 100 additions is as deep
MAX_STEPS = 5_000  # operations, and items or 50 characters handled, for the values of one problem


# What Python's parser only warns of today, unknown escapes and `1if`, is refused before it runs: a warning's filters
# are the whole process's.
_ESCAPE = re.compile(r"\\[nt\\'\"]")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NUMBER_LIKE = re.compile(r"(?<![\w.])\.?\d(?:[eE][-+]\d|[\w.])*")
_NUMBER = re.compile(r"[\d_]*\.?[\d_]*(?:[eE][-+]?\d+)?")


class Budget:
    """The steps that are left for a computation; `value` takes one, and several expressions may share it."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.steps = steps
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take steps away. Raises ExpressionError when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise ExpressionError(f"this takes more than {self.steps:,} steps to compute")


@dataclass(frozen=True)
class Expression:
    """An expression that was read and checked: `names` are the variables that it needs."""

    text: str
    names: frozenset[str]
    _compute: "_Compute" = field(repr=False, compare=False)

    def value(self, values: Mapping[str, Value], budget: Budget | None = None) -> Value:
        """Compute with the values of the variables. Raises ExpressionError, which quotes the expression."""
        try:
            return self._compute(_Scope(values, budget or Budget()))
        except ExpressionError as error:
            raise _within(self.text, error) from None


def compile_expression(text: str) -> Expression:
    """Read an expression and check all that does not depend on values. Raises ExpressionError."""
    try:
        compiler = _Compiler()
        compute = compiler.compile(_parsed(text), 0)
    except ExpressionError as error:
        raise _within(text, error) from None
    except RecursionError:
        raise _within(text, ExpressionError("this is nested too deeply")) from None
    return Expression(text, frozenset(compiler.names), compute)


@dataclass(frozen=True)
class _Scope:
    values: Mapping[str, Value]
    budget: Budget

    def keep(self, value: Value) -> Value:
        self.budget.spend(weight(value))
        return checked(value)


_Compute = Callable[[_Scope], Value]


def _within(text: str, error: ExpressionError) -> ExpressionError:
    return ExpressionError(f"{error}, in `{excerpt(text, 80)}`", error.fix)


def _parsed(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"this has {len(text):,} characters, and an expression has at most {MAX_LENGTH}")
    if "\\" in _ESCAPE.sub("", text):
        raise ExpressionError("a backslash stands here", "write it twice if it is meant as such; \\n is a new line")
    for written in _NUMBER_LIKE.findall(_LITERAL.sub("''", text)):
        if not _NUMBER.fullmatch(written):
            raise ExpressionError(f"'{excerpt(written, 40)}' is not a number", "put a space between number and word")
    try:
        return ast.parse(text.replace("\n", " ").strip(), mode="eval").body
    except SyntaxError as error:
        place = f" near character {error.offset}" if error.offset else ""
        raise ExpressionError(f"this cannot be read as an expression{place}: {error.msg}") from None
    except ValueError:
        raise ExpressionError("this cannot be read as an expression") from None
    except MemoryError:  # what CPython's parser raises when its stack is full
        raise ExpressionError("this is nested too deeply") from None


class _Compiler:
    """Turns checked nodes into closures and collects the variables' names."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._bound: list[str] = []  # the names that enclosing comprehensions give

    def compile(self, node: ast.expr, depth: int) -> _Compute:
        compile_node = _NODES.get(type(node))
        if compile_node is None:
            raise ExpressionError(f"'{excerpt(ast.unparse(node), 40)}' is not something an expression can hold")
        if depth > MAX_DEPTH:
            raise ExpressionError(f"this is nested more than {MAX_DEPTH} levels deep")
        inner = compile_node(self, node, depth + 1)

        def compute(scope: _Scope) -> Value:
            scope.budget.spend(1)
            return inner(scope)

        return compute

    def constant(self, node: ast.Constant, depth: int) -> _Compute:
        if isinstance(node.value, bool):
            value: Value = node.value
        elif isinstance(node.value, int | float | str):
            value = exact(node.value)
        else:
            raise ExpressionError(f"'{excerpt(ast.unparse(node), 40)}' is not a number, a text, True or False")
        return lambda scope: value

    def name(self, node: ast.Name, depth: int) -> _Compute:
        name = node.id
        if name not in self._bound:
            self.names.add(name)

        def compute(scope: _Scope) -> Value:
            if name not in scope.values:
                raise ExpressionError(f"nothing is called '{excerpt(name)}'{did_you_mean(name, scope.values)}")
            return scope.values[name]

        return compute

    def unary(self, node: ast.UnaryOp, depth: int) -> _Compute:
        operand = self.compile(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda scope: not _truth(operand(scope))
        if isinstance(node.op, ast.USub):
            return lambda scope: -number(operand(scope))
        if isinstance(node.op, ast.UAdd):
            return lambda scope: number(operand(scope))
        raise ExpressionError("'~' is not an operation of expressions")

    def binary(self, node: ast.BinOp, depth: int) -> _Compute:
        operation = OPERATORS.get(type(node.op))
        if operation is None:
            raise ExpressionError(f"'{excerpt(ast.unparse(node), 40)}' uses an operation that expressions do not have")
        left, right = self.compile(node.left, depth), self.compile(node.right, depth)
        return lambda scope: scope.keep(operation(left(scope), right(scope)))

    def boolean(self, node: ast.BoolOp, depth: int) -> _Compute:
        parts = [self.compile(value, depth) for value in node.values]
        combine = all if isinstance(node.op, ast.And) else any
        return lambda scope: combine(_truth(part(scope)) for part in parts)

    def compare(self, node: ast.Compare, depth: int) -> _Compute:
        if any(isinstance(sign, ast.Is | ast.IsNot) for sign in node.ops):
            raise ExpressionError("'is' is not a comparison of expressions", "write == or !=")
        comparisons = [COMPARISONS[type(sign)] for sign in node.ops]
        operands = [self.compile(part, depth) for part in [node.left, *node.comparators]]

        def compute(scope: _Scope) -> Value:
            left = operands[0](scope)
            for comparison, operand in zip(comparisons, operands[1:], strict=True):
                right = operand(scope)
                scope.budget.spend(weight(left) + weight(right))
                if not comparison(left, right):
                    return False
                left = right
            return True

        return compute

    def conditional(self, node: ast.IfExp, depth: int) -> _Compute:
        test, then, otherwise = (self.compile(part, depth) for part in (node.test, node.body, node.orelse))
        return lambda scope: then(scope) if _truth(test(scope)) else otherwise(scope)

    def subscript(self, node: ast.Subscript, depth: int) -> _Compute:
        container = self.compile(node.value, depth)
        if not isinstance(node.slice, ast.Slice):
            place = self.compile(node.slice, depth)
            return lambda scope: _item(container(scope), whole(place(scope)))
        bounds = [
            self.compile(part, depth) if part else None
            for part in (node.slice.lower, node.slice.upper, node.slice.step)
        ]

        def compute(scope: _Scope) -> Value:
            whole_bounds = [whole(bound(scope)) if bound else None for bound in bounds]
            if whole_bounds[2] == 0:
                raise ExpressionError("the step of a slice cannot be 0")
            return scope.keep(sequence(container(scope))[slice(*whole_bounds)])

        return compute

    def list(self, node: ast.List, depth: int) -> _Compute:
        items = [self.compile(item, depth) for item in node.elts]
        return lambda scope: scope.keep(list_of(item(scope) for item in items))

    def comprehension(self, node: ast.ListComp, depth: int) -> _Compute:
        loop = node.generators[0]
        if len(node.generators) != 1 or len(loop.ifs) > 1 or loop.is_async or not isinstance(loop.target, ast.Name):
            raise ExpressionError("a list is built with one 'for NAME in LIST' and at most one 'if'")
        name = loop.target.id
        source = self.compile(loop.iter, depth)
        self._bound.append(name)
        item = self.compile(node.elt, depth)
        test = self.compile(loop.ifs[0], depth) if loop.ifs else None
        self._bound.pop()

        def compute(scope: _Scope) -> Value:
            values = dict(scope.values)
            inner = _Scope(values, scope.budget)
            result: list[Value] = []
            for value in sequence(source(scope)):
                values[name] = value
                if test is None or _truth(test(inner)):
                    result.append(item(inner))
            return scope.keep(list_of(result))

        return compute

    def call(self, node: ast.Call, depth: int) -> _Compute:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        function = FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(f"there is no function '{excerpt(name, 40)}'{did_you_mean(name, FUNCTIONS)}")
        if node.keywords or not function.least <= len(node.args) <= function.most:
            raise ExpressionError(f"{name} is called with other arguments than it takes", f"write {function.usage}")
        arguments = [self.compile(argument, depth) for argument in node.args]

        def compute(scope: _Scope) -> Value:
            values = [argument(scope) for argument in arguments]
            scope.budget.spend(sum(map(weight, values)))
            try:
                return scope.keep(function.compute(*values))
            except ExpressionError as error:
                raise ExpressionError(f"{name}: {error}", error.fix) from None

        return compute


_NODES: dict[type[ast.expr], Callable[..., _Compute]] = {
    ast.Constant: _Compiler.constant,
    ast.Name: _Compiler.name,
    ast.UnaryOp: _Compiler.unary,
    ast.BinOp: _Compiler.binary,
    ast.BoolOp: _Compiler.boolean,
    ast.Compare: _Compiler.compare,
    ast.IfExp: _Compiler.conditional,
    ast.Subscript: _Compiler.subscript,
    ast.List: _Compiler.list,
    ast.ListComp: _Compiler.comprehension,
    ast.Call: _Compiler.call,
}


def _truth(value: Value) -> bool:
    if not isinstance(value, bool):
        raise ExpressionError(f"{described(value)} stands where True or False is needed", "write a comparison")
    return value


def _item(value: Value, place: int) -> Value:
    places = sequence(value)
    if not -len(places) <= place < len(places):
        raise ExpressionError(f"there is no place {place} in {described(value)}; places count from 0")
    return places[place]
