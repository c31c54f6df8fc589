"""Languages: their names, and which one a text is in; a leaf in another than it states."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.config import Config
from tax.text.languages import is_english, is_kin, is_told, language_name, language_of
from tax.validate import check

FRENCH = "La marée est le mouvement de la mer, qui monte et descend deux fois par jour sous l'effet de la lune."
ENGLISH = "The tide is the movement of the sea, which rises and falls twice a day as the moon pulls at it."
CHINESE = "潮汐是海面每天的升降，由月球與太陽的引力引起，沿岸的居民早就知道它的規律。"
KOREAN = "밀물과 썰물은 달과 태양의 인력 때문에 바닷물이 하루에 두 번 오르내리는 현상입니다."
CODE = "for each in range(10):\n    if each % 2 == 0:\n        print(each, end=', ')\nreturn None if foo else bar_baz"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (FRENCH, "fr"),
        (ENGLISH, "en"),
        (CHINESE, "zh"),
        (KOREAN, "ko"),
        (FRENCH[:40], None),
        (CODE, None),
        (f"{FRENCH} {ENGLISH}", None),
        (f"{CHINESE}\n{ENGLISH}", None),
        ("新制震度分級有十個等級：0級、1級、2級、3級、4級、5弱、5強、6弱、6強和7級。", None),
        (FRENCH.upper(), "fr"),
        ("", None),
        ("1 2 3 " * 100, None),
    ],
)
def test_the_language_of_a_text(text, language):
    assert language_of(text) == language


def test_common_words_tell_english():
    assert is_english(ENGLISH)
    assert not any(map(is_english, [FRENCH, CHINESE, CODE, "", "Het is of was: de zee en de maan."]))


@pytest.mark.parametrize(("tag", "language"), [("zh-Hant-TW", "zh"), ("nan", "zh"), ("nb", "no"), ("pt-BR", "pt")])
def test_tags_and_languages_that_are_kin(tag, language):
    assert is_kin(tag, language) and is_told(tag)
    assert not is_kin(tag, "en")


def test_a_language_that_nobody_tells():
    assert not is_told("tlh") and is_told("en-GB")
    assert language_name("tlh") == "the language with the BCP 47 tag tlh"


@given(st.text(max_size=300))
def test_any_text_may_be_asked_about(text):
    assert language_of(text) is None or len(text) > 20


@pytest.fixture
def found(tmp_path):
    """What is said of a leaf's language: found(answers, language, questions) -> (line, column, message) each."""

    def found(answers, language=None, questions=None, version=4):
        seeds = [
            {"question": question, "answer": answer}
            for question, answer in zip(questions or [ENGLISH] * len(answers), answers, strict=True)
        ]
        lines = [f"version: {version}", f"language: {language}" if language else "created_by: a", "seed_examples:"]
        lines += [f"  - {json.dumps(seed, ensure_ascii=False)}" for seed in seeds]
        path = tmp_path / "compositional_skills" / "sea" / "qna.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines), encoding="utf-8")
        return [(p.line, p.column, p.level, p.message) for p in check(path, Config()) if p.rule == "other-language"]

    return found


def test_a_text_in_another_language_than_its_neighbours(found):
    column = 6 + len(f'{{"question": "{ENGLISH}", "answer": ') - 1
    [(line, at, level, message)] = found([ENGLISH, FRENCH, ENGLISH])
    assert (line, at, level) == (5, column, "warning")
    assert message == "this text is in French, but the leaf is in English"


def test_a_leaf_in_another_language_than_it_states(found):
    [(line, column, _, message)] = found([FRENCH] * 3, "zh-Hant-TW", [FRENCH] * 3)
    assert (line, column) == (2, 11)
    assert message == "this leaf is in French, but states Traditional Chinese as used in Taiwan (臺灣正體中文)"
    [(line, _, level, message)] = found([FRENCH] * 3, None, [FRENCH] * 3, version=2)
    assert (line, level) == (4, "hint")
    assert message == "this leaf is in French, but states no language, and so counts as English"


@pytest.mark.parametrize(
    ("answers", "language", "questions"),
    [
        ([FRENCH, FRENCH, FRENCH], "en", None),  # a translator
        ([FRENCH, KOREAN, CHINESE], "en", None),  # into many languages
        ([ENGLISH, CODE, FRENCH[:30], "Oui."], "en", None),
        ([FRENCH] * 2, "fr", [FRENCH] * 2),
        ([CHINESE] * 2, "zh-Hant-TW", [CHINESE] * 2),
        ([CHINESE] * 2, "nan-Hant", [CHINESE] * 2),
        ([ENGLISH] * 2, "tlh", None),
        ([ENGLISH] * 2, "'5'", None),
    ],
)
def test_leaves_that_are_in_the_language_that_they_state(found, answers, language, questions):
    assert found(answers, language, questions) == []
