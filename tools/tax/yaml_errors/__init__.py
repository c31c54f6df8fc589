"""What libyaml found wrong, in words for somebody who has never seen YAML: where, what, and the likely cause.

libyaml names the place where it gave up and the rule of its grammar. The functions of the modules here look at the
lines around that place for the slip that leads there (a text beside its `|`, a quote within quotes, no space after
a colon) and point at the slip. They are ordered from the most telling sign to the least.
"""

from collections.abc import Callable

import yaml

from tax.problems import excerpt
from tax.yaml_errors import layout, stray, texts
from tax.yaml_errors.fault import WIDE_COLON, Diagnosis, Fault
from tax.yaml_errors.lookalikes import lookalike, misread, ordinary_indents

__all__ = ["WIDE_COLON", "Diagnosis", "diagnose", "misread", "ordinary_indents"]


def diagnose(error: yaml.MarkedYAMLError, text: str) -> Diagnosis:
    """Return what led to an error that libyaml's scanner, parser or composer raised."""
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text)) if mark else 0
    began = min(error.context_mark.index, len(text)) if error.context_mark else index
    words = " ".join(filter(None, [error.context, error.problem]))
    fault = Fault(text, words, index, began)
    for signs, diagnosis in _DIAGNOSES:
        if any(sign in words for sign in signs):
            found = diagnosis(fault)
            if found:
                return found
    return Diagnosis(
        index,
        f"this is not valid YAML: {excerpt(words, 160)}",
        "put a text with special characters in quotes",
    )


_DIAGNOSES: list[tuple[tuple[str, ...], Callable[[Fault], Diagnosis | None]]] = [
    (("",), stray.rich_text),
    (("",), texts.fenced),
    (("",), stray.fence),
    (("",), stray.conflict),
    (("",), stray.line_separator),
    (("",), lookalike),
    (("tab character", "cannot start any token"), layout.tab),
    (("cannot start any token", "an alias", "an anchor", "a tag"), stray.stray_mark),
    (
        (
            "cannot start any token",
            "undefined alias",
            "an alias",
            "an anchor",
            "a tag",
            "a directive",
            "mapping keys are not",
        ),
        texts.special_start,
    ),
    (("did not find expected comment or line break",), texts.text_beside_indicator),
    (("expected key", "expected '-' indicator", "expected ',' or", "block sequence"), texts.quotes_end_early),
    (("mapping values are not allowed", "could not find expected ':'"), texts.glued_key),
    (("mapping values are not allowed", "could not find expected ':'", "<document start>"), stray.stray),
    (("could not find expected ':'", "did not find expected key", "expected '-' indicator"), layout.shallow_text),
    (
        ("mapping values are not allowed", "did not find expected key", "expected '-' indicator"),
        layout.item_out_of_line,
    ),
    (("mapping values are not allowed",), texts.colon_in_text),
    (("could not find expected ':'",), layout.colon_expected),
    (("quoted scalar found unexpected end", "unexpected document indicator"), texts.open_quote),
    (("expected ',' or", "expected node content"), texts.open_bracket),
    (("did not find expected '-' indicator",), layout.item_expected),
    (("did not find expected key",), layout.key_expected),
    (("block sequence entries are not allowed",), layout.item_beside_key),
    (("found another document", "expected <document start>"), layout.second_document),
    (("unknown escape character", "expected hexdecimal number", "Unicode character escape"), texts.escape),
    (("duplicate anchor",), texts.second_anchor),
]
