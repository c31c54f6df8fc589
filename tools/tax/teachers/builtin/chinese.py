"""Questions that a Chinese sentence answers. Chinese asks in place, so that no clause needs turning round."""

import re
from collections.abc import Callable, Iterator, Sequence

from tax.teachers.builtin.reading import Question, Reading, Statement, shuffled

Asked = tuple[str, ...]  # the family's name, the answer ("" for the whole sentence), then the wordings
Family = Callable[[str, list[str]], Iterator[Asked]]

_CONNECTIVE = re.compile(r"(?:因此|所以|然而|不過|但是|此外|另外|換句話說|也就是說|簡單來說|總之|事實上)，")
_FIRST = re.compile(
    r"[這那此其它牠他她該但而且並也又還另於你您我之]|前者|後者|兩者|上述|下列|下面|以下|如此|如上|因此|所以|可是|然而|不過|同樣|隨後|接著"
    r"|當時|當地|例如|比如|舉例|反之|相反|否則|至於|尤其|有些|有的|每種|每個|兩個|三個|第[一二三四五]|結果|新制|舊制|至今|同時|同一"
    r"|如果(?:這|那|它|其)|[一二三四]者|[^，。]{0,8}(?:因此|也因此)"
)
_ANYWHERE = re.compile(
    r"[這那它牠]|(?<![因彼如])此(?![外])|上述|下列|[上下]表|[上下]圖|如下|前述|前者|後者|兩者|本[節章文表書]|(?<![應])該(?!地)|以下(?=[是為列幾，：])"
    r"|以上(?=[所是列，：])"
)
_HANGING = re.compile(r"[^，]*(?:其(?!他|實|餘|中)|這|它|此(?!外)|該)")
_DEPENDENT = re.compile(
    r"[也就才會可能要必應不更還再都常只無並而在使讓造成與和及或從由對把將被於是為以]|通常|多半|大多|甚至|其中|例如|包括"
)
_VAGUE = re.compile(
    r"(?:原因|結果|方法|目的|例子|問題|差別|影響|條件|最大|最小|重點|關鍵|意思|目標|範圍|大小)(?:之一)?$"
)
_UNIT = r"公里|公尺|公分|公釐|公克|公斤|公升|毫升|平方公里|小時|分鐘|秒|年|天|人|倍|戶|棟|座|次|歲|元|%|MW|gal"
_CLOCK = r"(?:(?:清晨|凌晨|上午|下午|中午|晚間|深夜|傍晚)?\d{1,2}時(?:\d{1,2}分)?)"
_WHEN = re.compile(rf"(?:(?:1\d|20)\d\d年)?\d{{1,2}}月\d{{1,2}}日{_CLOCK}?")


def clauses(text: str) -> list[str]:
    """Return the parts of a sentence between its commas; a comma inside brackets does not part."""
    parts = [""]
    depth = 0
    for char in text.rstrip("。"):
        depth += (char in "（「《") - (char in "）」》")
        if char in "，；" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def statement(sentence: str) -> str | None:
    """Return the sentence without its connective; None where it is no statement of a sensible length."""
    text = _CONNECTIVE.sub("", sentence, count=1) if _CONNECTIVE.match(sentence) else sentence
    return text if text.endswith("。") and 10 <= len(text) <= 160 and "|" not in text and "http" not in text else None


def stands_alone(text: str) -> bool:
    """Tell whether a statement can be read without the text around it; a later clause may point to its first."""
    first, *later = text.split("，", 1)
    if _FIRST.match(text) or _ANYWHERE.search(first):
        return False
    return not re.search(r"[上下]表|[上下]圖|上述|下列|如下|前述|本[節章文表]|新制|舊制", "".join(later))


def statements(reading: Reading) -> list[Statement]:
    """Return the sentences of a chunk that can be asked about by themselves."""
    found = []
    for index, sentence in enumerate(reading.sentences):
        text = statement(sentence.text)
        if text is not None and not sentence.in_example and stands_alone(text):
            found.append(Statement(text, sentence.span, sentence.paragraph, index))
    return found


def questions(reading: Reading, known: Sequence[Statement]) -> Iterator[Question]:
    """Yield what can be asked about single statements."""
    for each in known:
        for family in FAMILIES:
            for name, answer, *asked in family(each.text, clauses(each.text)):
                if re.search(r"[兩三四五][個種者類項]", answer) or any(
                    _ANYWHERE.search(question) or _HANGING.match(question) for question in asked
                ):
                    continue
                wordings = [wording for question in asked for wording in titled(question, reading.title)]
                yield Question(name, shuffled(wordings, each.text), answer or each.text, each.span)


