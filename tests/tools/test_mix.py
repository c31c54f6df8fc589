"""`tax mix` as its users call it: a small taxonomy, run folders and files in, a data folder out."""

import itertools
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.leaves import lines, write_leaf
from support.mixing import PLAN, files_of, question, sample, some, write_rows, write_run
from tax.mix import Options, mix
from tax.tree import find_root

HELD = "HOLDOUT-QUESTION Why does a spoon look bent in a glass of water?"
TALK = [{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Hello"}]


@pytest.fixture
def plan(taxonomy):
    path = taxonomy / "plan.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture
def mixed(tax, taxonomy, plan):
    """Mix in the taxonomy's folder: mixed("run", ...) -> mix.json and a function from a file's name to its rows."""

    def call(*arguments):
        code, out, err = tax("mix", *arguments, "--plan", plan, "--out", "data", "--json", "--quiet")
        assert code == 0, err
        return json.loads(out), lambda name: lines(taxonomy / "data" / f"{name}.jsonl")

    return call


def ids(rows):
    return [row["id"] for row in rows]


def test_labs_schedule(mixed, taxonomy):
    samples = some(200)
    write_run(taxonomy / "runs/a", samples)
    record, rows = mixed("runs/a")
    limit = record["threshold"]["tokens"]
    kt1, kt2, st_ = rows("kt1"), rows("kt2"), rows("st")
    assert {row["branch"] for row in kt1} == {"knowledge"}
    assert Counter(row["branch"] for row in st_)["compositional_skills"] == record["phases"]["st"]["own"]
    assert set(ids(kt1)) < set(ids(kt2))  # all of KT/1 is replayed
    long = [row for row in kt2 if row["branch"] == "knowledge" and row["id"] not in set(ids(kt1))]
    assert 0.4 < len(kt1) / (len(kt1) + len(long)) < 0.6 and limit > 0
    assert record["phases"]["st"]["replayed"] == {
        name: round(0.5 * record["phases"][name]["own"] + 0.01) if name == "kt2" else record["phases"][name]["own"]
        for name in ("kt1", "kt2")
    }
    assert len(set(ids(st_))) == len(st_) == record["phases"]["st"]["samples"]
    everything = {each.id: each.model_dump(mode="json") for each in samples}
    assert all(row == everything[row["id"]] for row in [*kt2, *st_])
    assert set(ids(kt2)) | set(ids(st_)) == set(everything)


def test_the_record_says_what_is_in_the_files(mixed, taxonomy, plan):
    plan.write_text(PLAN.replace("heldout: 0", "heldout: 0.1"), encoding="utf-8")
    write_run(taxonomy / "runs/a", some(100))
    record, rows = mixed("runs/a")
    for name, phase in record["phases"].items():
        assert (
            phase["samples"]
            == len(rows(name))
            == sum(each["own"] + each["replayed"] for each in phase["leaves"].values())
        )
        assert phase["heldout"]["samples"] + phase["heldout"]["seeds"] == len(rows(f"heldout/{name}"))
        leaves = Counter(row["leaf"] for row in rows(name))
        assert leaves == {
            leaf: each["own"] + each["replayed"]
            for leaf, each in phase["leaves"].items()
            if each["own"] + each["replayed"]
        }
    assert sum(phase["heldout"]["samples"] for phase in record["phases"].values()) == 10
    assert set(record["files"]) == set(files_of(taxonomy / "data")) - {"mix.json"}


def test_the_leaves_hold_outs_are_there_to_measure_with(mixed, taxonomy):
    write_run(taxonomy / "runs/a", some(20))
    record, rows = mixed("runs/a")
    seeds = [row for row in rows("heldout/st") if row["teacher"] == "human"]
    assert {row["leaf"] for row in seeds} == {
        "compositional_skills/science/everyday",
        "compositional_skills/summary/notes",
        "compositional_skills/dialogues/plants",
    }
    assert [row["kind"] for row in sorted(seeds, key=lambda row: row["leaf"])] == ["dialogue", "question", "grounded"]
    assert record["taxonomy"]["holdouts"] == 4 and record["phases"]["st"]["heldout"] == {"samples": 0, "seeds": 3}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HELD, "near a hold-out"),
        ("HOLDOUT QUESTION why does a spoon look bent in a glass of hot water", "near a hold-out"),
        (f"Here is a question that somebody asked me the other day at dinner, when we talked about light: {HELD}"
         " Please explain it to me in words that a child of five years would understand well.", "contains a hold-out"),
    ],
)  # fmt: skip
def test_a_hold_out_and_its_near_copies_stay_out_of_every_phase(mixed, taxonomy, text, reason):
    write_run(taxonomy / "runs/a", [*some(10), sample("knowledge/a", text)])
    rows = [
        {"messages": [*TALK, {"role": "user", "content": text}, {"role": "assistant", "content": "So."}]},
        {"instruction": text, "output": "So.", "thumb": "up"},
    ]
    write_rows(taxonomy / "talk.jsonl", rows)
    record, rows = mixed("runs/a", "kt1=talk.jsonl", "--license", "CC0-1.0")
    assert record["left_out"] == {reason: 3}
    assert not any("spoon" in json.dumps(row) for phase in ("kt1", "kt2", "st") for row in rows(phase))


