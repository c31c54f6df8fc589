"""Documents pinned in other repositories, fetched from a real https git server on loopback."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import git as gitpython
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.git_server import GitServer, bare
from support.leaves import COMPOST, KNOWLEDGE, lines, write_leaf
from tax.documents import git, pinned
from tax.documents.document import DocumentFault, NotReadHere
from tax.documents.reading import check_type
from tax.leaf import PinnedDocument

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with one repository of documents and traps; its url, and the commit."""
    folder = tmp_path_factory.mktemp("served")
    source = folder / "source"
    (source / "docs/deep").mkdir(parents=True)
    (source / "compost.md").write_text(COMPOST.lstrip(), encoding="utf-8")
    (source / "docs/soil.md").write_text("# Soil\n\nSoil holds water.\n", encoding="utf-8")
    (source / "docs/deep/worms.md").write_text("# Worms\n\nWorms dig.\n", encoding="utf-8")
    (source / "logo.png").write_bytes(b"\x89PNG")
    (source / "pointer.md").write_text(LFS, encoding="utf-8")
    (source / "link.md").symlink_to("/etc/passwd")
    (source / ".gitattributes").write_text("*.md filter=evil\n", encoding="utf-8")
    (source / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = file:///etc\n', encoding="utf-8")
    repo = gitpython.Repo.init(source, initial_branch="main")
    with repo.config_writer() as config:
        config.set_value("user", "name", "Ada").set_value("user", "email", "ada@example.org")
    repo.git.add("-A")
    repo.git.update_index("--add", "--cacheinfo", f"160000,{'1' * 40},sub.md")
    repo.git.commit("-m", "Write")
    repo.close()
    commit = bare(source, folder, "garden.git")
    with GitServer(folder) as server:
        yield server, commit


@pytest.fixture
def trusted(served, monkeypatch):
    """The loopback server's host and certificate are known to who runs this, and nothing has failed yet."""
    server, _ = served
    monkeypatch.setenv(pinned.PRIVATE_HOSTS, "127.0.0.1")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(server.certificate))
    monkeypatch.setattr(pinned, "_failed", {})
    server.refuse = server.hold = None
    server.asked.clear()
    server.requests.clear()
    return server


def entry(served, *patterns, **other):
    server, commit = served
    about = {"repo": f"{server.url}/garden.git", "commit": commit, "license": "CC0-1.0", **other}
    return PinnedDocument.model_construct(
        patterns=list(patterns) or ["*.md"], title=None, authors=[], url=None, **about
    )


def read(one, cache):
    return list(pinned.files(one, cache, check_type))


def test_fetched_once_and_read(served, trusted, tmp_path):
    one = entry(served, "compost.md", "docs/**/*.md")
    assert pinned.fetch(one, tmp_path)
    asked = len(trusted.requests)
    assert not pinned.fetch(one, tmp_path)
    assert not pinned.fetch(entry(served, "docs/soil.md"), tmp_path)
    assert len(trusted.requests) == asked
    found = read(one, tmp_path)
    assert [file.path for file in found] == ["compost.md", "docs/deep/worms.md", "docs/soil.md"]
    assert found[0].data == COMPOST.lstrip().encode()
    assert found[0].commit == served[1]
    repo = pinned.place_of(one.repo, one.commit, tmp_path)
    assert git.read(repo, "rev-list", "--count", "--all", "--", ".").strip() in {b"0", b"1"}
    assert not (repo / "hooks").exists()


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("link.md", "is a link"),
        ("sub.md", "is a submodule"),
        ("logo.png", "type '.png' cannot be read"),
        ("*.txt", "no file of the repository"),
        ("../x.md", "is no pattern"),
        ("/etc/*.md", "is no pattern"),
        ("a//b.md", "is no pattern"),
        ("docs\\*.md", "is no pattern"),
    ],
)
def test_what_may_not_be_read(served, trusted, tmp_path, pattern, said):
    pinned.fetch(entry(served, "compost.md"), tmp_path)
    with pytest.raises(DocumentFault, match=said) as raised:
        read(entry(served, pattern), tmp_path)
    assert raised.value.fix


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://example.org/x.git", "no https address"),
        ("file:///etc", "no https address"),
        ("ssh://git@example.org/x.git", "no https address"),
        ("git@example.org:x.git", "no https address"),
        ("ext::sh -c 'touch /tmp/owned'", "no https address"),
        ("--upload-pack=touch /tmp/owned", "no https address"),
        ("https://user:secret@example.org/x.git", "user's name or password"),
        ("https://example.org/x.git?y", "holds a"),
        ("https://127.0.0.1/x.git", "no public server"),
        ("https://2130706433/x.git", "no public server"),
        ("https://[::1]/x.git", "no public server"),
        ("https://169.254.169.254/latest", "no public server"),
        ("https://10.0.0.1/x.git", "no public server"),
        ("https://localhost/x.git", "no public server"),
        ("https://example.org:99999/x", "no address"),
    ],
)
def test_addresses_that_are_refused(served, trusted, tmp_path, monkeypatch, address, said):
    monkeypatch.delenv(pinned.PRIVATE_HOSTS)
    with pytest.raises(DocumentFault, match=said):
        pinned.fetch(entry(served, repo=address), tmp_path)
    assert not trusted.requests
    assert not Path("/tmp/owned").exists()


