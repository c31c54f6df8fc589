"""`tax generate --seeds random`: a branch grown as Self-Instruct grows, to compare with."""

import json

import pytest

from support.leaves import FREE, lines, write_leaf
from support.loopback import Faults, RunningLoopback
from tax.measures.leaves import entropy, nearest_leaves

SKILLS = "compositional_skills"


def grown(tax, url, *arguments, out="out"):
    """Run the command and return its manifest; its folder is `out`."""
    command = ["generate", "--teacher", url, "--seeds", "random", "--samples", 6, "--out", out, "--json", "--quiet"]
    code, output, errors = tax(*command, *arguments)
    assert code == 0, errors
    return json.loads(output)


def plain(name, text):
    """Questions of which every other has no context."""
    if name != "random_questions":
        return None
    made = [
        {"context": "None." if number % 2 else f"note{number}", "question": f"ask {number} {hash(text)}"}
        for number in range(10)
    ]
    return json.dumps({"questions": made})


def test_a_branch_brings_what_its_leaves_would(tax, taxonomy):
    with RunningLoopback() as server:
        manifest = grown(tax, server.url)
        names = {body["response_format"]["json_schema"]["name"] for body in server.bodies if "response_format" in body}
    assert names == {"random_questions", "judge_question", "judge_pair"}
    branch, *left = manifest["leaves"]
    assert (branch["leaf"], branch["kept"], branch["stop"]) == (SKILLS, 12, "enough")
    assert {leaf["leaf"].rpartition("/")[2]: leaf["stop"] for leaf in left} == {
        "plants": "--seeds random leaves out dialogues",
        "addition": "--seeds random has no counterpart of problems that are computed",
        "compost": "--seeds random is for skills: knowledge comes from its documents",
    }
    samples = lines(taxonomy / "out/samples.jsonl")
    assert {(sample["leaf"], sample["branch"]) for sample in samples} == {(SKILLS, SKILLS)}
    assert {sample["license"] for sample in samples} == {"CC-BY-4.0 AND CC0-1.0"}
    assert all(sample["prompt"].startswith("response_precise@") for sample in samples)
    pool = manifest["inputs"][0]["pool"]
    assert [(entry["leaf"], entry["seeds"]) for entry in pool] == [
        (f"{SKILLS}/science/everyday", [0, 1]),
        (f"{SKILLS}/summary/notes", [0]),
    ]


def test_three_seeds_are_shown_and_no_hold_out(tax, taxonomy):
    for number in range(4):
        extra = f"  - {{question: QUESTION-{number} asks about the moon, answer: The moon.}}\n"
        write_leaf(taxonomy, f"{SKILLS}/moon/number_{number}", FREE + extra)
    with RunningLoopback() as server:
        grown(tax, server.url)
        texts = ["\n".join(message["content"] for message in body["messages"]) for body in server.bodies]
    asked = [text for text in texts if "<example>\nContext:" in text]
    assert len(asked) > 1 and len(set(asked)) == len(asked)
    for text in asked:
        assert text.count("<example>\nContext: ") == 3
    assert not any("HOLDOUT" in text for text in texts)


def test_blame_walks_back_to_each_seed(tax, taxonomy):
    with RunningLoopback() as server:
        grown(tax, server.url)
    sample = lines(taxonomy / "out/samples.jsonl")[0]
    code, text, errors = tax("blame", sample["id"], "--run", "out")
    assert code == 0, errors
    assert f"drawn from seeds of all {SKILLS}" in text
    assert f"number 2, lines 10 to 11 of {SKILLS}/science/everyday/qna.yaml, written by" in text
    assert f"number 1, lines 6 to 8 of {SKILLS}/summary/notes/qna.yaml, written by" in text


def test_a_question_without_a_context_is_none(tax, taxonomy):
    with RunningLoopback(say=plain) as server:
        grown(tax, server.url)
    samples = lines(taxonomy / "out/samples.jsonl")
    assert {sample["kind"] for sample in samples} == {"question", "grounded"}
    for sample in samples:
        asked = sample["messages"][0]["content"]
        assert asked.startswith("note") == (sample["kind"] == "grounded")
        assert "None." not in asked


