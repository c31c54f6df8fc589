"""The rules: every manual's own examples, and what the manuals do not show."""

import re
import textwrap
from pathlib import Path

import pytest

from tax.config import Config, LicensesConfig
from tax.load import load
from tax.rules import MANUALS, RULES
from tax.rules.templates import MAX_TEMPLATES
from tax.validate import check

SKILL = {
    "version": "version: 4",
    "created_by": "created_by: marina",
    "license": "license: CC-BY-4.0",
    "task_description": "task_description: Explain the sea.",
    "seed_examples": "seed_examples:\n  - {question: What is a tide?, answer: The rise and fall of the sea.}",
}
KNOWLEDGE = {
    "version": "version: 4",
    "created_by": "created_by: marina",
    "license": "license: CC-BY-4.0",
    "domain": "domain: Oceanography",
    "seed_examples": "seed_examples:\n  - context: The sea rises and falls twice a day.\n    questions_and_answers:\n"
    "      - {question: How often does the sea rise?, answer: Twice a day.}",
    "document_outline": "document_outline: Tides",
    "documents": "documents:\n  - {path: tides.md, license: CC0-1.0}",
}
DOCUMENT = "The sea rises and\nfalls twice a day.\n"
OLD = {key: text for key, text in SKILL.items() if key != "license"}
OLD_KNOWLEDGE = {key: text for key, text in KNOWLEDGE.items() if key not in {"license", "documents"}}
# Rules whose manual has no example: they are about bytes, files or sizes (test_load.py, test_source.py).
WITHOUT_EXAMPLE = {
    "too-large",
    "more-faults",
    "forbidden-character",
    "byte-order-mark",
    "line-ends",
    "not-utf8",
    "unreadable-file",
    "symlink",
    "empty-file",
    "file-name",
    "folder-name",
    "long-text",
}


def snippets(manual):
    """What a manual says that passes, and that fails."""
    found = re.search(r"\nPasses:\n(.*?)\n\nFails:\n(.*)", manual, re.DOTALL)
    return [textwrap.dedent(each) for each in found.groups()] if found else []


def leaf_of(snippet):
    """A leaf with the snippet's keys, and its other keys from a good one; and the branch that it lies in."""
    knowledge = "document" in snippet or ("context:" in snippet and "questions_and_answers" in snippet)
    old = "version: 1" in snippet or "version: 3" in snippet
    base = [[SKILL, KNOWLEDGE], [OLD, OLD_KNOWLEDGE]][old][knowledge]
    keys = re.findall(r"^(\w+):", snippet, re.MULTILINE)
    if not keys:
        return snippet, "compositional_skills"
    kept = [text for key, text in base.items() if key not in keys]
    return "\n".join([*kept, snippet]) + "\n", "knowledge" if knowledge else "compositional_skills"


@pytest.fixture
def write(tmp_path):
    """Write a leaf, with a document beside it: write(text, branch) -> its path."""

    def write(text, branch="compositional_skills"):
        path = tmp_path / branch / "sea" / "qna.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        (path.parent / "tides.md").write_text(DOCUMENT, encoding="utf-8")
        return path

    return write


def found(path, config=None):
    return {problem.rule for problem in check(path, config or Config())}


@pytest.mark.parametrize("rule", sorted(MANUALS.keys() - WITHOUT_EXAMPLE))
def test_a_manual_keeps_its_word(write, rule):
    passes, fails = snippets(MANUALS[rule])
    assert rule not in found(write(*leaf_of(passes)))
    assert rule in found(write(*leaf_of(fails)))


def test_every_rule_has_a_manual_and_an_id_of_its_own():
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(len(manual.split()) > 5 for manual in MANUALS.values())
    assert all(not snippets(MANUALS[id]) for id in WITHOUT_EXAMPLE)


def problems(path, rule):
    return [(p.line, p.column, p.level, p.fix) for p in check(path, Config()) if p.rule == rule]


@pytest.mark.parametrize(
    ("license", "fix"),
    [
        ("cc-by-4.0", "write CC-BY-4.0"),
        ("CC BY 4.0", "write CC-BY-4.0"),
        ("Apache 2.0", "write Apache-2.0"),
        ("CC-BY-NC-SA-4.0", "choose CC-BY-4.0"),
        ("CC BY-ND", "choose CC-BY-4.0"),
        ("proprietary", "choose CC-BY-4.0"),
        ("NOASSERTION", "choose CC-BY-4.0"),
    ],
)
def test_a_license_that_is_not_allowed(write, license, fix):
    path = write("\n".join({**SKILL, "license": f"license: {license}"}.values()))
    [(line, column, level, text)] = problems(path, "license-not-allowed")
    assert (line, column, level) == (3, 10, "error")
    assert text.startswith(fix)


def test_the_allowed_licenses_are_those_of_the_configuration(write):
    path = write("\n".join(SKILL.values()))
    assert "license-not-allowed" in found(path, Config(licenses=LicensesConfig(allowed=["MIT"])))


def test_old_leaves_have_no_license_to_check():
    assert "license-not-allowed" not in found(
        Path(__file__).parent.parent / "leaves/good/knowledge/v3/qna.yaml", Config(licenses=LicensesConfig(allowed=[]))
    )


@pytest.mark.parametrize(
    "seeds", ["[1, x, null]", "{a: b}", "x", "[{question: [], answer: {}}, {messages: 5}]", "null"]
)
@pytest.mark.parametrize("rest", ["documents: 5", "documents: [1, {path: 5}]", "problem_templates: [1]", "dataset: 1"])
def test_rules_take_nothing_for_granted(write, seeds, rest):
    for version in (1, 2, 3, 4):
        for branch in ("knowledge", "compositional_skills"):
            assert found(
                write(f"version: {version}\nlicense: 5\nlanguage: 5\nseed_examples: {seeds}\n{rest}\n", branch)
            )


