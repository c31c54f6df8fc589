"""How busy `tax generate` keeps several servers at once, and what a Ray cluster of two workers makes of a call.

Servers of 64 slots in all and 0.2 s a call, over the same 40 leaves as generate.py; efficiency is reckoned as there.
With --dead, an address where nothing listens is among them. With --ray N, the calls go through N workers of a cluster
on this machine: 64 slots show what it costs, a server that answers at once (--seconds 0) what it can do.
Results: docs/log.md.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generate import taxonomy
from slots import serving

SLOTS = 64
DEAD = "http://127.0.0.1:9/v1"


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.2, help="that a call takes")
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--dead", action="store_true", help="name one server more, which is not there")
    parser.add_argument("--ray", type=int, default=0, metavar="N", help="workers of a Ray cluster")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        taxonomy(Path(folder, "taxonomy"))
        slots = SLOTS // options.servers
        servers = [stack.enter_context(serving(slots=slots, seconds=options.seconds)) for _ in range(options.servers)]
        urls = ",".join([server.url for server in servers] + [DEAD] * options.dead)
        command = [sys.executable, "-m", "tax", "generate", f"{folder}/taxonomy", "--teacher", urls]
        command += ["--samples", str(options.samples), "--concurrency", "128", "--quiet"]
        command += ["--out", f"{folder}/run", "--calls", f"{folder}/calls"]
        command += ["--engine", "ray", "--workers", str(options.ray)] if options.ray else []
        start = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = time.monotonic() - start
        stack.close()
        manifest = json.loads(Path(folder, "run", "manifest.json").read_text(encoding="utf-8"))
    calls = [server.counts["answered"] for server in servers]
    figures = {
        "kept": manifest["kept"],
        "calls": calls,
        "retries": manifest["calls"]["retries"],
        "wall_s": round(wall, 2),
        "calls_per_s": round(sum(calls) / wall),
        "efficiency": round(sum(calls) * options.seconds / SLOTS / wall, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