def test_the_answer_of_a_skills_hold_out_stays_out_and_that_of_knowledge_may_come(mixed, taxonomy):
    skill = "HOLDOUT-ANSWER light changes its direction where water meets air"
    knowledge = "HOLDOUT-ANSWER Turning brings air into the heap, and more of it than most would think."
    write_run(
        taxonomy / "runs/a", [sample("knowledge/a", "A?", knowledge), sample("compositional_skills/b", "B?", skill)]
    )
    record, _ = mixed("runs/a")
    assert record["left_out"] == {"the answer of a hold-out": 1}


def test_the_questions_of_an_evaluation_stay_out(mixed, taxonomy):
    asked = [question(random.Random(seed)) for seed in range(5)]
    write_run(taxonomy / "runs/a", [sample("compositional_skills/d", text) for text in [*asked, "Another one?"]])
    forms = [{"question": asked[0], "choices": ["a"]}, {"turns": asked[1:3]}, {"prompt": asked[3]}]
    write_rows(taxonomy / "bench.jsonl", [*forms, {"instruction": asked[4], "output": "x"}])
    record, rows = mixed("runs/a", "--keep-out", "bench.jsonl")
    assert record["left_out"] == {"near a hold-out": 5} and len(record["kept_out"]) == 1
    assert [row["messages"][0]["content"] for row in rows("st")] == ["Another one?"]


@pytest.mark.parametrize("row", [{"q": "What?"}, ["What?"], {"turns": []}, {"question": " "}])
def test_a_question_that_cannot_be_read_cannot_be_kept_out(tax, taxonomy, plan, row):
    write_run(taxonomy / "runs/a", some(5))
    write_rows(taxonomy / "bench.jsonl", [{"question": "What?"}, row])
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data", "--keep-out", "bench.jsonl")
    assert code == 2 and "bench.jsonl, row 2, has no question" in err


def test_a_later_turn_of_a_hold_out_dialogue_stays_out(mixed, taxonomy):
    later = "And which of them would also stand a winter on a balcony in the north?"
    said = [("user", "A plant for the shade?"), ("assistant", "A fern."), ("user", later), ("assistant", "None.")]
    turns = "".join(f"      - {{role: {role}, content: {text}}}\n" for role, text in said)
    write_leaf(
        taxonomy,
        "compositional_skills/dialogues/more",
        "version: 4\ncreated_by: ada\nlicense: CC0-1.0\ntask_description: Plants.\nseed_examples:\n"
        f"  - holdout: true\n    messages:\n{turns}",
    )
    write_run(taxonomy / "runs/a", [sample("compositional_skills/d", later), sample("compositional_skills/d", "Hm?")])
    assert mixed("runs/a")[0]["left_out"] == {"near a hold-out": 1}


