"""Leaves as people write them who have never seen YAML, and the same after doing only what the output said.

Each folder of tests/leaves/newcomers holds the leaf as it was (broken/), the errors and warnings that it gets
(expected.txt, a line each: RULE LINE:COLUMN), and the leaf after following their fixes (mended/).
"""

from pathlib import Path

import pytest

from tax.config import Config
from tax.renderers import as_text
from tax.validate import validate

FOLDERS = sorted((Path(__file__).parent.parent / "leaves" / "newcomers").iterdir())
UNFINISHED = {"very-few-seeds"}  # an honest leaf of two seeds has nothing else that its author must mend


def problems(folder):
    report = validate([folder], Config())
    assert report.checked == 1
    return [problem for problem in report.problems if problem.level != "hint"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_newcomer_is_told_all_that_is_wrong_and_how_to_mend_it(folder, monkeypatch):
    monkeypatch.chdir(folder / "broken")
    found = problems(Path())
    expected = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert [f"{problem.rule} {problem.line}:{problem.column}" for problem in found] == expected
    assert all(problem.fix for problem in found)
    text = as_text(1, found)
    assert all(problem.message in text and problem.fix in text for problem in found)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_who_does_what_the_output_says_has_a_valid_leaf(folder, monkeypatch):
    monkeypatch.chdir(folder / "mended")
    assert {problem.rule for problem in problems(Path())} <= UNFINISHED
    assert (folder / "expected.txt").read_text(encoding="utf-8").split()


def test_there_are_enough_of_them():
    assert len(FOLDERS) >= 30
