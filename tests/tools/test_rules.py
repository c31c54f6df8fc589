"""The rules: every manual's own examples, and what the manuals do not show."""

import json
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
    "wrong-branch",
    "file-name",
    "folder-name",
    "long-text",
    "seed-in-other-leaf",
    "near-seed-in-other-leaf",
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
        ("CC BY", "write CC-BY-4.0"),
        ("Apache 2.0", "write Apache-2.0"),
        ("The MIT License", "write MIT"),
        ("Creative Commons Attribution-ShareAlike 4.0 International", "write CC-BY-SA-4.0"),
        ("public domain", "write CC0-1.0"),
        ("mit or apache-2.0", "write MIT OR Apache-2.0"),
        ("Creative Commons", "choose CC-BY-4.0"),
        ("CC BY-ND 4.0", "if it is CC-BY-ND-4.0, that is not allowed here: choose CC-BY-4.0"),
        ("proprietary", "choose CC-BY-4.0"),
        ("NOASSERTION", "choose CC-BY-4.0"),
        ("LicenseRef-mine", "choose CC-BY-4.0"),
        ("MIT AND", "choose CC-BY-4.0"),
        ("'(MIT'", "write MIT"),
        ("LLVM-exception", "choose CC-BY-4.0"),
        ("©" * 300, "choose CC-BY-4.0"),
    ],
)
def test_a_license_that_is_no_spdx_id(write, license, fix):
    path = write("\n".join({**SKILL, "license": f"license: {license}"}.values()))
    [(line, column, level, text)] = problems(path, "license-unknown")
    assert (line, column, level) == (3, 10, "error")
    assert text.startswith(fix)
    assert found(path) & {"license-not-allowed", "license-deprecated"} == set()


@pytest.mark.parametrize(
    ("license", "rules"),
    [
        ("CC-BY-NC-SA-4.0", {"license-not-allowed"}),
        ("GPL-3.0", {"license-not-allowed"}),
        ("MIT AND GPL-3.0-only", {"license-not-allowed"}),
        ("MIT AND (GPL-3.0-only OR GPL-2.0-only)", {"license-not-allowed"}),
        ("BSD-2-Clause-NetBSD", {"license-deprecated"}),
        ("BSD-2-Clause-NetBSD OR MIT", {"license-deprecated"}),
        ("MIT OR GPL-3.0-only", set()),
        ("GPL-3.0-only OR (MIT AND CC-BY-4.0)", set()),
        ("Apache-2.0 WITH LLVM-exception", set()),
        ("OGDL-Taiwan-1.0", set()),
    ],
)
def test_a_license_that_spdx_knows(write, license, rules):
    path = write("\n".join({**SKILL, "license": f"license: {license}"}.values()))
    assert {rule for rule in found(path) if rule.startswith("license-")} == rules


def test_licenses_of_documents_and_datasets(write):
    documents = "  - {path: tides.md, license: CC}\n  - {path: tides.md, license: GPL-3.0}"
    path = write(knowledge(documents), "knowledge")
    assert [(line, column) for line, column, *_ in problems(path, "license-unknown")] == [(11, 31)]
    assert [(line, column) for line, column, *_ in problems(path, "license-not-allowed")] == [(12, 31)]
    path = write(
        "\n".join([*SKILL.values(), "dataset: {name: a.jsonl, license: CC, columns: {question: q, answer: a}}"])
    )
    assert [(line, column) for line, column, *_ in problems(path, "license-unknown")] == [(7, 35)]


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


WARNED = sorted((Path(__file__).parent.parent / "leaves/warned").rglob("qna.yaml"))


