"""How busy `tax generate` keeps a teacher: a loopback server with 64 slots that takes 0.2 s a call, the whole pipeline.

    python benchmarks/generate.py [--samples N] [--concurrency N] [--busy N] [--drop N]

Efficiency is (answered calls x 0.2 / 64) / wall time, the start of the process included; 1.0 would be a server that
is never idle. Refused and dropped calls count for nothing. The client's CPU is measured apart from the server's,
which runs in a process of its own. Leaves: the shipped ones that ask a teacher, and ten of them once more under
another name: 40, skills of all kinds, grounded ones, dialogues and knowledge. Results: docs/log.md.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from slots import PROJECT, serving

SLOTS, SECONDS = 64, 0.2
LEAVES = 40


def taxonomy(folder: Path) -> None:
    """Copy the shipped leaves that ask a teacher, and as many again of the skills as make 40."""
    for branch in ("knowledge", "compositional_skills"):
        shutil.copytree(PROJECT / "taxonomy" / branch, folder / branch)
    leaves = sorted(path.parent for path in folder.rglob("qna.yaml"))
    again = [path for path in leaves if "compositional_skills" in path.parts]
    for path in again[: LEAVES - len(leaves)]:
        shutil.copytree(path, path.with_name(f"{path.name}_again"))


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--busy", type=int, default=0, help="every Nth call is answered 429, Retry-After 1, at once")
    parser.add_argument("--drop", type=int, default=0, help="every Nth call loses its connection, after its time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        taxonomy(Path(folder, "taxonomy"))
        with serving(slots=SLOTS, seconds=SECONDS, busy=options.busy, drop=options.drop) as server:
            command = [sys.executable, "-m", "tax", "generate", f"{folder}/taxonomy", "--teacher", server.url]
            command += ["--samples", str(options.samples), "--concurrency", str(options.concurrency)]
            command += ["--out", f"{folder}/run", "--calls", f"{folder}/calls", "--quiet"]
            start = time.monotonic()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            wall = time.monotonic() - start
            used = resource.getrusage(resource.RUSAGE_CHILDREN)  # the server has not ended: only tax counts
        manifest = json.loads(Path(folder, "run", "manifest.json").read_text(encoding="utf-8"))
    calls = server.counts["answered"]
    figures = {
        "leaves": len(manifest["leaves"]),
        "kept": manifest["kept"],
        **server.counts,
        "wall_s": round(wall, 2),
        "efficiency": round(calls * SECONDS / SLOTS / wall, 3),
        "cpu_ms_per_call": round(1000 * (used.ru_utime + used.ru_stime) / calls, 2),
        "peak_mb": used.ru_maxrss // 1024,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
