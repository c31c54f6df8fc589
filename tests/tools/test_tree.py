import git
import pytest

from tax.problems import UserError
from tax.tree import changed_leaves, find_root, head, leaf_files


@pytest.fixture
def repo(tmp_path):
    repo = git.Repo.init(tmp_path, initial_branch="main")
    with repo.config_writer() as config:
        config.set_value("user", "name", "Ada").set_value("user", "email", "ada@example.org")
    for name in ("knowledge/a", "knowledge/b", "compositional_skills/c"):
        write(tmp_path, f"{name}/qna.yaml", "version: 4\n")
    write(tmp_path, "knowledge/b/b.md", "Text.\n")
    commit(repo, "Begin")
    repo.git.checkout("-b", "work")
    yield repo
    repo.close()


def write(root, name, text):
    path = root / "taxonomy" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def commit(repo, message):
    repo.git.add("-A")
    repo.git.commit("-m", message)


def names(root, leaves):
    return [leaf.relative_to(root / "taxonomy").as_posix() for leaf in leaves]


def test_nothing_changed(repo, tmp_path):
    assert changed_leaves(tmp_path) == []


def test_committed_staged_unstaged_and_untracked_changes_count(repo, tmp_path):
    write(tmp_path, "knowledge/a/qna.yaml", "version: 4 # committed\n")
    commit(repo, "Change a")
    write(tmp_path, "compositional_skills/c/qna.yaml", "version: 4 # unstaged\n")
    write(tmp_path, "compositional_skills/new one 文/qna.yaml", "version: 4 # untracked\n")
    assert names(tmp_path, changed_leaves(tmp_path)) == [
        "compositional_skills/c/qna.yaml",
        "compositional_skills/new one 文/qna.yaml",
        "knowledge/a/qna.yaml",
    ]


def test_a_document_changes_its_leaf(repo, tmp_path):
    write(tmp_path, "knowledge/b/b.md", "Other text.\n")
    assert names(tmp_path, changed_leaves(tmp_path)) == ["knowledge/b/qna.yaml"]


def test_what_changed_on_the_base_since_does_not_count(repo, tmp_path):
    repo.git.checkout("main")
    write(tmp_path, "knowledge/a/qna.yaml", "version: 4 # on main\n")
    commit(repo, "Change on main")
    repo.git.checkout("work")
    write(tmp_path, "knowledge/b/qna.yaml", "version: 4 # on work\n")
    assert names(tmp_path, changed_leaves(tmp_path)) == ["knowledge/b/qna.yaml"]


def test_a_deleted_leaf_is_not_there(repo, tmp_path):
    (tmp_path / "taxonomy/knowledge/a/qna.yaml").unlink()
    assert changed_leaves(tmp_path) == []


def test_a_wrongly_named_leaf_is_looked_at(repo, tmp_path):
    write(tmp_path, "knowledge/d/qna.yml", "version: 4\n")
    assert names(tmp_path, changed_leaves(tmp_path)) == ["knowledge/d/qna.yml"]


@pytest.mark.parametrize("base", ["nowhere", "--output=x", "main..work", ""])
def test_a_base_that_git_does_not_know(repo, tmp_path, base):
    if not base:
        repo.git.branch("-m", "main", "trunk")
    with pytest.raises(UserError, match="--base"):
        changed_leaves(tmp_path, base or None)


def test_a_clone_without_the_history_says_so(repo, tmp_path):
    write(tmp_path, "knowledge/a/qna.yaml", "version: 3\n")
    commit(repo, "Change")
    shallow = git.Repo.clone_from(tmp_path.as_uri(), tmp_path / "shallow", depth=1, branch="main")
    shallow.git.fetch("--depth", "1", "origin", "work")
    shallow.git.checkout("FETCH_HEAD")
    with pytest.raises(UserError, match="as this clone lacks the history"):
        changed_leaves(tmp_path / "shallow")
    shallow.close()


def test_no_repository(tmp_path):
    with pytest.raises(UserError, match="no git repository"):
        changed_leaves(tmp_path)
    assert head(tmp_path) == (None, False)


def test_head_says_whether_the_taxonomy_is_dirty(repo, tmp_path):
    assert head(tmp_path) == (repo.head.commit.hexsha, False)
    (tmp_path / "elsewhere.txt").write_text("x", encoding="utf-8")
    assert head(tmp_path)[1] is False
    write(tmp_path, "knowledge/a/qna.yaml", "changed\n")
    assert head(tmp_path)[1] is True


def test_the_root_is_found_from_below(repo, tmp_path):
    assert find_root(tmp_path / "taxonomy" / "knowledge" / "a") == tmp_path
    assert find_root(tmp_path / "taxonomy" / "knowledge" / "a" / "qna.yaml") == tmp_path


def test_leaves_in_order_without_hidden_folders(repo, tmp_path):
    write(tmp_path, ".hidden/qna.yaml", "")
    found = list(leaf_files(tmp_path / "taxonomy"))
    assert names(tmp_path, found) == ["compositional_skills/c/qna.yaml", "knowledge/a/qna.yaml", "knowledge/b/qna.yaml"]
