"""tax.toml: what it sets, what it leaves at its default, and how its faults are told."""

from pathlib import Path

import pytest

from tax.config import PERMISSIVE, Config, ConfigError, TeacherConfig, find_config
from tax.problems import UserError


@pytest.fixture
def toml(tmp_path):
    """Write a tax.toml and return what is read from a folder below it."""
    (tmp_path / "a" / "b").mkdir(parents=True)

    def read(text):
        (tmp_path / "tax.toml").write_text(text, encoding="utf-8")
        return find_config(tmp_path / "a" / "b")

    return read


def test_defaults(toml, tmp_path):
    assert find_config(tmp_path) == Config()
    assert toml("") == Config()
    assert Config().licenses.allowed == PERMISSIVE
    assert Config().teachers == {}


def test_settings(toml):
    config = toml(
        '[licenses]\nallowed = ["MIT"]\n'
        '[teachers.local]\nurl = "http://127.0.0.1:8000/v1"\n'
        '[teachers.big]\nurl = "https://example.org/v1"\nmodel = "m"\nkey_env = "BIG_KEY"\ncontext = 4096\n'
    )
    assert config.licenses.allowed == ["MIT"]
    assert config.teachers == {
        "local": TeacherConfig(url=["http://127.0.0.1:8000/v1"]),
        "big": TeacherConfig(url=["https://example.org/v1"], model="m", key_env="BIG_KEY", context=4096),
    }


def test_the_nearest_file_counts(toml, tmp_path):
    (tmp_path / "a" / "tax.toml").write_text('[licenses]\nallowed = ["ISC"]\n')
    assert toml('[licenses]\nallowed = ["MIT"]\n').licenses.allowed == ["ISC"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[licenses\n", "is not TOML"),
        ('[license]\nallowed = ["MIT"]\n', "there is no setting `license`"),
        ('[licenses]\nallowed = "MIT"\n', "`licenses.allowed` is MIT, but it must be a list"),
        ("[licenses]\nallowed = [1]\n", "`licenses.allowed.0` is 1"),
        ('[teachers.x]\nmodel = "m"\n', "`teachers.x` needs either `url`"),
        ('[teachers.x]\nurl = "http://a"\nengine = "hf:m"\n', "`teachers.x` needs either `url`"),
        ('[teachers.x]\nurl = ["http://a", "ftp://b"]\n', "`teachers.x.url.1` is ftp://b, but it must be an address"),
        ('[teachers.x]\nengine = "gpt:m"\n', "hf:FOLDER, vllm:MODEL or llamacpp:FILE"),
        ('[teachers.x]\nengine = "hf:m"\ntensor_parallel = 2\n', "`tensor_parallel`, which hf: does not take"),
        ('[teachers.x]\nurl = "http://a"\nbatch = 2\n', "`batch`, which a server does not take"),
        ('[teachers.x]\nengine = "vllm:m"\nmemory = 2.0\n', "above 0 and at most 1"),
        ('[teachers.x]\nurl = "ftp://a"\n', "starts with http:// or https://"),
        ('[teachers.x]\nurl = "http://a"\nkey_env = "sk-1 2"\n', "name of an environment variable"),
        ('[teachers.x]\nurl = "http://a"\nkey = "sk-12"\n', "put the key into an environment variable"),
        ('[teachers.x]\nurl = "http://a"\ntemperature = 1\n', "there is no setting `teachers.x.temperature`"),
        ('[teachers.builtin]\nurl = "http://a"\n', "`teachers.builtin` has the name of the built-in teacher"),
        ('[teachers."scripted:x"]\nurl = "http://a"\n', "`teachers.scripted:x` has a colon in its name"),
        ('[teachers."hf:x"]\nurl = "http://a"\n', "choose a name without one"),
    ],
)
def test_faults_name_the_key_and_the_fix(toml, text, words):
    with pytest.raises(ConfigError) as caught:
        toml(text)
    assert words in str(caught.value)
    assert "tax.toml" in str(caught.value)
    assert isinstance(caught.value, UserError)


def test_every_fault_is_told(toml):
    with pytest.raises(ConfigError) as caught:
        toml('[teachers.x]\nurl = 5\n[more]\n[licenses]\nallowed = ["MIT"]\nforbidden = []\n')
    assert len(str(caught.value).splitlines()) == 3


def test_a_key_is_not_repeated_in_an_error(toml):
    with pytest.raises(ConfigError) as caught:
        toml('[teachers.x]\nurl = "http://a"\nkey = "sk-very-secret"\n')
    assert "sk-very-secret" not in str(caught.value)


def test_what_is_no_text(tmp_path):
    (tmp_path / "tax.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not TOML"):
        find_config(tmp_path)


def test_the_shipped_file_allows_what_is_allowed_without_one():
    assert find_config(Path(__file__).parent) == Config()