def test_a_full_disk_is_told_and_leaves_nothing(taxonomy, plan):
    write_run(taxonomy / "runs/a", some(200))
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); from tax.cli import run;"
        "sys.exit(run(['mix', 'runs/a', '--plan', 'plan.yaml', '--out', 'data', '--quiet']))"
    )
    made = subprocess.run([sys.executable, "-c", script], cwd=taxonomy, capture_output=True, text=True, check=False)
    assert made.returncode == 2 and "cannot be written: File too large" in made.stderr
    assert not (taxonomy / "data").exists()


def test_a_computed_problem_with_other_numbers_is_no_copy(mixed, taxonomy):
    write_leaf(
        taxonomy,
        "foundational_skills/sums",
        "version: 4\ncreated_by: ada\nlicense: CC0-1.0\ntask_description: Adding.\n"
        "seed_examples:\n  - {question: What is the sum of 17 and 4 and 3?, answer: It is 24., holdout: true}\n",
    )
    problems = [
        sample("foundational_skills/sums", f"What is the sum of {a} and 4 and 3?", kind="problem") for a in (17, 18)
    ]
    write_run(taxonomy / "runs/a", problems)
    record, rows = mixed("runs/a")
    assert record["left_out"] == {"near a hold-out": 1}
    assert [row["messages"][0]["content"] for row in rows("kt2")] == ["What is the sum of 18 and 4 and 3?"]


def test_files_of_other_tools_go_where_their_user_says(mixed, taxonomy):
    write_rows(taxonomy / "a.jsonl", [{"instruction": "Say hello in French.", "output": "Bonjour"}, {"text": "x"}])
    write_rows(
        taxonomy / "b.jsonl", [{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]}]
    )
    (taxonomy / "c.json").write_text(json.dumps([{"messages": TALK}]), encoding="utf-8")
    licences = ("--license", "MIT", "--license", "b.jsonl=CC0-1.0", "--language", "fr")
    record, rows = mixed("a.jsonl", "foundational=b.jsonl", "kt1=c.json", *licences)
    assert [row["leaf"] for row in rows("kt1")] == ["c"]
    assert {row["leaf"] for row in rows("kt2")} == {"b", "c"}
    assert {(row["leaf"], row["license"], row["language"]) for row in rows("st")} >= {("a", "MIT", "fr")}
    assert {each["name"]: each.get("target") for each in record["inputs"]} == {
        "a.jsonl": None,
        "b.jsonl": "foundational",
        "c.json": "kt1",
    }
    assert record["left_out"] == {"unread: not of a known form: messages, alpaca or sharegpt": 1}


def test_what_may_not_be_used_is_left_out_by_its_licence(mixed, taxonomy):
    other = {"messages": [TALK[0], {"role": "assistant", "content": "x"}], "license": "CC-BY-NC-4.0"}
    write_rows(taxonomy / "a.jsonl", [{"messages": TALK}, other])
    write_run(taxonomy / "runs/a", some(5))
    record, _ = mixed("a.jsonl", "runs/a")
    assert record["left_out"] == {
        "licence CC-BY-NC-4.0, which is not allowed": 1,
        "licence NOASSERTION, which is not allowed": 1,
    }


def test_a_note_says_what_to_do_where_nothing_came_in(tax, taxonomy, plan):
    write_rows(taxonomy / "a.jsonl", [{"messages": TALK}])
    code, out, _ = tax("mix", "a.jsonl", "--plan", plan, "--out", "data")
    assert code == 0
    assert "nothing of a.jsonl came in: licence NOASSERTION" in out and "--license FILE=ID" in out
    assert "phase kt1 has no samples of its own" in out