@pytest.mark.parametrize("commit", ["main", "--upload-pack=x", "0" * 39, "HEAD"])
def test_a_commit_that_is_no_hash(served, trusted, tmp_path, commit):
    with pytest.raises(DocumentFault, match="not the full hash"):
        pinned.fetch(entry(served, commit=commit), tmp_path)


def test_a_commit_that_is_not_there(served, trusted, tmp_path):
    with pytest.raises(DocumentFault, match="does not have this commit"):
        pinned.fetch(entry(served, commit="1" * 40), tmp_path)
    assert not list((tmp_path / "repos").glob("*.part"))


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {"WWW-Authenticate": 'Basic realm="x"'}, "asks for a password"),
        (302, {"Location": "https://127.0.0.1:1/other.git/info/refs"}, "leads on to another"),
        (404, {}, "no git repository at this address"),
    ],
)
def test_what_a_server_may_answer(served, trusted, tmp_path, status, headers, said):
    trusted.refuse = status, headers
    one = entry(served)
    with pytest.raises(DocumentFault, match=said):
        pinned.fetch(one, tmp_path)
    asked = len(trusted.requests)
    trusted.refuse = None
    with pytest.raises(DocumentFault, match=said):  # this process does not try again
        pinned.fetch(one, tmp_path)
    assert len(trusted.requests) == asked
    with pytest.raises(NotReadHere, match=said):
        read(one, tmp_path)


def test_an_untrusted_certificate(served, trusted, tmp_path, monkeypatch):
    monkeypatch.delenv("GIT_SSL_CAINFO")
    with pytest.raises(DocumentFault, match="certificate"):
        pinned.fetch(entry(served), tmp_path)


