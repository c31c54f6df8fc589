"""Texts with placeholders: `{name}`, `{name:.2f}`, `{name:,}`, and `{{` and `}}` for braces that are meant.

They are read and filled by our own code: a text of strangers never meets str.format.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tax.problems import excerpt
from tax.templates.values import MAX_DECIMALS, ExpressionError, Value, rendered

MAX_CHARACTERS = 10_000  # of a text with its values in place

_BRACES = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]{0,31})(?::(,)?(?:\.([0-9]{1,2})f)?)?\}")


@dataclass(frozen=True)
class Placeholder:
    """A place for a value, and how a number is written there."""

    name: str
    decimals: int | None
    grouped: bool

    def filled(self, value: Value) -> str:
        """Return the value as it is written in this place. Raises ExpressionError."""
        try:
            return rendered(value, self.decimals, self.grouped)
        except ExpressionError as error:
            plain = self.decimals is None and not self.grouped
            fix = f"round it by writing {{{self.name}:.2f}}" if plain else f"write {{{self.name}}}"
            raise ExpressionError(f"{{{self.name}}}: {error}", fix) from None


class Text:
    """A text, read: the `names` of its values, the number of their `places`, and its `faults`, with fixes."""

    def __init__(self, text: str) -> None:
        self._parts: list[str | Placeholder] = []
        self.faults: list[tuple[str, str]] = []
        end = 0
        for match in _BRACES.finditer(text):
            self._parts += [text[end : match.start()], self._part(match.group())]
            end = match.end()
        self._parts.append(text[end:])
        placeholders = [part.name for part in self._parts if isinstance(part, Placeholder)]
        self.names = list(dict.fromkeys(placeholders))
        self.places = len(placeholders)

    def filled(self, values: Mapping[str, Value]) -> str:
        """Return the text with all values in place. Raises ExpressionError."""
        filled: list[str] = []
        size = 0
        for part in self._parts:
            filled.append(part if isinstance(part, str) else part.filled(values[part.name]))
            size += len(filled[-1])
            if size > MAX_CHARACTERS:
                raise ExpressionError(
                    f"the filled text has more than {MAX_CHARACTERS:,} characters, which is the limit"
                )
        return "".join(filled).strip()

    def _part(self, written: str) -> str | Placeholder:
        if written in {"{{", "}}"}:
            return written[0]
        match = _PLACEHOLDER.fullmatch(written)
        if match and int(match[3] or 0) <= MAX_DECIMALS:
            return Placeholder(match[1], int(match[3]) if match[3] else None, bool(match[2]))
        if match:
            fault = f"'{excerpt(written)}' asks for more than {MAX_DECIMALS} decimals", ""
        elif len(written) == 1:
            fault = (
                f"a single {written} stands here",
                f"write {written * 2} for a brace that is meant as such",
            )
        else:
            fault = (
                f"'{excerpt(written, 40)}' is not a placeholder",
                "write {name}, {name:.2f} or {name:,} for a value; for braces in the text write {{ and }}",
            )
        self.faults.append(fault)
        return written
