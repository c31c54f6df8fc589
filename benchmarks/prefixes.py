"""What share of the prompts a prefix cache would have: 30 samples of every leaf that asks a teacher, branch by branch.

A cache like vLLM's, of blocks of 16 tokens (64 characters here), that forgets nothing. Results: docs/log.md.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable

from slots import PROJECT

BLOCK = 64  # characters: 16 tokens of 4

sys.path.insert(0, str(PROJECT / "tests"))
from support.loopback import RunningLoopback  # noqa: E402 - the folder must be on the path first


def cached(prompts: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Return by name which share of the prompts' characters was in the cache when each came, and `all` of them."""
    cache: set[bytes] = set()
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for name, text in prompts:
        digest, known = hashlib.sha256(), True
        for start in range(0, len(text) - BLOCK + 1, BLOCK):
            digest.update(text[start : start + BLOCK].encode())
            known = known and digest.digest() in cache
            found[name] += BLOCK * known
            cache.add(digest.digest())
        total[name] += len(text)
    shares = {name: round(found[name] / total[name], 2) for name in total}
    return {"all": round(found.total() / total.total(), 2), **shares}


def main() -> None:
    """Run the pipeline and print the shares as JSON."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for branch in ("compositional_skills", "knowledge"):
        with RunningLoopback() as server, tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tax", "generate", PROJECT / "taxonomy" / branch, "--teacher", server.url]
            command += ["--out", f"{folder}/run", "--calls", f"{folder}/calls", "--quiet"]
            subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
            prompts = []
            for body in server.bodies:
                form = body.get("response_format", {}).get("json_schema", {})
                text = "".join(f"<{message['role']}>{message['content']}" for message in body["messages"])
                prompts.append((form.get("name", "answers"), text))
        print(json.dumps({branch: cached(prompts)}))


if __name__ == "__main__":
    main()
