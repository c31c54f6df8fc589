"""`tax translate` from end to end, against a real server on loopback."""

import json
import re

import pytest

from support.improving import improve, without_teacher
from support.leaves import lines
from support.loopback import Faults, RunningLoopback
from tax.improve.written import is_untranslated, language_fault

CHINESE = (
    "請用自己的話把這件事情的原因、經過和結果說清楚，寫給完全不懂的人看，並且舉一個生活中常見的例子，最後提醒要注意什麼"
)
ANSWER = "這件事的原因很簡單：東西比水輕，就會浮在水面上。木頭、軟木和冰塊都是這樣，你可以在家裡的水盆試試看。"


def chinese(translation=CHINESE + "：{text}", answer=ANSWER, names="—"):
    """A teacher who answers in Chinese; `{text}` in a translation is the message to be translated."""

    def say(name, text):
        if name == "translate":
            message = re.search(r"<message>\n(.*)\n *</message>", text, re.DOTALL)[1]
            return json.dumps({"translation": translation.replace("{text}", message), "names": names})
        return answer if name == "" else None

    return say


def translate(tax, url, source, *arguments, out="improved"):
    """Run the command and return its manifest."""
    return improve(tax, "translate", url, source, "--to", "zh-Hant-TW", *arguments, out=out)


def test_prompts_are_translated_and_answered_anew(tax, taxonomy, alpaca):
    with RunningLoopback(say=chinese()) as server:
        manifest = translate(tax, server.url, alpaca)
        bodies = server.bodies
    assert (manifest["kept"], manifest["drawn"], manifest["dropped"]) == (6, 6, {})
    assert {stage: tally["kept"] for stage, tally in manifest["stages"].items()} == {
        "translated": 6, "answered": 6, "conversation judged": 6
    }  # fmt: skip
    for number, sample in enumerate(lines(taxonomy / "improved/samples.jsonl")):
        question, answer = (message["content"] for message in sample["messages"])
        assert question == f"{CHINESE}：Name {number} things that float."
        assert answer == ANSWER
        assert (sample["language"], sample["kind"]) == ("zh-Hant-TW", "imported")
        assert sample["parent"] and sample["prompt"].startswith("answer")
        assert [rating["rubric"] for rating in sample["ratings"]] == ["conversation"]
    asked = [body for body in bodies if "response_format" not in body]
    assert all(body["messages"][-1]["content"].startswith(CHINESE) for body in asked)
    assert not any("Wood, cork" in message["content"] for body in asked for message in body["messages"])


def test_responses_can_be_translated_too(tax, taxonomy, alpaca):
    with RunningLoopback(say=chinese()) as server:
        manifest = translate(tax, server.url, alpaca, "--responses", "translate")
    assert manifest["calls"]["asked"] == {"translate": 12, "judge_conversation": 6}
    for number, sample in enumerate(lines(taxonomy / "improved/samples.jsonl")):
        assert sample["messages"][1]["content"] == f"{CHINESE}：Wood, cork, ice and {number} more."


def test_every_kind_of_sample(tax, taxonomy, run):
    with RunningLoopback(say=chinese()) as server:
        manifest = translate(tax, server.url, run)
    assert manifest["kept"] == 15
    before = {sample["id"]: sample for sample in lines(run / "samples.jsonl")}
    for sample in lines(taxonomy / "improved/samples.jsonl"):
        parent = before[sample["parent"]]
        said, was = ([message["content"] for message in each["messages"]] for each in (sample, parent))
        assert all(new.endswith(old) for new, old in zip(said[:-1], was[:-1], strict=True))
        translated = sample["kind"] in {"knowledge", "problem"}
        assert said[-1] == (f"{CHINESE}：{was[-1]}" if translated else ANSWER), "what rests on something is translated"
        assert sample["source"] == parent["source"]


