"""A real vLLM on the CPU, as a server and in the program's own process, with a tiny model made on the spot.

It lives in an environment of its own, which `make test-engines` makes: its pins are not ours. Random weights answer in
schema since vLLM holds them to it, so the whole pipeline runs: drawn, judged, stored, and asked only once.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from support.journals import finished_calls

PROJECT = Path(__file__).parent.parent.parent
PYTHON = Path(os.environ.get("TAX_VLLM_PYTHON", PROJECT / ".venv-vllm/bin/python"))
STARTS_WITHIN, RUNS_WITHIN = 480, 480  # seconds, on a machine with two busy cores
LEAF = "taxonomy/compositional_skills/science"

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not PYTHON.exists(), reason="`make test-engines` makes the environment with vLLM"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model folder; made in a process of its own, since vLLM's environment is where transformers surely is."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    code = (
        "import sys, pathlib; from support.tiny_model import save_tiny_model as save; save(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([PYTHON, "-c", code, folder], check=True, env=environment(), timeout=120, capture_output=True)
    return folder


def environment():
    paths = os.pathsep.join(str(PROJECT / folder) for folder in ("tools", "tests"))
    return os.environ | {
        "PYTHONPATH": paths,
        "HF_HUB_OFFLINE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
        "OMP_NUM_THREADS": "2",
    }


@pytest.fixture(scope="module")
def server(model, tmp_path_factory):
    """The address of a running server."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--served-model-name", "tiny"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--enable-prefix-caching", "--enforce-eager"]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as said:
        running = subprocess.Popen(
            list(map(str, command)), env=environment(), stdout=said, stderr=said, start_new_session=True
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health", running, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                running.terminate()
                running.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)  # and the processes it started
            running.wait()


def wait_for(url, running, log):
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and running.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.5)
    pytest.fail(f"vLLM's server did not start:\n{log.read_text()[-3000:]}")


def metric(server, name):
    """A counter that vLLM publishes, summed over its engines."""
    with urllib.request.urlopen(f"{server}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name}_total"))


def judged(folder):
    """The samples of a run folder, each with its judgements."""
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    assert samples
    for sample in samples:
        assert {rating["rubric"] for rating in sample["ratings"]} == {"question", "pair"}
        assert all(rating["reason"] for rating in sample["ratings"])
    return samples


def test_a_server_teaches(tax, taxonomy, server, tmp_path, caplog):
    dead = "http://127.0.0.1:9/v1"
    command = ["generate", LEAF, "--teacher", f"{server},{dead}", "--samples", "8", "--json", "--out"]
    code, output, errors = tax(*command, tmp_path / "run")
    assert code == 0, errors
    manifest = json.loads(output)
    assert manifest["teacher"]["model"] == "tiny"
    assert manifest["kept"] == len(judged(tmp_path / "run")) == 8
    assert f"{dead} is set aside" in caplog.text
    hit, asked = metric(server, "vllm:prefix_cache_hits"), metric(server, "vllm:prefix_cache_queries")
    assert hit > asked / 4, f"{hit:,.0f} of {asked:,.0f} prompt tokens"  # the calls of a leaf begin alike

    again = json.loads(tax(*command, tmp_path / "run")[1])
    assert again["calls"]["reused"]
    assert again["kept"] == 8
    more = json.loads(tax("generate", LEAF, "--teacher", f"{server},{dead}", "--samples", "12", "--json")[1])
    assert more["calls"]["reused"]
    assert more["kept"] == 12
    asked_for = finished_calls(taxonomy)
    assert len(asked_for) == len(set(asked_for))


def test_the_engine_in_process_teaches(taxonomy, model):
    command = [PYTHON, "-m", "tax", "generate", LEAF, "--teacher", f"vllm:{model}", "--samples", "4", "--json"]
    done = subprocess.run(
        list(map(str, command)),
        cwd=taxonomy,
        env=environment(),
        timeout=RUNS_WITHIN,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    manifest = json.loads(done.stdout)  # and nothing else: the engine's own lines go to stderr
    assert manifest["teacher"]["model"].startswith("vllm:tiny@")
    (folder,) = (taxonomy / "runs").iterdir()
    samples = judged(folder)
    assert manifest["kept"] == len(samples) == 4
    assert len(finished_calls(taxonomy)) >= sum(manifest["calls"]["asked"].values())
