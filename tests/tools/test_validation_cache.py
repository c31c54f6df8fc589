"""The cache of `tax validate`: with it and without it, the same is found; and nothing in it is trusted."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tax.config import Config, LicensesConfig
from tax.load import load
from tax.validate import validate, verdicts
from tax.validate.basis import basis
from tax.validate.cache import Cache
from tax.validate.disk import Beside
from tax.validate.folder import cache_file

LEAF = """version: 4
created_by: ada
license: CC-BY-4.0
task_description: Explaining {0}.
seed_examples:
  - question: How would you explain {0} to a child who has never seen one before?
    answer: Tell the child what {0} looks like, and let it touch one.
"""
ALWAYS = {"very-few-seeds", "no-holdout", "near-seed-in-other-leaf"}  # of leaves as small and as alike as these
KNOWLEDGE = """version: 4
created_by: ada
license: CC-BY-4.0
domain: The sea
document_outline: Tides
seed_examples:
  - context: The sea rises twice a day.
    questions_and_answers:
      - {question: How often does the sea rise?, answer: Twice a day.}
documents:
  - {path: tides.md, license: CC0-1.0}
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A checkout, the current folder; its files are old enough to be known again by their times."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    subprocess.run(["git", "init", "--quiet"], check=True)
    for name in ("kite", "spade", "ladder"):
        write(f"compositional_skills/{name}", LEAF.format(name))
    write("knowledge/tides", KNOWLEDGE)
    Path("taxonomy/knowledge/tides/tides.md").write_text("The sea rises twice a day.\n")
    monkeypatch.setattr("tax.validate.cache._RACY", -(10**12))
    return tmp_path