@pytest.mark.parametrize(
    ("say", "reason", "detail"),
    [
        (chinese(translation=CHINESE), "number lost in translation", "0"),
        (chinese(translation="这个问题请用简体字来说明：{text}" + CHINESE), "Simplified characters", "这"),
        (chinese(translation="Still in English, all of it: {text}"), "written in another language", "Still"),
        (chinese(answer="这个东西会浮在水上。"), "Simplified characters", ""),
        (chinese(answer="It floats, since it is lighter than water."), "written in another language", ""),
        (chinese(answer="それは水に浮きます。なぜなら、かるいからです。"), "written in another language", ""),
        (chinese(names="things = 物品"), "name lost in translation", "things"),
        (lambda name, text: "no", "the answer is neither the JSON nor the markers asked for", ""),
        (chinese(translation=" "), "'translation' in the answer is not a text, or is empty", ""),
    ],
)
def test_what_is_not_right_is_dropped_with_its_reason(tax, taxonomy, alpaca, say, reason, detail):
    with RunningLoopback(say=say) as server:
        manifest = translate(tax, server.url, alpaca, "--limit", 1)
    assert (manifest["kept"], manifest["originals"], manifest["dropped"]) == (0, 0, {reason: 1})
    (drop,) = lines(taxonomy / "improved/dropped.jsonl")
    assert detail in drop["detail"]
    assert not lines(taxonomy / "improved/samples.jsonl")


def test_a_strict_judge_and_a_sample_in_the_language(tax, taxonomy):
    rows = [{"instruction": "木頭為什麼會浮在水上？", "output": "因為木頭比水輕。"}]
    (taxonomy / "zh.json").write_text(json.dumps(rows), encoding="utf-8")
    with RunningLoopback(say=chinese(), rate=lambda name, text: 1) as server:
        manifest = translate(tax, server.url, "zh.json", "--language", "zh-Hant-TW", out="same")
        assert manifest["dropped"] == {"in zh-Hant-TW already": 1}
        manifest = translate(tax, server.url, "zh.json", "--language", "ja", out="other")
        assert manifest["dropped"] == {"conversation rated 1": 1}


