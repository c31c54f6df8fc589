"""What kill -9 costs: one run of `tax generate`, killed at ten random moments, against an unbroken one.

    python benchmarks/kill.py [--kills N] [--samples N] [--seed N]

Prints how many calls were asked twice (at most those in flight at each kill: --concurrency for each) and whether
samples and drops are those of the unbroken run. Leaves and server are those of generate.py. Results: docs/log.md.
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generate import SECONDS, SLOTS, taxonomy
from slots import serving


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        taxonomy(root / "taxonomy")
        with serving(slots=SLOTS, seconds=SECONDS) as server:
            start = time.monotonic()
            subprocess.run(_command(root, "unbroken", server.url, options), check=True, stdout=subprocess.DEVNULL)
            wall = time.monotonic() - start
        calls = server.counts["answered"]
        with serving(slots=SLOTS, seconds=SECONDS) as server:
            command = _command(root, "killed", server.url, options)
            for _ in range(options.kills):
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
                time.sleep(moments.uniform(0.5, 1.5) * wall / (options.kills + 1))
                process.send_signal(signal.SIGKILL)
                assert process.wait() == -signal.SIGKILL, "it ended before it was killed"
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        same = {name: _lines(root / "unbroken" / name) == _lines(root / "killed" / name) for name in FILES}
    figures = {"calls": calls, "kills": options.kills, "asked_twice": server.counts["repeated"]}
    print(json.dumps(figures | {"in_flight_at_most": options.kills * options.concurrency} | same))


FILES = ("samples.jsonl", "dropped.jsonl")


def _command(root: Path, out: str, url: str, options: argparse.Namespace) -> list[str]:
    command = [sys.executable, "-m", "tax", "generate", f"{root}/taxonomy", "--teacher", url, "--quiet"]
    command += ["--samples", str(options.samples), "--concurrency", str(options.concurrency)]
    return [*command, "--out", f"{root}/{out}", "--calls", f"{root}/{out}-calls"]


def _lines(path: Path) -> bytes:
    """The file, but for the server's address, which is another one each time."""
    return re.sub(rb'"teacher":"[^"]*"', b"", path.read_bytes())


if __name__ == "__main__":
    main()
