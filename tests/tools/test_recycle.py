"""`tax recycle` from end to end, against a real server on loopback."""

import json
from collections import Counter

import pytest

from support.improving import ALPACA, improve, without_teacher
from support.leaves import lines
from support.loopback import Faults, RunningLoopback
from tax.improve.recycle import says_nothing


def recycle(tax, url, source, *arguments, out="recycled"):
    """Run the command and return its manifest; its folder is `out`."""
    return improve(tax, "recycle", url, source, *arguments, out=out)


def test_every_kind_of_sample(tax, taxonomy, run):
    with RunningLoopback() as server:
        manifest = recycle(tax, server.url, run)
    before = {sample["id"]: sample for sample in lines(run / "samples.jsonl")}
    after = lines(taxonomy / "recycled/samples.jsonl")
    assert len(after) == len(before) == 15
    assert (manifest["kept"], manifest["originals"]) == (12, 3)
    assert manifest["dropped"] == {"computed, so right by construction": 3}
    for sample in after:
        if sample["kind"] == "problem":
            assert sample == before[sample["id"]]
            continue
        parent = before[sample["parent"]]
        assert sample["prompt"].startswith("reflect_response@")
        assert (sample["leaf"], sample["seeds"], sample["license"]) == (
            parent["leaf"],
            parent["seeds"],
            parent["license"],
        )
        assert [m["role"] for m in sample["messages"]] == [m["role"] for m in parent["messages"]]
        assert sample["messages"][:-2] == parent["messages"][:-2], "earlier turns stay word for word"
        assert sample["messages"][-2:] != parent["messages"][-2:]
    grounded = [sample for sample in after if sample["kind"] == "grounded"]
    for sample in grounded:
        context = before[sample["parent"]]["messages"][0]["content"].rpartition("\n\n")[0]
        assert sample["messages"][0]["content"].startswith(context + "\n\n")
    knowledge = [sample for sample in after if sample["kind"] == "knowledge"]
    assert all([rating["rubric"] for rating in sample["ratings"]] == ["faithfulness"] for sample in knowledge)
    assert all(sample["source"]["evidence"] is None for sample in knowledge)


def test_critiques_come_first_and_prompts_hold_what_they_must(tax, run):
    with RunningLoopback() as server:
        recycle(tax, server.url, run)
        bodies = server.bodies
    fields = {}
    for body in bodies:
        named = body["response_format"]["json_schema"]
        fields[named["name"]] = list(named["schema"]["properties"])
    assert fields["reflect_instruction"] == "complexity detail knowledge ambiguity reasoning instruction answer".split()
    assert fields["reflect_response"] == "helpfulness relevance accuracy details answer".split()
    texts = [body["messages"][-1]["content"] for body in bodies]
    assert sum("A heap reaches 60 °C" in text for text in texts) == 3 * 3, "a document's passage is in each prompt"
    assert not any("HOLDOUT" in text for text in texts)


@pytest.mark.parametrize(("only", "changed"), [("instruction", 2), ("response", 1)])
def test_only_one_reflection(tax, taxonomy, alpaca, only, changed):
    with RunningLoopback() as server:
        manifest = recycle(tax, server.url, alpaca, "--only", only)
    assert set(manifest["calls"]["asked"]) == {f"reflect_{only}"}
    for row, sample in zip(ALPACA, lines(taxonomy / "recycled/samples.jsonl"), strict=True):
        question, answer = (message["content"] for message in sample["messages"])
        assert (question != row["instruction"]) + (answer != row["output"]) == changed


def reflecting(instruction="A wholly new instruction here.", answer="A wholly new answer here."):
    """A teacher whose new words are these."""

    def say(name, text):
        if name == "reflect_instruction":
            critiques = dict.fromkeys("complexity detail knowledge ambiguity reasoning".split(), "Weak.")
            return json.dumps(critiques | {"instruction": instruction, "answer": answer})
        if name == "reflect_response":
            critiques = dict.fromkeys("helpfulness relevance accuracy details".split(), "Weak.")
            return json.dumps(critiques | {"answer": answer})
        return None

    return say


@pytest.mark.parametrize(
    ("say", "reason", "outcome"),
    [
        (reflecting(instruction="N/A"), "the new instruction says nothing", "failed"),
        (reflecting(answer="[New Answer]"), "the new answer says nothing", "failed"),
        (reflecting(answer="完全用中文寫成的回答，沒有一個英文字。"), "written in another language", "filtered"),
        (
            reflecting(instruction="HOLDOUT-QUESTION Why does a spoon look bent in a glass of water?"),
            "near a hold-out",
            "filtered",
        ),
        (
            lambda name, text: "I cannot help with that.",
            "the answer is neither the JSON nor the markers asked for",
            "failed",
        ),
        (lambda name, text: '{"complexity": "Weak."}', "the answer has no 'detail'", "failed"),
        (lambda name, text: "", "the answer is empty", "failed"),
    ],
)
def test_a_failure_falls_back_to_the_original_and_is_counted(tax, taxonomy, alpaca, say, reason, outcome):
    with RunningLoopback(say=say) as server:
        manifest = recycle(tax, server.url, alpaca)
    assert (manifest["kept"], manifest["originals"], manifest["dropped"]) == (0, 6, {reason: 6})
    samples = lines(taxonomy / "recycled/samples.jsonl")
    assert [sample["messages"][0]["content"] for sample in samples] == [row["instruction"] for row in ALPACA]
    assert all(sample["parent"] is None for sample in samples)
    dropped = lines(taxonomy / "recycled/dropped.jsonl")
    assert {(drop["reason"], drop["outcome"]) for drop in dropped} == {(reason, outcome)}