def test_the_user_s_git_configuration_has_no_say(served, trusted, tmp_path, monkeypatch):
    """It rewrites addresses, runs hooks and asks helpers: none of it here."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "file:///nowhere/"]\n\tinsteadOf = {trusted.url}/\n[core]\n\thooksPath = {home}\n'
        f'[credential]\n\thelper = "!touch {home}/asked"\n[http]\n\tsslVerify = false\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.file:///nowhere/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", trusted.url)
    monkeypatch.setenv("GIT_DIR", str(home))
    assert pinned.fetch(entry(served), tmp_path / "cache")
    assert not (home / "asked").exists()


def test_a_repository_that_is_too_large(served, trusted, tmp_path, monkeypatch):
    monkeypatch.setattr(git, "MAX_BYTES", 1000)
    with pytest.raises(DocumentFault, match="larger than"):
        pinned.fetch(entry(served), tmp_path)
    assert not [path for path in (tmp_path / "repos").iterdir() if path.suffix != ".lock"]


def test_a_server_that_stalls(served, trusted, tmp_path, monkeypatch):
    monkeypatch.setattr(git, "MAX_SECONDS", 0.3)
    trusted.hold = threading.Event()
    with pytest.raises(DocumentFault, match="takes longer"):
        pinned.fetch(entry(served), tmp_path)
    assert not [path for path in (tmp_path / "repos").iterdir() if path.suffix != ".lock"]


def test_an_interrupt_leaves_nothing_half(served, trusted, tmp_path):
    def interrupt(size):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pinned.fetch(entry(served), tmp_path, interrupt)
    assert not [path for path in (tmp_path / "repos").iterdir() if path.suffix != ".lock"]
    assert pinned.fetch(entry(served), tmp_path)


def test_a_killed_process_leaves_nothing_that_counts_and_two_fetch_once(served, trusted, tmp_path):
    one = entry(served, "compost.md")
    code = (
        "import sys; from pathlib import Path; from tax.documents import pinned; from tax.leaf import PinnedDocument\n"
        f"one = PinnedDocument(repo={one.repo!r}, commit={one.commit!r}, patterns=['compost.md'], license='CC0-1.0')\n"
        f"print(pinned.fetch(one, Path({str(tmp_path)!r})))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(pinned.__file__).parents[2])}

    def start():
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)

    trusted.hold = threading.Event()
    killed = start()
    assert trusted.asked.wait(60)
    killed.kill()
    killed.wait()
    killed.stdout.close()
    assert list((tmp_path / "repos").glob("*.part"))
    trusted.hold.set()
    both = [start(), start()]
    assert sorted(process.communicate()[0].strip() for process in both) == ["False", "True"]
    assert [file.path for file in read(one, tmp_path)] == ["compost.md"]
    assert not list((tmp_path / "repos").glob("*.part"))


@pytest.mark.parametrize(
    ("pattern", "path", "named"),
    [
        ("*.md", "a.md", True),
        ("*.md", "d/a.md", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "d/e/a.md", True),
        ("d/**", "d/e/a.md", True),
        ("d/**/a.md", "d/a.md", True),
        ("d/*", "d/e/a.md", False),
        ("?.md", "ab.md", False),
        ("[ab].md", "b.md", True),
        ("**", "d/a.md", True),
        ("d", "d/a.md", False),
    ],
)
def test_patterns(pattern, path, named):
    assert pinned.matches(pattern.split("/"), path.split("/")) is named


@settings(deadline=None)
@given(st.lists(st.sampled_from(["**", "a", "*"]), min_size=1, max_size=12), st.lists(st.just("a"), max_size=30))
def test_a_pattern_of_stars_names_by_length(pattern, path):
    least = sum(part != "**" for part in pattern)
    named = len(path) >= least if "**" in pattern else len(path) == least
    assert pinned.matches(pattern, path) is named


def pin(taxonomy, one):
    head = KNOWLEDGE.partition("documents:")[0]
    pinned_in = json.dumps([{"repo": one.repo, "commit": one.commit, "patterns": one.patterns, "license": "CC0-1.0"}])
    write_leaf(taxonomy, "knowledge/handbooks/gardening/compost", f"{head}documents: {pinned_in}\n")


def test_from_a_pinned_leaf_to_the_sentence(served, trusted, tax, taxonomy):
    pin(taxonomy, entry(served, "compost.md"))
    code, output, _ = tax("validate")
    assert code == 0
    assert "document-not-read" in output and "`tax generate` fetches" in output
    assert not trusted.requests
    code, output, errors = tax("generate", "taxonomy/knowledge", "--samples", 3)
    assert code == 0, output + errors
    assert "fetched https://127.0.0.1" in errors
    run = next((taxonomy / "runs").iterdir())
    sample = lines(run / "samples.jsonl")[0]
    assert sample["source"]["repo"].endswith("/garden.git")
    assert sample["source"]["commit"] == served[1]
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["inputs"][0]["documents"][0]["repo"] == sample["source"]["repo"]
    _, output, _ = tax("blame", sample["id"])
    assert f"at commit {served[1][:12]}" in output
    assert "characters " in output and "            | " in output
    assert "document-not-read" not in tax("validate")[1]


def test_a_failing_fetch_skips_the_leaf_and_says_why(served, trusted, tax, taxonomy):
    trusted.refuse = 404, {}
    pin(taxonomy, entry(served, "compost.md"))
    code, output, errors = tax("generate", "--samples", 2)
    assert code == 1
    assert "skipped: its documents cannot be read: there is no git repository" in output
    assert "not fetched: https://127.0.0.1" in errors
    assert "addition" in output


def test_a_pointer_of_lfs_is_no_document(served, trusted, tax, taxonomy):
    pin(taxonomy, entry(served, "pointer.md"))
    code, output, _ = tax("generate", "taxonomy/knowledge", "--samples", 2)
    assert (code, "has errors" in output) == (1, True)
    code, output, _ = tax("validate")
    assert (code, "Git LFS pointer" in output) == (1, True)


def test_what_needs_no_network_is_told_at_once(tax, taxonomy, monkeypatch):
    monkeypatch.delenv(pinned.PRIVATE_HOSTS, raising=False)
    about = {"commit": "1" * 40, "patterns": ["../*.md"]}
    pin(taxonomy, PinnedDocument.model_construct(repo="https://10.0.0.1/x.git", **about))
    code, output, _ = tax("validate")
    assert (code, "10.0.0.1 is no public server" in output) == (1, True)
    pin(taxonomy, PinnedDocument.model_construct(repo="https://example.org/x.git", **about))
    code, output, _ = tax("validate")
    assert (code, "../*.md is no pattern of files" in output) == (1, True)