def test_names_stay_the_same_through_a_conversation(tax, taxonomy):
    said = ["Who was old Albert Howard?", "A botanist.", "Where did old Albert Howard work?", "In Indore."]
    roles = ["user", "assistant"] * 2
    row = {"messages": [{"role": role, "content": text} for role, text in zip(roles, said, strict=True)]}
    (taxonomy / "talk.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with RunningLoopback(say=chinese("艾伯特·霍華德" + CHINESE, names="Albert Howard = 艾伯特·霍華德")) as server:
        manifest = translate(tax, server.url, "talk.jsonl")
        texts = [body["messages"][-1]["content"] for body in server.bodies]
    assert manifest["calls"]["asked"] == {"translate": 3, "answer": 1, "judge_conversation": 1}
    assert sum("Albert Howard = 艾伯特·霍華德" in text for text in texts) == 2
    (sample,) = lines(taxonomy / "improved/samples.jsonl")
    assert sample["messages"][-1]["content"] == ANSWER


@pytest.mark.parametrize("structured", [True, False])
def test_faults_change_nothing(tax, taxonomy, run, structured):
    def answer(name, text):
        if "</message>" in text:
            return chinese()("translate", text) if name else f"[TRANSLATION] {_translated(text)}\n[NAMES] —\n[END]"
        return ANSWER if name == "" and "[END]" not in text else None

    faults = Faults(busy=5, error=7, dropped=11)
    with RunningLoopback(structured=structured, say=answer) as server:
        translate(tax, server.url, run, "--calls", "a", out="sound")
    with RunningLoopback(structured=structured, faults=faults, say=answer) as server:
        translate(tax, server.url, run, "--calls", "b", out="faulty")
    sound = without_teacher(taxonomy / "sound/samples.jsonl")
    assert len(sound) == 15
    assert sound == without_teacher(taxonomy / "faulty/samples.jsonl")


def _translated(text):
    return json.loads(chinese()("translate", text))["translation"]


def test_a_call_that_cannot_work_says_what_to_change(tax, alpaca):
    code, _, errors = tax("translate", alpaca, "--teacher", "builtin", "--to", "../zh")
    assert (code, "--to ../zh is no language tag" in errors) == (2, True)
    code, _, errors = tax("translate", alpaca, "--teacher", "builtin")
    assert (code, "Missing option '--to'" in errors) == (2, True)


def test_a_dry_run_shows_the_prompts_in_the_language(tax, run):
    with RunningLoopback() as server:
        code, output, _ = tax("translate", run, "--to", "zh-Hant-TW", "--teacher", server.url, "--dry-run")
        assert (code, server.seen) == (0, 0)
    assert "15 of 15 samples can be translated, 51 calls" in output
    for name in ("translate", "answer", "judge_conversation"):
        assert f": {name} ---" in output


@pytest.mark.parametrize(
    ("text", "tag", "fault"),
    [
        ("這是正體中文，夾一個 Python 詞。", "zh-Hant-TW", None),
        ("這是正體中文，用 `简体` 當例子。", "zh-Hant-TW", None),
        ("42", "zh-Hant-TW", None),
        ("```\nprint(a, b, c, d, e)\n```", "zh-Hant-TW", None),
        ("这是简体中文。", "zh-Hant-TW", "Simplified characters"),
        ("这是简体中文。", "zh-Hans", None),
        ("This is English text.", "zh-Hant-TW", "written in another language"),
        ("これは日本語の文章です。", "zh-Hant-TW", "written in another language"),
        ("これは日本語の文章です。", "ja", None),
        ("Dies ist ein deutscher Satz.", "de", None),
        ("這是正體中文。", "en", "written in another language"),
        ("Это русский текст, да.", "ru", None),
        ("Это русский текст, да.", "en", "written in another language"),
        ("ეს არის ქართული ტექსტი", "ka", None),
    ],
)
def test_languages_are_told_by_their_scripts(text, tag, fault):
    assert language_fault(text, tag) == fault


def test_what_was_asked_about_may_be_quoted():
    assert language_fault("「这」的正體字是「這」。", "zh-Hant-TW") == "Simplified characters"
    assert language_fault("「这」的正體字是「這」。", "zh-Hant-TW", "「这」是什麼字？") is None


@pytest.mark.parametrize(
    ("translation", "source", "to", "same"),
    [
        ("Say  why the tide rises\ntwice.", "Say why the tide rises twice.", "fr", True),
        ("SAY WHY THE TIDE RISES TWICE.", "Say why the tide rises twice.", "fr", True),
        ("Dis pourquoi la mer monte.", "Say why the tide rises twice.", "fr", False),
        ("Say why the tide rises.", "Say why the tide rises.", "fr", False),  # four words, and one that may be a name
        ("Anna Karenina, Oblomov, Der Prozess, Madame Bovary", "Anna Karenina, Oblomov, Der Prozess, Madame Bovary",
         "fr", False),
        ("def add(a, b): return a plus b and c", "def add(a, b): return a plus b and c", "fr", False),
        ("`select name from users where age`", "`select name from users where age`", "fr", False),
        ("Say why the tide rises twice.", "Say why the tide rises twice.", "en-GB", False),
    ],
)  # fmt: skip
def test_a_translation_that_is_the_text_itself_is_told(translation, source, to, same):
    assert is_untranslated(translation, source, to, "en") is same


def test_a_text_that_is_in_the_language_already_may_stay():
    text = "Explique en quelques phrases simples pourquoi la mer monte et descend deux fois par jour sur nos côtes."
    assert not is_untranslated(text, text, "fr", "en")
    assert is_untranslated(text, text, "de", "en")


def test_a_short_prompt_that_came_back_as_it_was_is_dropped(tax, taxonomy):
    rows = [{"instruction": "Say why the tide rises twice.", "output": "The moon pulls."}]
    (taxonomy / "tide.json").write_text(json.dumps(rows), encoding="utf-8")
    with RunningLoopback(say=chinese(translation="{text}", answer="La lune attire la mer.")) as server:
        manifest = improve(tax, "translate", server.url, "tide.json", "--to", "fr")
    assert (manifest["kept"], manifest["dropped"]) == (0, {"left untranslated": 1})