def comparing(first, second):
    """A judge that prefers the newer conversation by these ratings, shown first and shown second: (newer, older)."""
    new = reflecting()

    def say(name, text):
        if name != "judge_comparison":
            return new(name, text)
        newer_first = text.index("wholly new answer") < text.index("Wood, cork")
        newer, older = first if newer_first else second
        ratings = (newer, older) if newer_first else (older, newer)
        return json.dumps({"reason": "So.", "first": ratings[0], "second": ratings[1]})

    return say


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ((8, 6), (7, 5), ""),
        ((8, 6), (6, 6), ""),
        ((6, 6), (9, 2), ""),
        ((8, 6), (5, 7), "tie with the original"),  # a judge that likes what stands first
        ((6, 6), (6, 6), "tie with the original"),
        ((6, 6), (3, 4), "lost against the original"),
        ((1, 10), (1, 10), "lost against the original"),
    ],
)
def test_the_better_one_is_kept(tax, taxonomy, alpaca, first, second, verdict):
    with RunningLoopback(say=comparing(first, second)) as server:
        manifest = recycle(tax, server.url, alpaca, "--keep", "better")
    assert manifest["kept"] == (0 if verdict else 6)
    assert manifest["dropped"] == ({verdict: 6} if verdict else {})
    for sample in lines(taxonomy / "recycled/samples.jsonl"):
        ratings = {rating["rubric"]: rating["rating"] for rating in sample["ratings"]}
        shown = {
            f"against its parent, shown {place}": f"{a}:{b}"
            for place, (a, b) in zip(["first", "second"], [first, second], strict=True)
        }
        assert ratings == ({} if verdict else shown)


def test_stages_stand_in_the_order_of_a_sample_that_goes_through_all(tax, taxonomy, run):
    samples = lines(run / "samples.jsonl")
    samples.sort(key=lambda sample: sample["kind"] == "knowledge")  # the last to come have a stage before the last
    written = "".join(json.dumps(sample) + "\n" for sample in samples)
    (run / "samples.jsonl").write_text(written, encoding="utf-8")
    with RunningLoopback() as server:
        manifest = recycle(tax, server.url, run, "--keep", "better", "--concurrency", 1)
    stages = ["instruction reflected", "response reflected", "faithfulness judged", "compared"]
    assert list(manifest["stages"]) == stages
    told = (taxonomy / "recycled/report.md").read_text(encoding="utf-8")
    places = [told.index(stage) for stage in stages]
    assert places == sorted(places)


def test_ratings_that_cannot_be_read_are_no_tie(tax, alpaca):
    with RunningLoopback(say=comparing((11, 0), (8, 6))) as server:
        manifest = recycle(tax, server.url, alpaca, "--keep", "better")
    assert list(manifest["dropped"].values()) == [6]
    assert next(iter(manifest["dropped"])).startswith("the first is none of 1, 2")


def test_what_stays_as_it_was_is_not_looked_at(tax, taxonomy):
    (taxonomy / "odd.json").write_text(
        json.dumps([{"instruction": "N/A", "output": "Nothing applies."}]), encoding="utf-8"
    )
    with RunningLoopback() as server:
        manifest = recycle(tax, server.url, "odd.json", "--only", "response")
    assert manifest["kept"] == 1


def test_rows_that_are_no_conversations_are_listed(tax, taxonomy):
    rows = [
        json.dumps({"instruction": "Say why.", "output": "Because of the tide."}),
        "{broken",
        json.dumps({"messages": [{"role": "tool", "content": "x"}]}),
        json.dumps({"conversations": [{"from": "human", "value": "What floats?"}, {"from": "gpt", "value": "Wood."}]}),
        json.dumps({"instruction": "Say why.", "output": "Because of the tide."}),
        json.dumps({"messages": [
            {"role": "user", "content": "HOLDOUT-QUESTION Why does a spoon look bent in a glass of water?"},
            {"role": "assistant", "content": "Light."},
        ]}),
    ]  # fmt: skip
    (taxonomy / "mixed.jsonl").write_text("\n".join(rows), encoding="utf-8")
    with RunningLoopback() as server:
        manifest = recycle(tax, server.url, "mixed.jsonl", "--license", "CC-BY-4.0")
    assert (manifest["drawn"], manifest["kept"], manifest["originals"]) == (6, 2, 0)
    assert manifest["dropped"] == {
        "no JSON": 1, "a turn of the role 'tool'": 1, "repetition": 1, "near a hold-out": 1
    }  # fmt: skip
    assert {sample["license"] for sample in lines(taxonomy / "recycled/samples.jsonl")} == {"CC-BY-4.0"}
    assert [drop["draw"] for drop in lines(taxonomy / "recycled/dropped.jsonl")] == [2, 3, 4, 5]


