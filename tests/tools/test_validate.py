"""Leaves to problems: the good and the bad leaves, folders, and what real people wrote."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tax.config import Config, find_config
from tax.problems import UserError, failed
from tax.renderers import RENDERERS
from tax.rules import MANUALS
from tax.validate import Report, check, validate, verdicts

TESTS = Path(__file__).parent.parent
LEAVES = TESTS / "leaves"
GOOD = sorted((LEAVES / "good").rglob("qna.yaml"))
BAD = sorted(path for path in (LEAVES / "bad").rglob("*") if path.name.lower().startswith("qna"))
CONTRIBUTIONS = TESTS.parent.parent / "shared" / "contributions"
SKILL = (LEAVES / "good/compositional_skills/free/qna.yaml").read_text()


def name(path):
    return f"{path.parent.parent.name}/{path.parent.name}"


def errors(path):
    return [f"{p.rule} {p.line}:{p.column}" for p in check(path, Config()) if p.level == "error"]


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_a_good_leaf_has_no_error(path):
    assert errors(path) == []


@pytest.mark.parametrize("path", BAD, ids=name)
def test_a_bad_leaf_has_the_errors_that_it_names(path):
    """The first lines of the file say which: `# expect: RULE LINE:COLUMN`, one a problem."""
    expected = re.findall(r"^# expect: (.*)$", path.read_text(), re.MULTILINE)
    assert expected
    assert errors(path) == expected


@pytest.mark.parametrize("path", BAD, ids=name)
def test_problems_of_a_bad_leaf_read_well(path):
    found = check(path, Config())
    assert len(found) == len({(p.line, p.column, p.message) for p in found})
    for problem in found:
        assert problem.rule in MANUALS
        assert problem.message and len(problem.message) < 250
        assert problem.fix or problem.rule == "problem-template"
        assert problem.level == "error" or problem.fix


@pytest.mark.parametrize("form", sorted(RENDERERS))
def test_every_form_shows_every_problem(form):
    report = validate([LEAVES / "bad"], Config())
    assert report.checked == len(BAD)
    text = RENDERERS[form](report.checked, report.problems)
    assert text.count("unknown-key") >= sum(p.rule == "unknown-key" for p in report.problems)


def test_the_taxonomy_itself_has_no_error():
    root = TESTS.parent
    assert not failed(validate([root / "taxonomy"], find_config(root)).problems)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a few leaves, the current one: folder(name, text) adds a file."""
    monkeypatch.chdir(tmp_path)

    def write(name, text=SKILL):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    write("taxonomy/compositional_skills/b/qna.yaml")
    write("taxonomy/compositional_skills/a/c/qna.yaml", "version: 9\n")
    write("taxonomy/compositional_skills/a/qna.yaml", "version: 8\n")
    return write


def shown(paths):
    report = validate([Path(path) for path in paths], Config())
    return report.checked, [problem.path for problem in report.problems]


def test_a_folder_is_walked_in_order(folder):
    base = "taxonomy/compositional_skills"
    assert shown(["taxonomy"]) == (3, [f"{base}/a/qna.yaml", f"{base}/a/c/qna.yaml"])


def test_a_leaf_is_checked_once(folder):
    base = "taxonomy/compositional_skills/a"
    assert shown([f"{base}/qna.yaml", "taxonomy", Path.cwd() / base]) == (3, [f"{base}/qna.yaml", f"{base}/c/qna.yaml"])


def test_paths_are_shown_from_the_current_folder(folder, monkeypatch):
    path = Path("taxonomy/compositional_skills/a/qna.yaml").absolute()
    assert shown([path])[1] == ["taxonomy/compositional_skills/a/qna.yaml"]
    monkeypatch.chdir("taxonomy/compositional_skills/b")
    assert shown([path])[1] == [path.as_posix()]
    assert shown(["../a/qna.yaml"])[1] == ["../a/qna.yaml"]


def test_hidden_folders_are_left_out(folder):
    folder("taxonomy/.git/qna.yaml", "version: 7\n")
    folder("taxonomy/compositional_skills/.cache/qna.yml", "version: 7\n")
    assert shown(["taxonomy"])[0] == 3
    assert shown(["taxonomy/.git/qna.yaml"]) == (1, ["taxonomy/.git/qna.yaml"])


