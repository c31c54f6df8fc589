"""The command line as a contributor and a program meet it: exit codes, forms of output, errors in a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.leaves import write_leaf
from tax import __version__
from tax.cli import cli

BROKEN = """
version: 4
created_by: ada
license: CC-BY-4.0
task_description: "\\e[31m::error::forged"
seed_examples:
  - question: Why?
    answer: 42
  - question: Why not?
    anwser: Because.
"""


def test_a_sound_taxonomy(tax):
    code, output, errors = tax("validate")
    assert (code, errors) == (0, "")
    assert output.startswith("5 leaves checked")


def test_every_fault_has_its_place_reason_and_fix(tax, taxonomy):
    write_leaf(taxonomy, "compositional_skills/broken", BROKEN)
    code, output, _ = tax("validate", "taxonomy/compositional_skills/broken")
    assert code == 1
    assert "7:13  error" in output
    assert 'put it in quotes: "42"' in output
    assert "9:5  error" in output
    assert "answer" in output.partition("9:5")[2].partition("fix:")[2].partition("\n")[0]


def test_json_for_programs(tax, taxonomy):
    write_leaf(taxonomy, "compositional_skills/broken", BROKEN)
    code, output, _ = tax("validate", "--format", "json")
    report = json.loads(output)
    assert code == 1
    assert (report["checked"], report["errors"]) == (6, 3)
    assert set(report["problems"][0]) == {"path", "line", "column", "rule", "level", "message", "fix"}
    assert report["problems"][0]["path"] == "taxonomy/compositional_skills/broken/qna.yaml"


def test_annotations_for_github_cannot_be_forged(tax, taxonomy):
    folder = write_leaf(taxonomy, "compositional_skills/broken", BROKEN)
    (folder / "::error::x,y.md").write_text("x", encoding="utf-8")
    leaf = BROKEN.replace("anwser: Because.", '"%0A::error::forged\\n::warning::two": x')
    write_leaf(taxonomy, "compositional_skills/broken", leaf)
    _, output, _ = tax("validate", "--format", "github")
    for line in output.splitlines()[:-1]:
        assert line.startswith("::")
        assert (
            line.count("::") == 2
            or "%3A%3A" in line
            or line.split("::", 2)[1].startswith(("error", "warning", "notice"))
        )
    assert "::error file=taxonomy/compositional_skills/broken/qna.yaml,line=7,col=13,title=tax " in output
    assert not any(line.startswith(("::error::", "::warning::")) for line in output.splitlines())
    assert "\x1b" not in output


def test_strict_fails_on_warnings(tax):
    assert tax("validate")[0] == 0
    code, output, _ = tax("validate", "--strict")
    assert (code, "5 warnings" in output) == (1, True)


def test_only_what_changed(tax, taxonomy):
    code, output, _ = tax("validate", "--changed")
    assert (code, output) == (0, "0 leaves checked: no problems\n")
    write_leaf(taxonomy, "compositional_skills/broken", BROKEN)
    code, output, _ = tax("validate", "--changed", "--format", "json")
    assert (code, json.loads(output)["checked"]) == (1, 1)


def test_a_leaf_outside_of_any_repository(tax, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_leaf(tmp_path / "elsewhere", "compositional_skills/broken", BROKEN)
    code, output, _ = tax("validate", "elsewhere/taxonomy/compositional_skills/broken/qna.yaml")
    assert (code, "1 leaf checked: 3 errors" in output) == (1, True)
    code, _, errors = tax("validate")
    assert code == 2
    assert "there is no taxonomy/ here" in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validate", "none"], "there is no file or folder none"),
        (["validate", "--base", "main"], "--base goes with --changed"),
        (["validate", "--changed", "taxonomy"], "leave out the paths"),
        (["validate", "--changed", "--base", "nowhere"], "git knows no commit 'nowhere'"),
        (["validate", "--format", "xml"], "xml"),
        (["vaildate"], "vaildate"),
    ],
)
def test_a_call_that_must_be_changed(tax, arguments, said):
    code, output, errors = tax(*arguments)
    assert (code, output) == (2, "")
    assert said in errors
    assert "Traceback" not in errors


def test_a_fault_in_tax_toml_is_the_user_s(tax, taxonomy):
    (taxonomy / "tax.toml").write_text("[teachers.x]\nurl = 3\n", encoding="utf-8")
    code, _, errors = tax("validate")
    assert code == 2
    assert "teachers.x.url" in errors


def test_our_own_bug_says_how_to_report_it(tax, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("tax.validate.validate", fail)
    code, _, errors = tax("validate")
    assert code == 3
    assert "RuntimeError: out of luck" in errors
    assert f"tax {__version__}, Python" in errors


def test_an_interrupt(tax, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("tax.validate.validate", interrupt)
    code, _, errors = tax("validate")
    assert (code, errors.strip()) == (130, "tax: interrupted")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(tax, shell):
    code, output, _ = tax("completion", shell)
    assert code == 0
    assert "_TAX_COMPLETE" in output


def test_help_names_every_command(tax):
    code, output, _ = tax("--help")
    assert code == 0
    for name in cli.commands:
        assert output.count(f"\n  {name} ") == 1
    assert "..." not in output.partition("Options:")[2]  # no sentence is cut


def test_python_dash_m_and_a_closed_pipe(taxonomy):
    command = [sys.executable, "-m", "tax", "validate", "--format", "json"]
    process = subprocess.Popen(command, cwd=taxonomy, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["validate"], ["tree"], ["rules"], ["completion", "bash"], ["--help"]])
def test_a_full_disk_is_the_user_s(taxonomy, arguments):
    command = [sys.executable, "-m", "tax", *arguments]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=taxonomy, stdout=full, stderr=subprocess.PIPE, check=False)
        both = subprocess.run(command, cwd=taxonomy, stdout=full, stderr=full, check=False)
        told = subprocess.run([*command, "--no-such"], cwd=taxonomy, stderr=full, check=False)
    assert done.stderr.decode().startswith("tax: where the output of this command goes: No space left on device. ")
    assert b"Traceback" not in done.stderr
    assert (done.returncode, both.returncode, told.returncode) == (2, 2, 2)


def test_a_page_that_cannot_be_written(tax, taxonomy, tmp_path):
    assert tax("generate", "--samples", 2, "--quiet", "--out", tmp_path / "run")[0] == 0
    for command in ("show", "report"):
        code, _, errors = tax(command, tmp_path / "run", "--html", tmp_path / "nowhere" / "page.html")
        assert code == 2
        assert "page.html cannot be written: No such file or directory" in errors
