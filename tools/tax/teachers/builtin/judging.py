"""The built-in teacher as a judge: mechanical checks, which say what they looked at."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tax.teachers.builtin.wording import CHINESE, ENGLISH
from tax.text.duplicates import rouge_l
from tax.text.segments import folded, plain, tokens

Verdict = tuple[int | str, str]

_CONNECTIVES = frozenset(["therefore", "however", "moreover", "consequently", "nevertheless", "thus", "hence", "also"])
_FRAME = frozenset(
    ["what", "which", "who", "when", "where", "why", "how", "is", "are", "was", "were", "do", "does", "did", "the", "a"]
    + ["an", "of", "in", "to", "and", "or", "for", "by", "on", "with", "that", "it", "as", "from", "true", "false"]
    + ["fill", "blank", "complete", "sentence", "statement", "according", "going", "missing", "here", "say", "whether"]
    + list("的是什麼為哪一個在了請嗎有")
)
_DANGLING = re.compile(
    r"^(?:it|its|they|their|he|she|his|her|this|these|those|such)\b(?!.*:)"
    r"|\b(?:does|do|did|is|are|was|were|can|should) (?:it|they|this|these|those|he|she)\b(?! mean that)"
    r"|\b(?:the|this) (?:text|passage|document|article|excerpt|author|context|chunk)\b(?! [\"“*])"
    r"|\b(?:the|this) (?:table|figure|section|example)(?: above| below)?\?|\b(?:above[,.;?]|following table|preceding)"
    r"|(?:本文|文中|上文|下文|上表|下表|上圖|下圖|上述|前述|這篇|這段|該文|作者)|^[這其它此該]",
    re.IGNORECASE,
)


def judge_faithfulness(fields: Mapping[str, Any]) -> Verdict:
    """Rate YES where the evidence is in the chunk and all that the answer says stands there, word for word."""
    chunk, evidence, answer = (str(fields.get(name, "")) for name in ("chunk", "evidence", "answer"))
    if not evidence.split() or " ".join(evidence.split()) not in " ".join(chunk.split()):
        return "NO", "The quoted evidence is not a part of the document."
    source, place = _words(chunk), _words(evidence)
    if answer.strip() in {ENGLISH.true, CHINESE.true}:
        if _holds(_words(str(fields.get("question", ""))), place):
            return "YES", "The statement in the question stands in the document word for word."
        return "NO", "The statement that is called true is not what the document says."
    said = [part for part in _parts(answer) if part]
    if not said:
        return "NO", "The answer says nothing."
    for part in said:
        if not _holds(source, part) and not _holds_in_two(source, part):
            return "NO", f"The document does not say '{' '.join(part[:12])}' in these words."
    if not any(_holds(place, part) for part in said):
        return "NO", "The answer is not taken from the quoted evidence."
    return "YES", "Every part of the answer stands in the document word for word."


def judge_relevance(fields: Mapping[str, Any]) -> Verdict:
    """Rate 2 where question and document speak of the same things and the answer is more than the question's words."""
    question = _words(str(fields.get("question", "")))
    answer = _words(str(fields.get("answer", "")))
    if not answer or (_holds(question, answer) and len(answer) > 1 and answer != _words(CHINESE.true)):
        return 0, "The answer adds nothing to the question."
    telling = [word for word in question if word not in _FRAME]
    known = {word for name in ("chunk", "title") for word in _words(str(fields.get(name, "")))} | set(answer)
    share = sum(word in known for word in telling) / max(1, len(telling))
    if not telling or not share:
        return 0, "The question shares no telling word with the document."
    if share < 0.3:
        return 1, "Most of the question's words do not occur in the document."
    return 2, f"{share:.0%} of the question's telling words occur in the document, and the answer is taken from it."


def judge_self_contained(fields: Mapping[str, Any]) -> Verdict:
    """Rate 1 where the question points to nothing outside itself and names something."""
    question = folded(str(fields.get("question", "")))
    found = _DANGLING.search(question)
    if found:
        return 0, f"'{found[0].strip()}' points to something that is not in the question."
    if not any(word not in _FRAME for word in _words(question)):
        return 0, "The question names nothing that it is about."
    return 1, "The question names its subject and points to nothing outside itself."


def judge_reference(fields: Mapping[str, Any]) -> Verdict:
    """Rate 1 to 10 by ROUGE-L's F-measure with the reference: words that both have in one order, whatever they mean."""
    alike = rouge_l(str(fields.get("answer", "")), str(fields.get("reference", "")))
    return 1 + round(9 * alike), f"Words alone were compared, not sense: ROUGE-L with the reference is {alike:.2f}."


def _words(text: str) -> list[str]:
    return [word for word in tokens(folded(plain(text))) if word not in _CONNECTIVES]


def _parts(answer: str) -> list[list[str]]:
    """Return what an answer claims, part by part: its lines without marks, and labels apart from what they label."""
    text = answer.removeprefix("False. ").removeprefix("不正確。")
    lines = [re.sub(r"^(?:- |\d+\. )", "", line) for line in text.split("\n")]
    return [_words(part) for line in lines for part in re.split(r": |：| \(|\)\.?$|（|）。?$| = ", line)]


def _holds(words: Sequence[str], part: Sequence[str]) -> bool:
    return f"\x1f{chr(31).join(part)}\x1f" in f"\x1f{chr(31).join(words)}\x1f"


def _holds_in_two(words: Sequence[str], part: Sequence[str]) -> bool:
    """Tell whether a part is a column and a row's name: two stretches of the source joined by "for" or 的."""
    return any(
        _holds(words, part[:at]) and _holds(words, part[at + 1 :])
        for at, word in enumerate(part)
        if word in {"for", "的"} and 0 < at < len(part) - 1
    )
