"""The built-in teacher: what it asks of two short documents and of the shipped ones, and how it judges."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tax.documents.chunks import chunks
from tax.documents.document import Document
from tax.teachers.base import Request, Sampling, TeacherError
from tax.teachers.builtin import Builtin
from tax.text.duplicates import THRESHOLD, rouge_l

CAVES = """\
# Limestone caves

## How caves form

A cave is a natural hollow in the ground that is large enough for a person to enter. Rain takes up carbon dioxide from
the air and the soil, so rain is slightly acid. The weak acid that dissolves limestone is called carbonic acid.
Limestone dissolves slowly, because the acid in rainwater is weak. It can take a million years. However, a cave in
gypsum forms within 10,000 years. Mammoth Cave in Kentucky is the longest known cave in the world and has 686 km of
surveyed passages. These figures grow every year.

Three minerals are common in caves:

- Calcite is a form of calcium carbonate that makes up most stalactites.
- Aragonite is a form of calcium carbonate that grows as needles.
- Gypsum is a soft sulphate that grows as curved flowers.

## Dripstone

A stalactite is a hanging deposit that grows from the ceiling of a cave. A stalagmite is a standing deposit that grows
from the floor of a cave. A stalactite grows by about 0.13 mm a year. Alfred Bögli described mixing corrosion in 1964.
If a stalactite meets a stalagmite, the two form a column.

| Cave | Country | Length |
| --- | --- | --- |
| Mammoth Cave | United States | 686 km |
| Optymistychna | Ukraine | 265 km |
| Hölloch | Switzerland | 212 km |

Consider a cave with two entrances. The upper entrance is 40 m above the lower one.
"""

LAKES = """\
# 臺灣的湖泊

## 湖泊的成因

堰塞湖是山崩或熔岩堵住河道而形成的湖泊。日月潭位在南投縣魚池鄉，湖面海拔約748公尺。日月潭是臺灣面積最大的天然湖泊。
堰塞湖的壩體鬆軟，所以堰塞湖多半不能長久存在。這種湖泊常在大雨後潰決。嘉明湖的成因曾經有爭議，因為湖的外形近似圓形。

臺灣的湖泊依成因分為三種：

1. 構造湖：地殼陷落而成的湖泊，例如日月潭。
2. 堰塞湖：河道受阻而成的湖泊，例如鴛鴦湖。
3. 人工湖：築壩攔水而成的水庫，例如曾文水庫。

## 水庫

曾文水庫在1973年完工，是臺灣容量最大的水庫。翡翠水庫在1987年完工，供應臺北的用水。影響水庫壽命的因素包括泥沙淤積與壩體老化。
水庫淤積嚴重時，應該清除泥沙。