def test_positive_feedback_comes_in_and_negative_stays_out(mixed, taxonomy, plan):
    plan.write_text(PLAN + "  liked: {kind: feedback, take: [feedback]}\n", encoding="utf-8")
    rated = [{"thumb": "up"}, {"thumb": "down"}, {"rating": 4}, {"rating": 3}, {"rating": 9}, {"thumb": "?"}, {}]
    rows = [
        {"messages": [{"role": "user", "content": f"Question {n}"}, TALK[1]], **each} for n, each in enumerate(rated)
    ]
    write_rows(taxonomy / "given.jsonl", rows)
    write_rows(
        taxonomy / "found.jsonl", [{**row, "instruction": f"x{n}", "output": "y"} for n, row in enumerate(rows[:2])]
    )
    liked = sample("compositional_skills/d", "Do I like this?").model_dump(mode="json") | {"thumb": "up"}
    write_rows(taxonomy / "ours.jsonl", [liked])
    record, rows = mixed("--feedback", "given.jsonl", "ours.jsonl", "--license", "CC0-1.0")
    assert {row["messages"][0]["content"] for row in rows("liked")} == {"Question 0", "Question 2", "Do I like this?"}
    assert all("thumb" not in row for row in rows("liked"))
    assert record["left_out"] == {"rated negatively": 2, "unread: no thumb up or down, and no rating of 1 to 5": 3}
    assert mixed("found.jsonl", "--license", "CC0-1.0")[0]["phases"]["liked"]["own"] == 1


def test_recycled_samples_are_added_or_replace_their_parents(mixed, taxonomy):
    parent = sample("compositional_skills/d", "How do I bake bread at home?", "Bake it.")
    child = sample("compositional_skills/d", "How do I bake bread without an oven?", "In a pan.", parent=parent.id)
    write_run(taxonomy / "runs/a", [parent])
    write_run(taxonomy / "runs/b", [child])
    assert mixed("runs/a", "runs/b")[0]["phases"]["st"]["own"] == 2
    record, rows = mixed("runs/a", "runs/b", "--recycled", "replace")
    assert ids(rows("st")) == [child.id]
    assert record["left_out"] == {"replaced by its recycled form": 1}


def test_a_recycled_sample_that_stays_out_replaces_nothing(mixed, taxonomy):
    parent = sample("compositional_skills/d", "How do I bake bread at home?", "Bake it.")
    child = sample("compositional_skills/d", HELD, "It bends.", parent=parent.id)
    write_run(taxonomy / "runs/a", [parent, child])
    assert ids(mixed("runs/a", "--recycled", "replace")[1]("st")) == [parent.id]


def test_what_two_inputs_hold_comes_once(mixed, taxonomy):
    samples = some(30)
    write_run(taxonomy / "runs/a", samples[:20])
    write_run(taxonomy / "runs/b", samples[10:])
    talk = [{"role": message.role, "content": message.content} for message in samples[0].messages]
    write_rows(taxonomy / "c.jsonl", [{"messages": talk}])
    record, rows = mixed("runs/a", "runs/b", "c.jsonl", "--license", "CC0-1.0")
    assert record["left_out"] == {"an exact duplicate": 11}
    assert set(ids(rows("kt2"))) | set(ids(rows("st"))) == {each.id for each in samples}  # the leaf's own one stays


@settings(max_examples=10, deadline=None)
@given(st.integers(5, 80), st.integers(0, 100), st.permutations([0, 1, 2]), st.sampled_from([0.1, 0.5]))
def test_the_order_of_inputs_and_of_their_rows_changes_no_byte(count, seed, order, heldout):
    samples = some(count, seed)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "plan.yaml").write_text(PLAN.replace("heldout: 0", f"heldout: {heldout}"), encoding="utf-8")
        made = []
        runs = [write_run(root / str(each), samples[each::2]) for each in range(3)]
        for number, arguments in enumerate([runs, [runs[each] for each in order]]):
            options = Options(root / "plan.yaml", root / f"data{number}", without_taxonomy=True, quiet=True)
            mix([str(each) for each in arguments], options)
            made.append(files_of(root / f"data{number}"))
        assert made[0] == made[1]
        write_run(root / "0", list(reversed(samples[0::2])))
        mix(
            [str(each) for each in runs], Options(root / "plan.yaml", root / "data2", without_taxonomy=True, quiet=True)
        )
        reversed_rows = files_of(root / "data2")
        assert {**reversed_rows, "mix.json": b""} == {**made[0], "mix.json": b""}  # the record has the input's digest


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 120), st.integers(0, 100), st.sampled_from([0.05, 0.2, 0.5]))
def test_what_is_set_aside_is_in_no_phase(count, seed, share):
    samples = some(count, seed)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "plan.yaml").write_text(PLAN.replace("heldout: 0", f"heldout: {share}"), encoding="utf-8")
        write_run(root / "run", samples)
        options = Options(root / "plan.yaml", root / "data", without_taxonomy=True, quiet=True)
        record = mix([str(root / "run")], options).record
        trained = {row["id"] for phase in record["phases"] for row in lines(root / "data" / f"{phase}.jsonl")}
        held = [row["id"] for phase in record["phases"] for row in lines(root / "data/heldout" / f"{phase}.jsonl")]
        assert not trained & set(held)
        assert len(trained) + len(held) == count
        assert abs(len(held) - share * count) <= 0.5


