"""What one edit costs in a large taxonomy: a full run, then an edit, a commit and `tax generate --changed`.

    python benchmarks/incremental.py [--leaves N] [--samples N]

Prints calls and seconds of the full run, of the run after the edit, and of a full run after the edit whose answers
all come from the journal; and whether the last two hold the same samples. Results: docs/log.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scale import LEAF
from slots import serving

KNOWLEDGE = """version: 4
created_by: benchmark
license: CC0-1.0
domain: Subject {number}
document_outline: What subject {number} is about
seed_examples:
  - context: Subject {number} is about the number {number}.
    questions_and_answers:
      - {{question: "What is subject {number} about?", answer: The number {number}.}}
documents:
  - {{path: text.md, license: CC0-1.0, title: Subject {number}}}
"""
DOCUMENT = (
    "# Subject {number}\n\nSubject {number} is about the number {number}. It has {number} parts, each with a name.\n"
)


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leaves", type=int, default=3000)
    parser.add_argument("--samples", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(slots=256, seconds=0) as server:
        root = Path(folder)
        for number in range(options.leaves):
            _write_leaf(root / "taxonomy", number)
        _git(root, "init", "--quiet", "--initial-branch=main")
        _commit(root, "Add leaves")
        arguments = ["--teacher", server.url, "--samples", str(options.samples)]
        full = _generate(root, arguments)
        edited = next((root / "taxonomy/compositional_skills").rglob("qna.yaml"))
        edited.write_text(edited.read_text(encoding="utf-8").replace("Task", "The task"), encoding="utf-8")
        _commit(root, "Edit a leaf")
        changed = _generate(root, [*arguments, "--changed"])
        again = _generate(root, [*arguments, "--out", "again"])
        same = _ids(root / changed["folder"]) == _ids(root / again["folder"])
    print(json.dumps({"full": full, "changed": changed, "full from the journal": again, "same": same}, indent=2))


def _write_leaf(taxonomy: Path, number: int) -> None:
    branch, text = ("knowledge", KNOWLEDGE) if number % 3 == 0 else ("compositional_skills", LEAF)
    folder = taxonomy / branch / str(number // 100) / str(number)
    folder.mkdir(parents=True)
    (folder / "qna.yaml").write_text(text.format(number=number), encoding="utf-8")
    if text is KNOWLEDGE:
        (folder / "text.md").write_text(DOCUMENT.format(number=number), encoding="utf-8")


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=b", "-c", "user.email=b@example.org", *arguments], cwd=root, check=True)


def _commit(root: Path, message: str) -> None:
    _git(root, "add", "taxonomy")
    _git(root, "commit", "--quiet", "--message", message)


def _generate(root: Path, arguments: list[str]) -> dict[str, object]:
    start = time.monotonic()
    command = [sys.executable, "-m", "tax", "generate", "--quiet", "--json", *arguments]
    done = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.monotonic() - start
    manifest = json.loads(done.stdout)
    folder = arguments[arguments.index("--out") + 1] if "--out" in arguments else f"runs/{manifest['id']}"
    return {
        "folder": folder,
        "leaves": len(manifest["leaves"]),
        "carried": manifest["carried"],
        "kept": manifest["kept"],
        "calls": sum(manifest["calls"]["asked"].values()),
        "seconds": round(seconds, 1),
    }


def _ids(folder: Path) -> list[str]:
    return [json.loads(line)["id"] for line in (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
