"""Simplified characters in Traditional Chinese: which count, and which stand in both scripts."""

from pathlib import Path

import pytest

from tax.config import Config
from tax.text.script import is_traditional, simplified
from tax.validate import check

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("这是什么？", {"这": "這"}),
        ("为了发展", {"为": "為", "发": "發 or 髮"}),
        ("鐘錶和钟", {"钟": "鍾 or 鐘 or 鈡"}),
        ("温度、户口、税", {"温": "溫", "户": "戶", "税": "稅"}),
        ("皇后在公里外只看麵粉和臉面，游泳、台北、家具、吃飯、群峰、床、秘密、么兒", {}),
        ("庄腳的虱目魚曬了又晒，佳肴發霉", {}),
        ("日本の国会", {}),
        ("日本の国会，这", {"这": "這"}),
        ("No Chinese at all.", {}),
        ("", {}),
    ],
)
def test_simplified_characters(text, found):
    assert simplified(text) == found
    assert list(simplified(text)) == list(found)


def test_regions_write_some_characters_otherwise():
    assert simplified("温度", "zh-Hant-HK") == simplified("温度", "zh-Hant") == {}
    assert simplified("为里", "zh-Hant-HK") == {"为": "為"}


@pytest.mark.parametrize("tag", ["zh-Hant", "zh-hant-TW", "zh-Hant-HK", "zh-TW", "zh-HK", "ZH-MO", "yue-Hant"])
def test_tags_of_the_traditional_script(tag):
    assert is_traditional(tag)


@pytest.mark.parametrize("tag", ["zh", "zh-Hans", "zh-CN", "zh-Hans-HK", "en-TW", "ja", "", "zh-SG"])
def test_tags_of_other_scripts(tag):
    assert not is_traditional(tag)


def test_documents_are_looked_at_too(tmp_path):
    leaf = tmp_path / "knowledge" / "sea" / "qna.yaml"
    leaf.parent.mkdir(parents=True)
    leaf.write_text("version: 4\nlanguage: zh-TW\ndocuments:\n  - {path: a.md, license: MIT}\n  - {path: b.md}\n")
    leaf.with_name("a.md").write_text("潮汐是海水的起落。这是第二句。", encoding="utf-8")
    leaf.with_name("b.md").write_text("潮汐是海水的起落。", encoding="utf-8")
    [problem] = [each for each in check(leaf, Config()) if each.rule == "simplified-character"]
    assert (problem.line, problem.column) == (4, 12)
    assert "a.md" in problem.message and "这 (這)" in problem.message


def test_the_shipped_leaves_and_documents_in_traditional_chinese_pass():
    leaves = [path for path in (ROOT / "taxonomy").rglob("qna.yaml") if "language: zh-Hant" in path.read_text("utf-8")]
    assert leaves
    for leaf in leaves:
        for path in [leaf, *leaf.parent.glob("*.md")]:
            assert simplified(path.read_text("utf-8")) == {}, path