def test_the_run_s_seed_chooses_what_is_drawn(tax, taxonomy):
    with RunningLoopback() as server:
        first = grown(tax, server.url, out="a")
        again = grown(tax, server.url, "--calls", "elsewhere", out="b")
        other = grown(tax, server.url, "--seed", 1, out="c")
    assert first["id"] == again["id"] != other["id"]
    assert (taxonomy / "a/samples.jsonl").read_bytes() == (taxonomy / "b/samples.jsonl").read_bytes()
    assert (taxonomy / "a/samples.jsonl").read_bytes() != (taxonomy / "c/samples.jsonl").read_bytes()


def test_a_run_that_broke_off_goes_on(tax, taxonomy):
    with RunningLoopback(stop_after=40) as server:
        command = ["generate", "--teacher", server.url, "--seeds", "random", "--out", "out", "--quiet"]
        assert tax(*command)[0] == 2, "the server is gone"
        assert json.loads((taxonomy / "out/manifest.json").read_text(encoding="utf-8"))["status"] == "failed"
        server.stop_after, server.faults = 0, Faults(busy=5, dropped=7)
        grown(tax, server.url, "--samples", 30)
        assert max(server.requests.values()) == 1, "a finished call was paid for twice"
        grown(tax, server.url, "--samples", 30, "--calls", "elsewhere", out="unbroken")
    assert len(lines(taxonomy / "out/samples.jsonl")) == 60
    assert (taxonomy / "out/samples.jsonl").read_bytes() == (taxonomy / "unbroken/samples.jsonl").read_bytes()


def test_nothing_drawn_comes_near_a_hold_out_of_any_leaf(tax, taxonomy):
    with RunningLoopback() as server:
        grown(tax, server.url)
        taken = lines(taxonomy / "out/samples.jsonl")[0]["messages"][0]["content"]
        held = f"  - {{question: {json.dumps(taken)}, answer: Kept back., holdout: true}}\n"
        text = FREE.replace("version: 4", "version: 4\nlanguage: de") + held  # a leaf that the pool leaves out
        write_leaf(taxonomy, f"{SKILLS}/science/german", text)
        second = grown(tax, server.url, out="b")
    assert second["leaves"][-1]["stop"] == "--seeds random draws in one language a branch, here English"
    assert taken not in {sample["messages"][0]["content"] for sample in lines(taxonomy / "b/samples.jsonl")}
    assert second["leaves"][0]["dropped"]["near a hold-out"] == 1


def test_leaf_by_leaf_runs_do_not_notice(tax, taxonomy):
    with RunningLoopback() as server:
        command = ["generate", "--teacher", server.url, "--samples", 6, "--json", "--quiet"]
        before = json.loads(tax(*command)[1])
        grown(tax, server.url)
        asked = server.seen
        after = json.loads(tax(*command, "--changed")[1])
        assert server.seen == asked
    assert (after["id"], after["kept"]) == (before["id"], before["kept"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--changed"], "--changed goes leaf by leaf"),
        (["--teacher", "builtin"], "skipped: needs a model teacher"),
        (["--dry-run"], "3 of 3 seeds of 2 leaves a draw, up to 10 questions, 38 to 186 calls"),
    ],
)
def test_what_is_said(tax, taxonomy, arguments, said):
    with RunningLoopback() as server:
        teacher = [] if "--teacher" in arguments else ["--teacher", server.url]
        _, output, errors = tax("generate", "--seeds", "random", "--samples", 6, "--quiet", *teacher, *arguments)
        assert not server.seen
    assert said in output + errors


def reported(tax, *arguments):
    code, output, errors = tax("report", *arguments)
    assert code == 0, errors
    return output


@pytest.fixture
def both(tax, taxonomy):
    """A run leaf by leaf in `ours`, and one of random seeds in `runs/other`, of the same leaves."""
    write_leaf(taxonomy, f"{SKILLS}/dialogues/moon", FREE)
    with RunningLoopback() as server:
        tax("generate", "--teacher", server.url, "--samples", 6, "--out", "ours", "--quiet")
        grown(tax, server.url, out="runs/other")
        yield server.url


