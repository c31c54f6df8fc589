"""`tax generate` from end to end, against a real server on loopback."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from support.leaves import FREE, lines, write_leaf
from support.loopback import Faults, RunningLoopback
from tax.cli import run as run_cli

PROJECT = Path(__file__).parents[2]
CONTRIBUTIONS = PROJECT.parent / "shared" / "contributions"


def generate(tax, url, *arguments, samples=6, out="out"):
    """Run the command and return its manifest; its folder is `out`."""
    code, output, errors = tax(
        "generate", "--teacher", url, "--samples", samples, "--out", out, "--json", "--quiet", *arguments
    )
    assert code == 0, errors
    return json.loads(output)


def test_every_kind_of_leaf_ends_with_n_samples(tax, taxonomy):
    with RunningLoopback() as server:
        manifest = generate(tax, server.url, samples=7)
    assert {leaf["leaf"]: leaf["kept"] for leaf in manifest["leaves"]} == dict.fromkeys(
        [leaf["leaf"] for leaf in manifest["leaves"]], 7
    )
    samples = lines(taxonomy / "out/samples.jsonl")
    kinds = Counter(sample["kind"] for sample in samples)
    assert kinds == {"question": 7, "grounded": 7, "dialogue": 7, "problem": 7, "knowledge": 7}
    assert len({sample["id"] for sample in samples}) == len(samples)
    assert manifest["status"] == "finished"
    assert (taxonomy / "out/report.md").read_text(encoding="utf-8").startswith("# Run ")


def test_nothing_vanishes(tax, taxonomy):
    with RunningLoopback(rate=strict) as server:
        manifest = generate(tax, server.url, samples=12)
    samples, dropped = lines(taxonomy / "out/samples.jsonl"), lines(taxonomy / "out/dropped.jsonl")
    for leaf in manifest["leaves"]:
        kept = sum(sample["leaf"] == leaf["leaf"] for sample in samples)
        reasons = Counter(drop["reason"] for drop in dropped if drop["leaf"] == leaf["leaf"])
        assert (kept, dict(reasons)) == (leaf["kept"], leaf["dropped"])
        assert leaf["drawn"] == leaf["kept"] + sum(leaf["dropped"].values())
    assert any(drop["reason"] == "pair rated 1" and drop["detail"] for drop in dropped)
    assert all(drop["outcome"] == "filtered" for drop in dropped)


def strict(name, text):
    """A judge that drops about a third of all."""
    poor = len(text) % 3 == 0
    return {"judge_faithfulness": "NO" if poor else "YES", "judge_pair": 1 if poor else 3, "judge_relevance": 2}.get(
        name, 0 if poor else 1
    )


def test_samples_carry_their_provenance(tax, taxonomy):
    with RunningLoopback() as server:
        manifest = generate(tax, server.url)
    samples = lines(taxonomy / "out/samples.jsonl")
    blobs = {leaf["leaf"]: leaf["blob"] for leaf in manifest["inputs"]}
    for sample in samples:
        assert sample["leaf_blob"] == blobs[sample["leaf"]]
        assert sample["license"]
        if sample["kind"] != "problem":
            name, _, digest = sample["prompt"].partition("@")
            assert manifest["prompts"][name] == digest
            assert all(rating["reason"] for rating in sample["ratings"])
    knowledge = [sample for sample in samples if sample["kind"] == "knowledge"]
    document = (taxonomy / "taxonomy/knowledge/handbooks/gardening/compost/compost.md").read_text(encoding="utf-8")
    for sample in knowledge:
        start, end = sample["source"]["evidence"]
        assert document[start:end].startswith("Compost is decayed")
        assert sample["source"]["commit"] == manifest["taxonomy"]["commit"]
        assert [rating["rubric"] for rating in sample["ratings"]] == ["faithfulness", "relevance", "self-contained"]
        assert sample["license"] == "CC-BY-4.0 AND CC0-1.0"


def test_the_four_stages_and_what_their_prompts_hold(tax, taxonomy):
    with RunningLoopback() as server:
        generate(tax, server.url, "taxonomy/compositional_skills/science")
        bodies = server.bodies
    by_stage = {}
    for body in bodies:
        name = body.get("response_format", {}).get("json_schema", {}).get("name", "response")
        by_stage.setdefault(name, []).append(body)
    assert set(by_stage) == {"skill_questions", "judge_question", "response", "judge_pair"}
    for body in bodies:
        text = "\n".join(message["content"] for message in body["messages"])
        assert "Name one thing that can be seen at home." in text
        assert "Explaining everyday things in two sentences." in text
    first = by_stage["skill_questions"][0]["messages"][0]["content"]
    assert "compositional skills > science > everyday" in first
    assert by_stage["response"][0]["temperature"] == 0.1
    assert by_stage["judge_pair"][0]["temperature"] == 0.0


def test_seeds_take_turns_one_a_prompt_and_a_holdout_never(tax, taxonomy):
    with RunningLoopback() as server:
        generate(tax, server.url, samples=25)
        bodies = server.bodies
    texts = ["\n".join(message["content"] for message in body["messages"]) for body in bodies]
    assert not any("HOLDOUT" in text for text in texts)
    asked = [text for text in texts if "diverse questions on this task" in text]
    bread, clothes = ["Why does bread rise" in text for text in asked], ["wet clothes" in text for text in asked]
    assert all(one != other for one, other in zip(bread, clothes, strict=True))
    assert sum(bread) and sum(clothes) and abs(sum(bread) - sum(clothes)) <= 1


def test_dialogues_stay_dialogues_and_style_chooses_the_persona(tax, taxonomy):
    with RunningLoopback() as server:
        generate(tax, server.url, "taxonomy/compositional_skills/dialogues")
    for sample in lines(taxonomy / "out/samples.jsonl"):
        assert [message["role"] for message in sample["messages"]] == ["user", "assistant"] * 2
        assert sample["prompt"].startswith("response_creative@")


def test_a_grounded_sample_begins_with_its_context(tax, taxonomy):
    with RunningLoopback() as server:
        generate(tax, server.url, "taxonomy/compositional_skills/summary")
        questions = [
            group
            for body in server.bodies
            if "response_format" not in body
            for group in [body["messages"][-1]["content"]]
        ]
    for sample in lines(taxonomy / "out/samples.jsonl"):
        assert "\n\n" in sample["messages"][0]["content"]
        assert sample["messages"][0]["content"] in questions


def test_the_chunk_is_in_every_knowledge_prompt(tax, taxonomy):
    with RunningLoopback() as server:
        generate(tax, server.url, "taxonomy/knowledge")
        bodies = server.bodies
    named = [(body["response_format"]["json_schema"]["name"], body["messages"][-1]["content"]) for body in bodies]
    for name, text in named:
        if name in {"knowledge_questions", "judge_faithfulness"}:
            assert "A heap reaches 60 °C" in text


@pytest.mark.parametrize("structured", [True, False])
def test_faults_change_nothing(tax, taxonomy, structured):
    with RunningLoopback(structured=structured) as server:
        generate(tax, server.url, "--calls", "a", out="sound")
    with RunningLoopback(structured=structured, faults=Faults(busy=7, error=11, dropped=13)) as server:
        manifest = generate(tax, server.url, "--calls", "b", out="faulty")
    assert same_samples(taxonomy / "sound", taxonomy / "faulty")
    assert (taxonomy / "sound/dropped.jsonl").read_bytes() == (taxonomy / "faulty/dropped.jsonl").read_bytes()
    retries = manifest["calls"]["retries"]
    assert {"HTTP 429", "HTTP 500", "connection lost"} <= retries.keys()


def same_samples(one, other):
    """Tell whether two runs hold the same samples; a server's address is part of a teacher's name."""
    ignoring = re.compile(rb'"teacher":"[^"]*"')
    texts = [ignoring.sub(b"", (folder / "samples.jsonl").read_bytes()) for folder in (one, other)]
    return texts[0] == texts[1] and bool(texts[0])


def test_broken_json_is_drawn_again(tax, taxonomy):
    with RunningLoopback(faults=Faults(broken=5)) as server:
        manifest = generate(tax, server.url)
    assert all(leaf["kept"] == 6 for leaf in manifest["leaves"])
    assert manifest["calls"]["retries"]["broken answer"] > 5


def test_what_stays_broken_is_dropped_with_its_reason(tax, taxonomy):
    with RunningLoopback(rate=lambda name, text: "not a rating" if name == "judge_pair" else 1) as server:
        manifest = generate(tax, server.url, "taxonomy/compositional_skills/science")
    (leaf,) = manifest["leaves"]
    assert leaf["kept"] == 0
    assert leaf["dropped"]["the rating is none of 1, 2, 3"] == leaf["drawn"]
    assert {drop["outcome"] for drop in lines(taxonomy / "out/dropped.jsonl")} == {"failed"}


def test_a_strict_judge_spends_the_budget_and_it_is_said(tax, taxonomy):
    with RunningLoopback(rate=lambda name, text: 0 if name == "judge_question" else 3) as server:
        code, output, _ = tax(
            "generate", "taxonomy/compositional_skills/science", "--teacher", server.url, "--samples", 4
        )
    assert code == 0
    assert "question rated 0" in output
    assert "; budget spent" in output


def test_more_samples_only_add(tax, taxonomy):
    with RunningLoopback(rate=strict) as server:
        generate(tax, server.url, samples=5, out="few")
        asked = sum(server.requests.values())
        generate(tax, server.url, samples=9, out="more")
        assert max(server.requests.values()) == 1, "a finished call was paid for twice"
        assert sum(server.requests.values()) > asked
    few, more = ids_by_leaf(taxonomy / "few"), ids_by_leaf(taxonomy / "more")
    assert all(more[leaf][:5] == ids for leaf, ids in few.items())


def ids_by_leaf(folder):
    found = {}
    for sample in lines(folder / "samples.jsonl"):
        found.setdefault(sample["leaf"], []).append(sample["id"])
    return found


def test_concurrency_is_the_throttle(tax, taxonomy):
    with RunningLoopback(delay=0.001) as server:
        generate(tax, server.url, "--concurrency", 3, out="narrow")
        assert server.most_in_flight == 3
    with RunningLoopback(delay=0.001) as server:
        generate(tax, server.url, "--calls", "other", "--concurrency", 50, out="wide")
        assert server.most_in_flight > 10
    assert same_samples(taxonomy / "narrow", taxonomy / "wide")


def test_leaves_do_not_wait_for_each_other_s_stages(tax, taxonomy):
    with RunningLoopback() as server:
        generate(tax, server.url, "--concurrency", 1)
        stages = [body.get("response_format", {}).get("json_schema", {}).get("name", "") for body in server.bodies]
    assert stages.index("judge_pair") < stages.index("knowledge_questions"), (
        "the last stage of one, the first of another"
    )


def test_the_same_command_again_asks_nothing(tax, taxonomy):
    with RunningLoopback() as server:
        generate(tax, server.url)
        first = (taxonomy / "out/samples.jsonl").read_bytes()
        asked = server.seen
        manifest = generate(tax, server.url)
        assert server.seen == asked
    assert manifest["calls"]["asked"] == {}
    assert (taxonomy / "out/samples.jsonl").read_bytes() == first


@pytest.mark.parametrize("change", ["model", "seed", "leaf"])
def test_another_setting_reuses_no_answer_that_it_changes(tax, taxonomy, change):
    leaf = "taxonomy/compositional_skills/science"
    with RunningLoopback(models=("one", "two")) as server:
        generate(tax, server.url, leaf, "--model", "one", out="first")
        if change == "leaf":
            write_leaf(
                taxonomy, "compositional_skills/science/everyday", FREE.replace("two sentences", "three sentences")
            )
        model = "two" if change == "model" else "one"
        seed = 1 if change == "seed" else 0
        manifest = generate(tax, server.url, leaf, "--model", model, "--seed", seed, out="second")
    assert manifest["calls"]["reused"] == {}


def command(taxonomy, url, out):
    return [sys.executable, "-m", "tax", "generate", "--teacher", url, "--samples", "8", "--out", out, "--quiet"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("calls", [1, 40, 150])
def test_a_run_that_was_stopped_ends_as_an_unbroken_one(tax, taxonomy, how, calls):
    with RunningLoopback(rate=strict) as server:
        generate(tax, server.url, "--calls", "unbroken-calls", samples=8, out="unbroken")
    with RunningLoopback(rate=strict, delay=0.002) as server:
        reached = threading.Event()
        server.on_request = lambda seen: reached.set() if seen == calls else None
        arguments = [*command(taxonomy, server.url, "broken"), "--concurrency", "8"]
        process = subprocess.Popen(arguments, cwd=taxonomy, env=os.environ | {"PYTHONPATH": str(PROJECT / "tools")})
        assert reached.wait(60)
        process.send_signal(how)
        code = process.wait(60)
        assert code == {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 130}[how]
        assert not (taxonomy / "broken/samples.jsonl").exists()
        server.on_request = lambda seen: None
        subprocess.run(
            arguments,
            cwd=taxonomy,
            env=os.environ | {"PYTHONPATH": str(PROJECT / "tools")},
            check=True,
            capture_output=True,
        )
        repeated = sum(count - 1 for count in server.requests.values())
    assert repeated <= 8, "more calls were repeated than were in flight"
    assert same_samples(taxonomy / "unbroken", taxonomy / "broken")
    assert (taxonomy / "unbroken/dropped.jsonl").read_bytes() == (taxonomy / "broken/dropped.jsonl").read_bytes()
    assert not list((taxonomy / "broken").glob("*.part"))


def test_a_run_that_is_killed_again_and_again_repeats_what_was_in_flight(tax, taxonomy):
    with RunningLoopback(rate=strict) as server:
        generate(tax, server.url, "--calls", "unbroken-calls", samples=8, out="unbroken")
    with RunningLoopback(rate=strict, delay=0.002) as server:
        arguments = [*command(taxonomy, server.url, "broken"), "--concurrency", "8"]
        environment = os.environ | {"PYTHONPATH": str(PROJECT / "tools")}
        for calls in (25, 60, 61, 110):
            process = subprocess.Popen(arguments, cwd=taxonomy, env=environment)
            server.on_request = lambda seen, calls=calls, end=process.kill: end() if seen >= calls else None
            assert process.wait(60) == -9
        server.on_request = lambda seen: None
        subprocess.run(arguments, cwd=taxonomy, env=environment, check=True, capture_output=True)
        repeated = sum(count - 1 for count in server.requests.values())
    assert repeated <= 4 * 8, "more calls were repeated than were in flight"
    assert same_samples(taxonomy / "unbroken", taxonomy / "broken")
    assert (taxonomy / "unbroken/dropped.jsonl").read_bytes() == (taxonomy / "broken/dropped.jsonl").read_bytes()


def test_a_teacher_that_goes_away_ends_the_run_and_loses_nothing(tax, taxonomy, monkeypatch):
    monkeypatch.setattr("tax.calls._back_off", lambda tried: 0.0)
    with RunningLoopback(stop_after=60) as server:
        code, _, errors = tax("generate", "--teacher", server.url, "--samples", 8, "--out", "out", "--quiet")
        assert code == 2
        assert "has stopped answering (HTTP 500" in errors
        assert json.loads((taxonomy / "out/manifest.json").read_text(encoding="utf-8"))["status"] == "failed"
        server.stop_after = 0
        generate(tax, server.url, samples=8)
        assert max(server.requests.values()) == 1


def test_a_small_run_whose_server_dies_does_not_end_as_if_nothing_were(tax, taxonomy, monkeypatch):
    monkeypatch.setattr("tax.calls._back_off", lambda tried: 0.0)
    running = RunningLoopback()
    with running as server:
        server.on_request = lambda seen: running.leave() if seen == 3 else None
        leaf = "taxonomy/compositional_skills/science"
        code, _, errors = tax("generate", leaf, "--teacher", server.url, "--samples", 2, "--out", "out", "--quiet")
    assert code == 2
    assert "has stopped answering (connection refused, 10 times in a row)" in errors


@pytest.mark.parametrize(
    "command",
    [
        ["generate", "--teacher"],
        ["recycle", "alpaca.json", "--teacher"],
        ["translate", "alpaca.json", "--to", "fr", "--teacher"],
        ["dialogue", "alpaca.json", "--teacher"],
        ["eval", "--holdouts", "taxonomy"],
    ],
)
def test_calls_in_no_folder_are_refused_by_every_command(tax, alpaca, command):
    with RunningLoopback() as server:
        code, _, errors = tax(*command, server.url, "--calls", alpaca, "--quiet")
    assert (code, server.seen) == (2, 0)
    told = f"tax: finished calls cannot be kept in {alpaca}: {alpaca} is no folder. Name a folder with --calls\n"
    assert errors == told


def test_the_key_comes_from_the_environment(tax, taxonomy, monkeypatch):
    monkeypatch.setenv("TAX_API_KEY", "sesame")
    with RunningLoopback() as server:
        generate(tax, server.url, "taxonomy/compositional_skills/science", samples=1)
        assert server.keys == {"Bearer sesame"}
    kept = b"".join(path.read_bytes() for path in (taxonomy / "out").iterdir() if path.is_file())
    kept += b"".join(path.read_bytes() for path in (taxonomy / ".tax/calls").iterdir())
    assert b"sesame" not in kept


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--teacher", "http://127.0.0.1:9"], "no teacher answers at http://127.0.0.1:9/v1"),
        (["--teacher", "nobody"], "there is no teacher 'nobody'"),
        (["--teacher", "http://"], "is no address of a server"),
        (["--teacher", "scripted:none.yaml"], "cannot be read"),
        (["taxonomy/none"], "taxonomy/none"),
        (["--base", "main"], "--base goes with --changed"),
        (["--samples", "0"], "--samples"),
    ],
)
def test_a_call_that_cannot_work_says_what_to_change(tax, arguments, said):
    code, _, errors = tax("generate", *arguments)
    assert code == 2
    assert said in errors
    assert "Traceback" not in errors


def test_models_of_the_server_are_listed(tax):
    with RunningLoopback(models=("one", "two")) as server:
        code, _, errors = tax("generate", "--teacher", server.url)
        assert (code, "one, two. Name one with --model" in errors) == (2, True)
        code, _, errors = tax("generate", "--teacher", server.url, "--model", "three")
        assert (code, "has no model 'three'. Its models: one, two" in errors) == (2, True)


def test_a_folder_with_another_run_is_not_overwritten(tax, taxonomy):
    code, _, _ = tax("generate", "taxonomy/foundational_skills", "--out", "out", "--quiet")
    assert code == 0
    before = (taxonomy / "out/samples.jsonl").read_bytes()
    code, _, errors = tax("generate", "taxonomy/foundational_skills", "--out", "out", "--seed", 3, "--quiet")
    assert code == 2
    assert "holds another run" in errors
    assert (taxonomy / "out/samples.jsonl").read_bytes() == before


def test_a_dry_run_asks_nothing(tax, taxonomy):
    with RunningLoopback() as server:
        code, output, _ = tax("generate", "--teacher", server.url, "--dry-run")
        assert (code, server.seen) == (0, 0)
    for name in (
        "skill_questions",
        "judge_question",
        "response_precise",
        "user_turn",
        "judge_pair",
        "judge_faithfulness",
    ):
        assert f": {name} ---" in output
    assert "Nothing was asked." in output
    assert re.search(r"compositional_skills/science/everyday: 2 seeds in turn.* 93 to \d+ calls", output)
    assert "HOLDOUT" not in output
    assert not (taxonomy / "runs").exists()


def test_a_dry_run_without_a_model_shows_what_one_would_be_asked(tax, taxonomy):
    code, output, _ = tax("generate", "taxonomy/compositional_skills", "--dry-run")
    assert code == 0
    assert ": skill_questions ---" in output
    assert re.search(r"science/everyday: needs a model teacher: 2 seeds in turn.* 93 to \d+ calls\n", output)
    assert "HOLDOUT" not in output


def test_a_leaf_with_errors_is_not_grown_and_the_others_are(tax, taxonomy):
    write_leaf(taxonomy, "compositional_skills/broken", "version: 4\nseed_examples: []\n")
    code, output, _ = tax("generate", "--samples", 3, "--quiet")
    assert code == 1
    assert "skipped: has errors" in output
    assert len(lines(next((taxonomy / "runs").iterdir()) / "samples.jsonl")) >= 6


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"leaf": ("domain: Gardening", "domain: Gardening\nlanguage: fr")}, "the teacher builtin cannot read French"),
        ({"document": "# Compost\n\n## More\n"}, "its documents hold nothing but headings"),
    ],
)
def test_a_document_that_cannot_be_asked_about(tax, taxonomy, change, reason):
    folder = taxonomy / "taxonomy/knowledge/handbooks/gardening/compost"
    if "leaf" in change:
        leaf = (folder / "qna.yaml").read_text(encoding="utf-8")
        (folder / "qna.yaml").write_text(leaf.replace(*change["leaf"]), encoding="utf-8")
    else:
        (folder / "compost.md").write_text(change["document"], encoding="utf-8")
    _, output, _ = tax("generate", "taxonomy/knowledge", "--quiet")
    assert f"skipped: {reason}" in output


def test_progress_is_plain_where_there_is_no_terminal(tax):
    with RunningLoopback() as server:
        _, output, errors = tax("generate", "--teacher", server.url, "--samples", 3)
    assert re.search(r"\[5/5\] \S+: 3 kept of \d+ drawn, enough\. \d+ calls", errors)
    assert "15 samples kept of" in output


def shipped():
    return sorted(path.parent for path in (PROJECT / "taxonomy").rglob("qna.yaml"))


@pytest.mark.parametrize(
    "faults", [Faults(), Faults(busy=20, error=31, dropped=41, broken=17)], ids=["sound", "faulty"]
)
def test_all_shipped_leaves_grow(tmp_path, monkeypatch, capsys, faults):
    monkeypatch.chdir(tmp_path)
    with RunningLoopback(faults=faults) as server:
        code = run_cli(
            ["generate", f"{PROJECT}/taxonomy", "--teacher", server.url]
            + "--samples 5 --out out --calls calls --json --quiet".split()
        )
    manifest = json.loads(capsys.readouterr().out)
    assert code == 0
    assert len(manifest["leaves"]) == len(shipped()) >= 16
    assert {leaf["leaf"]: (leaf["kept"], leaf["stop"]) for leaf in manifest["leaves"]} == {
        leaf["leaf"]: (5, "enough") for leaf in manifest["leaves"]
    }
    counted = Counter(sample["leaf"] for sample in lines(tmp_path / "out/samples.jsonl"))
    assert set(counted.values()) == {5}


@pytest.mark.skipif(not CONTRIBUTIONS.is_dir(), reason="the contributed leaves lie outside of the repository")
def test_real_skills_leaves_of_old_versions_grow_as_they_are(tmp_path, monkeypatch, capsys):
    verdicts = lines(CONTRIBUTIONS / "verdicts.jsonl")
    chosen = []
    for version, wanted in [(1, 8), (2, 6), (3, 6)]:
        fit = [
            v["file"] for v in verdicts if v["version"] == version and v["accepted"] and "compositional" in v["file"]
        ]
        chosen += [str(CONTRIBUTIONS / name) for name in fit[:wanted]]
    assert len(chosen) == 20
    monkeypatch.chdir(tmp_path)
    with RunningLoopback(faults=Faults(busy=23, dropped=37)) as server:
        code = run_cli(
            ["generate", *chosen, "--teacher", server.url, "--samples", "4", "--out", "out", "--json", "--quiet"]
        )
    manifest = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [leaf["kept"] for leaf in manifest["leaves"]] == [4] * 20
