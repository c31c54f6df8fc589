"""Whether the licences of a sample's sources let the sample be given on: read from a table, or refused with the reason.

A sample is made from its leaf and, of knowledge, from its document, so it adapts both, and must have a licence that
both allow. The dataset is a collection: its samples stand beside each other, each under its own licence, so that one
asks nothing of another. docs/export.md says the same to people. This is no legal advice.
"""

import re
from collections.abc import Iterable

from tax.config import PERMISSIVE
from tax.leaf import UNSTATED_LICENSE
from tax.problems import excerpt

_GPL_3 = ["GPL-3.0-only", "GPL-3.0-or-later"]
_AGPL_3 = ["AGPL-3.0-only", "AGPL-3.0-or-later"]

# What an adaptation of a work may be licensed under, where the work's licence does not leave that open. By the
# licences' own texts, and Creative Commons' list of compatible licences (creativecommons.org/compatiblelicenses).
ADAPTATIONS: dict[str, frozenset[str]] = {
    name: frozenset([name, *more])
    for name, more in {
        "CC-BY-SA-1.0": [],
        "CC-BY-SA-2.0": ["CC-BY-SA-2.5", "CC-BY-SA-3.0", "CC-BY-SA-4.0"],
        "CC-BY-SA-2.5": ["CC-BY-SA-3.0", "CC-BY-SA-4.0"],
        "CC-BY-SA-3.0": ["CC-BY-SA-4.0"],
        "CC-BY-SA-4.0": ["LAL-1.3", *_GPL_3],
        "LAL-1.3": ["CC-BY-SA-4.0"],
        "CC-BY-NC-2.0": ["CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"],
        "CC-BY-NC-3.0": ["CC-BY-NC-4.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"],
        "CC-BY-NC-4.0": ["CC-BY-NC-SA-4.0"],
        "CC-BY-NC-SA-2.0": ["CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"],
        "CC-BY-NC-SA-3.0": ["CC-BY-NC-SA-4.0"],
        "CC-BY-NC-SA-4.0": [],
        "GPL-2.0-only": [],
        "GPL-2.0-or-later": ["GPL-2.0-only", *_GPL_3, *_AGPL_3],
        "GPL-3.0-only": ["AGPL-3.0-only"],
        "GPL-3.0-or-later": ["GPL-3.0-only", *_AGPL_3],
        "AGPL-3.0-only": [],
        "AGPL-3.0-or-later": ["AGPL-3.0-only"],
        "GFDL-1.3-or-later": [],
        "ODbL-1.0": [],
        "CDLA-Sharing-1.0": [],
    }.items()
}
_FREE = frozenset(PERMISSIVE) - ADAPTATIONS.keys()  # an adaptation may have any licence, if credit is given
NO_CREDIT = frozenset(["CC0-1.0", "PDDL-1.0", "Unlicense", "0BSD", "MIT-0"])  # these ask for no credit
_NOT_INTO = {"Apache-2.0": frozenset(["GPL-2.0-only"])}  # its terms on patents go further
_NO_DERIVATIVES = re.compile(r"-ND(?:-|$)")


class Refused(Exception):
    """A sample may not be given on; the message says why, in words that samples can be counted by."""


def parts(expression: str) -> list[str]:
    """Return the licences of a sample's `license`: ids joined by AND."""
    return [part.strip() for part in expression.split(" AND ")]


def check(licenses: Iterable[str], allowed: Iterable[str]) -> None:
    """Check that something made from works under these licences may be given on. Raises Refused."""
    names = sorted(set(licenses))
    permitted = set(allowed)
    for name in names:
        if name == UNSTATED_LICENSE or not name:
            raise Refused("a source states no licence")
        if _NO_DERIVATIVES.search(name):
            raise Refused(f"{excerpt(name)} lets nothing be made from its work")
        if name not in permitted:
            raise Refused(f"{excerpt(name)} is not among the licences that tax.toml allows")
    bound = [name for name in names if name not in _FREE]
    common = _common(bound)
    for name in names:
        common = common - _NOT_INTO.get(name, frozenset()) if common is not None else None
    if common is not None and not common:
        raise Refused(f"no licence satisfies {' and '.join(excerpt(name) for name in names)} at once")


def _common(bound: Iterable[str]) -> frozenset[str] | None:
    """Return the licences that an adaptation of all these works may have; None where that is left open."""
    common: frozenset[str] | None = None
    for name in bound:
        mine = ADAPTATIONS.get(name, frozenset([name]))  # of an unknown one: its own alone
        common = mine if common is None else common & mine
    return common
