"""YAML texts: what their values are, where they stand, and that no text at all makes reading fail."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.source import MAX_BYTES, MAX_DEPTH, MAX_VALUES, Position, Source


def read(text):
    source = Source("qna.yaml", text)
    assert not source.problems, source.problems
    return source.data


def problem(text):
    """The only problem of a text."""
    [found] = Source("qna.yaml", text).problems
    return found


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("No", "No"),
        ("yes", "yes"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("42", 42),
        ("-7", -7),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("20:15", "20:15"),
        ("1969-07-21", "1969-07-21"),
        ("3.5", 3.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        (".inf", float("inf")),
        ("'42'", "42"),
        ('"true"', "true"),
        ("!!str 42", "42"),
        ("!!int '42'", 42),
        ("=", "="),
        ("a #b", "a"),
        ("a#b", "a#b"),
        ("9" * 61, "9" * 61),
    ],
)
def test_values_are_those_of_yaml_1_2(written, value):
    assert read(f"key: {written}\n") == {"key": value}


def test_nothing_is_merged_and_keys_are_texts():
    assert read("a: &a {x: 1}\nb:\n  <<: *a\n  42: y\n") == {"a": {"x": 1}, "b": {"<<": {"x": 1}, "42": "y"}}


def test_positions():
    source = Source("qna.yaml", "# é\na:\n  - b: 1\n    c: |\n      text\n  - [x, 漢字, y]\nd:\n")
    assert source.position(("a",)) == Position(3, 3)
    assert source.key_position(("a",)) == Position(2, 1)
    assert source.position(("a", 0)) == Position(3, 5)
    assert source.position(("a", 0, "c")) == Position(4, 8)
    assert source.key_position(("a", 0, "c")) == Position(4, 5)
    assert source.position(("a", 1, 2)) == Position(6, 13)
    assert source.position(("d",)) == Position(7, 3)
    assert source.position(("a", 0, "missing")) == source.position(("a", 0))
    assert source.position(()) == Position(2, 1)


def test_known_leaves_out_what_the_file_does_not_have():
    source = Source("qna.yaml", "a:\n  - b: 1\n")
    assert source.known(("a", "(tag)", 0, "(other)", "b", "str")) == ("a", 0, "b")


LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
COMMENTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff\u2028\u2029")
)


@given(
    groups=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4), min_size=1, max_size=5),
    comments=st.lists(COMMENTS, max_size=3),
    line_end=LINE_ENDS,
)
def test_every_value_is_found_where_it_stands(groups, comments, line_end):
    """A text whose every value is a quoted word of its own; lines are counted by splitting it."""
    lines = [f"# {comment}" for comment in comments]
    places = {}
    for number, group in enumerate(groups):
        lines.append(f"key{number}:")
        for item, kind in enumerate(group):
            word = f"v{number}-{item}"
            written = [f'  - "{word}"', f'  - {{é: 1, k: "{word}"}}', f'  - k:   "{word}" # end'][kind]
            places[(f"key{number}", item, *(["k"] if kind else []))] = (len(lines) + 1, written.index('"') + 1)
            lines.append(written)
    source = Source("qna.yaml", line_end.join(lines))
    assert {loc: source.position(loc) for loc in places} == {loc: Position(*at) for loc, at in places.items()}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: b: c\n", 1, 5, "colon"),
        ("a: b\nc: d e: f\n", 2, 7, "colon"),
        ("a: b\n  c: d\n", 2, 3, "`c:` looks like a key"),
        ("a:\n\tb: c\n", 2, 1, "tab"),
        ("a:\n  b: c\n\td: e\n", 3, 1, "tab"),
        ("a: |\n  b\n\tc\n", 3, 1, "tab"),
        ("a: 'b\n", 1, 4, "never closed"),
        ('a: "b\nc: d\n', 1, 4, "never closed"),
        ("a: 'it's'\n", 1, 7, "more text follows"),
        ('a: "b" c\n', 1, 6, "more text follows"),
        ('a: "b" - c\n', 1, 6, "more text follows"),
        ("a: [b] c\n", 1, 6, "more text follows"),
        ("a: [b\nc: d\n", 1, 4, "not closed"),
        ("a: {b: c\n", 1, 4, "not closed"),
        ("a: @b\n", 1, 4, "cannot start with `@`"),
        ("a: `b`\n", 1, 4, "cannot start with a backtick"),
        ("a: %b\n", 1, 4, "cannot start with `%`"),
        ("a: *b\n", 1, 4, "cannot start with `*`"),
        ("a: **b**\n", 1, 4, "cannot start with `*`"),
        ("a: &\n", 1, 4, "cannot start with `&`"),
        ("a: }\n", 1, 4, "cannot start with `}`"),
        ("a: !<b\n", 1, 4, "cannot start with `!`"),
        ("%a\n", 1, 1, "cannot start with `%`"),
        ("a: | b\n  c\n", 1, 6, "beside the `|`"),
        ("a: >b\n  c\n", 1, 5, "beside the `>`"),
        ("a: |\nb\n", 2, 1, "indented by 0 spaces"),
        ("- a: |\n  b\n- a: c\n", 2, 3, "must be indented by 4"),
        ("a: |\n    b\n   c\n", 3, 4, "must be indented by 4"),
        ("a:b\nc: d\n", 1, 3, "a space is missing after `a:`"),
        ("a: - b\n", 1, 4, "cannot stand on the line of its key"),
        ("a:\n  - b: c\n   d: e\n", 3, 4, "out of line"),
        ("- a\nb: c\n", 2, 1, "out of line"),
        ("- a\nb\n", 2, 1, "neither a key"),
        ("a: b\n- c\n", 2, 1, "a key was expected"),
        ("a: b\n---\nc: d\n", 2, 1, "second document"),
        ("a: b\n...\nc: d\n", 2, 1, "second document"),
        ("  a: b\nc: d\n", 2, 1, "indented less than the first key"),
        ('a: "\\d"\n', 1, 5, "backslash"),
        ('a: "\\xzz"\n', 1, 5, "backslash"),
        ("a: &x b\nc: &x d\n", 2, 4, "second time"),
    ],
)
def test_slips_of_yaml_are_named_where_they_are(text, line, column, words):
    found = problem(text)
    assert (found.rule, found.line, found.column) == ("yaml-syntax", line, column), found
    assert words in found.message
    assert found.fix


@pytest.mark.parametrize(
    ("text", "place", "words", "fix"),
    [
        ('{"question": "a"}\n{"question": "b"}\n', (2, 1), "another value", "below `seed_examples:`"),
        ('{\n  "version": 4,\n  "license": "MIT"\n  "domain": "a"\n}\n', (1, 1), "before line 4", "the end of line 3"),
        ('{\n  "version": 4,\n  "seed_examples": [\n    {}\n', (3, 20), "is not closed", "close it with `]`"),
        ("{\\rtf1\\ansi\nversion: 4\\\n}\n", (1, 1), "rich text", "plain text"),
    ],
)
def test_a_file_of_another_kind_is_told_as_such(text, place, words, fix):
    [problem] = Source("qna.yaml", text).problems
    assert (problem.line, problem.column) == place
    assert words in problem.message and fix in problem.fix


def test_a_key_that_stands_twice():
    source = Source("qna.yaml", "a: 1\nb: 2\na: 3\na: 4\n")
    assert [(p.rule, p.line, p.column) for p in source.problems] == [("duplicate-key", 3, 1), ("duplicate-key", 4, 1)]
    assert "line 1, column 1" in source.problems[0].message
    assert source.data == {"a": 4, "b": 2}


def test_another_leaf_in_the_file_is_not_to_be_merged_into_the_first():
    leaf = "version: 4\ncreated_by: kim\nseed_examples: [a]\n"
    for between, first in (("", 4), ("---\n", 5)):
        twice = [p for p in Source("qna.yaml", leaf + between + leaf).problems if p.rule == "duplicate-key"]
        assert [p.line for p in twice] == [first, first + 1, first + 2]
        assert "another leaf" in twice[0].fix and "folder of its own" in twice[0].fix


def test_seeds_without_dash_and_indentation_are_told_once():
    seeds = "question: a\nanswer: b\n"
    source = Source("qna.yaml", "version: 4\nseed_examples:\n" + 3 * seeds)
    [problem] = source.problems
    assert (problem.rule, problem.line) == ("duplicate-key", 5)
    assert "start each seed with a dash, `- question: ...`" in problem.fix


@pytest.mark.parametrize("key", ["seed_examples", "created_by"])
def test_a_key_of_the_first_level_is_no_seed_without_dash(key):
    source = Source("qna.yaml", f"version: 4\ncreated_by: kim\nseed_examples:\n{key}:\n  - a\n")
    [problem] = [problem for problem in source.problems if problem.rule == "duplicate-key"]
    assert "keep one of the two" in problem.fix and "dash" not in problem.fix


@pytest.mark.parametrize(
    "written", ["!!python/object/apply:os.system [id]", "!x {a: b}", "!!binary aGk=", "!important"]
)
def test_tags_build_nothing(written):
    found = problem(f"a: {written}\n")
    assert (found.rule, found.line, found.column) == ("yaml-tag", 1, 4)


def test_a_tab_may_begin_a_text_after_a_pipe():
    assert read("a: |\n  \tb\n") == {"a": "\tb\n"}


def test_what_is_invisible_is_reported_and_the_rest_is_read():
    source = Source("qna.yaml", "a: b\x00c\nd: \x1b[31m\nd: e\ud800\n")
    assert [(p.rule, p.line, p.column) for p in source.problems] == [
        ("forbidden-character", 1, 5),
        ("forbidden-character", 2, 4),
        ("forbidden-character", 3, 5),
        ("duplicate-key", 3, 1),
    ]
    assert source.data["a"] == "b\ufffdc"


@pytest.mark.parametrize(("text", "rule"), [("\ufeffa: b\n", "byte-order-mark"), ("a: b\r\nc: d\r\n", "line-ends")])
def test_marks_of_other_systems_are_warned_of(text, rule):
    source = Source("qna.yaml", text)
    assert [(p.rule, p.level) for p in source.problems] == [(rule, "warning")]
    assert source.data["a"] == "b"
    assert source.position(("a",)) == Position(1, 4)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n"
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: &a [*a]\n",
        "a: &a {b: *a}\n",
        "[" * 10_000,
        "{a: " * 10_000,
        "- " * 10_000,
        "? " * 10_000,
        "# b\r" + "- " * 10_000,
        "# b\u2028" + "- " * 10_000,
        "".join(f"{' ' * depth}a:\n" for depth in range(1_000)),
        "a: [" + "b," * (2 * MAX_VALUES + 10) + "]",
        "- a\n" * (2 * MAX_VALUES + 10),
        "- a\n" * (MAX_VALUES + 10),
        "a: b\n" * (2 * MAX_VALUES + 10),
        "a: " + "x" * MAX_BYTES,
    ],
    ids=range(15),
)
def test_what_is_too_much_is_refused(text):
    *_, found = Source("qna.yaml", text).problems
    assert found.rule == "too-large"


@pytest.mark.parametrize(
    "text",
    [
        "a: '" + "[{" * 100_000 + "'",
        "a: |\n" + "  x\n" * 100_000,
        "a: " + "b " * 500_000,
        "a: [" + "[], " * 1_000 + "]",
        "a:\n" + " " * 500_000 + "b",
        "a: [" * MAX_DEPTH + "]" * MAX_DEPTH,
    ],
    ids=range(6),
)
def test_what_is_long_but_plain_is_read(text):
    assert not [p for p in Source("qna.yaml", text).problems if p.rule == "too-large"]


YAMLISH = st.text(st.sampled_from(list("ab:- |>'\"#[]{},&*!%@`?\n\t\r\\0~<=.é\ufeff\u2028\x00\ud800")), max_size=60)


@given(st.one_of(st.text(), YAMLISH, st.lists(YAMLISH).map("\n".join)))
def test_no_text_makes_reading_fail(text):
    source = Source("qna.yaml", text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for found in source.problems:
        assert 1 <= found.line <= len(lines)
        assert 1 <= found.column <= len(lines[found.line - 1]) + 1
        assert found.message


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text("abc", min_size=1), children, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_json_is_read_as_itself(value):
    assert read(json.dumps({"key": value}, ensure_ascii=False)) == {"key": value}


def test_aliases_cannot_repeat_a_long_text_for_ever():
    text = "a: &a " + "word " * 80_000 + "\nb: [" + ", ".join(["*a"] * 3_000) + "]\n"
    source = Source("qna.yaml", text)
    assert [problem.rule for problem in source.problems] == ["too-large"]
    assert source.data is None
