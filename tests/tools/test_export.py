"""`tax export`: rows, card, credits, what is refused, and the push."""

import json

import git
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from support.hub import Hub
from support.leaves import FREE, KNOWLEDGE, lines, write_leaf
from support.loopback import RunningLoopback
from tax.config import PERMISSIVE
from tax.exchange import Unread, read
from tax.export import dataset, rights
from tax.export.rights import ADAPTATIONS, Refused, check
from tax.runs import read_samples

LICENSED = KNOWLEDGE.replace(
    "title: Compost", "authors: [Ada, Ben]\n    url: https://example.org/compost\n    title: Compost"
)


@pytest.fixture
def run(tax, taxonomy):
    write_leaf(taxonomy, "knowledge/handbooks/gardening/compost", LICENSED)
    repo = git.Repo(taxonomy)
    repo.git.commit("-am", "Name the authors")
    repo.close()
    with RunningLoopback() as server:
        code, _, errors = tax("generate", "--teacher", server.url, "--samples", 3, "--quiet")
    assert code == 0, errors
    return next((taxonomy / "runs").iterdir())


def front(folder):
    return yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def said(sample):
    return [(message.role, message.content) for message in sample.messages]


@pytest.mark.parametrize("form", ["messages", "alpaca", "sharegpt"])
def test_what_is_exported_is_read_back(tax, run, tmp_path, form):
    code, output, _ = tax("export", run, "--format", form, "--out", tmp_path / "out")
    assert (code, "15 samples exported" in output) == (0, True)
    back = list(read(tmp_path / "out/data/train.jsonl"))
    assert not any(isinstance(each, Unread) for each in back)
    samples = list(read_samples(run))
    assert [said(each) for each in back] == [said(each) for each in samples]
    assert [each.license for each in back] == [each.license for each in samples]
    assert len({tuple(row) for row in lines(tmp_path / "out/data/train.jsonl")}) == 1


@pytest.mark.parametrize("form", ["messages", "alpaca", "sharegpt", "parquet"])
def test_others_load_it(tax, run, tmp_path, monkeypatch, form):
    datasets = pytest.importorskip("datasets", reason="the extra train brings datasets")
    tax("export", run, "--format", form, "--out", tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="train")
    assert loaded["id"] == [each.id for each in read_samples(run)]
    if form == "alpaca":
        assert [len(history) for history in loaded["history"]].count(1) == 3


def test_the_card_states_the_columns_of_the_rows(tax, run, tmp_path):
    for form in ("messages", "alpaca", "sharegpt"):
        tax("export", run, "--format", form, "--out", tmp_path / "out")
        stated = [column["name"] for column in front(tmp_path / "out")["dataset_info"]["features"]]
        assert all(list(row) == stated for row in lines(tmp_path / "out/data/train.jsonl"))


def test_parquet(tax, run, tmp_path):
    import pyarrow.parquet as pq

    assert tax("export", run, "--format", "parquet", "--out", tmp_path / "out")[0] == 0
    rows = pq.read_table(tmp_path / "out/data/train.parquet").to_pylist()
    samples = list(read_samples(run))
    assert [[(turn["role"], turn["content"]) for turn in row["messages"]] for row in rows] == [*map(said, samples)]
    assert {row["source_title"] for row in rows if row["branch"] == "knowledge"} == {"Compost for beginners"}


