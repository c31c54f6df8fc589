"""Which checkpoint is taken, and which are kept for it."""

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tax_training.errors import UserError
from tax_training.plan import Select
from tax_training.select import Score, choose, contenders, run_command


def scores(*values):
    return [Score(step, step, value) for step, value in enumerate(values, start=1)]


def test_the_earliest_within_the_tolerance_is_taken():
    losses = scores(1.20, 1.04, 1.00, 1.03)
    assert choose(losses, Select()).step == 3
    assert choose(losses, Select(tolerance=0.05)).step == 2
    assert choose(losses, Select(tolerance=0.2)).step == 1


def test_a_commands_score_is_better_when_higher_unless_told_otherwise():
    found = scores(50.0, 58.9, 58.7)
    assert choose(found, Select(metric="command", command="x")).step == 2
    assert choose(found, Select(metric="command", command="x", higher_is_better=False)).step == 1


def test_without_a_finite_score_the_last_is_taken():
    assert choose(scores(None, None), Select(metric="last")).step == 2
    assert choose(scores(math.nan, 2.0, math.inf), Select()).step == 2


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 30).map(lambda tenths: tenths / 10), min_size=1, max_size=12),
    st.sampled_from([0.0, 0.25, 1.0]),
    st.integers(1, 12),
)
def test_what_will_be_chosen_is_never_deleted(values, tolerance, seen):
    found, settings = scores(*values), Select(tolerance=tolerance)
    final = choose(found, settings).step
    if final <= seen:
        assert final in contenders(found[:seen], settings)


def command(code):
    return f"{sys.executable} -c '{code}' {{model}}"


def test_a_command_is_given_the_model_and_its_last_line_is_the_score(tmp_path):
    folder = tmp_path / "my model; rm -rf"
    told = 'import sys; print("loading"); print(len(sys.argv[1]))'
    assert run_command(command(told), folder, tmp_path) == len(str(folder))
    assert run_command(command('print("{\\"score\\": 61.5}")'), folder, tmp_path) == 61.5


def test_a_command_is_given_the_held_out_file_and_braces_of_its_own_stay(tmp_path):
    heldout = tmp_path / "my data" / "{model}.jsonl"
    told = 'import sys; print(sys.argv[1:] == [sys.argv[3], "{\\"a\\": {}}", sys.argv[3]] and len(sys.argv[1]))'
    line = f"{sys.executable} -c '{told}' {{heldout}} '{{\"a\": {{}}}}' {{heldout}}"
    assert run_command(line, tmp_path, heldout) == len(str(heldout))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ('print("good")', "as its last line, not 'good'"),
        ('print("NaN")', "no finite number"),
        ('import sys; sys.exit("no data")', "ended with code 1: 'no data'"),
    ],
)
def test_a_command_that_fails_says_how(tmp_path, code, told):
    with pytest.raises(UserError) as error:
        run_command(command(code), tmp_path, tmp_path)
    assert told in str(error.value)


def test_a_program_of_this_environment_is_found_though_it_is_not_activated(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_command(f"{Path(sys.executable).name} -c 'print(7)'", tmp_path, tmp_path) == 7


def test_a_command_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot be run: '\./no-such-evaluation'"):
        run_command("./no-such-evaluation {model}", tmp_path, tmp_path)
