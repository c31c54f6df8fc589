"""What comes into a mix: files of other tools, feedback, recycled samples and datasets, each row in or counted."""

import json
import os
import subprocess
import sys

import pytest

from support.hub import COMMIT, Hub
from support.mixing import (
    HELD,
    PLAN,
    TALK,
    ids,
    sample,
    some,
    write_rows,
    write_run,
)


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
    code, _, err = tax("mix", "a.jsonl", "--plan", plan, "--out", "data")
    assert code == 2 and not (taxonomy / "data").exists()
    assert "no sample is left to train on" in err
    assert "nothing of a.jsonl came in: licence NOASSERTION" in err and "--license FILE=ID" in err
    write_run(taxonomy / "runs/a", [sample("compositional_skills/d", "Why?")])
    code, out, _ = tax("mix", "a.jsonl", "runs/a", "--plan", plan, "--out", "data")
    assert code == 0
    assert "nothing of a.jsonl came in: licence NOASSERTION" in out and "nothing of a came in" not in out
    assert "phase kt1 has no samples of its own" in out and "phase st has" not in out


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


def test_the_leaves_seeds_come_in_on_request_but_for_the_hold_outs(mixed, taxonomy):
    record, rows = mixed("--seeds")
    assert {(row["leaf"], row["teacher"]) for row in rows("kt1")} == {
        ("knowledge/handbooks/gardening/compost", "human")
    }
    assert record["phases"]["st"]["own"] == 4 and record["inputs"][0]["rows"] == 8
    assert not any("HOLDOUT" in json.dumps(row) for name in ("kt1", "kt2", "st") for row in rows(name))
    dialogue = next(row for row in rows("st") if row["kind"] == "dialogue")
    assert [message["role"] for message in dialogue["messages"]] == ["user", "assistant"] * 2


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


def test_a_dataset_of_a_hub_comes_in_at_its_commit(taxonomy, plan, tmp_path):
    """In a process of its own, as the hub's library takes the hub's address when it is imported."""
    pytest.importorskip("datasets", reason="a hub's dataset needs pip install -c constraints.txt -e '.[train]'")
    rows = [{"q": "How many legs have three spiders?", "a": "24"}, {"q": HELD, "a": "It bends."}]
    leaf = taxonomy / "taxonomy/foundational_skills/mathematics/addition/qna.yaml"
    written = leaf.read_text(encoding="utf-8")
    named = "dataset: {{name: ada/legs, revision: {}, license: MIT, columns: {{question: q, answer: a}}}}\n"

    def mix(hub, commit):
        leaf.write_text(written + named.format(commit), encoding="utf-8")
        there = {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-m", "tax", "mix", "--plan", plan, "--out", "data"]
        return subprocess.run(
            command, cwd=taxonomy, env=os.environ | there, capture_output=True, text=True, check=False
        )

    with Hub() as hub:
        hub.files["ada/legs"] = {"legs.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode()}
        missing = mix(hub, "f" * 40)
        assert missing.returncode == 2 and not (taxonomy / "data").exists()
        assert "the dataset ada/legs at ffffffffffff cannot be had" in missing.stderr
        mixed = mix(hub, COMMIT)
    assert mixed.returncode == 0, mixed.stderr
    [sample] = [json.loads(line) for line in (taxonomy / "data/kt2.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (sample["leaf"], sample["license"]) == ("foundational_skills/mathematics/addition", "MIT")
    assert sample["messages"][1]["content"] == "24"
    record = json.loads((taxonomy / "data/mix.json").read_text(encoding="utf-8"))
    assert record["left_out"] == {"near a hold-out": 1}
