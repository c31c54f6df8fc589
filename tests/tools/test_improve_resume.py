"""Recycling, translation and self-play go on where they were stopped, and end as an unbroken run does."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from support.improving import improve, without_teacher
from support.loopback import RunningLoopback

PROJECT = Path(__file__).parents[2]
OPTIONS = {
    "recycle": ["--keep", "better"],
    "translate": ["--to", "fr"],
    "dialogue": ["--turns", "3"],
}


def rate(name, text):
    """A judge that drops about a third of all, and a user who has more to ask."""
    poor = len(text) % 3 == 0
    return {"dialogue_user": "NO", "judge_faithfulness": "NO" if poor else "YES"}.get(name, 1 if poor else 3)


def say(name, text):
    """A translator who leaves everything as it is."""
    if name != "translate":
        return None
    message = text.split("<message>\n")[1].split("\n</message>")[0].split("\n  </message>")[0]
    return '{"translation": ' + json.dumps(message) + ', "names": "—"}'


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize(("command", "calls"), [("recycle", 20), ("translate", 9), ("dialogue", 14)])
def test_a_run_that_was_stopped_ends_as_an_unbroken_one(tax, taxonomy, run, command, calls, how):
    with RunningLoopback(rate=rate, say=say) as server:
        improve(tax, command, server.url, run, *OPTIONS[command], "--calls", "unbroken-calls", out="unbroken")
    with RunningLoopback(rate=rate, say=say, delay=0.002) as server:
        reached = threading.Event()
        server.on_request = lambda seen: reached.set() if seen == calls else None
        arguments = [sys.executable, "-m", "tax", command, str(run), "--teacher", server.url, "--out", "broken"]
        arguments += [*OPTIONS[command], "--quiet", "--concurrency", "4"]
        environment = os.environ | {"PYTHONPATH": str(PROJECT / "tools")}
        process = subprocess.Popen(arguments, cwd=taxonomy, env=environment, stderr=subprocess.PIPE)
        assert reached.wait(60)
        process.send_signal(how)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130}[how]
        assert how == signal.SIGKILL or b"the same command goes on from here" in errors
        assert not (taxonomy / "broken/samples.jsonl").exists()
        server.on_request = lambda seen: None
        subprocess.run(arguments, cwd=taxonomy, env=environment, check=True, capture_output=True)
        repeated = sum(count - 1 for count in server.requests.values())
    assert repeated <= 4, "more calls were repeated than were in flight"
    for name in ("samples.jsonl", "dropped.jsonl"):
        assert without_teacher(taxonomy / "unbroken" / name) == without_teacher(taxonomy / "broken" / name)


@pytest.mark.parametrize("command", OPTIONS)
def test_the_same_command_again_asks_nothing(tax, taxonomy, run, command):
    with RunningLoopback(rate=rate, say=say) as server:
        improve(tax, command, server.url, run, *OPTIONS[command])
        first, asked = (taxonomy / "improved/samples.jsonl").read_bytes(), server.seen
        manifest = improve(tax, command, server.url, run, *OPTIONS[command])
        assert server.seen == asked
    assert manifest["calls"]["asked"] == {}
    assert (taxonomy / "improved/samples.jsonl").read_bytes() == first


@pytest.mark.parametrize("change", ["--seed", "--limit"])
def test_another_setting_is_another_run(tax, taxonomy, run, change):
    with RunningLoopback() as server:
        improve(tax, "recycle", server.url, run)
        code, _, errors = tax("recycle", run, "--teacher", server.url, "--out", "improved", change, 7)
    assert (code, "holds another run" in errors) == (2, True)