@pytest.mark.parametrize("structured", [True, False])
def test_faults_change_nothing(tax, taxonomy, run, structured):
    faults = Faults(busy=5, error=7, dropped=11)
    with RunningLoopback(structured=structured) as server:
        recycle(tax, server.url, run, "--keep", "better", "--calls", "a", out="sound")
    with RunningLoopback(structured=structured, faults=faults) as server:
        manifest = recycle(tax, server.url, run, "--keep", "better", "--calls", "b", out="faulty")
    for name in ("samples.jsonl", "dropped.jsonl"):
        assert without_teacher(taxonomy / "sound" / name) == without_teacher(taxonomy / "faulty" / name)
    assert {"HTTP 429", "HTTP 500", "connection lost"} <= manifest["calls"]["retries"].keys()


def test_broken_and_empty_answers_are_drawn_again(tax, run):
    with RunningLoopback(faults=Faults(broken=6, empty=7)) as server:
        manifest = recycle(tax, server.url, run, "--concurrency", 1)
    assert manifest["kept"] == 12
    assert manifest["calls"]["retries"]["broken answer"] > 5


def test_the_document_must_be_as_it_was(tax, taxonomy, run):
    document = taxonomy / "taxonomy/knowledge/handbooks/gardening/compost/compost.md"
    document.write_text(document.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    with RunningLoopback() as server:
        manifest = recycle(tax, server.url, run)
    assert manifest["dropped"]["its document is not at hand"] == 3


def test_an_unfaithful_answer_stays_out(tax, run):
    with RunningLoopback(rate=lambda name, text: "NO" if name == "judge_faithfulness" else 3) as server:
        manifest = recycle(tax, server.url, run)
    assert manifest["dropped"]["faithfulness rated NO"] == 3


def test_a_dry_run_asks_nothing(tax, taxonomy, run):
    with RunningLoopback() as server:
        code, output, _ = tax("recycle", run, "--teacher", server.url, "--dry-run", "--keep", "better")
        assert (code, server.seen) == (0, 0)
    assert ": reflect_instruction ---" in output and ": judge_comparison ---" in output
    assert "12 of 15 samples can be recycled, 51 calls" in output
    assert not (taxonomy / "runs").exists()


def test_what_came_of_it_is_told_and_can_be_walked_back(tax, taxonomy, run):
    with RunningLoopback() as server:
        code, output, errors = tax("recycle", run, "--teacher", server.url, "--out", "recycled")
    assert code == 0
    assert "12 of 15 samples recycled, 3 kept as they were: dropped.jsonl says why" in output
    assert "[15/15]" in errors
    report = (taxonomy / "recycled/report.md").read_text(encoding="utf-8")
    assert "12 of 15 samples recycled" in report
    assert "| before " in report and "12 recycled samples, lengths in words" in report
    sample = next(s for s in lines(taxonomy / "recycled/samples.jsonl") if s["kind"] == "knowledge")
    code, output, _ = tax("blame", sample["id"], "--run", "recycled")
    assert code == 0
    assert f"parent    {sample['parent']}" in output
    assert "Ada Contributor" in output
    assert tax("show", "recycled", "--limit", 2)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none", "--teacher", "scripted:x"], "there is no run folder or file none"),
        (["alpaca.json", "--teacher", "builtin"], "cannot write: `tax recycle` needs a model teacher"),
        (["alpaca.json"], "Missing option '--teacher'"),
        (["alpaca.json", "--teacher", "builtin", "--language", "no tag"], "--language no tag is no language tag"),
        (["taxonomy", "--teacher", "builtin", "--license", "MIT"], "a run says it itself"),
        (["taxonomy", "--teacher", "builtin"], "is no run folder"),
        (["empty.jsonl", "--teacher", "builtin"], "holds no sample: it is empty"),
    ],
)
def test_a_call_that_cannot_work_says_what_to_change(tax, taxonomy, alpaca, arguments, said):
    (taxonomy / "empty.jsonl").write_text("", encoding="utf-8")
    code, _, errors = tax("recycle", *arguments)
    assert (code, said in errors) == (2, True), errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "text", ["N/A", "n/a.", "None", "[New Instruction]", "your answer", "—", "...", "無", "同上。"]
)
def test_words_that_say_nothing(text):
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["42", "No.", "None of them floats.", "Answer: 4", "無鹽奶油", "!" * 100_000 + "a"])
def test_short_words_that_say_something(text):
    assert not says_nothing(text)


def test_a_recycled_run_can_be_recycled_again(tax, taxonomy, alpaca):
    with RunningLoopback() as server:
        recycle(tax, server.url, alpaca, out="once")
        recycle(tax, server.url, "once", out="twice")
    once, twice = lines(taxonomy / "once/samples.jsonl"), lines(taxonomy / "twice/samples.jsonl")
    assert [sample["parent"] for sample in twice] == [sample["id"] for sample in once]
    assert Counter(sample["leaf"] for sample in twice) == {"alpaca": 6}
