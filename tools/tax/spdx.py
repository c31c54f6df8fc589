"""SPDX's ids of licences, and expressions of them such as `MIT OR CC-BY-4.0` (SPDX specification 3.0, annex B).

The ids and the reading of expressions are the library license-expression's. It is loaded when a licence is asked for
that is not simply on a list, which takes a twentieth of a second.
"""

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tax.problems import UserError, excerpt

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_MAX_LENGTH = 200  # characters of an expression

# What people write for the parts of an id
_WORDS = {
    "creative commons": "cc",
    "attribution": "by",
    "share alike": "sa",
    "sharealike": "sa",
    "non commercial": "nc",
    "noncommercial": "nc",
    "no derivatives": "nd",
    "noderivatives": "nd",
    "noderivs": "nd",
    "cc zero": "cc0",
    "public domain": "cc0",
}
_FILLERS = re.compile(r"\b(?:the|licen[cs]ed?|version|under|international|unported|generic|universal|v)\b|(?<=\d)\.0$")


@dataclass(frozen=True)
class Expression:
    """A licence expression, read: its canonical form, and its old ids, each with the one that is valid today."""

    canonical: str
    deprecated: tuple[tuple[str, str], ...]
    _tree: Any

    def within(self, allowed: Collection[str]) -> bool:
        """Tell whether the allowed licences suffice: of `A OR B` one of them, of `A AND B` both."""
        return self.canonical in allowed or _within(self._tree, allowed)


def read(text: str) -> Expression | None:
    """Return an expression whose ids are all SPDX's; None where one is not, or where the text is no expression."""
    from license_expression import ExpressionError

    if len(text) > _MAX_LENGTH:
        return None
    try:
        tree = _library().parse(text, validate=True, strict=True)
    except (ExpressionError, AttributeError):  # AttributeError: the library's own slip in some of its messages
        return None
    canonical = str(tree)
    if tree is None or "LicenseRef-" in canonical:
        return None
    parts = _ID.findall(text)
    deprecated = tuple((part, _deprecated()[part.lower()]) for part in parts if part.lower() in _deprecated())
    return Expression(canonical, deprecated, tree)


def nearest(text: str, allowed: Iterable[str]) -> str | None:
    """Return the id that a licence was meant to be, such as CC-BY-4.0 of "Creative Commons Attribution 4.0".

    One of the allowed ids is returned if one is near; a licence that forbids commerce or changes is never taken for
    one that does not.
    """
    written = _FILLERS.sub(" ", text[:_MAX_LENGTH].lower().replace("-", " ").replace("_", " "))
    for name, part in _WORDS.items():
        written = written.replace(name, part)
    words = re.findall("[a-z]+|[0-9]+", written)
    compact = "".join(words)
    if compact in {"", "cc"}:  # Creative Commons has licences of all kinds
        return None
    strict = bool({"nc", "nd"} & set(words))
    for candidates in ([] if strict else list(allowed), known()):
        plain = {re.sub("[^a-z0-9]", "", each.lower()): each for each in candidates}
        versions = [each for each in plain if re.match(r"\d", each.removeprefix(compact)) and each.startswith(compact)]
        near = [compact] if compact in plain else [max(versions)] if versions else []
        near = near or difflib.get_close_matches(compact, plain, 1, 0.8)
        if near:
            return plain[near[0]]
    return None


def check_option(written: str, allowed: Collection[str] | None = None) -> None:
    """Check what was given as --license: an SPDX expression, within the allowed licences if any. Raises UserError."""
    expression = read(written)
    if expression is not None and (allowed is None or expression.within(allowed)):
        return
    what = "no SPDX id of a licence" if expression is None else "not among the licences that tax.toml allows"
    near = nearest(written, known() if allowed is None else allowed)
    meant = ": https://spdx.org/licenses lists them" if allowed is None else f": {', '.join(allowed)}"
    if near and (allowed is None or near in allowed):
        meant = f"; did you mean {near}?"
    raise UserError(f"--license {excerpt(written)} is {what}{meant}")


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """Return SPDX's ids of licences that are valid today."""
    return tuple(entry["spdx_license_key"] for entry in _entries() if not entry["is_exception"])


@lru_cache(maxsize=1)
def _library() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def _entries() -> list[dict[str, Any]]:
    from license_expression import get_license_index

    return [each for each in get_license_index() if not (each["spdx_license_key"] or "LicenseRef-").startswith("Lic")]


@lru_cache(maxsize=1)
def _deprecated() -> dict[str, str]:
    """Return the id that is valid today for every old one, which is in lower case."""
    return {
        old.lower(): entry["spdx_license_key"]
        for entry in _entries()
        for old in entry["other_spdx_license_keys"]
        if not old.startswith("LicenseRef-")
    }


def _within(tree: Any, allowed: Collection[str]) -> bool:
    if isinstance(tree, _library().OR):
        return any(_within(each, allowed) for each in tree.args)
    if isinstance(tree, _library().AND):
        return all(_within(each, allowed) for each in tree.args)
    return str(tree) in allowed or str(getattr(tree, "license_symbol", "")) in allowed  # an exception only adds rights
