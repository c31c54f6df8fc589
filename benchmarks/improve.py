"""How busy `tax recycle` and its like keep a teacher that takes 0.2 s a call, with 64 calls in flight.

    python benchmarks/improve.py [--samples N] COMMAND [OPTION]...

COMMAND is recycle, translate --to TAG or dialogue, with its options. The samples are conversations of random words in
the form alpaca. Efficiency is (calls x 0.2 / 64) / wall time, the start of the process included; the server, in a
process of its own, counts the calls. Results: docs/log.md.
"""

import argparse
import json
import multiprocessing
import random
import resource
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

PROJECT = Path(__file__).parent.parent
IN_FLIGHT, SECONDS = 64, 0.2


def serve(pipe: Connection) -> None:
    """Serve until the other side says so; send the address, then the number of calls."""
    sys.path.insert(0, str(PROJECT / "tests"))
    from support.loopback import RunningLoopback

    with RunningLoopback(delay=SECONDS, rate=lambda name, text: "NO" if name == "dialogue_user" else 3) as server:
        server.on_request = lambda seen: server.bodies.clear()
        pipe.send(server.url)
        pipe.recv()
        pipe.send(server.seen)


def rows(count: int) -> list[dict[str, str]]:
    """Return conversations of random words."""
    words = random.Random(0)
    said = [" ".join(f"{words.choice('bdfgklmnprst')}{words.randrange(9999)}" for _ in range(30)) for _ in range(count)]
    return [{"instruction": f"Explain {text}.", "output": f"Because of {text[::-1]}."} for text in said]


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    pipe, other = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(other,), daemon=True)
    server.start()
    url = pipe.recv()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "alpaca.json").write_text(json.dumps(rows(options.samples)), encoding="utf-8")
        shared = ["--teacher", url, "--out", f"{folder}/run", "--calls", f"{folder}/calls", "--quiet", "--json"]
        arguments = [*(options.command or ["recycle"]), f"{folder}/alpaca.json", *shared]
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "tax", *arguments], check=True, capture_output=True)
        wall = time.monotonic() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)  # the server has not ended: only tax counts
    manifest = json.loads(done.stdout)
    pipe.send("end")
    calls = pipe.recv()
    figures = {
        "read": manifest["drawn"],
        "made": manifest["kept"],
        "calls": calls,
        "wall_s": round(wall, 2),
        "efficiency": round(calls * SECONDS / IN_FLIGHT / wall, 3),
        "cpu_ms_per_call": round(1000 * (used.ru_utime + used.ru_stime) / calls, 2),
        "peak_mb": used.ru_maxrss // 1024,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