def titled(question: str, title: str) -> tuple[str, ...]:
    """Return a question in wordings that name the document, where the question says nothing of its subject."""
    if not title or not needs_title(question, title):
        return (question,)
    if question.startswith("請"):
        return (f"{question}（依《{title}》作答）",)
    return (f"根據《{title}》，{question}", f"依《{title}》的說明，{question}", f"請依《{title}》回答：{question}")


def needs_title(question: str, title: str) -> bool:
    """Tell whether a question shares no two characters in a row with the title."""
    return not any(title[at : at + 2] in question for at in range(len(title) - 1) if "的" not in title[at : at + 2])


def definitions(text: str, parts: list[str]) -> Iterator[Asked]:
    """Ask what a term is, stands for or is called, clause by clause."""
    for index, part in enumerate(parts):
        rest_defines = index + 1 < len(parts) and _DEFINES.match(parts[index + 1])
        answer = part + "。" if rest_defines or (index and index + 1 == len(parts)) else ""
        match = _DEFINES.fullmatch(part)
        if match is None or (index and not answer) or _DEPENDENT.match(part) or _ANYWHERE.search(part):
            continue
        term, verb, rest = match["term"], match["verb"], match["rest"]
        if _VAGUE.search(term) or re.match(r"\d|不|因為|為了|由|在|要|會|可以|以|從|世界上|否", rest):
            continue
        if verb == "表示":
            yield "definition", answer, f"{term}表示什麼？", f"{term}代表什麼意義？"
        elif verb in {"稱為", "叫做", "稱作"}:
            yield "term", answer, f"{term}{verb}什麼？"
        elif "的" in term:
            yield "definition", answer, f"{term}是什麼？"
        else:
            yield (
                "definition",
                answer,
                f"什麼是{term}？",
                f"{term}是什麼？",
                f"請解釋「{term}」的意思。",
                f"「{term}」指的是什麼？",
            )
            if (
                re.search(r"的(?:現象|地點|位置|距離|過程|作用|方法|數值|程度|範圍|地震|斷層|板塊|波)$", rest)
                and len(rest) > 9
            ):
                yield "term", answer, f"{rest}稱為什麼？", f"哪一個名詞指的是{rest}？"


_DEFINES = re.compile(
    r"(?P<term>(?!\d)[^，。、；：是有為不也都就則才仍表稱叫]{2,16}?)(?:就|即)?(?P<verb>是指|是一[種個條座項]|(?<![於但可還若總凡正只老硬])是|指的是|表示|稱為|叫做|稱作)(?P<rest>[^，]{2,60})"
)


def causes(text: str, parts: list[str]) -> Iterator[Asked]:
    """Ask for the reason of what is said."""
    body = text.rstrip("。")
    patterns = (
        (r"(?P<main>[^；]{6,45}?)，(?:主要|多半)?(?:是)?因為(?P<reason>[^；]{4,})", "main"),
        (r"(?:因為|由於)(?P<reason>[^，；]{4,40})，(?:所以|因此)?(?P<main>[^；]{5,45})", "main"),
        (r"為了(?P<reason>[^，；]{3,30})，(?P<main>[^；]{5,45})", "main"),
        (r"(?P<reason>[^；]{6,}?)，(?:所以|因此)(?P<main>[^；，]{5,30}(?:，[^；，]{3,25})?)", "main"),
    )
    for pattern, group in patterns:
        match = re.fullmatch(pattern, body)
        if match and not re.search(r"因為|所以|因此", match[group]) and not _DEPENDENT.match(match[group]):
            yield "cause", "", f"為什麼{match[group]}？"
            return
    last = re.fullmatch(r"(?P<subject>[^也卻並而]{2,16})因此(?P<rest>[^，]{3,})", parts[-1])
    if last and len(parts) > 1 and not _DEPENDENT.match(parts[-1]):
        yield "cause", "", f"為什麼{last['subject']}{last['rest']}？"
    by = re.match(
        r"(?P<subject>[^，]{2,20}?)(?:主要)?由(?P<agent>[^，]{3,25})(?P<verb>引起|造成|引發|所致)(?:，|。)", text
    )
    if by:
        yield (
            "cause",
            "",
            f"{by['subject']}是由什麼{by['verb']}的？",
            f"什麼{by['verb'].replace('所致', '導致')}了{by['subject']}？",
        )
    effect = re.match(r"(?P<subject>[^，]{2,14}?)(?:會|可能|可)使(?P<object>[^，]{2,30})，?", text)
    if effect and "的" not in effect["subject"][-1:]:
        yield "cause", "", f"{effect['subject']}會造成什麼結果？"


