"""Leaves as text: formatting keeps values and comments and is stable, upgrading lifts, a new leaf fits its schema."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tax.config import Config
from tax.documents.document import DocumentFault
from tax.documents.reading import read_documents
from tax.leaf import UNSTATED_LICENSE
from tax.load import load
from tax.problems import Level
from tax.source import Source
from tax.templates.placeholders import Text
from tax.validate import check
from tax.write import KINDS, WriteError, format_text, new_leaf

ROOT = Path(__file__).parent.parent.parent
SKILL = "compositional_skills/poetry/ballad"
KNOWLEDGE = "knowledge/oceanography/tides"


def formatted(text):
    """A text in the usual form, which formatting once more must leave alone."""
    result = format_text(text, SKILL, upgrade=False)
    assert result.changed == (result.text != text)
    assert not format_text(result.text, SKILL, upgrade=False).changed
    return result.text


def data(text):
    return Source("qna.yaml", text).data


def upgraded(text, name=SKILL, license="Apache-2.0"):
    return format_text(text, name, upgrade=True, license=license)


def load_text(folder, name, text):
    path = folder / "taxonomy" / name / "qna.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load(path)


# --- format: cases


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a:    b\n", "a: b\n"),
        ("a: b", "a: b\n"),
        ("\n\n---\na: b   \n\n\n", "a: b\n"),
        ("\ufeffa: b\r\nc: d\r\n", "a: b\nc: d\n"),
        ("a:\n- b\n-   c\n", "a:\n  - b\n  - c\n"),
        ("a:\n      - - b\n        - c\n", "a:\n  - - b\n    - c\n"),
        ("-a:\n    b:   {c:   1,d: [ 2,3 ]}\n", "-a:\n  b: {c: 1, d: [2, 3]}\n"),
        ("a: No\n", 'a: "No"\n'),
        ("a: [Yes, 1:30, 2024-01-02]\n", 'a: ["Yes", "1:30", "2024-01-02"]\n'),
        ("a: 012\n", "a: 012\n"),
        ("a: '012'\n", "a: '012'\n"),
        ("a: 1e3\nb: true\nc: ~\nd:\n", "a: 1e3\nb: true\nc: ~\nd:\n"),
        ("a: []\nb: { }\n", "a: []\nb: {}\n"),
        ("a: \"it's\"\nb: 'it''s'\n", "a: \"it's\"\nb: 'it''s'\n"),
        ("a: &x b\nc: *x\n", "a: b\nc: b\n"),
        ('a: "b\\nc"\n', "a: |-\n  b\n  c\n"),
        ("a: one\n  two\n\n  three\n", "a: |-\n  one two\n  three\n"),
        ("a: |\n       b\n         c\n\n\n\nd: e\n", "a: |\n  b\n    c\n\nd: e\n"),
        ("a: |+\n  b\n\n\nd: e\n", "a: |+\n  b\n\n\nd: e\n"),
        ("a: >-\n    one\n    two\n", "a: >-\n  one\n  two\n"),
        ("a: |2-\n   b\n", "a: |2-\n   b\n"),
        ('a: "\\tb\\nc"\n', 'a: "\\tb\\nc"\n'),
        ("? a\n: b\n", "a: b\n"),
    ],
)
def test_form(written, expected):
    assert formatted(written) == expected
    assert formatted(expected) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("# one\n\n\n#two\na: b   # three   \n# four\n", "# one\n\n#two\na: b  # three\n# four\n"),
        ("a: # one\n  # two\n  b # three\n", "# two\n# three\na: b  # one\n"),
        ("a:  # one\n# two\n- b\n# three\n-   c\n", "a:  # one\n  # two\n  - b\n  # three\n  - c\n"),
        ("a:\n  - # one\n    b: c\n    # two\n  -\n   # three\n    d\n",
         "a:\n  # one\n  - b: c\n    # two\n  # three\n  - d\n"),
        ("a:\n  - b\n  # of the list\nc: d\n", "a:\n  - b\n  # of the list\nc: d\n"),
        ("a:\n- b\n# of the next\nc: d\n", "a:\n  - b\n# of the next\nc: d\n"),
        ("a: | # one\n   b\n# two\nc: d\n", "a: |  # one\n  b\n# two\nc: d\n"),
        ("a: [b, # one\n # two\n c] # three\n", "a:  # three\n  - b  # one\n  # two\n  - c\n"),
        ("a: {b: c} # one\n", "a: {b: c}  # one\n"),
        ("a: [ # one\n]\n", "a: []  # one\n"),
        ("a: '#b' # c\n", "a: '#b'  # c\n"),
        ("--- # one\na: b\n... # two\n", "# one\na: b\n# two\n"),
    ],
)  # fmt: skip
def test_comments_stay(written, expected):
    assert formatted(written) == expected


def test_long_text_is_folded():
    text = "The sea rises and falls: " * 20
    written = formatted(f'a: "{text.strip()}"\n')
    assert written.startswith("a: >-\n  The sea")
    assert max(map(len, written.splitlines())) <= 100
    assert data(written) == {"a": text.strip()}


def test_long_line_after_a_bar_is_folded_where_its_value_allows():
    text = "The sea rises and falls. " * 20
    assert formatted(f"a: |\n  {text.strip()}\n").startswith("a: >\n  The sea")
    assert formatted(f"a: |\n  {text.strip()}\n  B\n").startswith("a: |\n")


def test_folded_text_keeps_its_line_breaks_unless_one_is_too_long():
    short = "a: >-\n  The sea\n  rises.\n\n  It falls.\n"
    assert formatted(short) == short
    assert max(map(len, formatted("a: >-\n  " + "word " * 40 + "\n  end\n").splitlines())) <= 100
    paragraphs = f"a: >-\n  {'word ' * 39}word\n\n\n  end\n"
    assert max(map(len, formatted(paragraphs).splitlines())) <= 100
    assert data(formatted(paragraphs)) == data(paragraphs)


def test_chinese_is_never_folded():
    text = "海水每天漲落兩次，這是月亮和太陽的引力造成的。 " * 10
    assert formatted(f"a: {text.strip()}\n") == f"a: {text.strip()}\n"
    assert formatted(f"a: |\n  {text.strip()}\n") == f"a: |\n  {text.strip()}\n"


def test_long_group_in_brackets_is_wrapped_and_a_long_text_in_it_leaves_the_brackets():
    numbers = ", ".join(str(number) for number in range(100, 150))
    written = formatted(f"a:\n  b: [{numbers}]\n")
    assert "\n      1" in written and max(map(len, written.splitlines())) <= 100
    text = "word " * 40
    assert formatted(f"a:\n  - {{role: user, content: {text}}}\n").startswith(
        "a:\n  - role: user\n    content: >-\n      word"
    )


def test_text_that_a_comment_cuts_stays_on_its_line():
    text = "word " * 40
    assert formatted(f"a: {text}#1?\n") == f"a: {text.strip()}  #1?\n"


def test_a_key_that_stands_twice_stays_twice():
    assert formatted("a: b\na: c\n") == "a: b\na: c\n"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_empty_file_stays(text):
    assert not format_text(text, SKILL, upgrade=False).changed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\nc: 'd\n", "line [23]: "),
        ("a: b\n\tc: d\n", "line 2: "),
        ("- a\n- b\n", "group of keys"),
        ("a text\n", "group of keys"),
        ("[a]: b\n", "line 1: a key must be a text"),
        ("a: !!python/none b\n", "line 1: .*tag"),
        ("a: \x00\n", "line 1: "),
    ],
)
def test_unsound_text_is_refused_with_its_line(text, message):
    with pytest.raises(WriteError, match=message):
        format_text(text, SKILL, upgrade=False)


def test_repeating_aliases_are_refused():
    text = f"a0: &a0 {'x' * 200_000}\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 9))
    with pytest.raises(WriteError, match="aliases"):
        format_text(text, SKILL, upgrade=False)


# --- format: any leaf

PIECES = st.sampled_from(
    ["word", "a longer word", " ", "  ", "\n", "\n\n", "\t", ": ", " #", "#", "- ", "'", '"', "\\", "|", ">", "&", "*",
     "%", "@", "`", "{", "}", "[", "]", ",", "?", "!", "海水", "，", "🌊", "👩‍🚀",
     "é", "\u00a0", "\u2028", "\x85", "\u200f",
     "\ufeff", "No", "012", "1:30", "---", "...", "=", "<<", "~", "null", "1e3", "0x1F", "lorem ipsum dolor " * 8]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=8).map("".join)
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(TEXTS, values, max_size=4),
    max_leaves=12,
)
LEAVES = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5)
COMMENTS = st.sampled_from(["", "# c", "#d: e", "  # - f", "      #", "\t# g", "# '\"|>", " # 海"])


class Dumper(yaml.SafeDumper):
    """PyYAML's writer with a style drawn for each value."""


