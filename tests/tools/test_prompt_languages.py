"""A leaf's language is that of its prompts, and enters the provenance of what is made of it."""

import json

import pytest

from support.leaves import FREE, lines, write_leaf
from support.loopback import RunningLoopback
from tax.text.languages import language_name

CHINESE = """
version: 4
created_by: ada
license: CC-BY-4.0
language: zh-Hant-TW
task_description: 用兩句話解釋生活中的事。
seed_examples:
  - question: 麵包進了烤箱為什麼會膨脹？
    answer: 麵團裡的氣體受熱膨脹，外皮也跟著定型。切開麵包就看得到一個個小洞。
  - question: 濕衣服穿起來為什麼特別冷？
    answer: 水分蒸發時會帶走皮膚的熱。對著沾濕的手指吹氣就感覺得到。
"""


@pytest.fixture
def chinese(taxonomy):
    """A leaf in Chinese beside the English ones."""
    write_leaf(taxonomy, "compositional_skills/science/zh_everyday", CHINESE)


@pytest.mark.parametrize("structured", [True, False])
def test_a_leaf_s_language_chooses_its_prompts(tax, taxonomy, chinese, structured):
    with RunningLoopback(structured=structured) as server:
        arguments = ["taxonomy/compositional_skills/science", "--teacher", server.url, "--samples", 3, "--out", "out"]
        code, output, errors = tax("generate", *arguments, "--json", "--quiet")
        bodies = server.bodies
    assert code == 0, errors
    manifest = json.loads(output)
    assert manifest["kept"] == 6
    texts = ["\n".join(message["content"] for message in body["messages"]) for body in bodies]
    for text in texts:
        assert ("生活中的事" in text) != ("Explaining everyday things" in text)
        if "生活中的事" in text:
            assert "臺灣正體中文" in text or "評審" in text
            assert not any(word in text for word in ("Answer with", "nothing else", "Please", "User:", "The task has"))
    for sample in lines(taxonomy / "out/samples.jsonl"):
        title, _, digest = sample["prompt"].partition("@")
        assert title == ("response_precise.zh-Hant" if sample["language"] == "zh-Hant-TW" else "response_precise")
        assert manifest["prompts"][title] == digest


def test_chinese_beside_it_changes_no_call_of_an_english_leaf(tax, taxonomy):
    leaf = "compositional_skills/science/everyday"
    with RunningLoopback() as server:
        code, *_ = tax("generate", f"taxonomy/{leaf}", "--teacher", server.url, "--samples", 3, "--quiet")
        assert code == 0
        asked = set(server.requests)
        write_leaf(taxonomy, "compositional_skills/science/zh_everyday", CHINESE)
        tax("generate", "taxonomy/compositional_skills/science", "--teacher", server.url, "--samples", 3, "--quiet")
        assert max(server.requests.values()) == 1, "a finished call was paid for twice"
        write_leaf(taxonomy, leaf, FREE.replace("version: 4", "version: 4\nlanguage: en-GB"))
        tax("generate", f"taxonomy/{leaf}", "--teacher", server.url, "--samples", 3, "--quiet")
        assert asked < set(server.requests)


@pytest.mark.parametrize(
    ("tag", "reader", "name"),
    [
        ("zh-Hant-TW", "en", "Traditional Chinese as used in Taiwan (臺灣正體中文)"),
        ("zh-Hant-TW", "zh-Hant-TW", "臺灣正體中文"),
        ("en-GB", "zh-Hant", "英文"),
        ("xx", "en", "the language with the BCP 47 tag xx"),
        ("xx", "zh-Hant", "BCP 47 標記為 xx 的語言"),
        ("de", "fr", "German"),
    ],
)
def test_names_of_languages(tag, reader, name):
    assert language_name(tag, reader) == name


ZH_ALPACA = [{"instruction": "木頭為什麼會浮在水上？", "output": "因為木頭比同體積的水輕。"}]


@pytest.mark.parametrize(("command", "simplified"), [("recycle", False), ("recycle", True), ("dialogue", True)])
def test_samples_in_chinese_are_improved_in_chinese(tax, taxonomy, command, simplified):
    new = "这样说比较清楚，请你再看一次。" if simplified else "這樣說比較清楚，請你再看一次。"
    keys = "complexity detail knowledge ambiguity reasoning instruction answer helpfulness relevance accuracy details"

    def say(name, text):
        return (
            new if name == "" else json.dumps(dict.fromkeys([*keys.split(), "reason", "message"], new) | {"over": "NO"})
        )

    (taxonomy / "zh.json").write_text(json.dumps(ZH_ALPACA), encoding="utf-8")
    with RunningLoopback(say=say) as server:
        options = ["--language", "zh-Hant-TW", "--json", "--quiet", "--out", "out"]
        code, output, errors = tax(command, "zh.json", "--teacher", server.url, *options)
        texts = [message["content"] for body in server.bodies for message in body["messages"]]
    assert code == 0, errors
    manifest = json.loads(output)
    assert not any("You " in text or "Answer with" in text for text in texts)
    assert any("臺灣正體中文" in text for text in texts)
    assert manifest["dropped"] == ({"Simplified characters": 1} if simplified else {})
    (sample,) = lines(taxonomy / "out/samples.jsonl") or [None]
    if command == "recycle":
        assert (sample["parent"] is None) == simplified
        assert simplified or sample["prompt"].startswith("reflect_response.zh-Hant@")
    else:
        assert sample is None


@pytest.mark.parametrize("command", [["recycle", "--only", "response"], ["translate", "--to", "de"], ["dialogue"]])
def test_an_answer_may_be_in_the_language_that_was_asked_for(tax, taxonomy, command):
    new = "木頭比水輕，所以浮在水面上，冰也一樣。"

    def say(name, text):
        keys = ["helpfulness", "relevance", "accuracy", "details", "reason"]
        if name == "dialogue_user":
            return json.dumps({"reason": "So.", "over": "NO", "message": "And the sentence before, please?"})
        if name == "translate":
            return json.dumps({"translation": "Bitte diesen Satz ins Chinesische bringen.", "names": "—"})
        return new if name == "" else json.dumps(dict.fromkeys(keys, "So.") | {"answer": new, "rating": 3})

    rows = [{"instruction": "Put into Chinese: wood floats on water.", "output": "木頭會浮在水面上。"}]
    (taxonomy / "into.json").write_text(json.dumps(rows), encoding="utf-8")
    with RunningLoopback(say=say) as server:
        options = ["into.json", "--teacher", server.url, "--quiet", "--out", "out"]
        code, _, errors = tax(*command, *options)
    assert code == 0, errors
    (sample,) = lines(taxonomy / "out/samples.jsonl")
    assert sample["parent"]
    assert sample["messages"][-1]["content"] == new