def figures(text: str, parts: list[str]) -> Iterator[Asked]:
    """Ask for a figure, a year or a date in its place; what stands before it stays."""
    for half in text.rstrip("。").split("；"):
        before = ""
        for part in half.split("，"):
            asked = _asked_in_place(part)
            if asked and len(before + part) <= 48 and not (before and re.match(r"[也就才並而但]", part)):
                yield "number", "", f"{before}{asked}？"
            before += part + "，"


def _asked_in_place(part: str) -> str | None:
    """Return a clause with its figure asked for; None where it has none, or more than one."""
    for pattern, replacement in _IN_PLACE:
        found = pattern.findall(part)
        lone = len(found) == 1 and not re.search(r"\d", pattern.sub("", part))
        if lone or (found and pattern is _WHEN_AFTER):
            return pattern.sub(replacement, part, count=1)
    return None


_WHEN_AFTER = re.compile(rf"(?<=[在自於])(?:{_WHEN.pattern})")
_IN_PLACE: tuple[tuple[re.Pattern[str], str], ...] = (
    (_WHEN_AFTER, "什麼時候"),
    (re.compile(r"(?<=在)(?:1\d|20)\d\d年(?=.{2,})"), "哪一年"),
    (re.compile(r"(?<=每年的)\d{1,2}月\d{1,2}日"), "幾月幾日"),
    (
        re.compile(rf"(?<![\d,.到至第])(?!(?:1\d|20)\d\d年)\d[\d,.]*多?(?=(?:{_UNIT})(?![到至以]))"),
        "多少",
    ),
)


def places(text: str, parts: list[str]) -> Iterator[Asked]:
    """Ask where, from what, on what and into what, in place of the words that say so."""
    first = parts[0]
    for pattern, replacement in (
        (r"(?P<head>[^，]{2,20}?(?:位在|位於))[^，]{2,30}", "哪裡"),
        (r"(?P<head>[^，]{2,24}?取決於)[^，]{2,30}", "什麼"),
        (r"(?P<head>[^，]{2,24}?(?:主要|多半)?來自)[^，]{3,30}", "什麼"),
        (r"(?P<head>[^，]{3,30}?(?:包括|包含))[^，]{4,80}", "哪些"),
        (r"(?P<head>[^，]{3,40}?(?:分為|分成))(?!\d|[兩二三四五六七八九十]+[類種級個])[^，]{3,40}", "哪幾種"),
        (r"(?P<head>[^，]{3,30}?等於)[^，]{3,30}", "多少"),
    ):
        match = re.fullmatch(pattern, first)
        if match:
            yield "detail", "", f"{match['head']}{replacement}？"
            return
    counted = re.match(
        r"(?P<head>[^「」：]{4,45}?)(?P<count>[兩二三四五六七八九十]|\d+)(?P<noun>[個種類項條點][^，：「」]{0,8})：(?P<list>.{6,})",
        text,
    )
    if counted:
        yield "detail", "", f"{counted['head']}哪{counted['count']}{counted['noun']}？"


def advice(text: str, parts: list[str]) -> Iterator[Asked]:
    """Ask what is to be done, or what happens, under a condition that opens the sentence."""
    first = parts[0]
    if len(parts) < 2 or len(first) < 6 or "「" in first:
        return
    if re.search(r"(?:時|以後|之後|後)$", first) and re.match(r"(?:請)?(?:應|要|必須|不要|可以|立刻|先)", parts[1]):
        yield "condition", "", f"{first}，應該怎麼做？"
    elif re.match(r"(?:如果|若|當)", first) and not re.search(r"\d", text):
        yield "condition", "", f"{first}，會怎麼樣？"


FAMILIES: tuple[Family, ...] = (definitions, causes, figures, places, advice)


def defined(text: str) -> str | None:
    """Return the term that a statement opens with and defines."""
    match = _DEFINES.match(text)
    return match["term"] if match and "的" not in match["term"] and not _VAGUE.search(match["term"]) else None


def list_intro(intro: str, reading: Reading) -> tuple[str, ...]:
    """Return the questions that the first line of a list gives rise to."""
    line = intro.rstrip("：。")
    counted = re.fullmatch(
        r"(?P<head>[^「」]{4,60}?)(?P<count>[兩二三四五六七八九十]|\d+)(?P<noun>[個種類項條點][^，「」]{0,8})", line
    )
    if counted is None or not intro.endswith("：") or _FIRST.match(line) or _ANYWHERE.search(line):
        return ()
    return titled(f"{counted['head']}哪{counted['count']}{counted['noun']}？", reading.title)