def dump(value, source):
    """Write a value as YAML in many styles."""

    def styled(dumper, text):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=source.choice([None, "'", '"', "|", ">"]))

    def listed(dumper, items):
        return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=source.random() < 0.3)

    def grouped(dumper, group):
        return dumper.represent_mapping("tag:yaml.org,2002:map", list(group.items()), flow_style=source.random() < 0.3)

    kind = type("Drawn", (Dumper,), {})
    for each, representer in ((str, styled), (list, listed), (dict, grouped)):
        kind.add_representer(each, representer)
    kind.ignore_aliases = lambda *_: True
    return yaml.dump(
        value,
        Dumper=kind,
        allow_unicode=source.random() < 0.8,
        width=source.choice([20, 80, 1000]),
        indent=source.choice([2, 4]),
        default_flow_style=False,
    )


def commented(text, drawn):
    """Put comments and empty lines between and behind the lines of a text, wherever they are no part of a value."""
    before = Source("qna.yaml", text).data
    for index, comment in drawn:
        lines = text.split("\n")
        place = index % len(lines)
        behind = [*lines[:place], f"{lines[place]} {comment}".rstrip(" "), *lines[place + 1 :]]
        between = [*lines[:place], comment, *lines[place:]]
        for changed in ("\n".join(behind), "\n".join(between)):
            source = Source("qna.yaml", changed)
            if not source.problems and json.dumps(source.data) == json.dumps(before):
                text = changed
                break
    return text


