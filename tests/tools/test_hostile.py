"""Hostile files: each ends in problems, in less than 300 MB and in a time that no reader would notice.

One process forks a child for each file, which checks it and writes what it found in every form, under limits of time
and memory that the kernel holds it to: what exceeds them fails here, and does not hang. The limits of time are looser
than what is promised (2 s), so that a busy machine fails nothing.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tax
from tax.problems import UNSAFE
from tax.renderers import RENDERERS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")

PEAK = 300_000_000  # bytes
CHILD = """
import json, os, resource, signal, sys
from pathlib import Path
from tax.config import Config
from tax.renderers import RENDERERS
from tax.validate import validate

def check(path):
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(120)  # which ends one that only waits
    report = validate([path], Config())
    (path.parent / "rules").write_text(json.dumps([problem.rule for problem in report.problems]))
    for form, render in RENDERERS.items():
        path.with_name(form).write_text(render(report.checked, report.problems))

for path in sorted(Path("taxonomy").glob("*/*/qna.yaml")):
    child = os.fork()
    if not child:
        try:
            check(path)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    print(json.dumps([path.parent.name, status, used.ru_maxrss * 1024]), flush=True)
"""
HEAD = b"version: 4\ncreated_by: ada\nlicense: CC-BY-4.0\ntask_description: Explain the sea.\nseed_examples:\n"
SEED = b"  - question: What is a tide?\n    answer: The rise and fall of the sea.\n"


def bomb(levels, width):
    lines = [b"version: 4", b"a0: &a0 [" + b", ".join([b"tide"] * width) + b"]"]
    for level in range(1, levels):
        lines.append(b"a%d: &a%d [" % (level, level) + b", ".join([b"*a%d" % (level - 1)] * width) + b"]")
    return b"\n".join(lines) + b"\n"


def merges(count):
    keys = (b"k%d: &k%d {<<: [*k%d, *k%d], x: 1}\n" % (n + 1, n + 1, n, n) for n in range(count))
    return b"version: 4\nk0: &k0 {x: 1}\n" + b"".join(keys)


def seeds(count, text):
    pairs = (b"  - question: %s\n    answer: %s\n" % (text % n, text % (n + 1)) for n in range(count))
    return HEAD + b"".join(pairs)


def asked(text):
    return HEAD + b"  - question: " + text + b"\n    answer: no\n"


TEMPLATE = b"  - {question: 'What is {a}?', answer: '{b}', variables: {a: [9]}, derived: {b: 'a ** 9 ** 9 ** 9'}}\n"
FILES = {
    "aliases that multiply": bomb(9, 9),
    "many aliases of a long text": HEAD
    + b"  - question: &a "
    + b"tide " * 3000
    + b"\n    answer: *a\n"
    + b"  - {question: *a, answer: *a}\n" * 2000,
    "an alias within itself": b"version: 4\nseed_examples: &a\n  - *a\n",
    "merged keys": merges(400),
    "a line of 10 MB": HEAD + b"  - question: " + b"a" * (10_000_000) + b"\n",
    "a line of just under 2 MB": asked(b"tide " * 390_000),
    "a text of one word": asked(b"x" * 1_900_000),
    "letters and digits that look like much": asked(b"a1@b.c-2," * 200_000),
    "dots": asked(b"a.b" * 600_000),
    "digits": asked(b"4111 " * 380_000),
    "CJK": HEAD + "  - question: {0}\n    answer: {0}\n".format("潮汐是什" * 70_000).encode(),
    "10,000 levels of brackets": b"a: " + b"[" * 10_000 + b"]" * 10_000,
    "10,000 levels of keys": b"".join(b" " * n + b"a:\n" for n in range(1500)) + b"{a: " * 10_000 + b"}" * 10_000,
    "10,000 levels of lists": b"- " * 10_000 + b"a\n",
    "10,000 levels of questions": b"? " * 10_000 + b"a\n",
    "control characters": HEAD + b'  - question: "a\x1b[2Jb\x07\x00\x9f"\n    answer: \x1b]0;owned\x07\n',
    "bidi and line separators": HEAD
    + "  - question: a\u202eb\u2066c\u2028d\u2029e\u0085f\n    answer: \u200f\n".encode(),
    "commands of a workflow": HEAD + b"  - question: ::error file=a::b\n    ::set-output: x\n    '##[error]x': y\n",
    "invalid UTF-8": HEAD + SEED + b"  - question: \xff\xfe\xc0\x80\xed\xa0\x80\n" + b"\x80" * 100_000,
    "half of UTF-16": b"\xff\xfe" + "version: 4\n".encode("utf-16-le") + b"\x00",
    "NUL": HEAD + SEED + b"\x00" * 100_000,
    "NUL alone": b"\x00" * 1_000_000,
    "byte order mark": b"\xef\xbb\xbf" * 1000 + HEAD + SEED,
    "CRLF": (HEAD + SEED).replace(b"\n", b"\r\n") + b"\r" * 100_000,
    "a million line ends": HEAD + b"\n" * 1_000_000,
    "blank lines above a fault": HEAD + b"  - question: a\n" + b"\n" * 1_900_000 + b"   answer = b\n",
    "a long text above a fault": HEAD
    + b"  - question: a\n    answer: |\n"
    + b"      tide and ebb\n" * 100_000
    + b"   x = 3: y: z\n",
    "tags": HEAD + b"  - !!python/object/apply:os.system [id]\n  - !" + b"a" * 100_000 + b" x\n",
    "very many keys": HEAD + SEED + b"".join(b"key%d: 1\n" % n for n in range(40_000)),
    "the same key": HEAD + SEED + b"a: 1\n" * 40_000,
    "very many seeds": seeds(8_000, b"What is tide number %d?"),
    "very many seeds that are alike": seeds(8_000, b"How often does the sea rise on day %d in this harbour?"),
    "very many numbers": seeds(8_000, b"Is it +44 20 7946 %05d?"),
    "very many faulty seeds": HEAD + b"  - {question: 1, answer: [], other: {}}\n" * 10_000,
    "a number of a million digits": HEAD + SEED + b"version: " + b"9" * 1_000_000 + b"\n",
    "templates that grow": HEAD + SEED + b"problem_templates:\n" + TEMPLATE * 60,
    "quotes never closed": HEAD + b'  - question: "' + b"tide " * 300_000,
    "colons and hashes": b": # : # " * 100_000,
    "nothing": b"",
    "anything": bytes(range(256)) * 4000,
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What came of each file: the folder of what was found, the status of the process, and its peak of memory."""
    root = tmp_path_factory.mktemp("hostile")
    names = {}
    for number, (name, data) in enumerate(FILES.items()):
        folder = root / "taxonomy" / "compositional_skills" / f"leaf_{number}"
        folder.mkdir(parents=True)
        (folder / "qna.yaml").write_bytes(data)
        names[folder.name] = name
    for name in ("pipe", "link"):
        (root / "taxonomy" / "compositional_skills" / name).mkdir()
    os.mkfifo(root / "taxonomy/compositional_skills/pipe/qna.yaml")
    (root / "secret").write_text("SECRET: words\n")
    (root / "taxonomy/compositional_skills/link/qna.yaml").symlink_to(root / "secret")
    own = {**os.environ, "PYTHONPATH": str(Path(tax.__file__).parent.parent)}  # whatever is installed beside it
    command = [sys.executable, "-c", CHILD]
    done = subprocess.run(command, cwd=root, env=own, stdout=subprocess.PIPE, text=True, check=True)
    result = {}
    for folder, status, peak in map(json.loads, done.stdout.splitlines()):
        result[names.get(folder, folder)] = root / "taxonomy/compositional_skills" / folder, status, peak
    return result


@pytest.mark.parametrize("name", [*FILES, "pipe", "link"])
def test_a_hostile_file_ends_in_problems(found, name):
    folder, status, peak = found[name]
    assert status == 0, "this file broke the limits, or made checking fail"
    assert peak < PEAK
    assert json.loads((folder / "rules").read_text())
    for line in (folder / "text").read_text().split("\n"):
        assert not UNSAFE.search(line)
    for line in (folder / "github").read_text().split("\n"):
        assert not line.startswith("::") or re.match(r"::(?:error|warning|notice) file=taxonomy/", line)
        assert "##[" not in line


def test_what_a_link_leads_to_is_not_shown(found):
    folder, _, _ = found["link"]
    assert json.loads((folder / "rules").read_text()) == ["symlink"]
    assert not any("SECRET" in (folder / form).read_text() for form in RENDERERS)