def write(name, text):
    path = Path("taxonomy", name, "qna.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def found(root, *paths, cached=True, config=None):
    report = validate([Path(each) for each in paths] or [root / "taxonomy"], config or Config(), root, cached=cached)
    return [(p.path, p.line, p.rule, p.message) for p in report.problems if p.rule not in ALWAYS]


def agree(root, *paths):
    """What is found with the cache, which must be what is found without it."""
    with_cache = found(root, *paths)
    assert with_cache == found(root, *paths, cached=False)
    return with_cache


@pytest.fixture
def judged(monkeypatch):
    """The leaves that were read and judged: a list of their folders."""
    names = []
    load = verdicts.load

    def noted(path, shown, **options):
        names.append(path.parent.name)
        return load(path, shown, **options)

    monkeypatch.setattr(verdicts, "load", noted)
    return names


def cache_of(root, config=None):
    return cache_file(root, basis(config or Config(), root))


def test_leaves_that_did_not_change_are_not_read(root, judged):
    first = found(root)
    assert sorted(judged) == ["kite", "ladder", "spade", "tides"]
    judged.clear()
    assert found(root) == first
    assert judged == []
    write("compositional_skills/kite", LEAF.format("kite").replace("version: 4", "version: 9"))
    assert ("taxonomy/compositional_skills/kite/qna.yaml", 1, "unsupported-version") in [
        each[:3] for each in found(root)
    ]
    assert judged == ["kite"]


def test_it_lies_in_the_checkout_and_git_does_not_see_it(root):
    found(root)
    assert cache_of(root).parent == root / ".tax" / "cache"
    assert cache_of(root).is_file()
    status = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    assert ".tax" not in status


def test_what_was_committed_as_a_cache_is_not_believed(root):
    write("compositional_skills/kite", LEAF.format("kite").replace("license: CC-BY-4.0", "license: CC-BY-NC-4.0"))
    true = found(root)
    forged = cache_of(root)
    data = forged.read_bytes()
    assert b"license-not-allowed" in data
    subprocess.run(["git", "add", "--force", ".tax"], check=True)
    assert cache_of(root) != forged
    forged.write_bytes(b"")
    assert found(root) == true
    assert forged.read_bytes() == b""


def test_outside_of_a_checkout_it_lies_in_the_users_folder(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("none")
    assert cache_of(folder).is_relative_to(root / "caches" / "tax")


def test_a_change_that_keeps_size_and_time_is_seen(root, judged, monkeypatch):
    """Git's racy entries: written in the same tick as they were read."""
    monkeypatch.setattr("tax.validate.cache._RACY", 2_000_000_000)
    # as where a file system has a coarse clock, or tells no time of the last change of any kind
    monkeypatch.setattr("tax.validate.cache._status", lambda each: (each.st_size, each.st_mtime_ns, 0, each.st_ino))
    path = write("compositional_skills/kite", LEAF.format("kite"))
    before = path.stat()
    assert agree(root) == []
    path.write_text(LEAF.format("kite").replace("version: 4", "version: 9"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert [each[2] for each in agree(root)] == ["unsupported-version"]


def test_a_copy_of_a_checkout_is_known_by_its_content(root, judged, tmp_path_factory, monkeypatch):
    first = found(root)
    copy = tmp_path_factory.mktemp("copy") / "checkout"
    subprocess.run(["cp", "-r", root, copy], check=True)
    monkeypatch.chdir(copy)
    judged.clear()
    assert found(copy) == first
    assert judged == []


def test_a_document_that_changes_counts(root):
    assert agree(root) == []
    document = Path("taxonomy/knowledge/tides/tides.md")
    document.write_text("The sea sinks.\n")
    assert [each[2] for each in agree(root)] == ["context-not-in-document"]
    document.unlink()
    assert [each[2] for each in agree(root)] == ["document"]
    document.write_text("The sea rises twice a day.\n")
    assert agree(root) == []
    document.rename("taxonomy/moved.md")
    document.symlink_to("../../moved.md")
    assert [each[2] for each in agree(root)] == ["document"]


def test_settings_count(root):
    assert found(root) == []
    strict = Config(licenses=LicensesConfig(allowed=["MIT"]))
    assert {each[2] for each in found(root, config=strict)} == {"license-not-allowed"}
    assert found(root) == []


def test_a_change_of_the_program_is_another_basis(root, monkeypatch, tmp_path):
    first = basis(Config(), root)
    assert basis(Config(), root) == first
    package = tmp_path / "program"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr("tax.__file__", str(package / "__init__.py"))
    second = basis(Config(), root)
    (package / "rule.py").write_text("x = 1")
    third = basis(Config(), root)
    (package / "rule.py").write_text("x = 2")
    assert len({first, second, third, basis(Config(), root)}) == 4


@pytest.mark.parametrize("damage", ["empty", "torn", "flipped", "binary", "no numbers", "folder", "pipe"])
def test_a_damaged_file_is_ignored_and_written_anew(root, judged, damage):
    write("compositional_skills/kite", LEAF.format("kite").replace("Explaining", "TODO"))
    first = found(root)
    file = cache_of(root)
    data = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage == "pipe":
        os.mkfifo(file)
    else:
        file.write_bytes(
            {
                "empty": b"",
                "torn": data[: len(data) // 2],
                "flipped": data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
                "binary": b"\x80\x04\x95" + os.urandom(300),
                "no numbers": b"tax verdicts, format 2, zz, yy\n[]",
            }[damage]
        )
    judged.clear()
    assert found(root) == first
    assert len(judged) == 4
    if damage != "folder":
        assert file.read_bytes().startswith(b"tax verdicts, format 2, ")
        judged.clear()
        assert found(root) == first
        assert judged == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda each: st.lists(each, max_size=7)))
def test_no_list_of_entries_makes_it_fail(tmp_path, rows):
    listed = json.dumps(rows).encode()
    file = tmp_path / "forged"
    file.write_bytes(b"tax verdicts, format 2, %08x, %d\n" % (zlib.crc32(listed), len(listed)) + listed)
    cache = Cache(file, str(tmp_path))
    cache.load()
    assert cache.compared == {}


def forged(file, change):
    """Change the rows of a cache's list, as somebody may who computes the checksum too."""
    head, body = file.read_bytes().split(b"\n", 1)
    length = int(head.rpartition(b", ")[2])
    rows = json.loads(body[:length])
    change(rows)
    listed = b"[\n" + b",\n".join(json.dumps(row).encode() for row in rows) + b"\n]"
    body = listed + body[length:]
    file.write_bytes(b"tax verdicts, format 2, %08x, %d\n" % (zlib.crc32(body), len(listed)) + body)


@pytest.mark.parametrize("repeat", [[7, 1, 0, 0], [0, 1, 7, 0], [-1, 1, 0, 0], [0, "gone", 0, 0], ["0", 1, 0, 0]])
def test_a_repeat_of_no_seed_makes_it_be_ignored(root, judged, repeat):
    first = found(root)

    def change(rows):
        seed, other, other_seed, leaves = repeat
        rows[0][4] = [[seed, rows[other][0] if isinstance(other, int) else other, other_seed, leaves]]

    forged(cache_of(root), change)
    judged.clear()
    assert found(root) == first
    assert len(judged) == 4
    forged(cache_of(root), lambda rows: rows[0].append(0))
    judged.clear()
    assert found(root) == first and len(judged) == 4
    deep = b"[" * 100_000 + b"]" * 100_000
    cache_of(root).write_bytes(b"tax verdicts, format 2, %08x, %d\n" % (zlib.crc32(deep), len(deep)) + deep)
    assert found(root) == first
    forged(cache_of(root), lambda rows: None)
    judged.clear()
    assert found(root) == first and not judged, "a list that is as it was written is taken"


def test_a_folder_that_cannot_be_written_is_no_fault(root):
    Path(".tax").write_text("a file, where a folder should be")
    assert found(root) == []


def test_a_leaf_that_is_gone_is_forgotten(root):
    found(root)
    assert b"skills/kite" in cache_of(root).read_bytes()
    Path("taxonomy/compositional_skills/kite/qna.yaml").unlink()
    assert agree(root) == []
    assert b"skills/kite" not in cache_of(root).read_bytes()


SEED = "  - question: {}\n    answer: {}\n"
ASKED = [
    ("What is a spring tide of the sea, and when does it come?", "A high tide at full moon and at new moon."),
    ("What is a spring tide of the sea, and when does it come?", "It comes at full moon and new moon, twice a month."),
    ("How does a kite rise against the wind on a calm day?", "Somebody runs with it until the wind takes over."),
    ("Why does bread dough rise in a warm kitchen?", "Yeast makes gas, and the dough holds it."),
]
LEAVES = st.lists(st.sampled_from([*ASKED, ("Why?", "Because.")]), max_size=4)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.dictionaries(st.sampled_from("abcd"), st.none() | LEAVES, min_size=1), min_size=2, max_size=6))
def test_after_any_edits_the_cache_says_what_is_so(root, edits):
    """Leaves come and go, and take the seeds of others over and give them up."""
    for edit in [dict.fromkeys("abcd"), *edits]:
        for name, seeds in edit.items():
            path = Path(f"taxonomy/compositional_skills/{name}/qna.yaml")
            if seeds is None:
                path.unlink(missing_ok=True)
            else:
                head = LEAF.partition("  - question")[0].format(name)
                write(f"compositional_skills/{name}", head + "".join(SEED.format(*each) for each in seeds))
        with_cache, without = (validate([root / "taxonomy"], Config(), root, cached=each) for each in (True, False))
        assert with_cache == without


def test_a_twin_that_changes_is_no_twin_any_more(root):
    twin = LEAF.format("twins")
    write("compositional_skills/one", twin)
    write("compositional_skills/two", twin)
    assert sum(rule == "seed-in-other-leaf" for _, _, rule, _ in agree(root)) == 2
    write("compositional_skills/two", twin.replace("How would", "Why did").replace("Tell the", "Never show a"))
    agree(root)
    write("compositional_skills/two", "version: 4\n")
    assert not any(rule == "seed-in-other-leaf" for _, _, rule, _ in agree(root))


HELD = """
import os, sys
from tax.validate import verdicts
os.sched_getaffinity = lambda process: {0, 1}
verdicts.PARALLEL_FROM = 2
whole = verdicts._judge
def held(*given, **named):
    os.write(1, b"judging\\n")
    os.read(0, 1)
    return whole(*given, **named)
verdicts._judge = held
from tax.cli import main
sys.argv = ["tax", "validate", "--no-cache"]
main()
"""


@pytest.fixture
def held(root):
    """A run whose workers wait, each leaf, until its standard input is closed; one has begun."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HELD], start_new_session=True, **pipes) as process:
        assert process.stdout.readline() == b"judging\n"
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word that a parent is gone is Linux's")
def test_workers_end_with_a_run_that_is_killed_outright(held):
    held.kill()
    held.stdout.read()  # ends once nobody holds its other end: the workers have ended too
    assert held.wait() == -signal.SIGKILL


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_reaches_the_run_and_not_its_workers(held, times):
    for _ in range(times):
        os.killpg(held.pid, signal.SIGINT)
    _, errors = held.communicate(timeout=60)
    assert held.returncode == 130
    assert b"tax: interrupted" in errors and (times > 1 or b"Traceback" not in errors)


def test_one_leaf_alone_keeps_what_is_known_of_the_others(root, judged):
    found(root, "taxonomy/compositional_skills/kite")
    assert sorted(judged) == ["kite", "ladder", "spade", "tides"]  # the others for their seeds alone
    judged.clear()
    found(root, "taxonomy/compositional_skills/kite")
    assert judged == []
    found(root)
    assert sorted(judged) == ["ladder", "spade", "tides"]


def test_old_files_are_removed(root):
    found(root)
    folder = cache_of(root).parent
    for index in range(7):
        old = folder / f"{index}.verdicts"
        old.write_bytes(b"")
        os.utime(old, (time.time() - index * 7 * 24 * 3600,) * 2)
    write("compositional_skills/kite", LEAF.format("comet"))
    found(root)
    assert sorted(path.name for path in folder.glob("?.verdicts")) == [
        "0.verdicts",
        "1.verdicts",
        "2.verdicts",
        "3.verdicts",
    ]


def test_an_interrupted_run_keeps_what_it_found(root, judged, monkeypatch):
    load = verdicts.load

    def interrupted(path, shown, **options):
        if len(judged) == 3:
            raise KeyboardInterrupt
        return load(path, shown, **options)

    with monkeypatch.context() as patch:
        patch.setattr(verdicts, "load", interrupted)
        with pytest.raises(KeyboardInterrupt):
            found(root)
    assert len(judged) == 3
    assert agree(root) == []
    judged.clear()
    found(root)
    assert judged == []


def test_the_same_leaf_from_another_folder_is_called_otherwise(root, monkeypatch):
    write("compositional_skills/kite", LEAF.format("kite").replace("version: 4", "version: 9"))
    assert found(root)[0][0] == "taxonomy/compositional_skills/kite/qna.yaml"
    monkeypatch.chdir("taxonomy/compositional_skills")
    assert found(root)[0][0] == "kite/qna.yaml"
    assert found(root, "../compositional_skills/kite")[0][0] == "../compositional_skills/kite/qna.yaml"


def test_a_leaf_outside_of_the_branches_is_judged_by_its_name(root, judged):
    write("other/kite", LEAF.format("kite"))
    first = agree(root)
    assert "folder-name" in {each[2] for each in first}
    judged.clear()
    assert found(root) == first
    assert judged == []
    assert found(root, "taxonomy/other/kite/qna.yaml") == [
        each for each in first if each[0].startswith("taxonomy/other")
    ]
    assert judged == ["kite"]  # named in another way


_opened: list[Path] = []
_watching = False


def _watch(event, arguments):
    if _watching and event in {"open", "os.listdir", "os.scandir"} and isinstance(arguments[0], str | os.PathLike):
        _opened.append(Path(arguments[0]).absolute())


def test_rules_look_at_nothing_but_what_an_entry_names():
    """A rule that read anything else would be remembered wrongly: name it in the entry then (verdicts._named)."""
    global _watching
    sys.addaudithook(_watch)
    project = Path(__file__).parents[2]
    trees = [project / "taxonomy", project / "tests" / "leaves"]
    leaves = [path for tree in trees for path in tree.rglob("qna.yaml")]
    assert len(leaves) > 50
    for path in leaves:
        leaf = load(path)
        named = {path.parent / each for each in verdicts._named(leaf.data)}
        _opened.clear()
        _watching = True
        try:
            verdicts.check_loaded(leaf, Config())
        finally:
            _watching = False
        assert {each for each in _opened if any(each.is_relative_to(tree) for tree in trees)} <= named


def test_what_runs_beside_ends_with_its_result_or_its_error():
    threads = threading.active_count()
    assert Beside(lambda: 7).result() == 7
    failing = Beside(lambda: int("seven"))
    with pytest.raises(ValueError, match="seven"):
        failing.result()
    assert threading.active_count() == threads, "else no process is forked after it"