@settings(deadline=None, max_examples=300)
@given(LEAVES, st.randoms(use_true_random=False), st.lists(st.tuples(st.integers(0, 200), COMMENTS), max_size=8))
def test_any_leaf_keeps_its_values_and_comments(leaf, source, drawn):
    written = dump(leaf, source)
    assume(not Source("qna.yaml", written).problems)
    text = commented(written, drawn)
    try:
        result = formatted(text)
    except WriteError as error:
        # libyaml breaks lines at these, and skips a byte order mark: such a leaf may be left as it is, in words
        assert "left as it is" in str(error) and re.search("[\x85\u2028\u2029\ufeff]", text)
        return
    assert json.dumps(data(result)) == json.dumps(data(text))
    assert result.endswith("\n")
    for comment in {comment.strip() for _, comment in drawn if comment.strip()}:
        assert result.count(comment) >= text.count(comment)


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES | st.sampled_from(["a:", "\n  ", "\n- ", "- - ", "|\n", ">-\n  "]), max_size=15).map("".join))
def test_any_text_is_formatted_or_refused(text):
    try:
        result = formatted(text)
    except WriteError as error:
        assert "left as it is" not in str(error)
        return
    assert json.dumps(data(result)) == json.dumps(data(text))


# --- the leaves at hand


