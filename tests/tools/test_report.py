"""The report of a run: which leaves are weak and why, as text, Markdown, JSON and a page."""

import html.parser
import json
import re
import shutil
import subprocess
from collections import Counter
from typing import get_args

import pytest

from support.loopback import Faults, RunningLoopback
from tax.generate.grow import Stop
from tax.report import told
from tax.report.charts import histogram
from tax.report.figures import Diversity, LeafFigures, run_figures
from tax.report.overview import overview
from tax.report.weaknesses import EXHAUSTED, MILD, SEVERE, weaknesses
from tax.sample import Dropped, Rating, Sample, Source

HOSTILE = "<script>alert(1)</script>|`x`\x1b[2J\n## \u202e \"'&"


def leaf(**changes):
    figures = {
        "leaf": "compositional_skills/a/b",
        "wanted": 10,
        "drawn": 20,
        "kept": 10,
        "dropped": {},
        "failed": 0,
        "stop": "enough",
        "skipped": False,
    }
    return LeafFigures(**figures | changes)


def whats(figures):
    return [each.what for each in weaknesses(figures)]


def test_a_leaf_that_brings_what_is_wanted_is_not_weak():
    assert weaknesses(leaf(dropped={"pair rated 1": 10})) == []


def test_a_leaf_without_a_sample_is_severe_and_says_why():
    (found,) = weaknesses(
        leaf(kept=0, dropped={"pair rated 1": 15, "near-duplicate": 5}, quotes={"pair rated 1": ["Too long."]})
    )
    assert found.weight == SEVERE
    assert found.what == "nothing was kept of 20 drafts, most often because: pair rated 1 (15 of 20 drafts)"
    assert found.quotes == ("Too long.",)


def test_few_samples_say_why_drawing_stopped():
    assert "3 of the 10 samples wanted, since budget spent" in whats(leaf(kept=3, stop="budget spent"))[0]


def test_a_leaf_that_came_to_an_end_is_told_how_to_bring_more():
    assert EXHAUSTED in get_args(Stop)
    ended = leaf(leaf="knowledge/a/b", drawn=8, kept=7, dropped={"near a hold-out": 1}, stop=EXHAUSTED)
    (found,) = weaknesses(ended)
    assert found.weight == MILD
    assert found.what == "7 of the 10 samples wanted: then there was nothing more to draw"
    assert "write more into its documents" in found.advice
    poor = leaf(drawn=20, kept=3, dropped={"near-duplicate": 17}, stop=EXHAUSTED)
    assert weaknesses(poor)[0].weight == SEVERE


def test_a_low_yield_does_not_count_what_was_beyond_the_number_wanted():
    assert whats(leaf(drawn=50, dropped={"beyond the number wanted": 30, "pair rated 1": 10})) == []
    assert "only 20% of its drafts" in whats(leaf(drawn=50, dropped={"pair rated 1": 40}))[0]


def test_repetition_and_likeness():
    assert "40% of its drafts repeated" in whats(leaf(dropped={"near-duplicate": 8, "pair rated 1": 2}))[0]
    alike = Diversity(10, 0.2, 0.6, 0.9)
    assert "much alike (mean ROUGE-L 0.60)" in whats(leaf(diversity=alike, kinds={"question": 10}))[0]
    assert whats(leaf(diversity=alike, kinds={"problem": 10})) == []


def test_coverage_and_failures():
    assert "come from 20% of its documents" in whats(leaf(coverage=0.2))[0]
    assert "5 of 20 drafts failed" in whats(leaf(failed=5))[0]


def test_an_original_that_stays_is_no_weakness_of_its_leaf():
    kept = {"improved": True, "wanted": 0, "kept": 2, "originals": 18, "failed": 9}
    assert weaknesses(leaf(**kept, dropped={"the answer is empty": 9, "no change": 9})) == []
    assert weaknesses(leaf(**kept | {"kept": 0, "originals": 20}, dropped={"no change": 20})) == []
    assert weaknesses(leaf(improved=True, skipped=True, kept=0, stop="computed, so right by construction")) == []
    assert "only 10% of its drafts" in whats(leaf(**kept | {"originals": 0, "failed": 0}, dropped={"unlike": 18}))[0]
    assert "9 of 20 drafts failed" in whats(leaf(**kept | {"kept": 11, "originals": 0}))[0]