def test_a_dataset_beside_a_foundational_leaf_comes_in(mixed, taxonomy):
    folder = taxonomy / "taxonomy/foundational_skills/mathematics/addition"
    rows = [
        {"q": "How many legs have three spiders?", "a": "24", "x": 1},
        {"q": "What is 2 plus 2?", "a": 4},
        {"q": HELD, "a": "It bends."},
    ]
    write_rows(folder / "legs.jsonl", rows)
    dataset = "dataset:\n  name: legs.jsonl\n  license: MIT\n  columns: {question: q, answer: a}\n"
    with (folder / "qna.yaml").open("a", encoding="utf-8") as leaf:
        leaf.write(dataset)
    record, rows = mixed()
    assert [(row["leaf"], row["kind"], row["license"]) for row in rows("kt2")] == [
        ("foundational_skills/mathematics/addition", "imported", "MIT")
    ]
    assert record["left_out"] == {"near a hold-out": 1, "unread: no text in column a": 1}


def test_a_dataset_of_parquet_with_a_context(mixed, taxonomy):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = taxonomy / "taxonomy/foundational_skills/mathematics/addition"
    table = pyarrow.table({"q": ["What is it?"], "a": ["A spider."], "c": ["It has eight legs."], "other": [1]})
    parquet.write_table(table, folder / "data.parquet")
    with (folder / "qna.yaml").open("a", encoding="utf-8") as leaf:
        leaf.write("dataset:\n  name: data.parquet\n  license: MIT\n  columns: {question: q, answer: a, context: c}\n")
    _, rows = mixed()
    assert rows("kt2")[0]["messages"][0]["content"] == "It has eight legs.\n\nWhat is it?"


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        ("{name: ../../legs.jsonl, license: MIT, columns: {question: q, answer: a}}", "leaves"),
        ("{name: none.jsonl, license: MIT, columns: {question: q, answer: a}}", "no file none.jsonl"),
        ("{name: hub/legs, license: MIT, columns: {question: q, answer: a}}", "not pinned"),
        ("{name: legs.jsonl, license: MIT, columns: {question: q}}", "which column holds the answer"),
    ],
)
def test_a_dataset_that_cannot_be_read_says_why(tax, taxonomy, plan, dataset, reason):
    folder = taxonomy / "taxonomy/foundational_skills/mathematics/addition"
    write_rows(folder / "legs.jsonl", [{"q": "x", "a": "y"}])
    with (folder / "qna.yaml").open("a", encoding="utf-8") as leaf:
        leaf.write(f"dataset: {dataset}\n")
    code, _, err = tax("mix", "--plan", plan, "--out", "data")
    assert code == 2 and reason in err
    assert not (taxonomy / "data").exists()