def knowledge(documents, context="The sea rises and falls twice a day."):
    seeds = (
        f"seed_examples:\n  - context: {context}\n    questions_and_answers:\n"
        "      - {question: How often?, answer: Twice.}"
    )
    return "\n".join({**KNOWLEDGE, "seed_examples": seeds, "documents": f"documents:\n{documents}"}.values())


def test_a_document_must_be_text(write):
    path = write(knowledge("  - {path: tides.md, license: MIT}\n  - {path: b.md, license: MIT}"), "knowledge")
    for data in [b"\xff\xfe", b"", b"  \n"]:
        path.with_name("b.md").write_bytes(data)
        assert [(line, column) for line, column, *_ in problems(path, "document")] == [(12, 12)]
    path.with_name("b.md").write_bytes("Größe".encode())
    assert problems(path, "document") == []


def test_a_document_stays_in_the_leaf_s_folder(write, tmp_path):
    outside = tmp_path / "secret.md"
    outside.write_text("secret", encoding="utf-8")
    path = write(knowledge("  - {path: link.md, license: MIT}"), "knowledge")
    path.with_name("link.md").symlink_to(outside)
    assert len(problems(path, "document")) == 1
    path.with_name("link.md").unlink()
    path.with_name("link.md").symlink_to("tides.md")
    assert problems(path, "document") == []


def test_white_space_of_a_context_may_differ(write):
    documents = "  - {path: tides.md, license: MIT}"
    assert problems(write(knowledge(documents, '"The sea\\n rises and   falls twice a day."'), "knowledge"), RULE) == []
    path = write(knowledge(documents, "The sea rises and falls twice a week."), "knowledge")
    assert [(line, column, level) for line, column, level, _ in problems(path, RULE)] == [(6, 14, "warning")]


def test_a_context_may_be_from_a_document_that_cannot_be_seen(write):
    missing = "  - {path: tides.md, license: MIT}\n  - {path: missing.md, license: MIT}"
    assert problems(write(knowledge(missing, "Something else."), "knowledge"), RULE) == []


RULE = "context-not-in-document"


@pytest.mark.parametrize(
    ("seeds", "places"),
    [
        (
            "- {question: A?, answer: b}\n  - {question: 'a? ', answer: c}\n  - {question: ' A?', answer: d}",
            [(7, 16), (8, 16)],
        ),
        ("- {question: A?, answer: b, context: c}\n  - {question: A?, answer: b, context: d}", []),
        ("- {question: A?, answer: b, context: c}\n  - {question: A?, answer: d, context: c}", [(7, 16)]),
        (
            "- messages: [{role: user, content: A}, {role: assistant, content: B}]\n"
            "  - messages: [{role: user, content: A}, {role: assistant, content: C}]\n"
            "  - messages: [{role: user, content: a}, {role: assistant, content: b}]",
            [(8, 15)],
        ),
    ],
)
def test_repeated_seeds(write, seeds, places):
    path = write("\n".join({**SKILL, "seed_examples": f"seed_examples:\n  {seeds}"}.values()))
    assert [(line, column) for line, column, *_ in problems(path, "duplicate-seed")] == places


def test_a_repeated_seed_is_told_once_in_old_leaves(write):
    seeds = "- {question: A?, answer: b}\n  - {question: A?, answer: b}\n  - {question: A?, answer: c}"
    for version, expected in {1: {"duplicate-seed": 2}, 2: {"duplicate-seed": 1, "duplicate-item": 1}}.items():
        path = write(
            "\n".join({**OLD, "version": f"version: {version}", "seed_examples": f"seed_examples:\n  {seeds}"}.values())
        )
        assert {rule: len(problems(path, rule)) for rule in expected} == expected
        assert {level for _, _, level, _ in problems(path, "duplicate-seed")} == {"warning"}


def test_a_comment_that_cuts_a_text(write):
    seeds = "- question: What is C #1? # a comment\n    answer: one # fine\n  - {question: 'a #b', answer: c}"
    path = write("\n".join({**SKILL, "seed_examples": f"seed_examples:\n  {seeds}"}.values()))
    assert [(line, column) for line, column, *_ in problems(path, "cut-by-comment")] == [(6, 15)]


def test_old_leaves_are_warned_of_what_version_4_refuses():
    path = Path(__file__).parent.parent / "leaves/good/compositional_skills/v1_without_version/qna.yaml"
    assert [(p.rule, p.level) for p in check(path, Config()) if p.line in {2, 6}] == [
        ("blank-text", "warning"),
        ("blank-text", "warning"),
    ]


def test_rules_of_a_leaf_without_a_known_version_are_silent(write):
    loaded = load(write("version: 9\nseed_examples: [1]\nlicense: x\n"))
    assert [problem for rule in RULES for problem in rule(loaded, Config())] == []


def test_a_leaf_has_so_many_problem_templates_at_most(write):
    template = "\n  - {question: 'What is {a} + 1?', answer: '{b}', variables: {a: [1, 2]}, derived: {b: a + 1}}"
    text = "\n".join(SKILL.values()) + "\nproblem_templates:"
    assert problems(write(text + template * MAX_TEMPLATES), "problem-template") == []
    [(line, _, level, _)] = problems(write(text + template * (MAX_TEMPLATES + 2)), "problem-template")
    assert (line, level) == (7 + MAX_TEMPLATES + 1, "error")
