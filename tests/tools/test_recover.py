"""YAML with several faults: all of them are told, and what else is wrong with the file; nothing is made up."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tax.config import Config
from tax.load import load
from tax.source import Source
from tax.validate import check

SKILL = (Path(__file__).parent.parent / "leaves/good/compositional_skills/free/qna.yaml").read_text("utf-8")
FAULTY = """\
version: 4
created_by: @kim
license: GPL
task_description:Explain
seed_examples:
  - question: Why: because?
    answer: |
    Not deep enough.
    Nor is this.
  - question: "it is "said" so"
    answer: 12
\t- question: 'open
    answer: | text beside
      and below
   holdout: true
"""


def found(path):
    return [(p.line, p.rule) for p in check(path, Config()) if p.level == "error"]


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "compositional_skills" / "sea" / "qna.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_all_faults_are_told_at_once(write):
    yaml = [(line, "yaml-syntax") for line in (2, 4, 6, 8, 10, 12, 13, 15)]
    assert found(write(FAULTY)) == sorted([*yaml, (3, "license-not-allowed"), (11, "wrong-type")])


def test_a_reading_that_loses_the_seeds_is_not_used(write):
    text = "version: 4\nlicense: GPL\ntask: Count.\n - question: |\n      How many?\n   answer: |\n    one\n"
    assert found(write(text)) == [(4, "yaml-syntax")]
    assert load(write(text)).source.guessed == frozenset()


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(SKILL)),
            st.sampled_from([*"\t\"'|@[\n", ": ", "  ", "```", "- ", *"\u3000：–=", "\n<<<<<<< a\n", "\n=======\n"]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_read_on_the_first_fault_stays_and_lines_are_those_of_the_file(write, edits):
    text = SKILL
    for at, sign in edits:
        text = text[:at] + sign + text[at:]
    source = Source("qna.yaml", text)
    faults = [problem for problem in source.problems if problem.rule == "yaml-syntax"]
    assert not source.guessed or faults
    assert {problem.line for problem in faults} <= source.guessed or not source.guessed
    assert source.text.count("\n") == text.count("\n")
    lines = text.split("\n")
    for problem in check(write(text), Config()):
        assert 1 <= problem.line <= len(lines)
        assert problem.rule == "yaml-syntax" or problem.line not in source.guessed


@pytest.mark.parametrize("line", ["- a: b: c", "\t- a", "a: 'b", "a: [", "@", "a:b", "x: | y", " - - : :"])
def test_many_faults_end_soon(write, line):
    path = write("seed_examples:\n" + f"{line}\n" * (49_000 // len(line)))
    assert 1 <= len(found(path)) <= 60


FRAME = SKILL[: SKILL.index("seed_examples:")] + "seed_examples:\n"
START = FRAME.count("\n")  # the first seed is in the line after it


def told(text):
    """What a file is told of its YAML, with lines counted from the first seed."""
    problems = sorted(Source("qna.yaml", text).problems, key=lambda p: (p.line, p.column))
    return [(p.rule, p.line - START, p.column) for p in problems]


def test_places_after_a_guess_are_those_of_the_file():
    seed = "  - question: In French: a long text\n    answer: A.\n    answer: B.\n"
    assert told(FRAME + seed) == [("yaml-syntax", 1, 24), ("duplicate-key", 3, 5)]
    twice = FRAME + "  - question: A?\n    answer: B.\n---\nversion: 4\ncreated_by: kim\n"
    assert told(twice)[1:] == [("duplicate-key", 4, 1), ("duplicate-key", 5, 1)]
    tagged = "  - question: In French: a long text\n    answer: A.\n  - question: !!str 42\n    answer: B.\n"
    source = Source("qna.yaml", FRAME + tagged)
    assert source.data["seed_examples"][1]["question"] == "42"
    bar = "  - question: In French: a\n    answer: | Name | Age | and more text\n"
    assert told(FRAME + bar) == [("yaml-syntax", 1, 24), ("yaml-syntax", 2, 15)]


def test_columns_are_those_of_the_file_where_a_guess_mends_indentation():
    seeds = "\t- question: A?\n\t  answer: B.\n\t  answer: B.\n"
    assert told(FRAME + seeds) == [("yaml-syntax", 1, 1), ("duplicate-key", 3, 4)]


def test_nothing_is_told_of_a_reading_that_was_thrown_away():
    seeds = "".join(f"  – question: {word}?\n    answer: {word}.\n" for word in "abcde")
    text = "version: 4\nversion: 4\nlicense: x\n" + "a: b: c\nseed_examples: none\n" + seeds
    assert {p.rule for p in Source("qna.yaml", text).problems} == {"yaml-syntax"}


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_all_is_told_of_files_with_other_line_ends(line_end):
    text = FRAME + "  - question: a: b\n    answer: A.\n    answer: B.\n  - question: c\n    answer: d e: f\n"
    other = told(text.replace("\n", line_end))
    assert other[0][0] == "line-ends"
    assert other[1:] == told(text)
    assert [line for _, line, _ in told(text)] == [1, 3, 5]


def test_all_is_told_of_a_file_with_a_forbidden_character():
    text = FRAME + "  - question: a: b\n    answer: \x00A.\n    answer: B.\n"
    assert [rule for rule, _, _ in told(text)] == ["yaml-syntax", "forbidden-character", "duplicate-key"]


def test_seeds_are_not_counted_where_they_are_guessed(write):
    faulty = FRAME + "  - question: A: b?\n    answer: C.\n    holdout: true\n"
    rules = {problem.rule for problem in check(write(faulty), Config())}
    assert not rules & {"few-seeds", "very-few-seeds", "no-holdout", "all-holdouts"}


SEEDS = SKILL[SKILL.index("  - ") :]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (SKILL + "Thanks for reading!\n", [1]),
        (SKILL + "\nThanks for reading!\nBye.\n", [2]),
        (SKILL + "\nThanks for reading!\nBye.\n\nKim\n", [2]),
        (SKILL + "\n## Notes\n\nThanks for reading!\n**Really!**\n", [4]),
        (SKILL + "**Thanks!**\n", [1]),
        (SKILL + "<!-- end -->\n", [1]),
        (SKILL + "<<<<<<< HEAD\n", [1]),
        (SKILL + "=======\n", [1]),
        (SKILL + ">>>>>>> main\n", [1]),
    ],
)
def test_a_line_after_the_seeds_is_the_only_thing_that_is_told(write, text, lines):
    end = SKILL.count("\n")
    assert found(write(text)) == [(end + line, "yaml-syntax") for line in lines]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("// my leaf\n" + SKILL, "belongs to no key"),
        ("Hello all\nhere is my leaf\n" + SKILL, "lines 1 to 2"),
        ("<<<<<<< HEAD\n" + SKILL, "mark that Git leaves"),
        (f"<<<<<<< HEAD\n{SKILL}=======\n{SKILL}>>>>>>> main\n", "mark that Git leaves"),
        (f"<<<<<<< HEAD\n{SKILL}||||||| base\n=======\n{SKILL}>>>>>>> main\n", "mark that Git leaves"),
        (SKILL.replace("version: ", "version = "), "= stands after `version`"),
        (SKILL.replace("version: ", "version "), "no colon stands after `version`"),
        (SKILL.replace("version: ", "version：").replace("created_by: ", "created_by："), "the same in line 2"),
        (SKILL.replace(": ", "：").replace("seed_examples:", "seed_examples："), "wide one"),
    ],
)
def test_a_slip_at_the_top_is_told_there_and_alone(write, text, words):
    [problem] = [each for each in check(write(text), Config()) if each.level == "error"]
    assert problem.line == 1 and words in problem.message


@pytest.mark.parametrize(
    ("right", "wrong", "column", "words"),
    [
        ("    answer: b", "    answer = b", 12, "= stands after `answer`"),
        ("  - question: b", "  - question = b", 14, "= stands after `question`"),
        ("  - question: b", "  - question=b", 13, "= stands after `question`"),
        ("  - question: b", "  - question b", 14, "no colon stands after `question`"),
        ("    holdout: true", "    holdout = true", 13, "= stands after `holdout`"),
        ("    holdout: true", "    holdout:true", 13, "a space is missing after `holdout:`"),
        ("  - question: b", "  - **question**: b", 5, "the stars around `question`"),
        ("  - question: b", "  - **question:** b", 5, "the stars around `question`"),
        ("    answer: b", "    **answer:** b", 5, "the stars around `answer`"),
        ("  - question: b", "\ufeff  - question: b", 1, "a space of another kind (U+FEFF)"),
    ],
)
def test_a_slip_in_a_seed_is_told_there_and_alone(right, wrong, column, words):
    sound = FRAME + "  - question: b\n    answer: b\n  - question: c\n    answer: d\n    holdout: true\n"
    source = Source("qna.yaml", sound.replace(right, wrong))
    [problem] = source.problems
    assert (problem.line, problem.column) == (sound[: sound.index(right)].count("\n") + 1, column)
    assert words in problem.message
    assert source.data == Source("qna.yaml", sound).data


@pytest.mark.parametrize(
    ("written", "column", "words", "fix"),
    [
        ("answer: ```python\n    print(1)\n    ```", 13, "lines of its own", "write `answer: |`"),
        ("answer: |\n    ```\n    print(1)\n    ```", 5, "lines of its own", "write `answer: |`"),
        ("answer:\n```\nprint(1)\n```", 1, "lines of its own", "write `answer: |`"),
        ("answer: The steps are:\n1. Boil: gently\n\n2. Pour", 26, "several lines", "write `answer: |`"),
        ("answer: a,\u2028b", 15, "U+2028, which ends a line", "write a space"),
        ("answer: ? a", 13, "cannot start with `?`", 'answer: "? a"'),
        ("answer: a. holdout: true", 23, "contains a colon", "if `holdout` is a key, start a line of its own"),
        ("answer: This is it:", 23, "contains a colon", 'answer: "This is it:"'),
    ],
)
def test_a_slip_in_a_text_has_a_fix_that_keeps_the_text(written, column, words, fix):
    source = Source("qna.yaml", f"{FRAME}  - question: b\n    {written}\n  - question: c\n    answer: d\n")
    problem = source.problems[0]
    assert (problem.line, problem.column) == (START + (3 if "\n" in written[:11] else 2), column)
    assert words in problem.message and fix in problem.fix
    assert len(source.data["seed_examples"]) == 2


@pytest.mark.parametrize(("wrong", "lines"), [(":", [1]), (" = ", [1, START + 1])])
def test_a_slip_in_every_line_is_told_once_a_kind(wrong, lines):
    source = Source("qna.yaml", (FRAME + SEEDS).replace(": ", wrong))
    assert [problem.line for problem in source.problems] == lines
    assert all("; the same in lines" in problem.message for problem in source.problems)


@pytest.mark.parametrize("stranger", ["license: MIT", "a: b: c", "1. do: it"])
def test_a_line_that_ends_the_list_is_told_and_the_seeds_below_it_are_read(stranger):
    text = f"{FRAME}  - question: a\n{stranger}\n    answer: b\n  - question: c\n    answer: d\n"
    source = Source("qna.yaml", text)
    assert START + 2 in {problem.line for problem in source.problems}
    assert source.data["seed_examples"][1] == {"question": "c", "answer": "d"}


def test_a_key_out_of_line_below_a_text_is_told_as_a_key():
    text = "  - context: |\n      a\n   question: b\n    answer: c\n"
    problem = Source("qna.yaml", FRAME + text).problems[0]
    assert (problem.line, problem.column) == (START + 3, 4) and "`question` is out of line" in problem.message


def test_a_foreign_comment_is_told_without_the_lines_below_it():
    text = FRAME + "  - question: a\n    answer: b\n    // note\n      more\n    holdout: true\n"
    [problem] = Source("qna.yaml", text).problems
    assert problem.line == START + 3 and problem.message.startswith("this line belongs to no key")


def test_a_line_of_a_text_after_a_bar_is_not_taken_for_a_slip():
    text = "  - question: a\n    answer: |\n      content = 3\n   b\n"
    [problem] = Source("qna.yaml", FRAME + text).problems
    assert problem.line == START + 4 and "must be indented by 6" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "  - question: a\n    answer: |\n      if x:\n          url = 3\n   b: c\n",
        '  - question: a\n    answer: "\n    url = "b"\n    "\n',
        "  - question: a\n    answer: 'it''s\n    url = 3'\n   holdout: true\n",
        "  - question: a\n    answer: b\n      url = 3\n      c: d\n",
        "  - question: a\n    answer: b\n      **question**: c\n",
        '  - question: "a\u2028b"\n   answer: c\n',
        '  - question: "a\u2028b" c\n    answer: d\n',
    ],
)
def test_what_stands_in_a_text_is_not_taken_for_the_slip_beside_it(text):
    told = " ".join(problem.message for problem in Source("qna.yaml", FRAME + text).problems)
    assert told and "= stands after" not in told and "stars" not in told and "U+2028" not in told


def test_a_slip_is_told_and_mended_outside_of_texts_only():
    text = "  - question: |\n      a\n      url = 3\n      answer:5\n    answer = b\n    holdout:true\n"
    source = Source("qna.yaml", FRAME + text)
    first, second = source.problems
    assert (first.line, second.line) == (START + 5, START + 6)
    assert "the same" not in first.message + second.message
    seed = {"question": "a\nurl = 3\nanswer:5\n", "answer": "b", "holdout": True}
    assert source.data["seed_examples"] == [seed]


@pytest.mark.parametrize("slip", ["- context:The Rhine", "-context: The Rhine", "- context= The Rhine"])
def test_a_slip_is_told_though_the_lines_of_its_text_stand_between(slip):
    text = f"  {slip}\n      is long\n      and wide\n    question: a\n    answer: b\n"
    [problem] = Source("qna.yaml", FRAME + text).problems
    assert problem.line == START + 1


def test_items_out_of_line_are_told_once():
    text = "- question: a\n  answer: b\n" + 3 * "  - question: c\n    answer: d\n"
    source = Source("qna.yaml", FRAME + text)
    [problem] = source.problems
    assert problem.line == START + 3 and "; the same in lines 10, 12" in problem.message
    assert len(source.data["seed_examples"]) == 4


def test_a_list_that_ends_is_not_ended_by_the_next_seed_s_keys():
    pairs = "    questions_and_answers:\n      - question: a\n        answer: b\n"
    text = f"  - context: a\n{pairs}  - context: b\n{pairs.replace('answers:', 'answers: c')}"
    problem = Source("qna.yaml", FRAME + text).problems[0]
    assert "no deeper than the dashes" not in problem.message


def test_the_other_keys_of_an_item_move_along_with_its_sign():
    [problem] = Source("qna.yaml", FRAME + "  1. question: a\n     answer: b\n").problems
    assert problem.fix == "write `- question: ...`, and its other keys in one column with `question`"
    [problem] = Source("qna.yaml", FRAME + "  1. question: a\n    answer: b\n").problems
    assert problem.fix == "write `- question: ...`"


@pytest.mark.parametrize("line", ["**Note** this", "@kim: yes", "`a` b", "*a* b"])
def test_a_line_that_fell_out_of_its_text_is_told_as_such(line):
    problem = Source("qna.yaml", f"{FRAME}  - question: a\n    answer: b\n{line}\n").problems[0]
    assert problem.line == START + 3 and problem.fix.startswith("indent it deeper than the key of its text")


@pytest.mark.parametrize("written", ["answer:: b", "answer:: b: c", "seed:- answer:: |", "a:b:: c"])
def test_a_colon_that_stands_twice_is_told_and_no_fault_of_ours(written):
    for above in ("", "  - question: a\n", "  - question: a\n    context:\n      b\n"):
        for indent in ("", "   ", "    ", "      "):
            source = Source("qna.yaml", f"{FRAME}{above}{indent}{written}\n    holdout: true\n")
            assert all(problem.line <= START + 6 for problem in source.problems)


def test_a_dash_before_another_key_of_an_item_is_to_be_deleted():
    problem = Source("qna.yaml", FRAME + "  - question: a\n   - answer: b\n").problems[0]
    assert (problem.line, problem.column) == (START + 2, 4)
    assert problem.fix.startswith("if it is no item of its own, delete its dash; a key of the item in line 6 starts in")


@pytest.mark.parametrize("sign", ["– ", "—", "• ", "* ", "*", "1. ", "2) ", "－", "＊ ", "-"])
@pytest.mark.parametrize("indent", ["", "  "])
def test_another_sign_than_a_dash_is_told_once_and_all_seeds_are_read(sign, indent):
    seed = f"{indent}{sign}question: {{0}}?\n{indent}{' ' * max(2, len(sign))}answer: {{0}}.\n"
    source = Source("qna.yaml", FRAME + "".join(seed.format(word) for word in "abc"))
    [problem] = source.problems
    assert (problem.line, problem.column) == (START + 1, len(indent) + 1)
    assert "an ordinary - and a space; the same in lines" in problem.message
    assert source.data["seed_examples"] == [{"question": f"{word}?", "answer": f"{word}."} for word in "abc"]


def test_signs_of_several_kinds_in_one_line_are_all_told():
    seeds = SEEDS.replace("  - ", "\u3000－").replace("    ", "\u3000\u3000").replace(": ", "：")
    source = Source("qna.yaml", FRAME + seeds)
    assert [(p.line - START, p.column) for p in source.problems] == [(1, 1), (1, 2), (1, 11)]
    assert source.data["seed_examples"] == Source("qna.yaml", FRAME + SEEDS).data["seed_examples"]


@pytest.mark.parametrize(
    "line", ["<<<<<<< a", "=======", "－question：a", "* answer: b", "\u3000\u3000", "version = 4", "prose"]
)
def test_signs_within_a_text_are_left_alone(line):
    source = Source("qna.yaml", FRAME + f"  - question: |\n      {line}\n      a\n    answer: b\n")
    assert not source.problems
    assert line.strip(" ") in source.data["seed_examples"][0]["question"]


@pytest.mark.parametrize("text", ["version：4\n", "\u3000license: b\n", "? [a]\n: b\n\u3000license: d\n"])
def test_what_cannot_be_read_on_has_its_first_fault_told(text):
    source = Source("qna.yaml", text)
    assert [problem.rule for problem in source.problems] == ["yaml-syntax"]
    assert source.data is None and not source.guessed
