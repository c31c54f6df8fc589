"""Whether a text is written in the language that it should be in.

Long texts are told by the language identifier (text/languages.py), short ones by their script alone: a short English
answer passes for French. Of a translation, one that is the text itself is told too, however short. Traditional and
Simplified Chinese are told apart by OpenCC's tables (text/script.py).
"""

import re

from tax.text.languages import is_kin, is_told, language_of
from tax.text.prose import tokens
from tax.text.script import KANA, is_traditional, simplified

LEAST = 0.3  # of a text's words in the script of its language; names, terms and quotations make up the rest
FEW = 3  # words that say nothing about a language
LEAST_SAME = 5  # words, names left out, that no two languages write alike one after the other

_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`|https?://\S+|<[^<>\n]{1,200}>", re.DOTALL)
_CODE_SIGNS = re.compile(r"[{}()=;<>\\|]")  # of code that stands in a text unmarked
_PROSE_WORD = re.compile(r"\b[^\W\d_]+\b")
_SCRIPTS = {
    "ar": "\u0600-\u06ff\u0750-\u077f",
    "bg": "\u0400-\u04ff",
    "bn": "\u0980-\u09ff",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "fa": "\u0600-\u06ff\u0750-\u077f",
    "he": "\u0590-\u05ff",
    "hi": "\u0900-\u097f",
    "ja": "\u3040-\u30ff\u3400-\u9fff",
    "ko": "\uac00-\ud7af\u1100-\u11ff",
    "ru": "\u0400-\u04ff",
    "th": "\u0e00-\u0e7f",
    "uk": "\u0400-\u04ff",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
}
_LATIN = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_SCRIPTS |= dict.fromkeys(
    "ca cs da de en es et eu fi fr ga hr hu id is it lt lv ms nl no pl pt ro sk sl".split(), _LATIN
)
_SCRIPTS |= dict.fromkeys("sq sv sw tl tr vi".split(), _LATIN)


def language_fault(text: str, tag: str, quotable: str = "") -> str | None:
    """Return why a text is not in a language (a BCP 47 tag), in words to count by; None where it is.

    What stands in `quotable` may be quoted: a question about Simplified characters has them in its answer. Code,
    addresses and tags are not looked at. A text of hardly any words is in every language, and a language whose script
    is not listed here has no wrong one.
    """
    prose = _CODE.sub(" ", text)
    words = tokens(prose)
    letters = [word for word in words if not word[0].isdigit()]
    language = tag.lower().partition("-")[0]
    script = re.compile(f"[{_SCRIPTS[language]}]") if language in _SCRIPTS else None
    if script and len(letters) >= FEW and sum(bool(script.search(word)) for word in letters) < LEAST * len(letters):
        return "written in another language"
    if language == "zh" and len(KANA.findall(prose)) > 0.2 * len(letters):
        return "written in another language"
    found = language_of(prose, tag) if is_told(tag) else None
    if found and not is_kin(tag, found):
        return "written in another language"
    if is_traditional(tag) and simplified(prose, tag).keys() - set(quotable):
        return "Simplified characters"
    return None


def is_untranslated(translation: str, source: str, tag: str, source_tag: str) -> bool:
    """Tell whether a translation is the text that was to be translated, but for case and white space.

    Code and names may stay as they are, so a text of few other words, or with signs of code, is not told by this; nor
    is one between languages that are close, or one that is in the language already, whatever its sample states.
    """
    if translation.casefold().split() != source.casefold().split():
        return False
    stated = source_tag.lower().partition("-")[0]
    if is_kin(tag, stated) or _CODE_SIGNS.search(source):
        return False
    words = [word for word in _PROSE_WORD.findall(_CODE.sub(" ", source)) if word.islower()]
    if len(words) < LEAST_SAME:
        return False
    found = language_of(source) if is_told(tag) else None
    return not (found and is_kin(tag, found))
