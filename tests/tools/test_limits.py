"""`tax generate` where the machine sets limits: a full disk, several processes at once, more leaves than are open."""

import json
import os
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from support.leaves import COMPUTED, DIALOGUE, FREE, lines, write_leaf
from support.loopback import RunningLoopback

TOOLS = Path(__file__).parents[2] / "tools"


def start(taxonomy, *arguments, file_size=resource.RLIM_INFINITY):
    """Start the command in a process of its own, whose files may not grow beyond a size in bytes."""
    return subprocess.Popen(
        [sys.executable, "-m", "tax", "generate", "--quiet", *map(str, arguments)],
        cwd=taxonomy,
        env=os.environ | {"PYTHONPATH": str(TOOLS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (file_size, file_size)),
    )


def finish(process):
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


def test_a_full_disk_stops_the_run_and_loses_no_answer(taxonomy):
    with RunningLoopback() as server:
        arguments = ["--teacher", server.url, "--samples", 8, "--concurrency", 4]
        code, _, errors = finish(start(taxonomy, *arguments, "--out", "out", file_size=30_000))
        assert code == 2
        assert "an answer cannot be kept in" in errors and "Traceback" not in errors
        assert not list((taxonomy / "out").glob("*.part"))
        assert finish(start(taxonomy, *arguments, "--out", "out"))[0] == 0
        repeated = sum(count - 1 for count in server.requests.values())
        assert repeated <= 4, "more than were in flight"
        code, _, _ = finish(start(taxonomy, *arguments, "--out", "full", "--calls", "elsewhere"))
    assert (taxonomy / "out/samples.jsonl").read_bytes() == (taxonomy / "full/samples.jsonl").read_bytes()


@pytest.mark.parametrize("size", [4_000, 40_000])
def test_a_run_folder_that_fills_up(taxonomy, size):
    write_leaf(taxonomy, "foundational_skills/mathematics/addition", COMPUTED.replace("to: 20", "to: 1000"))
    arguments = ["taxonomy/foundational_skills", "--samples", 300, "--out", "out"]
    code, _, errors = finish(start(taxonomy, *arguments, file_size=size))
    assert code == 2
    assert "cannot be written: File too large" in errors and "Traceback" not in errors
    assert json.loads((taxonomy / "out/manifest.json").read_text(encoding="utf-8"))["status"] == "failed"
    assert not list((taxonomy / "out").glob("*.part"))
    assert finish(start(taxonomy, *arguments))[0] == 0
    assert len(lines(taxonomy / "out/samples.jsonl")) == 300


def test_several_processes_share_a_checkout_and_its_calls(taxonomy):
    with RunningLoopback() as server:
        arguments = ["--teacher", server.url, "--samples", 5]
        started = [start(taxonomy, *arguments, "--out", f"out{number}") for number in range(3)]
        assert [finish(process)[0] for process in started] == [0, 0, 0]
        asked = server.seen
        assert finish(start(taxonomy, *arguments, "--out", "last"))[0] == 0
        assert server.seen == asked, "what one process asked, the next finds"
    texts = {(taxonomy / name / "samples.jsonl").read_bytes() for name in ("out0", "out1", "out2", "last")}
    assert len(texts) == 1


def test_leaves_are_written_in_order_however_they_end(tax, taxonomy, monkeypatch):
    monkeypatch.setattr("tax.generate.run.OPEN_LEAVES", 1)
    monkeypatch.setattr("tax.runs.BUFFER", 500)
    for number in range(12):
        leaf = DIALOGUE if number % 3 == 0 else FREE
        write_leaf(taxonomy, f"compositional_skills/many/leaf{number:02}", leaf)
    with RunningLoopback() as server:
        arguments = ["taxonomy/compositional_skills/many", "--teacher", server.url, "--samples", 4, "--quiet"]
        for concurrency in (2, 30):
            calls = f"calls{concurrency}"
            code, _, errors = tax(
                "generate", *arguments, "--concurrency", concurrency, "--calls", calls, "--out", calls + "-out"
            )
            assert code == 0, errors
    few, many = taxonomy / "calls2-out", taxonomy / "calls30-out"
    for name in ("samples.jsonl", "dropped.jsonl"):
        assert (few / name).read_bytes() == (many / name).read_bytes()
    names = [sample["leaf"] for sample in lines(few / "samples.jsonl")]
    assert names == sorted(names) and len(names) == 48
    assert not list(few.glob("*.part"))


def test_a_leaf_that_changes_while_it_waits_ends_the_run(tax, taxonomy):
    last = taxonomy / "taxonomy/knowledge/handbooks/gardening/compost/compost.md"
    with RunningLoopback() as server:
        server.on_request = lambda seen: last.write_text("# Other\n\nText.\n", encoding="utf-8") if seen == 1 else None
        code, _, errors = tax(
            "generate", "--teacher", server.url, "--samples", 30, "--concurrency", 1, "--out", "out", "--quiet"
        )
    assert code == 2
    assert "gardening/compost/qna.yaml changed while the run was going on" in errors
