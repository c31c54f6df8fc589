"""`tax mix` as its users call it: a small taxonomy, run folders and files in, a data folder out."""

import itertools
import random
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.leaves import lines
from support.mixing import (
    HELD,
    PLAN,
    TALK,
    files_of,
    ids,
    question,
    sample,
    some,
    write_rows,
    write_run,
)
from tax.mix import Options, mix


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
