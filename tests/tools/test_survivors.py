"""What must survive a translation: cases worked by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.improve.numerals import numbers
from tax.improve.survivors import lost, read_names


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("12,000", {12000, 12}),
        ("1.234,56", {Decimal("1234.56")}),
        ("1 234,56", {Decimal("1234.56"), 1}),
        ("1,234,567.8", {Decimal("1234567.8")}),
        ("3.5", {Decimal("3.5")}),
        ("3,5", {Decimal("3.5")}),
        ("１２，０００", {12, 0}),  # a full-width comma is punctuation
        ("３．５", {Decimal("3.5")}),
        ("٣٫٥", {Decimal("3.5")}),
        ("3 million", {3, 3_000_000}),
        ("1.2 萬", {Decimal("1.2"), 12000}),
        ("300萬", {300, 3_000_000}),
        ("5 千萬", {5, 50_000_000}),
        ("三百零五", {305}),
        ("一萬二千", {12000}),
        ("一萬二", {12000}),
        ("一千零五", {1005}),
        ("一億二千三百萬四千五", {123_004_500}),
        ("十二", {12}),
        ("二十", {20}),
        ("百分之五十", {100, 50}),
        ("二〇二六", {2026}),
        ("三點五", {Decimal("3.5"), 5, 3}),
        ("壹佰貳拾", {120}),
        ("兩", {2}),
        ("1st", {1}),
        ("2026-11-21", {2026, 11, 21}),
        ("萬", {10000}),
    ],
)
def test_values(text, values):
    found = {value for number in numbers(text) for value in number.values}
    assert found >= {Decimal(value) for value in values}
    if text != "12,000":
        assert found <= {Decimal(value) for value in values} | {Decimal(10000), Decimal(0)}


@pytest.mark.parametrize(
    ("original", "translation", "names"),
    [
        ("Add 12,000 and 3.", "把 12000 加上 3。", {}),
        ("Add 12,000 and 3.", "把一萬二千加上三。", {}),
        ("Add 12,000 and 3.", "把１２０００加上３。", {}),
        ("About 3 million people.", "大約三百萬人。", {}),
        ("About 3 million people.", "大約 300 萬人。", {}),
        ("On May 5, 2024 at 3:30.", "2024 年 5 月 5 日 3 點 30 分。", {}),
        ("A rise of 50%.", "上升百分之五十。", {}),
        ("Heat the oxygen-18 in the S3-managed box.", "把氧-18 放在由 S3 管理的箱子裡加熱。", {}),
        ("Take 1.200 g.", "取 1.2 公克。", {}),
        ("Set `max_tokens` to 5.", "把 `max_tokens` 設為 5。", {}),
        ("Run:\n\n```python\nprint('hi')  # greet\n```\n", "執行：\n\n```python\nprint('hi')  # greet\n```\n", {}),
        ("Dear {name}, see https://example.org/a?b=1.", "親愛的 {name}，請看 https://example.org/a?b=1。", {}),
        ("Tell {{ user }} and ${HOME} that %s is <b>late</b>.", "告訴 {{ user }} 和 ${HOME}：%s <b>遲到了</b>。", {}),
        ("Write to a.b@example.org about GPT-4 and PyTorch.", "寫信給 a.b@example.org，談 GPT-4 和 PyTorch。", {}),
        ("Open report.pdf with --force.", "用 --force 開啟 report.pdf。", {}),
        (
            "In Indore, Albert Howard made compost.",
            "艾伯特·霍華德在印多爾製作堆肥。",
            {"Albert Howard": "艾伯特·霍華德"},
        ),
        ("In Indore, Albert Howard made compost.", "Albert Howard 在印多爾製作堆肥。", {}),
        ("Write A Short Story About A Dragon", "寫一個關於龍的短篇故事", {}),
        ("Please Help me with it.", "請幫我。", {}),
        ("Call me on New Year Monday.", "新年的星期一打給我。", {}),
        ("明天買五十顆蛋，萬一下雨就算了。", "Buy fifty eggs tomorrow, but not if it rains.", {}),
    ],
)
def test_what_survives(original, translation, names):
    assert lost(original, translation, names) is None


@pytest.mark.parametrize(
    ("original", "translation", "names", "fault"),
    [
        ("Add 12,000 and 3.", "把 1200 加上 3。", {}, ("number", "12,000")),
        ("Add 15 and 50.", "把 15 加上 15。", {}, ("number", "50")),
        ("A rise of 3.5%.", "上升 35%。", {}, ("number", "3.5")),
        ("About 3 million people.", "大約三千萬人。", {}, ("number", "3")),
        ("Set `max_tokens` to 5.", "把 `最大詞元數` 設為 5。", {}, ("code", "`max_tokens`")),
        ("Use `a` and `a`.", "使用 `a`。", {}, ("code", "`a`")),
        (
            "Run:\n\n```\nprint('hi')  # greet\n```\n",
            "執行：\n\n```\nprint('hi')  # 打招呼\n```\n",
            {},
            ("code", "```\nprint('hi')  # greet\n```"),
        ),
        ("Dear {name},", "親愛的 {姓名}：", {}, ("placeholder", "{name}")),
        ("Dear {{name}},", "親愛的 {name}：", {}, ("placeholder", "{{name}}")),
        ("See https://example.org/a.", "請看 https://example.org/b。", {}, ("address", "https://example.org/a")),
        ("Ask GPT-4 why.", "問 GPT 四號為什麼。", {}, ("identifier", "GPT-4")),
        ("In Indore, Albert Howard made compost.", "他在印多爾製作堆肥。", {}, ("name", "Albert Howard")),
        (
            "In Indore, Albert Howard made compost.",
            "他在印多爾製作堆肥。",
            {"Albert Howard": "艾伯特·霍華德"},
            ("name", "Albert Howard"),
        ),
    ],
)
def test_what_is_lost(original, translation, names, fault):
    assert lost(original, translation, names) == fault


def test_a_list_of_names_is_read_whatever_stands_in_it():
    listed = "- Albert Howard = 艾伯特·霍華德\nIndore＝印多爾\n—\n=\nnobody =\n = x\na = b = c"
    assert read_names(listed) == {"Albert Howard": "艾伯特·霍華德", "Indore": "印多爾", "a": "b = c"}
    assert read_names("—") == {}


def test_the_language_says_which_mark_begins_decimals():
    assert lost("Un prix de 1 000 euros et 3,5 %.", "A price of 1,000 euros and 3.5%.", {}, "fr") is None
    assert lost("1.200 Gramm", "1,200 grams", {}, "de") is None
    assert lost("1.200 Gramm", "1.2 grams", {}, "de") == ("number", "1.200")
    assert lost("12,000 grams", "12 Gramm", {}, "en") == ("number", "12,000")


@given(st.text(max_size=300))
def test_any_text_survives_itself(text):
    assert lost(text, text, {}) is None


@pytest.mark.parametrize(
    "piece", ["```\n", "`", "{", "9,", "三", "Ab ", "a@", "http://", "<a", "1 ", "十", "_a", "Ab Of "]
)
def test_long_hostile_texts_are_read_in_time(piece):
    lost(piece * 20_000, piece * 20_000, {})


@given(st.integers(0, 10**16))
def test_grouped_digits_keep_their_value(value):
    for written in (f"{value}", f"{value:,}", f"{value:,}".replace(",", "."), f"{value:,}".replace(",", "\u202f")):
        assert Decimal(value) in {each for number in numbers(f"x {written} y") for each in number.values}
