"""Rules about licences: of a leaf, of its documents and of its dataset."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tax import spdx
from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.source import Loc

_COMMON = ["CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0", "Apache-2.0", "MIT"]


class _Fault(NamedTuple):
    rule: str
    message: str
    fix: str


@rule("license-not-allowed", Level.ERROR)
def allowed(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """The licence of a leaf, of its documents and of its dataset is on the list of tax.toml.

    The list holds licences under which anybody may change and combine the work for any purpose: what grows from a
    leaf is used to train models, also by companies. Licences with NC (no commerce) or ND (no changes) are not there.
    Of `A OR B` one must be on the list, of `A AND B` both.

    Passes:
        license: CC-BY-4.0

    Fails:
        license: CC-BY-NC-4.0
    """
    yield from _findings(leaf, config, "license-not-allowed")


@rule("license-unknown", Level.ERROR)
def known(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A licence is named by its SPDX id, to the letter, as https://spdx.org/licenses lists them.

    Several are joined by AND or OR, in capitals. An id says which licence it is, and which version of it; the words
    "Creative Commons" do not.

    Passes:
        license: CC-BY-4.0

    Fails:
        license: Creative Commons
    """
    yield from _findings(leaf, config, "license-unknown")


@rule("license-deprecated", Level.WARNING)
def current(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A licence is named by the SPDX id that is valid today: GPL-3.0, for one, did not say whether later ones count.

    It matters where the licence is on the list of tax.toml; one that is not is told by license-not-allowed alone.

    Passes:
        license: BSD-2-Clause

    Fails:
        license: BSD-2-Clause-NetBSD
    """
    yield from _findings(leaf, config, "license-deprecated")


def _findings(leaf: Loaded, config: Config, rule_id: str) -> Iterator[Finding]:
    for loc, text in _licenses(leaf):
        if text not in config.licenses.allowed:
            fault = _fault(text, tuple(config.licenses.allowed))
            if fault and fault.rule == rule_id:
                yield Finding(loc, fault.message, fault.fix)


@lru_cache(maxsize=1000)
def _fault(text: str, allowed: tuple[str, ...]) -> _Fault | None:
    """Return the one thing that is wrong with a licence."""
    expression = spdx.read(text)
    shown = excerpt(text)
    if expression is None:
        return _unknown(text, allowed)
    if not expression.within(allowed):
        message = f"{shown} is not among the licences that are allowed here"
        return _Fault("license-not-allowed", message, f"choose {_choice(allowed)}")
    if expression.deprecated:
        old, new = expression.deprecated[0]
        message = f"{excerpt(old)} is an old id, which SPDX has replaced by {new}"
        return _Fault("license-deprecated", message, f"write {new}")
    if _words(expression.canonical) != _words(text):
        message = f"{shown} is not written as SPDX writes it"
        return _Fault("license-unknown", message, f"write {expression.canonical}")
    return None


def _words(expression: str) -> list[str]:
    return expression.replace("(", " ").replace(")", " ").split()


def _unknown(text: str, allowed: tuple[str, ...]) -> _Fault:
    near = spdx.nearest(text, allowed)
    if near in allowed:
        fix = f"write {near}, if that is the licence"
    elif near:
        fix = f"if it is {near}, that is not allowed here: choose {_choice(allowed)}"
    else:
        fix = f"choose {_choice(allowed)}"
    return _Fault("license-unknown", f"{excerpt(text)} is not the SPDX id of a licence", fix)


def _choice(allowed: tuple[str, ...]) -> str:
    """Return the licences that most people take, or the first of an unusual list."""
    common = [each for each in _COMMON if each in allowed] or allowed[:5]
    more = f" (tax.toml lists all {len(allowed)})" if len(common) < len(allowed) else ""
    return " or ".join(common) + more


def _licenses(leaf: Loaded) -> Iterator[tuple[Loc, str]]:
    places: list[tuple[Loc, object]] = [((), leaf.data)]
    documents = leaf.data.get("documents")
    if isinstance(documents, list):
        places += [(("documents", index), document) for index, document in enumerate(documents)]
    places.append((("dataset",), leaf.data.get("dataset")))
    for loc, holder in places:
        text = holder.get("license") if isinstance(holder, dict) else None
        if isinstance(text, str) and text.strip():
            yield (*loc, "license"), text
