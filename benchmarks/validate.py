"""How fast `tax validate` is: on the real leaves of ../shared/contributions, and on trees of many like them.

    python benchmarks/validate.py [--leaves N ...] [--peer PYTHON] [--contributions DIR]

Every figure is that of a whole process, start included, that writes its text to a file; Python has compiled its modules
before. `cold` has no cache, `again` has one; `one changed` has one and a leaf with another question, `one comment more`
one with another comment. The trees are made of the real leaves: from the second round on, six of ten words of four
letters or more are other ones, the same throughout a leaf, so that leaves differ as those of different people do.
`--peer` names the Python of an environment that holds instructlab-schema 0.4.2; it is measured on every eighth real
leaf. Results: docs/log.md.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

PROJECT = Path(__file__).parent.parent
_LINE = re.compile(r"^(\s*(?:- +)*(?:[A-Za-z_]+:)?)(.*)$")
_WORD = re.compile(r"\b[a-z]{4,}\b")
_QUESTION = re.compile(rb"(question: )(?=[A-Z])")
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_PEER = """
import json, resource, sys, time
from instructlab.schema.taxonomy import TaxonomyParser
files = json.load(sys.stdin)
def cpu():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
start, used = time.monotonic(), cpu()
for file in files:
    try:
        TaxonomyParser(schema_version=0, message_format="standard").parse(file)
    except Exception as error:  # it fails on some: they count as checked
        print(type(error), error)
print(time.monotonic() - start, cpu() - used, file=sys.stderr)
"""


def real_leaves(folder: Path) -> list[Path]:
    """Return the files of the real contributions, in order of path."""
    return sorted(path for path in folder.glob("*/**/*") if path.is_file() and path.suffix.lower() in {".yaml", ".yml"})


def varied(text: str, round: int) -> str:
    """Return a leaf's text with other words in its values; keys and addresses stay."""
    letters = [
        group[round % len(group) :] + group[: round % len(group)] for group in ("aeiou", "bcdfghjklmnpqrstvwxyz")
    ]
    table = str.maketrans("aeioubcdfghjklmnpqrstvwxyz", "".join(letters))

    def other(match: re.Match[str]) -> str:
        word = match.group()
        return word.translate(table) if zlib.crc32(f"{round} {word}".encode()) % 10 < 6 else word

    def line(each: str) -> str:
        found = _LINE.match(each)
        return found[1] + _WORD.sub(other, found[2]) if found and "://" not in each else each

    return "\n".join(line(each) for each in text.split("\n")) if round else text


def grow(root: Path, sources: list[Path], folder: Path, count: int) -> list[Path]:
    """Write a taxonomy of `count` leaves, and return its leaves."""
    written = []
    for index in range(count):
        source, round = sources[index % len(sources)], index // len(sources)
        first, *middle, name = source.relative_to(folder).parts
        path = root.joinpath("taxonomy", *middle, f"c_{first}_{round}", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = source.read_bytes()
        path.write_bytes(varied(data.decode("utf-8", "surrogateescape"), round).encode("utf-8", "surrogateescape"))
        written.append(path)
    return written


def tax(*arguments: object, cores: int, out: Path) -> dict[str, float]:
    """Run `tax validate` on some cores; return its time in seconds, its peak memory in MB, and how much it found."""
    command = [sys.executable, "-m", "tax", "validate", *map(str, arguments)]
    start = time.monotonic()
    with out.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, env=_ENVIRONMENT)
        os.sched_setaffinity(process.pid, range(cores))
        _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0  # it has been waited for already
    return {
        "wall_s": round(time.monotonic() - start, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": used.ru_maxrss // 1024,  # of the largest process
        "problems": out.read_text(encoding="utf-8").count("]\n"),
    }


def peer(python: str, files: list[Path]) -> dict[str, float]:
    """Return how fast instructlab-schema is, as its users run it: one leaf after the other, in one process."""
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [python, "-c", _PEER],
        input=json.dumps([str(file) for file in files]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PATH": path},
        text=True,
        check=True,
    )
    wall, cpu = map(float, done.stderr.split()[-2:])
    return {"leaves_per_s": round(len(files) / wall, 1), "wall_s": round(wall, 2), "cpu_s": round(cpu, 2)}


def main() -> None:
    """Run the benchmark and print its figures, a line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contributions", type=Path, default=PROJECT.parent / "shared" / "contributions")
    parser.add_argument("--leaves", type=int, nargs="*", default=[10_000], metavar="N", help="trees of so many leaves")
    parser.add_argument("--peer", metavar="PYTHON", help="measure instructlab-schema too")
    options = parser.parse_args()
    folder = options.contributions.resolve()
    files = real_leaves(folder)
    cores = len(os.sched_getaffinity(0))
    if options.peer:
        figures = peer(options.peer, files[::8])
        print(json.dumps({"what": "instructlab-schema", "leaves": len(files[::8]), **figures}), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary, "out")
        tax("--no-cache", folder, cores=cores, out=out)
        for used in sorted({1, cores}):
            report("real leaves", len(files), used, tax("--no-cache", folder, cores=used, out=out))
        for count in options.leaves:
            root = Path(temporary, str(count))
            leaves = grow(root, files, folder, count)
            subprocess.run(["git", "init", "--quiet", root], check=True)
            os.chdir(root)
            time.sleep(3)  # a file as young as this is not known again by its times
            report("cold", count, cores, tax(cores=cores, out=out))
            report("again", count, cores, tax(cores=cores, out=out))
            changed = next(leaf for leaf in leaves[count // 2 :] if _QUESTION.search(leaf.read_bytes()))
            changed.write_bytes(_QUESTION.sub(rb"\1Now, ", changed.read_bytes(), 1))
            report("one changed", count, cores, tax(cores=cores, out=out))
            changed.write_bytes(changed.read_bytes() + b"# changed\n")
            report("one comment more", count, cores, tax(cores=cores, out=out))
            if count == options.leaves[0]:
                report("without a cache", count, 1, tax("--no-cache", cores=1, out=out))


def report(what: str, leaves: int, cores: int, figures: dict[str, float]) -> None:
    """Print one measurement."""
    rate = round(leaves / figures["wall_s"])
    print(json.dumps({"what": what, "leaves": leaves, "cores": cores, "leaves_per_s": rate, **figures}), flush=True)


if __name__ == "__main__":
    main()
