"""What a leaf's models refuse, in words: each of pydantic's errors becomes a Problem at the value at fault.

One slip makes one problem: a misspelt key is not also reported as a missing one.
"""

from dataclasses import replace

from pydantic import BaseModel, ValidationError

from tax.faults.fault import Fault
from tax.faults.fixes import speaker
from tax.faults.kinds import EXPECTED, KINDS, bad_value, duplicate_item, too_few
from tax.problems import Level, Problem
from tax.source import Loc, Source

MAX_EXPLAINED = 500  # faults of one file

__all__ = ["duplicate_item", "explain", "too_few"]


def explain(source: Source, error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return the problems of a leaf that does not fit its model."""
    faults = _faults(source, error, model)
    more = len(faults) - MAX_EXPLAINED
    del faults[MAX_EXPLAINED:]
    renamed = {(*fault.loc[:-1], fault.meant) for fault in faults if fault.kind == "extra_forbidden"}
    renamed |= {(*fault.loc[:-1], key) for fault in faults for key in fault.held}
    spoken = {fault.loc[:-1] for fault in faults if fault.kind == "extra_forbidden" and speaker(fault)}
    found: list[Problem] = []
    for fault in faults:
        if fault.kind == "missing" and fault.loc in spoken:
            continue
        # a key that is misspelt or too deep may also have made its group another kind of seed, which lacks everything
        if fault.kind == "missing" and renamed & {(*fault.loc, fault.raw[-1]), (*fault.loc, fault.deciding)}:
            continue
        found.append(KINDS.get(fault.kind, bad_value)(fault))
    if more > 0:
        message = f"the keys and values of this file have {more:,} more faults, which are not shown"
        found.append(source.problem((), "more-faults", message, "mend those that are shown first", level=Level.HINT))
    return found


def _faults(source: Source, error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Return pydantic's errors, those of a union's members ("a number or a text") as one."""
    merged: dict[tuple[Loc, str], Fault] = {}
    for details in error.errors(include_url=False):
        kind, raw = details["type"], tuple(details["loc"])
        parent = kind in {"missing", "extra_forbidden"}
        loc = source.known(raw[:-1]) if parent else source.known(raw)
        if kind == "extra_forbidden":
            loc = (*loc, raw[-1])
        expected = (EXPECTED[kind],) if kind in EXPECTED else ()
        key = (loc, "type" if expected else f"{kind} {raw[-1:]}")
        if key in merged:
            merged[key] = replace(merged[key], expected=merged[key].expected + expected)
            continue
        context = {**details.get("ctx", {}), "message": details["msg"]}
        merged[key] = Fault(source, model, kind, raw, loc, details["input"], context, expected)
    return list(merged.values())
