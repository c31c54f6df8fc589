"""`tax show` and `tax blame`: what came of a run, and where a sample came from."""

import json
import textwrap

import git
import pytest

from support.leaves import lines, write_leaf
from support.loopback import RunningLoopback

HOSTILE = """
version: 4
created_by: mallory
license: CC-BY-4.0
task_description: "Teaching \\x9b2J<script>alert(1)</script>"
seed_examples:
  - question: "\\x9d0;owned\\x9c <img src=x onerror=alert(1)>"
    answer: "</pre><script>alert(2)</script> \\u202Egnp.exe"
problem_templates:
  - question: "<script>alert({a})</script> \\x9b31m"
    answer: "\\u202E{a} | `x` </article>"
    variables: {a: {from: 1, to: 50}}
"""


@pytest.fixture
def run(tax, taxonomy):
    with RunningLoopback() as server:
        code, _, errors = tax("generate", "--teacher", server.url, "--samples", 4, "--quiet")
    assert code == 0, errors
    return next((taxonomy / "runs").iterdir())


def samples_of(run, kind):
    return [sample for sample in lines(run / "samples.jsonl") if sample["kind"] == kind]


def test_show_the_newest_run(tax, run):
    code, output, _ = tax("show")
    assert code == 0
    assert output.count("\n  user:") >= 20
    for sample in lines(run / "samples.jsonl"):
        assert sample["id"] in output


def test_show_some(tax, run):
    _, output, _ = tax("show", run, "--leaf", "gardening", "--limit", 2, "--json")
    shown = [json.loads(line) for line in output.splitlines()]
    assert [sample["leaf"] for sample in shown] == ["knowledge/handbooks/gardening/compost"] * 2


@pytest.mark.parametrize(
    "command", [["report"], ["report", "--html", "p"], ["show", "--html", "p"], ["blame", "ID", "--run"]]
)
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (None, "manifest.json is no manifest of a run, as it has no `status`"),
        ({"status": "interrupted"}, "is not finished: it is interrupted. Run its command again to go on"),
    ],
)
def test_what_is_no_finished_run_is_told(tax, run, command, changed, told):
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    written = {} if changed is None else manifest | changed
    (run / "manifest.json").write_text(json.dumps(written), encoding="utf-8")
    sample = lines(run / "samples.jsonl")[0]["id"]
    code, output, errors = tax(*(sample if part == "ID" else part for part in command), run)
    assert (code, output) == (2, "")
    assert told in errors


