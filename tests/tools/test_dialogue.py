"""`tax dialogue` from end to end, against a real server on loopback."""

import json

import pytest

from support.improving import improve, without_teacher
from support.leaves import lines
from support.loopback import Faults, RunningLoopback


def play(tax, url, source, *arguments, out="improved"):
    """Run the command and return its manifest."""
    return improve(tax, "dialogue", url, source, *arguments, out=out)


def user(*messages):
    """A teacher whose user says these messages in turn, and then has no more to ask."""

    def say(name, text):
        if name != "dialogue_user":
            return None
        turn = int(text.split("message number ")[1].split(",")[0])
        over = turn - 2 >= len(messages)
        said = "—" if over else messages[turn - 2]
        return json.dumps({"reason": "So.", "over": "YES" if over else "NO", "message": said})

    return say


FIRST = "Does wood from every tree float, or are there exceptions?"
SECOND = "Then how would a boat of steel keep above the water?"


def test_a_dialogue_ends_when_the_user_has_what_he_came_for(tax, taxonomy, alpaca):
    with RunningLoopback(say=user(FIRST, SECOND)) as server:
        manifest = play(tax, server.url, alpaca, "--turns", 9)
    assert (manifest["kept"], manifest["dropped"]) == (6, {})
    for number, sample in enumerate(lines(taxonomy / "improved/samples.jsonl")):
        said = [message["content"] for message in sample["messages"]]
        assert [message["role"] for message in sample["messages"]] == ["user", "assistant"] * 3
        assert said[:2] == [f"Name {number} things that float.", f"Wood, cork, ice and {number} more."]
        assert said[2::2] == [FIRST, SECOND]
        assert (sample["kind"], sample["language"]) == ("dialogue", "en")
        assert sample["parent"] and sample["prompt"].startswith("answer@")


def test_it_ends_after_so_many_turns(tax, taxonomy, alpaca):
    with RunningLoopback(rate=lambda name, text: "NO" if name == "dialogue_user" else 3) as server:
        play(tax, server.url, alpaca, "--turns", 3)
        asked = [body["messages"] for body in server.bodies if "response_format" not in body]
    assert {len(sample["messages"]) for sample in lines(taxonomy / "improved/samples.jsonl")} == {6}
    assert sorted({len(messages) for messages in asked}) == [4, 6], "the assistant sees all that was said"


@pytest.mark.parametrize(
    ("say", "turns"),
    [
        (user(FIRST, FIRST, SECOND), 2),  # the user repeats himself
        (user(FIRST, SECOND), 3),
    ],
)
def test_who_repeats_himself_ends_it(tax, taxonomy, alpaca, say, turns):
    with RunningLoopback(say=say) as server:
        play(tax, server.url, alpaca)
    assert {len(sample["messages"]) for sample in lines(taxonomy / "improved/samples.jsonl")} == {2 * turns}


def test_an_assistant_that_repeats_itself_ends_it_before(tax, taxonomy, alpaca):
    def say(name, text):
        return user(FIRST, SECOND)(name, text) if name else "Wood floats, since it is lighter than water is."

    with RunningLoopback(say=say) as server:
        play(tax, server.url, alpaca)
    assert {len(sample["messages"]) for sample in lines(taxonomy / "improved/samples.jsonl")} == {4}


HOLDOUT = "HOLDOUT-QUESTION Why does a spoon look bent in a glass of water?"


@pytest.mark.parametrize(
    ("say", "reason"),
    [
        (user(), "over after one turn: the user has no more to ask"),
        (user("那麼鐵做的船為什麼不會沉下去？"), "written in another language"),
        (user(HOLDOUT), "near a hold-out"),
        (
            lambda name, text: "（完全用中文回答的一句話。）" if name == "" else user(FIRST)(name, text),
            "written in another language",
        ),
        (
            lambda name, text: "{" if name == "dialogue_user" else None,
            "the answer is neither the JSON nor the markers asked for",
        ),
        (lambda name, text: "" if name == "" else user(FIRST)(name, text), "the answer is empty"),
        (
            lambda name, text: (
                '{"reason": "No.", "rating": 1}' if name == "judge_conversation" else user(FIRST)(name, text)
            ),
            "conversation rated 1",
        ),
    ],
)
def test_what_is_not_right_is_dropped_with_its_reason(tax, taxonomy, alpaca, say, reason):
    with RunningLoopback(say=say) as server:
        manifest = play(tax, server.url, alpaca, "--limit", 2)
    assert (manifest["kept"], manifest["originals"], manifest["dropped"]) == (0, 0, {reason: 2})
    assert [drop["reason"] for drop in lines(taxonomy / "improved/dropped.jsonl")] == [reason] * 2


def test_only_single_prompts_that_rest_on_nothing_are_played(tax, taxonomy, run):
    with RunningLoopback(say=user(FIRST)) as server:
        manifest = play(tax, server.url, run)
    assert manifest["kept"] == 6
    assert manifest["dropped"] == {
        "a dialogue already": 3,
        "a knowledge sample: nothing is known beyond it": 3,
        "a problem sample: nothing is known beyond it": 3,
    }


@pytest.mark.parametrize("structured", [True, False])
def test_faults_change_nothing(tax, taxonomy, run, structured):
    rate = {"dialogue_user": "NO"}
    settings = {"structured": structured, "rate": lambda name, text: rate.get(name, 3)}
    with RunningLoopback(**settings) as server:
        play(tax, server.url, run, "--calls", "a", out="sound")
    with RunningLoopback(**settings, faults=Faults(busy=5, error=7, dropped=11)) as server:
        manifest = play(tax, server.url, run, "--calls", "b", out="faulty")
    for name in ("samples.jsonl", "dropped.jsonl"):
        assert without_teacher(taxonomy / "sound" / name) == without_teacher(taxonomy / "faulty" / name)
    assert manifest["calls"]["retries"]


def test_a_dry_run_asks_nothing(tax, run):
    with RunningLoopback() as server:
        code, output, _ = tax("dialogue", run, "--teacher", server.url, "--dry-run")
        assert (code, server.seen) == (0, 0)
    assert ": dialogue_user ---" in output
    assert "6 of 15 samples can be played on to dialogues, 6 to 42 calls" in output