def shipped():
    return sorted((ROOT / "taxonomy").rglob("qna.yaml"))


def test_shipped_leaves_keep_what_they_say():
    assert shipped()
    for path in shipped():
        text = path.read_text(encoding="utf-8")
        assert json.dumps(data(formatted(text))) == json.dumps(data(text)), path


# --- upgrade

OLD_SKILL = """\
# About this file.

# Who I am.
created_by: octocat # me
seed_examples:
- question: Why? # short
  answer: 08
  context: |
    A text.
# the last key
task_description: ''
"""
OLD_KNOWLEDGE = """\
version: 3 # old
created_by: octocat
domain: Oceanography
seed_examples:
  - context: The sea rises.
    questions_and_answers:
      - question: What rises?
        answer: The sea.
        # nothing more
        note:
document: # where
  repo: git@github.com:octocat/tides.git
  commit: 7446AF5B60D0D04F2DABC0123456789ABCDEF012
  # only these
  patterns: [tides.md]
document_outline: Tides
"""


def test_upgrade_of_a_skill(tmp_path):
    result = upgraded(OLD_SKILL)
    assert (
        result.text
        == """\
# About this file.

version: 4
# Who I am.
created_by: octocat  # me
license: Apache-2.0
seed_examples:
  - question: Why?  # short
    answer: "08"
    context: |
      A text.
# the last key
task_description: Ballad (poetry)
"""
    )
    assert "folder's name" in result.notes[0]
    assert load_text(tmp_path, SKILL, result.text).leaf is not None


def test_upgrade_of_knowledge(tmp_path):
    result = upgraded(OLD_KNOWLEDGE, KNOWLEDGE, "CC-BY-4.0")
    assert (
        result.text
        == """\
version: 4  # old
created_by: octocat
license: CC-BY-4.0
domain: Oceanography
seed_examples:
  - context: The sea rises.
    questions_and_answers:
      - question: What rises?
        answer: The sea.
        # nothing more
documents:  # where
  - repo: https://github.com/octocat/tides.git
    commit: 7446af5b60d0d04f2dabc0123456789abcdef012
    # only these
    patterns: [tides.md]
    license: CC-BY-4.0
document_outline: Tides
"""
    )
    assert len(result.notes) == 3
    assert load_text(tmp_path, KNOWLEDGE, result.text).leaf is not None


def test_upgrade_writes_out_what_is_taken_in():
    text = """\
version: 2
created_by: octocat
task_description: Do it
seed_examples:
  - question: Why?
    <<: &more # shared
      # of the text
      context: A text.
      answer: Never this.
    answer: So.
  - {question: How?, answer: So., <<: *more}
"""
    result = upgraded(text).text
    assert data(result)["seed_examples"] == [
        {"question": "Why?", "context": "A text.", "answer": "So."},
        {"question": "How?", "answer": "So.", "context": "A text."},
    ]
    assert result.count("# shared") == result.count("# of the text") == 1


def test_upgrade_of_a_key_that_stands_twice():
    text = "created_by: me\ntask_description: x\n# c\nseed_examples: []\nseed_examples: [{question: a, answer: b}]\n"
    result = upgraded(text)
    assert data(result.text)["seed_examples"] == [{"question": "a", "answer": "b"}]
    assert "# c" in result.text and "twice" in result.notes[0]
    with pytest.raises(WriteError, match="line 6"):
        upgraded(f"version: 2\n{text}")