def test_a_dataset_that_links_out_of_its_leaf_is_refused(tax, taxonomy, plan):
    folder = taxonomy / "taxonomy/foundational_skills/mathematics/addition"
    write_rows(taxonomy / "secret.jsonl", [{"q": "x", "a": "y"}])
    (folder / "legs.jsonl").symlink_to(taxonomy / "secret.jsonl")
    with (folder / "qna.yaml").open("a", encoding="utf-8") as leaf:
        leaf.write("dataset: {name: legs.jsonl, license: MIT, columns: {question: q, answer: a}}\n")
    code, _, err = tax("mix", "--plan", plan, "--out", "data")
    assert code == 2 and "is a link" in err


def test_the_trained_tokenizer_is_one_that_transformers_loads(mixed, taxonomy):
    transformers = pytest.importorskip("transformers")
    write_run(taxonomy / "runs/a", some(50))
    mixed("runs/a")
    tokenizer = transformers.AutoTokenizer.from_pretrained(taxonomy / "data/tokenizer")
    assert (tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token) == ("<|pad|>", "<|begin|>", "<|end|>")
    assert len(tokenizer) == 300
    text = "amber 臺灣 \n x"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    shown = tokenizer.apply_chat_template(TALK, tokenize=False)
    assert shown == "<|begin|><|user|>\nHi there\n<|assistant|>\nHello<|end|>"
    masked = tokenizer.apply_chat_template(TALK, return_dict=True, return_assistant_tokens_mask=True)
    said = [token for token, mine in zip(masked["input_ids"], masked["assistant_masks"], strict=True) if mine]
    assert tokenizer.decode(said) == "Hello<|end|>"


def test_the_tokenizer_of_a_folder_counts(mixed, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(50))
    first, _ = mixed("runs/a")
    (taxonomy / "data/tokenizer").rename(taxonomy / "student")
    plan.write_text(PLAN.replace("{train: {vocab_size: 300}}", "./student"), encoding="utf-8")
    second, _ = mixed("runs/a")
    assert second["tokenizer"]["sha256"] == first["tokenizer"]["sha256"]
    assert second["threshold"] == first["threshold"] and not (taxonomy / "data/tokenizer").exists()


def test_a_smaller_plan_leaves_no_file_of_the_earlier_one(mixed, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(30))
    mixed("runs/a")
    (taxonomy / "data/mine.txt").write_text("mine", encoding="utf-8")
    plan.write_text(PLAN[: PLAN.index("  kt2:")], encoding="utf-8")
    record, _ = mixed("runs/a")
    assert set(files_of(taxonomy / "data")) == {*record["files"], "mix.json", "mine.txt"}


def test_a_record_cannot_have_other_files_removed(mixed, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(10))
    mixed("runs/a")
    names = ["../plan.yaml", "../runs/a/samples.jsonl", "/etc/passwd", ".hidden.jsonl", "notes.txt", "heldout/../../x"]
    (taxonomy / "data/mix.json").write_text(json.dumps({"files": dict.fromkeys(names)}), encoding="utf-8")
    (taxonomy / "data/notes.txt").write_text("mine", encoding="utf-8")
    mixed("runs/a")
    assert plan.exists() and (taxonomy / "runs/a/samples.jsonl").exists() and (taxonomy / "data/notes.txt").exists()


def test_a_folder_with_something_else_is_refused_and_kept(tax, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(5))
    before = files_of(taxonomy / "runs")
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "runs")
    assert code == 2 and "no data folder" in err
    assert files_of(taxonomy / "runs") == before


