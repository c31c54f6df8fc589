"""How busy `tax generate` keeps a teacher: a loopback server with 64 slots that takes 0.2 s a call, the whole pipeline.

    python benchmarks/generate.py [--samples N] [--concurrency N] [--busy N]

Efficiency is (calls x 0.2 / 64) / wall time, the start of the process included; 1.0 would be a server that is never
idle. The client's CPU is measured apart from the server's, which runs in a process of its own. Results: docs/log.md.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parent.parent
SLOTS, SECONDS = 64, 0.2


def serve(busy: int) -> None:
    """Serve until standard input ends; print the address, then the number of calls."""
    import asyncio

    sys.path.insert(0, str(PROJECT / "tests"))
    from support.loopback import Faults, Loopback, RunningLoopback

    class Slots(Loopback):
        slots: asyncio.Semaphore | None = None

        async def _chat(self, request):
            self.slots = self.slots or asyncio.Semaphore(SLOTS)
            async with self.slots:
                reply = await super()._chat(request)
                self.bodies.clear()
                return reply

    running = RunningLoopback()
    running.server = Slots(faults=Faults(busy=busy), delay=SECONDS)
    with running as server:
        print(server.url, flush=True)
        sys.stdin.read()
        print(server.seen, flush=True)


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--busy", type=int, default=0, help="every Nth call is answered 429")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.busy)
        return
    command = [sys.executable, __file__, "--serve", "--busy", str(options.busy)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = server.stdout.readline().strip()
    with tempfile.TemporaryDirectory() as folder:
        leaves = [PROJECT / "taxonomy" / branch for branch in ("knowledge", "compositional_skills")]
        arguments = ["--teacher", url, "--samples", options.samples, "--concurrency", options.concurrency]
        arguments += ["--out", f"{folder}/run", "--calls", f"{folder}/calls", "--quiet"]
        start = time.monotonic()
        subprocess.run([sys.executable, "-m", "tax", "generate", *map(str, [*leaves, *arguments])], check=True)
        wall = time.monotonic() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)  # the server has not ended: only tax counts
        manifest = json.loads(Path(folder, "run", "manifest.json").read_text(encoding="utf-8"))
    calls = int(server.communicate("")[0])
    print(
        json.dumps(
            {
                "leaves": len(manifest["leaves"]),
                "kept": manifest["kept"],
                "calls": calls,
                "wall_s": round(wall, 2),
                "efficiency": round(calls * SECONDS / SLOTS / wall, 3),
                "cpu_ms_per_call": round(1000 * (used.ru_utime + used.ru_stime) / calls, 2),
                "peak_mb": used.ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
