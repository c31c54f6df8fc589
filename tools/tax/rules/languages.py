"""Rules about the language of a leaf."""

import re
from collections.abc import Iterator

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule

_SCHEMA = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")  # what passes there is looked at here
# RFC 5646, section 2.1, without the grandfathered tags
_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3})"  # language, extended language
    r"(?:-[a-z]{4})?"  # script
    r"(?:-(?:[a-z]{2}|[0-9]{3}))?"  # region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?",  # private use
    re.IGNORECASE,
)


@rule("language-tag", Level.ERROR)
def well_formed(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """The language is a well-formed tag of BCP 47: language, then script, then region.

    Passes:
        language: zh-Hant-TW

    Fails:
        language: zh-TW-Hant
    """
    tag = leaf.data.get("language")
    if isinstance(tag, str) and _SCHEMA.fullmatch(tag) and not _TAG.fullmatch(tag):
        fix = "write language, script and region in this order, such as zh-Hant-TW, pt-BR or en"
        yield Finding(("language",), f"{excerpt(tag, 40)} is no language tag", fix)
