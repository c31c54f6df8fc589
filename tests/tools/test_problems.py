"""Problems as people and programs read them: complete, and harmless whatever a file says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.load import load
from tax.problems import Level, Problem, excerpt, failed, printable
from tax.renderers import RENDERERS, as_github, as_json, as_markdown, as_sarif, as_text, summary
from tax.source import Position, Source

ERROR = Problem("a/qna.yaml", 3, 5, "missing-key", Level.ERROR, "`answer` is missing", "add it")
WARNING = Problem("a/qna.yaml", 7, 1, "few-seeds", Level.WARNING, "few seeds")
HINT = Problem("b/qna.yaml", 1, 1, "no-holdout", Level.HINT, "no hold-out", "hold one out")


def test_text_says_the_verdict_first_and_groups_by_file():
    assert as_text(2, [ERROR, WARNING, HINT]) == (
        "2 leaves checked: 1 error, 1 warning, 1 hint\n"
        "\n"
        "a/qna.yaml\n"
        "  3:5  error  `answer` is missing  [missing-key]\n"
        "      fix: add it\n"
        "  7:1  warning  few seeds  [few-seeds]\n"
        "\n"
        "b/qna.yaml\n"
        "  1:1  hint  no hold-out  [no-holdout]\n"
        "      fix: hold one out\n"
        "\n"
        "`tax rules missing-key` explains that rule, with examples; `tax rules` lists all.\n"
    )


def test_summaries():
    assert summary(1, []) == "1 leaf checked: no problems"
    assert summary(0, []) == "0 leaves checked: no problems"
    assert summary(2, [ERROR, ERROR]) == "2 leaves checked: 2 errors"


def test_json():
    found = json.loads(as_json(2, [ERROR, WARNING, HINT]))
    assert (found["checked"], found["errors"], found["warnings"]) == (2, 1, 1)
    assert found["problems"][0] == {
        "path": "a/qna.yaml",
        "line": 3,
        "column": 5,
        "rule": "missing-key",
        "level": "error",
        "message": "`answer` is missing",
        "fix": "add it",
    }


def test_github():
    lines = as_github(2, [ERROR, WARNING, HINT]).splitlines()
    assert lines[0] == "::error file=a/qna.yaml,line=3,col=5,title=tax missing-key::`answer` is missing%0AFix: add it"
    assert [line.split(" ")[0] for line in lines[:3]] == ["::error", "::warning", "::notice"]
    assert lines[3] == summary(2, [ERROR, WARNING, HINT])


def test_only_errors_fail():
    assert failed([WARNING, ERROR])
    assert not failed([WARNING, HINT])
    assert not failed([])


def test_an_excerpt_is_short_and_on_one_line():
    assert excerpt("a\n  b\tc") == "a b c"
    assert len(excerpt("x" * 1_000)) == 60
    assert excerpt("x" * 60) == "x" * 60
    assert excerpt(42) == "42"
    assert excerpt(" ") == ""


HOSTILE = [
    "\x1b[2J",
    "\r\n::error file=x::forged",
    "\u202eevil",
    "##[add-mask]x",
    "%0A::error::x",
    "\u2028::warning::x",
    "\x9b31m",
    "::stop-commands::x",
    ",line=1::x",
    "\ud800",
]


@pytest.mark.parametrize("form", sorted(RENDERERS))
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_file_steers_a_terminal_or_a_workflow(form, text):
    problem = Problem(text, 1, 1, "bad-value", Level.ERROR, text, text)
    written = RENDERERS[form](1, [problem])
    assert not set("\x1b\r\u202e\u2028\x9b\ud800") & set(written)
    assert "##[" not in written
    commands = [line for line in written.splitlines() if line.strip().startswith("::")]
    assert len(commands) == (1 if form == "github" else 0)
    if form == "json":
        assert json.loads(written)["problems"][0]["message"] == text


@given(st.text())
def test_printable_text_is_printed_on_one_line(text):
    assert len(printable(text).splitlines()) <= 1
    printable(text).encode("utf-8")


@given(st.text(), st.text())
def test_json_brings_back_what_it_was_given(path, message):
    problem = Problem(path, 1, 1, "x", Level.ERROR, message)
    written = as_json(1, [problem])
    written.encode("utf-8")
    assert json.loads(written)["problems"][0]["message"] == message
    assert json.loads(written)["problems"][0]["path"] == path


def test_a_caret_points_at_the_fault():
    source = Source("qna.yaml", "a: 1\r\n  問題: 42\n" + "x" * 300 + ": y\n")
    text = as_text(1, [source.problem_at(Position(2, 7), "wrong-type", "a number")])
    assert "      |   問題: 42\n      |         ^\n" in text
    text = as_text(1, [source.problem_at(Position(3, 303), "wrong-type", "far right")])
    shown, caret = text.splitlines()[4:6]
    assert shown.startswith("      | …xxx")
    assert shown[caret.index("^")] == "y"
    assert len(shown) < 130
    text = as_text(1, [Source("qna.yaml", "…\n").problem_at(Position(1, 1), "no-keys", "no keys")])
    assert "      | …\n      | ^\n" in text


def test_no_caret_without_a_line_of_text(tmp_path):
    assert "^" not in as_text(1, [ERROR])
    file = tmp_path / "qna.yaml"
    file.write_bytes("version: 4\n".encode("utf-16"))
    assert "^" not in as_text(1, load(file).problems)
    nul = Source("qna.yaml", "a: \0\n\nb: 1\n")
    places = [Position(1, 4), Position(2, 1), Position(9, 1)]
    assert "^" not in as_text(1, [nul.problem_at(place, "x", "no text, a blank line, no line") for place in places])


def test_what_is_shown_is_what_was_checked(tmp_path):
    """A file that changes between check and print is shown as it was checked."""
    file = tmp_path / "qna.yaml"
    file.write_text('created_by: "a" b\n', encoding="utf-8")
    problems = load(file).problems
    file.write_text("other: 1\n", encoding="utf-8")
    assert '| created_by: "a" b\n' in as_text(1, problems)


def test_markdown_cannot_be_forged():
    hostile = Problem("a`b/qna.yaml", 1, 1, "r", Level.ERROR, "<img> [x](http://e) **b** @everyone | #1", "line\nbreak")
    text = as_markdown(1, [ERROR, WARNING, hostile])
    assert text.startswith("**1 leaf checked: 2 errors, 1 warning**")
    assert "- **error**, line 3, column 5: `answer` is missing (`missing-key`)<br>Fix: add it" in text
    assert "`a'b/qna.yaml`" in text
    assert "&lt;img&gt; \\[x\\](http://e) \\*\\*b\\*\\* \\@everyone \\| \\#1" in text
    assert text.count("\n- ") == 3


def test_sarif():
    log = json.loads(as_sarif(2, [ERROR, HINT]))
    (run,) = log["runs"]
    assert run["tool"]["driver"]["rules"][0]["shortDescription"]["text"].startswith("A key that must be there is not.")
    strange = json.loads(as_sarif(1, [ERROR._replace(path="a b/%41/潮:\ud800/qna.yaml")]))
    location = strange["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "a%20b/%2541/%E6%BD%AE%3A%3F/qna.yaml"
    assert log["version"] == "2.1.0"
    assert [result["level"] for result in run["results"]] == ["error", "note"]
    region = run["results"][0]["locations"][0]["physicalLocation"]
    assert region == {
        "artifactLocation": {"uri": "a/qna.yaml"},
        "region": {"startLine": 3, "startColumn": 5},
    }
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"missing-key", "no-holdout"}