def test_the_report_puts_both_side_by_side(tax, taxonomy, both):
    branches = json.loads(reported(tax, "ours", "--baseline", "random", "--format", "json"))["random"]
    (found,) = branches
    assert (found["branch"], found["leaves"], found["changed"]) == (SKILLS, 3, 0)
    assert (found["ours"]["samples"], found["random"]["samples"]) == (18, 18), "neither dialogues nor computed problems"
    assert found["ours"]["diversity"]["texts"] == found["random"]["diversity"]["texts"] == 18
    text = reported(tax, "ours", "--baseline", "random")
    assert "compositional_skills, leaf by leaf and from random seeds" in text
    assert "leaves reached, of 3" in text and "entropy over leaves, of 1.58 bits" in text and "rough measure" in text
    assert "| leaves reached, of 3 |" in reported(tax, "ours", "--baseline", "random", "--format", "markdown")
    reported(tax, "ours", "--baseline", "random", "--html", "page.html")
    assert "<td>leaves reached, of 3</td>" in (taxonomy / "page.html").read_text(encoding="utf-8")


def test_the_larger_side_is_drawn_down(tax, taxonomy, both):
    path = taxonomy / "ours/samples.jsonl"
    kept = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in kept if "summary/notes" not in line), encoding="utf-8")
    (found,) = json.loads(reported(tax, "ours", "--baseline", "random", "--format", "json"))["random"]
    assert (found["ours"]["samples"], found["random"]["samples"]) == (12, 18)
    assert found["ours"]["diversity"]["texts"] == found["random"]["diversity"]["texts"] == 12


def test_a_leaf_that_changed_leaves_the_leaves_untold(tax, taxonomy, both):
    write_leaf(taxonomy, f"{SKILLS}/science/everyday", FREE.replace("bread", "cake"))
    (found,) = json.loads(reported(tax, "ours", "--baseline", "random", "--format", "json"))["random"]
    assert (found["changed"], found["ours"]["entropy"], found["random"]["reached"]) == (1, None, None)
    assert "1 of the pool changed since" in reported(tax, "ours", "--baseline", "random")


def test_the_pool_s_weakness_is_measured_by_what_its_leaves_would_bring(tax, taxonomy, both):
    branch = json.loads(reported(tax, "runs/other", "--format", "json"))["leaves"][0]
    assert (branch["leaf"], branch["wanted"], branch["weaknesses"]) == (SKILLS, 18, [])


def test_without_a_counterpart_the_report_says_the_command_that_makes_one(tax, taxonomy):
    with RunningLoopback() as server:
        chosen = [f"taxonomy/{SKILLS}/summary", f"taxonomy/{SKILLS}/science/everyday/qna.yaml"]
        tax("generate", *chosen, "--teacher", server.url, "--samples", 3, "--out", "ours", "--quiet")
        grown(tax, server.url, out="runs/unlike")
        code, _, errors = tax("report", "ours", "--baseline", "random")
        assert code == 2
        command = errors.strip().splitlines()[-1].split()
        assert command[:5] == ["tax", "generate", f"taxonomy/{SKILLS}/science", f"taxonomy/{SKILLS}/summary", "--seeds"]
        assert tax(*command[1:], "--quiet")[0] == 0
        assert "leaves reached, of 2" in reported(tax, "ours", "--baseline", "random")
    code, _, errors = tax("report", "runs/unlike", "--baseline", "random")
    assert code == 2 and "itself a run of --seeds random" in errors


@pytest.mark.parametrize(
    ("counts", "bits"),
    [([], 0), ([7], 0), ([7, 0], 0), ([1, 1], 1), ([5, 5, 5, 5], 2), ([2, 1, 1], 1.5), ([3, 1], 0.8112781245)],
)
def test_entropy_by_hand(counts, bits):
    assert entropy(counts) == pytest.approx(bits)


def test_a_text_counts_for_the_leaf_with_the_nearest_seed():
    seeds = {"baking": ["Why does bread rise?", "How hot is an oven?"], "tides": ["Why does the sea rise?"]}
    texts = ["Why does dough rise?", "Why does the sea fall?", "Is an oven as hot as a kiln?", "Nothing in common"]
    # dough: LCS why does rise = 3 of (4, 4) against 3 of (4, 5); sea: 4 of (5, 5); oven: baking's second seed
    assert nearest_leaves(texts, seeds) == {"baking": 2, "tides": 1}
    assert nearest_leaves(["Bread"], {}) == {}
