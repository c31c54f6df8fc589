"""Rules about licences."""

import difflib
import re
from collections.abc import Iterator

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.source import Loc

_COMMON = ["CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0", "Apache-2.0", "MIT"]


@rule("license-not-allowed", Level.ERROR)
def allowed(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """The licence of a leaf, of its documents and of its dataset is on the list of tax.toml, as an SPDX id.

    The list holds licences under which anybody may change and combine the work for any purpose: what grows from a
    leaf is used to train models, also by companies. Licences with NC (no commerce) or ND (no changes) are not there.

    Passes:
        license: CC-BY-4.0

    Fails:
        license: CC-BY-NC-4.0
    """
    for loc, text in _licenses(leaf):
        if text in config.licenses.allowed:
            continue
        near = _nearest(text, config.licenses.allowed)
        fix = f"write {near}, if that is the licence" if near else f"choose {_choice(config.licenses.allowed)}"
        message = f"{excerpt(text)} is not among the licences that are allowed here"
        yield Finding(loc, message, fix)


def _choice(allowed: list[str]) -> str:
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


def _nearest(text: str, allowed: list[str]) -> str | None:
    """Return the allowed id that a licence was meant to be, such as CC-BY-4.0 of "CC BY 4.0"."""
    words = re.findall("[a-z]+|[0-9]+", text[:60].lower())
    if {"nc", "nd", "noncommercial", "noderivatives"} & set(words):
        return None
    plain = {re.sub("[^a-z0-9]", "", each.lower()): each for each in allowed}
    near = difflib.get_close_matches("".join(words), plain, 1, 0.8)
    return plain[near[0]] if near else None