@pytest.mark.parametrize("commit", ["7446af5", "main", "'It is: new'", "b60d0d0 # short"])
def test_upgrade_of_a_commit_that_is_no_full_hash(tmp_path, commit):
    result = upgraded(OLD_KNOWLEDGE.replace("7446AF5B60D0D04F2DABC0123456789ABCDEF012", commit), KNOWLEDGE)
    assert f"    ref: {commit.replace(' #', '  #')}\n" in result.text
    assert any("`commit` is now `ref`" in note for note in result.notes)
    new = load_text(tmp_path, KNOWLEDGE, result.text)
    [document] = new.leaf.documents
    assert document.ref == data(f"x: {commit}")["x"]
    assert [p.level for p in check(new.path, Config()) if p.rule == "pinned-document"] == [Level.WARNING]
    with pytest.raises(DocumentFault, match="not pinned"):
        read_documents(new.leaf, new.path.parent)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (OLD_KNOWLEDGE.replace("note:", "note: deep"), KNOWLEDGE, "line 10: `note`"),
        (OLD_KNOWLEDGE.replace("git@github.com:octocat/tides.git", "./tides"), KNOWLEDGE, "line 12: `repo`"),
        (OLD_KNOWLEDGE.replace("version: 3", "version: 7"), KNOWLEDGE, "line 1: `version` is 7"),
        ("version:\n", SKILL, "line 1: `version` is empty"),
        (OLD_SKILL, KNOWLEDGE, "`document`"),
    ],
)
def test_upgrade_that_needs_its_author_is_refused(text, name, message):
    with pytest.raises(WriteError, match=message):
        upgraded(text, name)


def test_upgrade_asks_for_a_licence():
    with pytest.raises(WriteError, match="--license"):
        format_text(OLD_SKILL, SKILL, upgrade=True)


def test_upgrade_of_a_new_leaf_only_formats_it():
    text = "version: 4\ncreated_by:   octocat\n"
    result = format_text(text, SKILL, upgrade=True)
    assert (result.text, result.notes) == ("version: 4\ncreated_by: octocat\n", ())


# --- new

PLACES = {"knowledge": KNOWLEDGE}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "description", ["", "Write a ballad: it tells a story {license} #1", "寫一首短詩", "No", "word " * 60]
)
def test_new_leaf_only_lacks_content(kind, description, tmp_path):
    name = PLACES.get(kind, SKILL)
    text = new_leaf(kind, created_by="octocat", license="CC-BY-4.0", language="zh-Hant-TW", description=description)
    assert not format_text(text, name, upgrade=True).changed
    loaded = load_text(tmp_path, name, text)
    assert loaded.leaf is not None, loaded.problems
    assert (loaded.leaf.created_by, loaded.leaf.license) == ("octocat", "CC-BY-4.0")
    assert loaded.leaf.language == "zh-Hant-TW"
    assert UNSTATED_LICENSE not in text
    if description:
        stated = loaded.data["domain" if kind == "knowledge" else "task_description"]
        assert stated == description.strip()
    assert len(loaded.leaf.seed_examples) >= 5
    assert [seed.holdout for seed in loaded.leaf.seed_examples].count(True) == 1
    assert max(len(line) for line in text.splitlines()) <= 110


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_of_a_new_leaf_is_marked(kind):
    text = new_leaf(kind, created_by="octocat", license="CC-BY-4.0", language="en", description="")

    def texts(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | dict):
            for child in value if isinstance(value, list) else value.values():
                yield from texts(child)

    long = [each for each in texts(data(text)) if len(each.split()) > 3 and "{" not in each]
    assert long
    assert all(each.startswith("TODO") for each in long)


def test_templates_of_a_new_leaf_evaluate(tmp_path):
    text = new_leaf("templates", created_by="octocat", license="CC-BY-4.0", language="en", description="")
    loaded = load_text(tmp_path, SKILL, text)
    errors = {problem.rule for problem in check(loaded.path, Config()) if problem.level == Level.ERROR}
    assert not any("template" in rule for rule in errors), errors
    assert not Text(loaded.leaf.problem_templates[0].question).faults


def test_new_leaf_of_no_kind_is_refused():
    with pytest.raises(WriteError, match="poem"):
        new_leaf("poem", created_by="octocat", license="CC-BY-4.0", language="en", description="")