@pytest.mark.parametrize("command", [["recycle"], ["translate", "--to", "de"], ["dialogue"]])
def test_a_run_that_keeps_originals_reports_no_weak_leaf(tax, taxonomy, command):
    words = iter(range(10**6))

    def refuse(name, text):
        return "" if name == "reflect_instruction" and next(words) % 2 else None

    with RunningLoopback(say=refuse) as server:
        grow = ["generate", "taxonomy/compositional_skills/science", "taxonomy/foundational_skills"]
        assert tax(*grow, "--teacher", server.url, "--samples", 4, "--out", "first", "--quiet")[0] == 0
        tax(*command, "first", "--teacher", server.url, "--out", "second", "--quiet")
    found = json.loads(tax("report", "second", "--format", "json")[1])
    weak = {each["leaf"]: [one["what"] for one in each["weaknesses"]] for each in found["leaves"] if each["weaknesses"]}
    assert not [what for said in weak.values() for what in said if "wanted" in what or "not grown" in what], weak
    if command == ["recycle"]:
        assert not weak


def test_a_leaf_that_waits_for_a_model_is_not_weak():
    assert weaknesses(leaf(skipped=True, stop="needs a model teacher")) == []
    assert weaknesses(leaf(skipped=True, stop="has errors"))[0].weight == SEVERE


def sample(name, question, **changes):
    values = {
        "id": "0" * 16,
        "leaf": name,
        "leaf_blob": "b",
        "branch": "knowledge",
        "kind": "knowledge",
        "messages": ({"role": "user", "content": question}, {"role": "assistant", "content": "Yes."}),
        "language": "en",
        "source": None,
        "seeds": (),
        "teacher": "t",
        "prompt": "p",
        "ratings": (Rating(rubric="faithfulness", rating="YES", reason="so"),),
        "parent": None,
        "license": "CC0-1.0",
    }
    return Sample.model_validate(values | changes)


def drop(name, reason, detail):
    return Dropped(
        leaf=name,
        leaf_blob="b",
        draw=0,
        outcome="filtered",
        stage="faithfulness judged",
        reason=reason,
        detail=detail,
        question="q",
        messages=(),
        ratings=(Rating(rubric="faithfulness", rating="NO", reason=detail),),
        source=None,
        seeds=(),
    )


@pytest.fixture
def run(tmp_path):
    """A finished run of two leaves whose names, reasons and words are hostile."""
    source = Source(document="d.md", title="D", blob="doc", commit=None, span=(0, 25), evidence=None)
    name = f"knowledge/{HOSTILE}"
    kept = [sample(name, f"Question {number}?", source=source) for number in range(3)]
    dropped = [drop(name, HOSTILE, HOSTILE) for _ in range(7)]
    result = {"leaf": name, "blob": "b", "drawn": 10, "kept": 3, "dropped": {HOSTILE: 7}, "draws": 2}
    waiting = {"leaf": "compositional_skills/z", "blob": "c", "drawn": 0, "kept": 0, "dropped": None, "draws": 0}
    manifest = {
        "id": "abc",
        "status": "finished",
        "taxonomy": {"commit": None, "dirty": False},
        "teacher": {"name": HOSTILE, "model": HOSTILE},
        "settings": {"samples": 10},
        "inputs": [
            {"leaf": name, "path": "a", "blob": "b", "documents": [{"path": "d.md", "blob": "doc", "characters": 100}]}
        ],
        "kept": 3,
        "drawn": 10,
        "skipped": 1,
        "dropped": {HOSTILE: 7},
        "stages": {HOSTILE: {"entered": 10, "kept": 3, "dropped": {HOSTILE: 7}}},
        "calls": {"asked": {"p": 4}, "reused": {}, "retries": {}, "prompt_tokens": 1, "completion_tokens": 1},
        "leaves": [
            {**result, "stop": HOSTILE, "skipped": False},
            {**waiting, "stop": "needs a model teacher", "skipped": True},
        ],
    }
    folder = tmp_path / "runs" / "abc"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "samples.jsonl").write_text("".join(s.model_dump_json() + "\n" for s in kept), encoding="utf-8")
    (folder / "dropped.jsonl").write_text("".join(d.model_dump_json() + "\n" for d in dropped), encoding="utf-8")
    return folder


