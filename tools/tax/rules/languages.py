"""Rules about the language of a leaf."""

import re
from collections import Counter
from collections.abc import Iterator

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.rules.walk import kind, texts
from tax.source import Loc
from tax.text.languages import is_english, is_kin, is_told, language_name, language_of, may_differ

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


_DEFAULT = "en"
_MOST_TEXTS = 500  # of a leaf that are looked at
_SAID = ("question", "answer", "content")
_SHORT, _SHORT_ASCII = 20, 70  # characters: no text as short as that tells its language


@rule("other-language", Level.WARNING, older=Level.HINT)
def in_its_language(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """The texts are in the language that the leaf states, which is English where it states none.

    The language tells the teacher what to write, and sorts what it wrote. Only texts that are long enough to be sure of
    are looked at. Questions or answers that are mostly in another language, as of a translator, are taken to be meant.

    Passes:
        language: fr
        seed_examples:
          - question: Qu'est-ce que la marée ?
            answer: C'est le mouvement de la mer, qui monte et descend deux fois par jour sous l'effet de la lune.

    Fails:
        language: en
        seed_examples:
          - question: Expliquez en une phrase ce que l'on appelle la marée, et dites d'où elle vient.
            answer: C'est le mouvement de la mer, qui monte et descend deux fois par jour sous l'effet de la lune.
    """
    stated = leaf.data.get("language", _DEFAULT)
    if not isinstance(stated, str) or not _SCHEMA.fullmatch(stated):
        return
    long = [(loc, text) for loc, text in texts(leaf) if len(text) > (_SHORT_ASCII if text.isascii() else _SHORT)]
    del long[_MOST_TEXTS:]
    unclear = [(loc, text) for loc, text in long if not is_english(text)] if is_kin(stated, "en") else long
    if not unclear or not is_told(stated) or not any(may_differ(text, stated) for _, text in unclear):
        return
    found = {loc: language for loc, text in unclear if (language := language_of(text, stated))}
    foreign = {loc: language for loc, language in found.items() if not is_kin(stated, language)}
    if not foreign:
        return
    sure = Counter(kind(loc) for loc, text in long if loc in found or (loc, text) not in unclear)
    yield from _leaf_in_another(leaf, stated, foreign, sure) or _odd_ones(stated, foreign, sure)


def _leaf_in_another(leaf: Loaded, stated: str, foreign: dict[Loc, str], sure: Counter[str]) -> list[Finding]:
    """Return a finding if nearly all that a leaf says is in one other language."""
    [(language, count)] = Counter(each for loc, each in foreign.items() if loc[-1] in _SAID).most_common(1) or [("", 0)]
    if count < 0.8 * sum(sure[key] for key in _SAID) or not count:
        return []
    name, tag = language_name(language), "zh-Hant-TW or zh-Hans" if language == "zh" else language
    if "language" in leaf.data:
        message = f"this leaf is in {name}, but states {language_name(excerpt(stated, 20))}"
        return [Finding(("language",), message, f"write {tag}, if that is right")]
    message = f"this leaf is in {name}, but states no language, and so counts as English"
    return [Finding(next(iter(foreign)), message, f"write `language: {tag}` at the top, if that is right (version 4)")]


def _odd_ones(stated: str, foreign: dict[Loc, str], sure: Counter[str]) -> list[Finding]:
    """Return a finding for every text in another language than most texts of its kind."""
    kinds = Counter(kind(loc) for loc in foreign)
    return [
        Finding(
            loc,
            f"this text is in {language_name(language)}, but the leaf is in {language_name(excerpt(stated, 20))}",
            "translate it; or write in `language` what the leaf is in",
        )
        for loc, language in foreign.items()
        if 2 * kinds[kind(loc)] < sure[kind(loc)]
    ]