@pytest.mark.parametrize("name", ["qna.yml", "QNA.yaml", "Qna.YML", "qna (1).yaml", "qna.yaml.txt", "qa.yaml", "qna"])
def test_a_misnamed_leaf_is_found_and_checked(folder, name):
    folder(f"taxonomy/knowledge/x/{name}", "version: 5\n")
    found = validate([Path("taxonomy/knowledge")], Config()).problems
    assert [problem.rule for problem in found] == ["file-name", "unsupported-version"]
    assert "qna.yaml" in found[0].fix


def test_other_files_are_no_leaves(folder):
    for name in ("quality.yaml", "notes.md", "qnaive.yaml", "qna.md", "faq.yml"):
        folder(f"taxonomy/compositional_skills/b/{name}", "x")
    assert shown(["taxonomy/compositional_skills/b"]) == (1, [])


def test_a_file_given_by_name_is_checked_whatever_its_name(folder):
    folder("leaf.txt", "version: 5\n")
    found = validate([Path("leaf.txt")], Config()).problems
    assert [problem.rule for problem in found] == ["file-name", "unsupported-version"]


def test_paths_that_hold_no_leaf(folder):
    with pytest.raises(UserError, match="no file or folder missing"):
        validate([Path("missing")], Config())
    Path("empty").mkdir()
    with pytest.raises(UserError, match="no leaf in empty"):
        validate([Path("empty")], Config())
    assert validate([], Config()) == Report(0, ())


def test_a_folder_that_is_called_like_a_leaf(folder):
    Path("taxonomy/knowledge/x/qna.yaml").mkdir(parents=True)
    assert shown(["taxonomy/knowledge"]) == (1, ["taxonomy/knowledge/x/qna.yaml"])
    assert shown(["taxonomy/knowledge/x/qna.yaml"]) == (1, ["taxonomy/knowledge/x/qna.yaml"])


def test_links_are_told_not_followed(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "qna.yaml").write_text("secret: words\n")
    Path("taxonomy/knowledge").symlink_to(outside)
    Path("taxonomy/compositional_skills/d").mkdir()
    Path("taxonomy/compositional_skills/d/qna.yaml").symlink_to(outside / "qna.yaml")
    found = [problem for problem in validate([Path("taxonomy")], Config()).problems if problem.rule == "symlink"]
    assert [problem.path for problem in found] == ["taxonomy/knowledge", "taxonomy/compositional_skills/d/qna.yaml"]
    assert "secret" not in str(found)


def test_many_leaves_are_checked_by_several_processes(folder, monkeypatch):
    for number in range(7):
        folder(f"taxonomy/knowledge/k{number}/qna.yaml", f"version: {number + 5}\n")
    one = validate([Path("taxonomy")], Config())
    monkeypatch.setattr(verdicts, "PARALLEL_FROM", 2)
    monkeypatch.setattr(verdicts, "_BATCH", 2)
    assert validate([Path("taxonomy")], Config()) == one


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), where=st.integers(0, len(SKILL)), width=st.integers(0, 30))
def test_no_bytes_make_checking_fail(tmp_path, data, where, width):
    path = tmp_path / "foundational_skills" / "qna.yaml"
    path.parent.mkdir(exist_ok=True)
    text = SKILL.encode()
    path.write_bytes(text[:where] + data + text[where + width :])
    found = check(path, Config())
    for render in RENDERERS.values():
        assert "\x1b" not in render(1, found)


# What the validator of these files' authors refused and we do not, on purpose: errors of style, and texts that
# YAML 1.1 takes for truth values, numbers or dates.
BETTER_ON_PURPOSE = [
    re.compile(r"\(trailing-spaces\)$"),
    re.compile(r"\(new-line-at-end-of-file\)$"),
    re.compile(r"^\[\.(?P<loc>[^]]*(\[\d+\])?[^]]*)\] (True|False|\d+|datetime\..*) is not of type 'string'$"),
]


@pytest.mark.skipif(not CONTRIBUTIONS.is_dir(), reason="the real contributions are not beside this checkout")
def test_real_contributions_are_judged_as_by_their_own_validator():
    refused, let_pass = [], []
    for line in (CONTRIBUTIONS / "verdicts.jsonl").read_text(encoding="utf-8").splitlines():
        verdict = json.loads(line)
        found = failed(check(CONTRIBUTIONS / verdict["file"], Config()))
        if verdict["accepted"] and found:
            refused.append(verdict["file"])
        if not verdict["accepted"] and not found:
            unexplained = [e for e in verdict["errors"] if not any(known.search(e) for known in BETTER_ON_PURPOSE)]
            let_pass += [(verdict["file"], each) for each in unexplained]
    assert refused == []
    assert let_pass == []