def test_figures_of_a_leaf(run):
    figures = run_figures(run)
    first = figures.leaves[0]
    assert (first.kept, first.drawn, first.wanted, first.coverage) == (3, 10, 10, 0.25)
    assert first.diversity.distinct_2 == pytest.approx(3 / 3)  # question 0, question 1, question 2
    assert first.diversity.rouge_l == pytest.approx(0.5)
    assert figures.ratings == {"faithfulness": {"YES": 3, "NO": 7}}
    assert figures.question_words == {2: 3}
    assert first.quotes == {HOSTILE: [HOSTILE, HOSTILE]}


def test_hostile_text_cannot_steer_a_terminal(run):
    shown = told.text(run_figures(run), run_figures(run))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "3 of the 10 samples wanted" in shown


def test_hostile_text_is_no_markup_in_markdown(run):
    shown = told.markdown(run_figures(run))
    assert "<script" not in shown
    assert "\n## " not in shown.removeprefix("## Run abc")
    rows = [line for line in shown.splitlines() if line.startswith("| ")]
    for line in rows:
        assert len(re.findall(r"(?<!\\)\|", line)) in {4, 9}


def test_json_has_the_weaknesses(run):
    found = json.loads(told.as_json(run_figures(run)))
    assert found["leaves"][0]["weaknesses"][0]["weight"] == SEVERE
    assert found["stages"][HOSTILE]["kept"] == 3


class Elements(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in {"src", "href"}]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_holds_hostile_text_as_text(run):
    read = Elements()
    read.feed(overview(run_figures(run), run_figures(run)))
    assert not {"script", "img", "iframe", "link"} & set(read.names)
    assert "<script>alert(1)</script>" in "".join(read.text)
    assert "Weak leaves" in read.text


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium here")
def test_a_browser_shows_the_page_and_runs_nothing(run, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(overview(run_figures(run)), encoding="utf-8")
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    command = ["chromium", *options.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "Leaves by yield" in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_a_histogram_counts_every_value():
    drawn = histogram(Counter({1: 3, 2: 1, 60: 2}), "words")
    assert sum(int(found) for found in re.findall(r": (\d+)</title>", drawn)) == 6


def test_the_command_reports_a_real_run(tax, tmp_path):
    with RunningLoopback(
        faults=Faults(broken=9), rate=lambda name, text: 0 if name == "judge_question" else 1
    ) as server:
        assert (
            tax("generate", "--teacher", server.url, "--samples", "4", "--quiet", "taxonomy/compositional_skills")[0]
            == 0
        )
    code, shown, _ = tax("report")
    assert code == 0
    assert "nothing was kept" in shown
    assert "question rated 0" in shown
    code, shown, _ = tax("report", "--html", tmp_path / "page.html")
    assert "<h2>Funnel</h2>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    first = sorted(path.name for path in (tmp_path / "checkout" / "runs").iterdir())[0]
    code, shown, _ = tax("report", f"runs/{first}", "--baseline", f"runs/{first}", "--format", "markdown")
    assert f"| | this run | {first} |" in shown


def test_a_run_that_is_not_finished_says_so(run, tax):
    (run / "samples.jsonl").unlink()
    code, _, said = tax("report", run)
    assert code == 2
    assert "has no samples.jsonl: it is finished" in said
