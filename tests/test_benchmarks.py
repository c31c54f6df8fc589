"""The benchmarks start, at their smallest: a change of the program must not leave them behind. Nothing is measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.parametrize("script", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_help_tells_what_is_measured_and_measures_nothing(script):
    command = [sys.executable, script, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.startswith("usage: ")) == (0, True), done.stderr


@pytest.mark.parametrize(
    ("call", "kept"),
    [
        ("scale.py 200 --resume", "kept"),
        ("scale.py 200 --computed", "kept"),
        ("generate.py --samples 1 --busy 20 --drop 20", "kept"),
        ("servers.py --seconds 0.01 --samples 1", "kept"),
        ("improve.py --samples 5 recycle", "made"),
        ("hf.py --calls 4 --tokens 8", "tokens"),
    ],
)
def test_a_benchmark_runs_to_its_end(call, kept, tmp_path):
    script, *arguments = call.split()
    command = [sys.executable, BENCHMARKS / script, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])[kept] > 0