def test_many_rows_are_written_in_groups(tax, run, tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    monkeypatch.setattr(dataset, "_ROWS", 4)
    tax("export", run, "--format", "parquet", "--out", tmp_path / "out")
    file = pq.ParquetFile(tmp_path / "out/data/train.parquet")
    assert (file.num_row_groups, file.metadata.num_rows) == (4, 15)


def test_the_card(tax, run, tmp_path):
    tax("export", run, "--out", tmp_path / "out")
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    about = front(tmp_path / "out")
    assert about["license"] == ["cc-by-4.0", "cc0-1.0"]
    assert about["language"] == ["en"]
    assert about["size_categories"] == ["n<1K"]
    assert about["configs"][0]["data_files"] == [{"split": "train", "path": "data/train.jsonl"}]
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["taxonomy"]["commit"] in card
    for leaf in manifest["inputs"]:
        assert f"| {leaf['leaf']} | 3 | ada | {leaf['license']} | {leaf['blob'][:12]} |" in card
    document = "| Compost for beginners | Ada, Ben | CC0-1.0 | https://example.org/compost | compost.md |"
    assert document in card
    assert "| knowledge | 3 |" in card and "| dialogue | 3 |" in card


def test_the_card_s_front_matter_suits_the_hub(tax, run, tmp_path):
    from huggingface_hub import DatasetCard

    tax("export", run, "--out", tmp_path / "out")
    card = DatasetCard.load(tmp_path / "out/README.md")
    assert card.data.license == ["cc-by-4.0", "cc0-1.0"]
    assert card.data.pretty_name == f"tax run {run.name}"


def test_the_same_run_exports_to_the_same_bytes(tax, run, tmp_path):
    for name in ("a", "b"):
        tax("export", run, "--out", tmp_path / name)
    for path in ("README.md", "data/train.jsonl", "export.json"):
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()


def test_a_taxonomy_that_has_moved_on(tax, taxonomy, run, tmp_path):
    tax("export", run, "--out", tmp_path / "before")
    repo = git.Repo(taxonomy)
    write_leaf(taxonomy, "compositional_skills/science/everyday", FREE.replace("created_by: ada", "created_by: eve"))
    repo.git.rm("-r", "-q", "taxonomy/knowledge")
    repo.git.commit("-am", "Move on")
    repo.close()
    code, _, _ = tax("export", run, "--out", tmp_path / "after")
    assert code == 0
    assert (tmp_path / "before/README.md").read_bytes() == (tmp_path / "after/README.md").read_bytes()


def test_a_leaf_that_is_nowhere_is_refused(tax, taxonomy, tmp_path):
    folder = write_leaf(taxonomy, "foundational_skills/mathematics/addition", COMPUTED_ANEW)
    tax("generate", folder, "--samples", 2, "--quiet", "--out", tmp_path / "run")
    (folder / "qna.yaml").unlink()
    code, output, _ = tax("export", tmp_path / "run", "--out", tmp_path / "out")
    assert code == 1
    assert "2 refused: its leaf is neither in this checkout nor in its history" in output
    assert not (tmp_path / "out").exists()


def test_samples_of_random_seeds_credit_every_leaf_that_was_shown(tax, taxonomy, tmp_path):
    with RunningLoopback() as server:
        tax("generate", "--teacher", server.url, "--seeds", "random", "--samples", 6, "--out", tmp_path / "run")
    pool = json.loads((tmp_path / "run/manifest.json").read_text(encoding="utf-8"))["inputs"][0]["pool"]
    code, output, _ = tax("export", tmp_path / "run", "--out", tmp_path / "out")
    assert code == 0
    assert "12 samples exported" in output
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    samples = lines(tmp_path / "run/samples.jsonl")
    numbered = [each["leaf"] for each in pool for _ in each["seeds"]]
    for each in pool:
        count = sum(each["leaf"] in {numbered[number] for number in sample["seeds"]} for sample in samples)
        assert f"| {each['leaf']} | {count} | {each['created_by']} | {each['license']} |" in card
    assert "is counted with each of them" in card


def test_conversations_of_another_tool_are_credited_or_refused(tax, taxonomy, tmp_path):
    row = {"instruction": "Why does the sea rise?", "input": "", "output": "The Moon pulls it."}
    (tmp_path / "sea.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    credit = "Eve | https://example.org/sea"
    with RunningLoopback() as server:
        asked = ["recycle", tmp_path / "sea.jsonl", "--teacher", server.url, "--quiet", "--license"]
        assert tax(*asked, "CC-BY-40", "--out", tmp_path / "no")[0] == 2
        for name, options in {"named": ["--credit", credit], "unnamed": []}.items():
            code, _, errors = tax(*asked, "CC-BY-4.0", *options, "--out", tmp_path / name)
            assert code == 0, errors
        code, _, errors = tax(
            "dialogue", tmp_path / "named", "--teacher", server.url, "--quiet", "--out", tmp_path / "on"
        )
        assert code == 0, errors
    made = lines(tmp_path / "on/samples.jsonl")[0]["id"]
    told = tax("blame", made, "--run", tmp_path / "on")[1]
    assert "sea.jsonl" in told and f"credit    {credit}" in told and "leaf  " not in told
    code, output, _ = tax("export", tmp_path / "unnamed", "--out", tmp_path / "out")
    assert code == 1
    assert "asks for credit, and nobody is named" in output
    for name, then in {"named": "reflected on them", "on": "played them on to several turns"}.items():
        code, output, _ = tax("export", tmp_path / name, "--out", tmp_path / f"{name}-out")
        assert code == 0, output
        card = (tmp_path / f"{name}-out/README.md").read_text(encoding="utf-8")
        assert "| sea | 1 | Eve \\| https://example.org/sea | CC-BY-4.0 |" in card
        assert "made from conversations of another tool (sea)" in card
        assert f"Changes that were made: a teacher {then}" in card
        assert "of a taxonomy" not in card


COMPUTED_ANEW = """
version: 4
created_by: ada
license: CC-BY-4.0
task_description: Doubling.
seed_examples: [{question: What is twice 2?, answer: "4."}]
problem_templates:
  - {question: "What is twice {a}?", answer: "{b}.", variables: {a: {from: 1, to: 50}}, derived: {b: a * 2}}
"""


def test_licences_that_do_not_mix_are_refused(tax, taxonomy, tmp_path):
    allowed = ["CC-BY-4.0", "CC0-1.0", "CC-BY-SA-4.0", "GFDL-1.3-or-later"]
    (taxonomy / "tax.toml").write_text(f"[licenses]\nallowed = {json.dumps(allowed)}\n", encoding="utf-8")
    text = KNOWLEDGE.replace("license: CC-BY-4.0", "license: CC-BY-SA-4.0").replace("CC0-1.0", "GFDL-1.3-or-later")
    write_leaf(taxonomy, "knowledge/handbooks/gardening/compost", text)
    code, _, errors = tax("generate", "--samples", 3, "--quiet", "--out", tmp_path / "run")
    assert code == 0, errors
    code, output, _ = tax("export", tmp_path / "run", "--out", tmp_path / "out")
    assert code == 1
    assert "3 samples exported" in output
    assert "3 refused: no licence satisfies CC-BY-SA-4.0 and GFDL-1.3-or-later at once" in output
    refused = lines(tmp_path / "out/refused.jsonl")
    assert {row["leaf"] for row in refused} == {"knowledge/handbooks/gardening/compost"}
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "- 3: no licence satisfies" in card
    assert "compost" not in card.partition("## Licences and credits")[2]


def test_a_licence_that_is_no_longer_allowed_is_refused(tax, taxonomy, run, tmp_path):
    (taxonomy / "tax.toml").write_text('[licenses]\nallowed = ["CC-BY-4.0"]\n', encoding="utf-8")
    code, output, _ = tax("export", run, "--out", tmp_path / "out", "--json")
    assert code == 1
    result = json.loads(output)
    assert (result["samples"], result["refused"]) == (9, {"CC0-1.0 is not among the licences that tax.toml allows": 6})


def test_an_export_is_replaced_and_nothing_else_is(tax, run, tmp_path):
    out = tmp_path / "out"
    tax("export", run, "--format", "parquet", "--out", out)
    tax("export", run, "--out", out)
    assert [path.name for path in (out / "data").iterdir()] == ["train.jsonl"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine", encoding="utf-8")
    code, _, errors = tax("export", run, "--out", other)
    assert (code, "is no earlier export" in errors) == (2, True)
    assert tax("export", run, "--out", run)[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_an_interrupt_leaves_what_was_there(tax, run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    tax("export", run, "--out", out)
    before = (out / "export.json").read_bytes()

    def broken(sample):
        raise KeyboardInterrupt

    monkeypatch.setitem(dataset.WRITERS, "alpaca", broken)
    assert tax("export", run, "--format", "alpaca", "--out", out)[0] == 130
    assert (out / "export.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_a_hostile_leaf_writes_no_markup_into_the_card(tax, taxonomy, tmp_path):
    hostile = COMPUTED_ANEW.replace("created_by: ada", 'created_by: "[x](javascript:1) | <img src=x> \\x9b31m"')
    folder = write_leaf(taxonomy, "foundational_skills/mathematics/addition", hostile)
    tax("generate", folder, "--samples", 1, "--quiet", "--out", tmp_path / "run")
    tax("export", tmp_path / "run", "--out", tmp_path / "out")
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "\\[x\\](javascript:1) \\| &lt;img src=x&gt; \\\\x9b31m" in card


@pytest.fixture
def hub(monkeypatch):
    with Hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", server.token)
        yield server


def test_push(tax, run, tmp_path, hub):
    for form in ("parquet", "messages"):
        code, output, errors = tax("export", run, "--format", form, "--out", tmp_path / "out", "--push", "ada/tides")
        assert code == 0, errors
        assert f"pushed: {hub.url}/datasets/ada/tides/commit/1" in output
    held = hub.files["ada/tides"]
    assert sorted(path for path in held if path != ".gitattributes") == ["README.md", "data/train.jsonl", "export.json"]
    assert held["data/train.jsonl"] == (tmp_path / "out/data/train.jsonl").read_bytes()
    assert hub.created[0]["visibility"] == "private"
    assert hub.messages[0] == f"Export run {run.name}: 15 samples"


def test_a_push_that_cannot_be(tax, run, tmp_path, hub, monkeypatch):
    arguments = ["export", run, "--out", tmp_path / "out", "--push"]
    assert "OWNER/NAME" in tax(*arguments, "../x")[2]
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    code, _, errors = tax(*arguments, "ada/tides")
    assert (code, "HF_TOKEN is not valid there" in errors) == (2, True)
    assert "hf_other" not in errors
    monkeypatch.delenv("HF_TOKEN")
    code, _, errors = tax(*arguments, "ada/tides")
    assert (code, "set the environment variable HF_TOKEN" in errors) == (2, True)


@pytest.mark.parametrize(
    ("licenses", "reason"),
    [
        (["CC-BY-4.0"], None),
        (["CC-BY-4.0", "CC0-1.0", "MIT"], None),
        (["CC-BY-SA-4.0", "CC-BY-4.0"], None),
        (["CC-BY-SA-3.0", "CC-BY-SA-4.0"], None),
        (["CC-BY-SA-2.0", "CC-BY-SA-3.0"], None),
        (["CC-BY-SA-4.0", "GPL-3.0-only"], None),
        (["CC-BY-SA-4.0", "LAL-1.3"], None),
        (["Apache-2.0", "GPL-3.0-only"], None),
        (["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"], None),
        (["CC-BY-4.0", "CC-BY-NC-4.0"], None),
        (["CC-BY-SA-1.0", "CC-BY-SA-4.0"], "no licence satisfies"),
        (["CC-BY-SA-3.0", "GPL-3.0-only"], "no licence satisfies"),
        (["CC-BY-SA-4.0", "GFDL-1.3-or-later"], "no licence satisfies"),
        (["CC-BY-SA-4.0", "ODbL-1.0"], "no licence satisfies"),
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], "no licence satisfies"),
        (["Apache-2.0", "GPL-2.0-only"], "no licence satisfies"),
        (["GPL-2.0-only", "GPL-3.0-only"], "no licence satisfies"),
        (["LicenseRef-house", "CC-BY-4.0"], None),
        (["LicenseRef-house", "CC-BY-SA-4.0"], "no licence satisfies"),
        (["CC-BY-ND-4.0"], "lets nothing be made"),
        (["CC-BY-NC-ND-4.0", "CC0-1.0"], "lets nothing be made"),
        (["NOASSERTION"], "states no licence"),
        (["CC-BY-4.0", ""], "states no licence"),
        (["WTFPL"], "is not among the licences"),
    ],
)
def test_which_licences_mix(licenses, reason):
    allowed = {*PERMISSIVE, *ADAPTATIONS, "CC-BY-ND-4.0", "CC-BY-NC-ND-4.0", "NOASSERTION", "LicenseRef-house"}
    if reason is None:
        check(licenses, allowed)
    else:
        with pytest.raises(Refused, match=reason):
            check(licenses, allowed)


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted({*PERMISSIVE, *ADAPTATIONS})), min_size=1, max_size=4), st.randoms())
def test_order_and_repetition_say_nothing(licenses, rng):
    def verdict(names):
        try:
            check(names, [*PERMISSIVE, *ADAPTATIONS])
        except Refused as reason:
            return str(reason)
        return None

    shuffled = [*licenses, licenses[0]]
    rng.shuffle(shuffled)
    assert verdict(licenses) == verdict(shuffled)
    if verdict(licenses):
        assert verdict([*licenses, "ODbL-1.0"])  # what is refused stays so with one more


def test_the_table_is_of_adaptations_by_itself_too():
    assert all(name in allowed for name, allowed in ADAPTATIONS.items())
    assert rights.parts("CC-BY-4.0 AND CC0-1.0") == ["CC-BY-4.0", "CC0-1.0"]
