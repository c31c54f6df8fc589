"""Plain scalars to values, by the core schema of YAML 1.2."""

import re

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL: dict[str, object] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], float("inf")),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], float("-inf")),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], float("nan")),
}


def plain_value(value: str) -> object:
    """Resolve a plain scalar by YAML 1.2's core schema (YAML 1.2.2, section 10.3.2)."""
    if value in _SPECIAL:
        return _SPECIAL[value]
    if not value[0].isalpha() and len(value) <= 60:
        if _INTEGER.fullmatch(value):
            return int(value, 0 if value[:2] in {"0o", "0x"} else 10)
        if _FLOAT.fullmatch(value):
            return float(value)
    return value