| 水庫 | 縣市 | 完工年 |
| --- | --- | --- |
| 曾文水庫 | 嘉義縣 | 1973年 |
| 翡翠水庫 | 新北市 | 1987年 |
"""

KNOWLEDGE = sorted((Path(__file__).parents[2] / "taxonomy" / "knowledge").rglob("*.md"))
# The documents that the rules were written against; others yield what their prose allows.
STUDIED = {
    "confidence_intervals",
    "earthquakes_in_taiwan",
    "git_recovery",
    "home_kitchen",
    "tides",
    "unicode_and_utf8",
}


def ask(prompt: str, **fields: Any) -> dict[str, Any]:
    request = Request("builtin-1", (), Sampling(), prompt=prompt, fields=fields)
    answer: dict[str, Any] = json.loads(asyncio.run(Builtin().complete(request)).text)
    return answer


def pairs(chunk: str, title: str, language: str = "en", count: int = 5, **more: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for turn in range(100):
        group = ask(
            "knowledge_questions", chunk=chunk, title=title, language_tag=language, count=count, turn=turn, **more
        )["questions"]
        if not group:
            break
        found += group
    return found


CAVE_PAIRS = pairs(CAVES, "Limestone caves")
LAKE_PAIRS = pairs(LAKES, "臺灣的湖泊", "zh-Hant-TW")


def answers(found: list[dict[str, str]], pattern: str) -> list[str]:
    return [pair["answer"] for pair in found if re.search(pattern, pair["question"])]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (r"stalagmite", "A stalagmite is a standing deposit that grows from the floor of a cave."),
        (
            r"[Ww]hy does limestone dissolve slowly",
            "Limestone dissolves slowly, because the acid in rainwater is weak.",
        ),
        (r"[Ww]hich three minerals are common in caves", "- Calcite is a form of calcium carbonate that makes up most"),
        (r"[Ww]hen did Alfred Bögli describe|[Ww]ho described", "Alfred Bögli described mixing corrosion in 1964."),
        (r"acid that dissolves limestone called", "The weak acid that dissolves limestone is called carbonic acid."),
        (
            r"fact that rain takes up",
            "Rain takes up carbon dioxide from the air and the soil, so rain is slightly",
        ),
        (r"[Hh]ow caves form", "A cave is a natural hollow in the ground that is large enough for a person to enter."),
        (r"Ukraine|Optymistychna", "Optymistychna"),
        (r"longest known cave", "Mammoth Cave in Kentucky is the longest known cave in the world and has 686 km"),
    ],
)
def test_english_families(question: str, answer: str) -> None:
    assert any(given.startswith(answer) or answer in given for given in answers(CAVE_PAIRS, question))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (r"堰塞湖.*什麼|什麼是堰塞湖", "堰塞湖是山崩或熔岩堵住河道而形成的湖泊。"),
        (r"為什麼堰塞湖多半不能長久存在", "堰塞湖的壩體鬆軟，所以堰塞湖多半不能長久存在。"),
        (r"水庫在哪一年完工", "年完工，"),
        (r"依成因分為哪三種", "1. 構造湖：地殼陷落而成的湖泊，例如日月潭。"),
        (r"日月潭位在哪裡|多少公尺", "日月潭位在南投縣魚池鄉，湖面海拔約748公尺。"),
        (r"影響水庫壽命的因素包括哪些", "影響水庫壽命的因素包括泥沙淤積與壩體老化。"),
        (r"水庫淤積嚴重時，應該怎麼做", "水庫淤積嚴重時，應該清除泥沙。"),
        (r"人工湖", "築壩攔水而成的水庫，例如曾文水庫。"),
        (r"表格", "翡翠水庫"),
    ],
)
def test_chinese_families(question: str, answer: str) -> None:
    assert any(answer in given for given in answers(LAKE_PAIRS, question))


def test_what_leans_on_its_neighbours_is_not_asked_about() -> None:
    sentences = [pair["answer"] for pair in CAVE_PAIRS + LAKE_PAIRS]
    asked = " ".join(pair["question"] for pair in CAVE_PAIRS + LAKE_PAIRS)
    for leaning in ["It can take", "These figures", "However", "The upper entrance", "這種湖泊"]:
        assert leaning not in asked
        assert not any(sentence.startswith(leaning) for sentence in sentences)
    assert "A cave in gypsum forms within 10,000 years." in sentences or "A cave in gypsum" in asked


def test_turns_part_the_questions_of_a_chunk() -> None:
    assert pairs(CAVES, "Limestone caves", count=3) == CAVE_PAIRS == pairs(CAVES, "Limestone caves", count=50)
    assert ask("knowledge_questions", chunk=CAVES, title="", count=5, turn=999) == {"questions": []}


@pytest.mark.parametrize("path", KNOWLEDGE, ids=lambda path: path.stem)
def test_shipped_documents_give_questions_that_pass_the_judges(path: Path) -> None:
    text = path.read_text("utf-8")
    title = text.split("\n", 1)[0].lstrip("# ")
    language = "zh-Hant-TW" if "language: zh" in (path.parent / "qna.yaml").read_text("utf-8") else "en"
    kept: list[str] = []
    for chunk in chunks(Document(path.name, title, "CC0-1.0", "", text)):
        found = pairs(chunk.text, title, language, headings=" > ".join(chunk.headings))
        for pair in found:
            assert pair["evidence"] in chunk.text
            fields = {"chunk": chunk.text, "title": title, **pair}
            assert ask("judge_faithfulness", **fields)["rating"] == "YES", pair
            assert ask("judge_relevance", **fields)["rating"] == 2, pair
            assert ask("judge_self_contained", **fields)["rating"] == 1, pair
            if all(rouge_l(pair["question"], other) <= THRESHOLD for other in kept):
                kept.append(pair["question"])
    assert len(kept) >= (40 if path.stem in STUDIED else 20)


def test_a_chinese_connective_is_no_verb() -> None:
    found = pairs("# 土壤液化\n\n地震搖晃飽含地下水的砂土，砂土於是像液體一樣流動。", "土壤液化", "zh-Hant-TW")
    assert not any("於是什麼" in pair["question"] for pair in found)


@pytest.mark.parametrize("found", [CAVE_PAIRS, LAKE_PAIRS])
def test_questions_of_a_chunk_differ(found: list[dict[str, str]]) -> None:
    for index, pair in enumerate(found):
        assert all(rouge_l(pair["question"], other["question"]) <= THRESHOLD for other in found[:index])


def test_a_false_statement_has_one_altered_figure() -> None:
    seen = 0
    for path in KNOWLEDGE:
        text = path.read_text("utf-8")
        for chunk in chunks(Document(path.name, "Title", "CC0-1.0", "", text)):
            for pair in pairs(chunk.text, "Title", "zh" if "臺灣" in text else "en"):
                right = re.sub(r"^(?:False\. |不正確。)", "", pair["answer"])
                if right == pair["answer"]:
                    continue
                seen += 1
                figure = re.compile(r"\d(?:[\d,.]*\d)?")
                assert figure.sub("#", right).rstrip(".。") in figure.sub("#", pair["question"])
                stated = figure.findall(pair["question"])[-len(figure.findall(right)) :]
                assert sum(one != other for one, other in zip(figure.findall(right), stated, strict=True)) == 1
    assert seen


def test_a_list_that_the_chunk_cuts_is_not_called_whole() -> None:
    start = CAVES.index("Three minerals")
    for cut in [CAVES[start : CAVES.index("- Gypsum")], CAVES[CAVES.index("- Aragonite") :]]:
        assert not [pair for pair in pairs(cut, "Limestone caves") if pair["answer"].startswith("- ")]


def test_a_question_names_the_document_where_it_says_nothing_of_its_subject() -> None:
    text = "A thick coating slows the rust, because the paint keeps the water away from the steel."
    (question, *_) = [pair["question"] for pair in pairs(text, "Care of old bridges")]
    assert "Care of old bridges" in question


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Une marée est le mouvement de la mer qui suit la Lune et le Soleil."),
        ("zh-Hans", "地震是地壳释放能量的现象，这种现象对于我们来说很长见。"),
        ("en", ""),
        ("", "こんにちは。これは日本語の文章です。" * 3),
    ],
)
def test_what_it_cannot_read_gives_no_questions(language: str, text: str) -> None:
    assert pairs(text, "Title", language) == []


CHUNK = "A tide is the rise of the sea. It was 4 m high in 1966.\nSpring tides come twice."


@pytest.mark.parametrize(
    ("question", "answer", "evidence", "rating"),
    [
        ("What is a tide?", "A tide is the rise of the sea.", "A tide is the rise of the sea.", "YES"),
        ("What is a tide?", "A tide is the fall of the sea.", "A tide is the rise of the sea.", "NO"),
        ("What is a tide?", "A tide is the rise of the sea.", "A tide is the rise of the lake.", "NO"),
        ("What is a tide?", "A tide is the rise of the sea.", "", "NO"),
        ("What is a tide?", "A tide is the rise of the sea.", "Spring tides come twice.", "NO"),
        ("True or false: Spring tides come twice.", "True.", "Spring tides come twice.", "YES"),
        ("True or false: Spring tides come thrice.", "True.", "Spring tides come twice.", "NO"),
        (
            "True or false: Spring tides come thrice.",
            "False. Spring tides come twice.",
            "Spring tides come twice.",
            "YES",
        ),
        ("How high?", "It was 4 m high in 1966. Spring tides come twice.", CHUNK[31:], "YES"),
        ("How high?", "1966 m", "It was 4 m high in 1966.", "NO"),
        ("How high?", " ", "It was 4 m high in 1966.", "NO"),
    ],
)
def test_faithfulness(question: str, answer: str, evidence: str, rating: str) -> None:
    verdict = ask("judge_faithfulness", chunk=CHUNK, question=question, answer=answer, evidence=evidence)
    assert verdict["rating"] == rating
    assert verdict["reason"].endswith(".")


@pytest.mark.parametrize(
    ("question", "answer", "rating"),
    [
        ("What is a tide?", "A tide is the rise of the sea.", 2),
        ("Who won the last four football championships in Europe?", "A tide is the rise of the sea.", 0),
        ("Which football clubs in Europe have a view of the sea and a big new roof?", "Spring tides.", 1),
        ("Is a tide the rise of the sea?", "a tide", 0),
    ],
)
def test_relevance(question: str, answer: str, rating: int) -> None:
    assert ask("judge_relevance", chunk=CHUNK, title="Tides", question=question, answer=answer)["rating"] == rating


@pytest.mark.parametrize(
    ("question", "rating"),
    [
        ("What is a neap tide?", 1),
        ('What does the document "Tides" say about springs?', 1),
        ("What does it mean that tides turn?", 1),
        ("Which limits never rise above 100%?", 1),
        ("What does it do?", 0),
        ("What is the author's view in the text?", 0),
        ("Which of the rules above applies?", 1),
        ("Which rule applies above?", 0),
        ("What is it?", 0),
        ("文中提到的地震規模是多少？", 0),
        ("集集地震的規模是多少？", 1),
    ],
)
def test_self_contained(question: str, rating: int) -> None:
    assert ask("judge_self_contained", question=question, title="Tides")["rating"] == rating


def test_skills_need_another_teacher() -> None:
    with pytest.raises(TeacherError, match="--teacher http://localhost:8000/v1 --model NAME"):
        ask("skill_questions", task="poems")


LINES = st.sampled_from(
    [
        *CAVES.splitlines(),
        *LAKES.splitlines(),
        "A (b is a c that d, because `e. F",
        "| a |",
        "| - |",
        "1. x",
        "是",
        "。",
        "``",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(LINES, max_size=25).map("\n".join)), st.text(max_size=20))
def test_any_text_can_be_asked_about(text: str, title: str) -> None:
    for language in ("en", "zh-Hant", ""):
        for pair in pairs(text, title, language, count=100):
            assert pair["evidence"] in text
            assert pair["question"].strip()
            assert pair["answer"].strip()