@pytest.mark.parametrize("path", WARNED, ids=lambda path: path.parent.name)
def test_a_warned_leaf_has_the_warnings_that_it_names(path):
    """The first lines of the file say which: `# expect: RULE LINE:COLUMN`, one a problem."""
    expected = re.findall(r"^# expect: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    found = check(path, Config())
    assert [f"{p.rule} {p.line}:{p.column}" for p in found] == expected
    assert {p.level for p in found} == {"warning"}
    assert all(p.fix for p in found)


def with_text(write, text, key="answer", version=4):
    """The rules that find fault with one text of a leaf."""
    seed = {"question": "What is a tide?", "answer": "The rise and fall of the sea.", key: text}
    base = SKILL if version == 4 else OLD
    seeds = f"seed_examples: {json.dumps([seed], ensure_ascii=False)}"
    return write("\n".join({**base, "version": f"version: {version}", "seed_examples": seeds}.values()))


@pytest.mark.parametrize(
    "text",
    ["TODO", "tbd.", "FIXME!", "TODO: write", "TODO write an answer", "[TODO]", "<your answer>", "[insert text here]"]
    + ["Your answer here", "write your question here", "...", "…", "Lorem ipsum dolor sit amet", "Answer goes here."],
)
def test_placeholders(write, text):
    assert [level for _, _, level, _ in problems(with_text(write, text), "placeholder")] == ["error"]
    assert [level for _, _, level, _ in problems(with_text(write, text, version=1), "placeholder")] == ["warning"]


@pytest.mark.parametrize(
    "text",
    ["TODO comments mark what is left.", "A TODO list.", "```python\n# TODO: sort\n```", "What is lorem ipsum?"]
    + ["Dear [your name], welcome!", "<b>Bold</b>", "And then ... silence.", "Todo es posible.", "N/A", "[1, 2]"],
)
def test_texts_that_only_look_like_placeholders(write, text):
    assert problems(with_text(write, text), "placeholder") == []


def test_a_context_may_start_with_a_stranger_s_note(write):
    assert problems(with_text(write, "TODO: buy milk", "context"), "placeholder") == []
    assert problems(with_text(write, "TODO", "context"), "placeholder") != []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Ask jo@tidesmail.de.", "personal-data"),
        ("4539148803436467", "personal-data"),
        ("It is DE02 1203 0000 0000 2020 51", "personal-data"),
        ("ghp_" + "a1B2" * 9, "secret"),
        ("key: sk-" + "a1B2c3" * 7, "secret"),
        ("AKIA" + "A1B2" * 4, "secret"),
        ("AIza" + "a1B2c" * 7, "secret"),
        ("xoxb-123456789012-1234567890123-" + "a1B2" * 6, "secret"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.abcdefghijk", "secret"),
    ],
)
def test_private_things(write, text, rule):
    for version in (1, 4):
        assert [level for _, _, level, _ in problems(with_text(write, text, version=version), rule)] == ["warning"]


@pytest.mark.parametrize(
    "text",
    ["jo@example.com, jo@mail.example.org, a@b.test", "git@github.com:a/b", "4539148803436468", "3.141592653589793"]
    + ["9780306406157", "1700000000000", "DE02 1203 0000 0000 2020 52", "4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7", "risk-free"]
    + ["sk-learn-is-the-short-name-of-a-well-known-library", "AKIAIOSFODNN7EXAMPLE", "0000 0000 0000 0000", "@home"],
)
def test_texts_that_only_look_private(write, text):
    assert found(with_text(write, text)) & {"personal-data", "secret"} == set()


def test_a_leaf_lies_in_a_folder_below_its_branch(tmp_path):
    for place, faults in {
        "qna.yaml": 1,
        "knowledge/qna.yaml": 1,
        "knowledge/a_1/qna.yaml": 0,
        "knowledge/B/潮/qna.yaml": 2,
    }.items():
        path = tmp_path / "taxonomy" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        for version, level in {4: "warning", 3: "hint"}.items():
            path.write_text(f"version: {version}\n", encoding="utf-8")
            assert [p.level for p in check(path, Config()) if p.rule == "folder-name"] == [level] * faults


@pytest.mark.parametrize("word", ["tide ", "潮", "marée "])
def test_a_text_has_so_many_words_at_most(write, word):
    assert problems(with_text(write, word * 1000), "long-text") == []
    assert [level for _, _, level, _ in problems(with_text(write, word * 1001), "long-text")] == ["warning"]
    assert problems(with_text(write, word * 2000, "context"), "long-text") == []
    assert len(problems(with_text(write, word * 2001, "context"), "long-text")) == 1


@pytest.mark.parametrize(
    ("dataset", "place"),
    [
        ("name: example/sums, revision: 951999afdc59c46d325493568193b40bd5439c9e", None),
        ("name: sums.jsonl", None),
        ("name: example/sums", 16),
        ("name: missing.jsonl", 16),
        ("name: ../sums.jsonl", 16),
        ("name: /etc/sums.parquet", 16),
        ("name: out.jsonl", 16),
        ("name: empty.jsonl", 16),
        (f"name: {'x' * 5000}.jsonl", 16),
    ],
)
def test_a_dataset_is_there_or_pinned(write, tmp_path, dataset, place):
    rest = f"dataset: {{{dataset}, license: MIT, columns: {{question: q, answer: a}}}}"
    path = write("\n".join([*SKILL.values(), rest]))
    path.with_name("sums.jsonl").write_text('{"q": "1 + 1", "a": "2"}\n')
    path.with_name("empty.jsonl").write_text("")
    (tmp_path / "outside.jsonl").write_text("{}\n")
    if not path.with_name("out.jsonl").is_symlink():
        path.with_name("out.jsonl").symlink_to(tmp_path / "outside.jsonl")
    assert [(line, column) for line, column, *_ in problems(path, "dataset")] == ([(7, place + 1)] if place else [])