def test_show_a_page(tax, run, tmp_path):
    code, _, _ = tax("show", "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert code == 0
    assert page.count("<article") == 20
    assert "http" not in page.partition("<body>")[0].replace("http-equiv", "")


def test_show_says_what_is_missing(tax, taxonomy, run):
    assert tax("show", "nowhere")[0] == 2
    assert "nowhere is no run folder" in tax("show", "nowhere")[2]
    assert "no sample of a leaf named tides" in tax("show", "--leaf", "tides")[2]
    (run / "samples.jsonl").unlink()
    assert "has no samples" in tax("show")[2]


def test_no_run_yet(tax):
    code, _, errors = tax("show")
    assert (code, "`tax generate` makes one" in errors) == (2, True)


def test_blame_a_knowledge_sample(tax, taxonomy, run):
    sample = samples_of(run, "knowledge")[0]
    code, output, _ = tax("blame", sample["id"])
    assert code == 0
    assert "knowledge/handbooks/gardening/compost" in output
    assert "last changed by Ada Contributor" in output
    assert "Add the first leaves" in output
    assert "Compost for beginners (compost.md" in output
    assert "| Compost is decayed plant matter that feeds the soil." in output
    assert "line 5, written by Ada Contributor" in output
    assert "faithfulness: YES." in output
    assert "CC-BY-4.0 AND CC0-1.0" in output
    assert "ada@example.org" not in output


def test_blame_names_the_seed_and_who_wrote_it(tax, taxonomy, run):
    text = (taxonomy / "taxonomy/compositional_skills/science/everyday/qna.yaml").read_text(encoding="utf-8")
    line = text.splitlines().index("  - question: Why does bread rise in the oven?") + 1
    seeded = next(sample for sample in samples_of(run, "question") if sample["seeds"] == [0])
    _, output, _ = tax("blame", seeded["id"][:8])
    assert f"number 1, lines {line} to {line + 1} of qna.yaml, written by Ada Contributor" in output


def test_blame_a_computed_problem(tax, run):
    _, output, _ = tax("blame", samples_of(run, "problem")[0]["id"])
    assert "template number 1, lines 9 to 17 of qna.yaml, written by Ada" in " ".join(output.split())


def test_blame_says_when_the_leaf_has_changed(tax, taxonomy, run):
    sample = samples_of(run, "question")[0]
    with (taxonomy / "taxonomy/compositional_skills/science/everyday/qna.yaml").open("a", encoding="utf-8") as leaf:
        leaf.write("# edited\n")
    assert "the leaf has changed since" in tax("blame", sample["id"])[1]
    write_leaf(taxonomy, "compositional_skills/science/everyday", "version: 4\n")
    assert tax("blame", sample["id"])[0] == 0
    (taxonomy / "taxonomy/compositional_skills/science/everyday/qna.yaml").unlink()
    assert "the leaf is not, or no longer, in this checkout" in tax("blame", sample["id"])[1]


def test_blame_an_uncommitted_leaf(tax, taxonomy):
    write_leaf(taxonomy, "foundational_skills/hostile", HOSTILE)
    tax("generate", "taxonomy/foundational_skills/hostile", "--samples", 2, "--quiet", "--out", "runs/new")
    code, output, _ = tax("blame", lines(taxonomy / "runs/new/samples.jsonl")[0]["id"])
    assert code == 0
    assert "not committed yet" in output


@pytest.mark.parametrize(
    ("sample_id", "said"), [("ffffffffffff", "no sample"), ("abc", "at least 4"), ("zzzz", "no sample")]
)
def test_blame_of_nothing(tax, run, sample_id, said):
    code, _, errors = tax("blame", sample_id)
    assert code == 2
    assert said in errors


def test_hostile_text_stays_text(tax, taxonomy, tmp_path):
    write_leaf(taxonomy, "foundational_skills/hostile", textwrap.dedent(HOSTILE))
    code, output, errors = tax("generate", "taxonomy/foundational_skills/hostile", "--samples", 3)
    assert code == 0
    _, shown, _ = tax("show")
    run = next((taxonomy / "runs").iterdir())
    _, blamed, _ = tax("blame", lines(run / "samples.jsonl")[0]["id"])
    for text in (output, errors, shown, blamed):
        assert "\x9b" not in text and "\x9d" not in text
        assert "\u202e" not in text
    tax("show", "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("</article>") == 3
    report = (run / "report.md").read_text(encoding="utf-8")
    assert "<script" not in report


def test_a_commit_by_somebody_else_is_told_apart(tax, taxonomy):
    repo = git.Repo(taxonomy)
    with repo.config_writer() as config:
        config.set_value("user", "name", "Ben").set_value("user", "email", "ben@example.org")
    leaf = taxonomy / "taxonomy/foundational_skills/mathematics/addition/qna.yaml"
    leaf.write_text(leaf.read_text(encoding="utf-8").replace("to: 20", "to: 30", 1), encoding="utf-8")
    repo.git.commit("-am", "Widen the range")
    repo.close()
    tax("generate", "taxonomy/foundational_skills", "--samples", 1, "--quiet")
    run = next((taxonomy / "runs").iterdir())
    _, output, _ = tax("blame", lines(run / "samples.jsonl")[0]["id"])
    assert "last changed by Ben" in output
    assert "written by Ada Contributor, Ben" in output


def test_blame_in_a_repository_without_a_commit(tax, tmp_path, monkeypatch):
    root = tmp_path / "new"
    write_leaf(root, "foundational_skills/hostile", HOSTILE)
    git.Repo.init(root).close()
    monkeypatch.chdir(root)
    assert tax("generate", "--samples", 1, "--quiet", "--out", "runs/new")[0] == 0
    code, output, _ = tax("blame", lines(root / "runs/new/samples.jsonl")[0]["id"])
    assert (code, "not committed yet" in output) == (0, True)