def test_a_mix_that_fails_leaves_the_earlier_one_as_it_was(mixed, tax, taxonomy, plan):
    write_run(taxonomy / "runs/a", some(30))
    mixed("runs/a")
    before = files_of(taxonomy / "data")
    with (taxonomy / "runs/a/samples.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data")
    assert code == 2 and "line 31, is no sample" in err
    assert files_of(taxonomy / "data") == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere"], "there is no file or run folder nowhere"),
        (["st=nowhere"], "there is no file or run folder nowhere"),
        (["sft=a.jsonl"], "'sft' is no target; there are kt1, kt2, st, knowledge"),
        (["."], "is no run folder"),
        ([], "nothing to mix"),
        (["a.jsonl", "--license", "b.jsonl=MIT"], "--license names b.jsonl"),
        (["a.jsonl", "--unverified"], "go with --corpus"),
        (["a.jsonl", "--corpus", "plan.yaml"], "no phase of plan.yaml takes corpus"),
        (["a.jsonl", "--taxonomy", "runs"], "there is no folder runs"),
    ],
)
def test_a_call_that_makes_no_sense_says_why(tax, taxonomy, plan, arguments, reason):
    write_rows(taxonomy / "a.jsonl", [{"messages": TALK}])
    code, _, err = tax("mix", *arguments, "--plan", "plan.yaml", "--out", "data")
    assert code == 2 and reason in err
    assert not (taxonomy / "data").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("phases: {a: {take: [compositional]}}", "line 1: `student` is missing"),
        (PLAN.replace("heldout: 0", "heldout: 2"), "line 5: `mix.heldout` is 2: Input should be less than 1"),
        (PLAN.replace("heldout: 0", "held: 0"), "line 5: there is no setting `mix.held`"),
        (PLAN.replace("{take: [knowledge-short]}", "{take: [x]}"), "line 7: `phases.kt1.take.0` is x"),
        (PLAN.replace("kt1: 1.0", "kt9: 1.0", 1), "replays kt9, which is no earlier phase"),
        ("student: [", "line 1"),
        ("", "holds no keys"),
    ],
)
def test_a_faulty_plan_is_told_with_its_line(tax, taxonomy, plan, text, reason):
    plan.write_text(text, encoding="utf-8")
    write_run(taxonomy / "runs/a", some(5))
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data")
    assert code == 2 and reason in err


def test_a_tokenizer_that_is_not_there_is_told(tax, taxonomy, plan, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    plan.write_text(PLAN.replace("{train: {vocab_size: 300}}", "./nowhere"), encoding="utf-8")
    write_run(taxonomy / "runs/a", some(5))
    code, _, err = tax("mix", "runs/a", "--plan", plan, "--out", "data")
    assert code == 2 and "the student's tokenizer ./nowhere cannot be read" in err


def test_outside_of_a_taxonomy_one_must_be_named_or_done_without(tax, taxonomy, plan, monkeypatch, tmp_path):
    write_run(tmp_path / "run", some(5))
    monkeypatch.chdir(tmp_path)
    if find_root(tmp_path) is not None:
        pytest.skip("the temporary folder lies below a taxonomy")
    code, _, err = tax("mix", "run", "--plan", plan, "--out", "data")
    assert code == 2 and "--without-taxonomy" in err
    assert tax("mix", "run", "--plan", plan, "--out", "data", "--without-taxonomy")[0] == 0
    assert tax("mix", "run", "--plan", plan, "--out", "data", "--taxonomy", taxonomy)[0] == 0


def test_the_table_is_harmless_and_tells_all(tax, taxonomy, plan):
    write_run(taxonomy / "runs/a", [*some(30), sample("knowledge/a", HELD)])
    write_rows(taxonomy / "b.jsonl", [{"messages": TALK, "license": "\x1b[31mMIT"}])
    code, out, err = tax("mix", "runs/a", "b.jsonl", "--plan", plan, "--out", "data")
    assert code == 0 and "\x1b" not in out + err
    assert "near a hold-out" in out and "32 rows read" in out and "reading a: 31" in err
    assert out.splitlines()[0].split() == ["phase", "own", "replayed", "held", "out", "tokens", "takes"]


def test_a_question_with_many_answers_is_set_aside_as_one(mixed, taxonomy, plan):
    plan.write_text(PLAN.replace("heldout: 0", "heldout: 0.5"), encoding="utf-8")
    asked = [question(random.Random(seed)) for seed in range(4)]
    pairs = itertools.product(asked, ("One.", "Two.", "Three."))
    write_run(taxonomy / "runs/a", [sample("compositional_skills/d", *pair) for pair in pairs])
    _, rows = mixed("runs/a")
    held = Counter(row["messages"][0]["content"] for row in rows("heldout/st") if row["teacher"] != "human")
    assert sorted(held.values()) == [3, 3]