@pytest.mark.parametrize(
    ("written", "rules"),
    [
        (r'"$\frac{1}{2}$"', {"control-character"}),
        (r'"$\alpha$"', {"control-character"}),
        (r'"$\rho$ and $\theta$"', {"control-character"}),
        (r'"\Projects"', {"control-character"}),
        (r'"\x7f"', {"control-character"}),
        (r'"$\theta$"', {"lost-backslash"}),
        (r'"$\tan\theta \neq \nabla x$"', {"lost-backslash"}),
        (r'"C:\new\temp"', {"lost-backslash"}),
        (r'"$\\frac{1}{2}$ of \\theta in C:\\new\\temp"', set()),
        (r"'$\frac{1}{2}$ of \theta in C:\new\temp'", set()),
        (r'"one\ttwo\nthree\nnot an\tanswer"', set()),
        (r'"Q:\nthe tide\nthe sea"', set()),
        (r'"\u00e9 \"\/\""', set()),
    ],
)
def test_backslashes_in_double_quotes(write, written, rules):
    for key in ("answer", "question"):
        other = "question" if key == "answer" else "answer"
        seeds = f"seed_examples:\n  - {{{other}: What is a tide?, {key}: {written}}}"
        path = write("\n".join({**SKILL, "seed_examples": seeds}.values()))
        assert found(path) & {"control-character", "lost-backslash"} == rules


def test_a_control_character_is_an_error_in_version_4_alone(write):
    for version, level in {4: "error", 3: "warning", 1: "warning"}.items():
        [(*_, told, fix)] = problems(with_text(write, "\f", version=version), "control-character")
        assert told == level and "double it" in fix


@pytest.mark.parametrize(
    ("rest", "rule", "place"),
    [
        ("principles: [Name the sea., 'Ask jo@tidesmail.de.']", "personal-data", (7, 29)),
        ("principles: [TODO]", "placeholder", (7, 14)),
        ("principles:\n  - Say C #1 first.", "cut-by-comment", (8, 5)),
        ('principles: ["$\\alpha$"]', "control-character", (7, 14)),
        ("principles: [“Be brief.”]", "curly-quotes", (7, 14)),
        ("language: zh-Hant-TW\nprinciples: [说得简单]", "simplified-character", (8, 14)),
        (f"principles: [{'AKIA' + 'A1B2' * 4}]", "secret", (7, 14)),
        ("documents: [{path: a.md, title: By jo@tidesmail.de}]", "personal-data", (7, 33)),
        ("documents: [{path: a.md, authors: [Jo, jo@tidesmail.de]}]", "personal-data", (7, 40)),
        ("problem_templates: [{question: 'Is {a} jo@tidesmail.de?', answer: a}]", "personal-data", (7, 32)),
        ("problem_templates: [{question: a, answer: a, steps: ['jo@tidesmail.de']}]", "personal-data", (7, 54)),
        ('problem_templates: [{question: a, answer: "$\\frac{a}{b}$"}]', "control-character", (7, 43)),
    ],
)
def test_places_beside_the_seeds(write, rest, rule, place):
    path = write("\n".join([*SKILL.values(), rest]))
    assert [(line, column) for line, column, *_ in problems(path, rule)] == [place]


def test_principles_in_another_language_than_the_rest(write):
    german = "Erkläre jeden Fachbegriff in einem kurzen Satz, bevor du ihn zum ersten Mal verwendest."
    english = "Explain every technical term in a short sentence before you use it for the first time."
    path = write(
        "\n".join([*SKILL.values(), f"principles: ['{english}', '{german}', '{english} Be brief, and kind.']"])
    )
    assert len(problems(path, "other-language")) == 1
    path = write("\n".join([*SKILL.values(), f"principles: ['{german}']"]))
    assert problems(path, "other-language") == []


def test_who_made_a_leaf_is_named_without_an_address(write):
    path = write("\n".join({**SKILL, "created_by": "created_by: jo@tidesmail.de"}.values()))
    assert problems(path, "personal-data") == [(2, 13, "warning", "write your name on GitHub")]
    assert problems(write("\n".join({**SKILL, "created_by": "created_by: Jo Tide"}.values())), "personal-data") == []
