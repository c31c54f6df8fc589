"""New leaves: a commented text in the usual form, with TODO wherever its author has something to say."""

import re
from typing import Literal, get_args

from tax.write.layout import render
from tax.write.read import read
from tax.write.scalars import inline, text_scalar
from tax.write.tree import WriteError

Kind = Literal["skill", "grounded", "dialogue", "templates", "knowledge"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SEEDS = 6  # the last of them is the hold-out

_HEAD = """\
version: 4  # of this format
created_by: {created_by}  # your name on GitHub
license: {license}  # what others may do with your text, as an SPDX id
"""
_LANGUAGE = """\
language: {language}  # en, zh-Hant-TW, ...: a BCP 47 tag
"""
_SKILL = """\

# What the model must learn to do, in one to three sentences. A teacher model reads it.
task_description: {description}
{language}response_style: precise  # precise, or creative where the answers should surprise

# Rules for what the teacher writes, such as how long an answer is. Optional: delete what you do not need.
principles:
  - "TODO: a rule that every question and every answer keeps"
"""
_KNOWLEDGE = """\

# The subject, as a library would shelve it.
domain: {description}
{language}
# Rules for what the teacher writes. Optional: delete what you do not need.
principles:
  - "TODO: a rule, such as: name the subject in every question"
"""
_SEEDS_HEAD = """\

# {what}
# At least five, all different in what they ask and how.
# A text stands below `|-`, indented; it may hold any characters, and its line breaks count.
seed_examples:
"""
_HOLDOUT = """\
    holdout: true  # never shown to the teacher: it measures what the model has learned
"""
_WHAT: dict[Kind, str] = {
    "skill": "Examples of the task: a question and the answer that you would be proud of.",
    "grounded": "Examples of the task: a text, a question about it, and the answer that the text gives.",
    "dialogue": "Examples of the task: whole conversations. The user begins, then they take turns; the assistant ends.",
    "templates": "Examples of the task: a problem, and its answer with the steps that lead there.",
    "knowledge": "Passages of the document, each with three or more questions that it answers.",
}
_SKILL_SEED = """\
  - question: |-
      TODO: question {number}
    answer: |-
      TODO: the answer to question {number}
"""
_SEED: dict[Kind, str] = {
    "skill": _SKILL_SEED,
    "grounded": """\
  - context: |-
      TODO: text {number}, that the question is about
    question: |-
      TODO: question {number}
    answer: |-
      TODO: the answer to question {number}, from the text alone
""",
    "dialogue": """\
  - messages:
      - role: user
        content: |-
          TODO: how conversation {number} begins
      - role: assistant
        content: |-
          TODO: the first reply of conversation {number}
      - role: user
        content: |-
          TODO: what the user says to that in conversation {number}
      - role: assistant
        content: |-
          TODO: the last reply of conversation {number}
""",
    "templates": _SKILL_SEED,
    "knowledge": """\
  - context: |-
      TODO: passage {number}, copied word for word from the document
    questions_and_answers:
      - question: |-
          TODO: question 1 on passage {number}; it names its subject, as it is read without the passage
        answer: |-
          TODO: the answer to question 1 on passage {number}
      - question: |-
          TODO: question 2 on passage {number}
        answer: |-
          TODO: the answer to question 2 on passage {number}
      - question: |-
          TODO: question 3 on passage {number}
        answer: |-
          TODO: the answer to question 3 on passage {number}
""",
}
_TAIL: dict[Kind, str] = {
    "templates": """\

# Problems whose answers are computed, and so are right. This one works: put your own in its place.
problem_templates:
  - question: "TODO: a problem, such as: a box holds {count} apples; how many are in {boxes} boxes?"
    # Drawn anew for each problem: from a range, or from a list.
    variables:
      count: {from: 6, to: 24}
      boxes: [2, 3, 4, 5]
    # Computed from what was drawn.
    derived:
      total: count * boxes
    # A problem for which one of these is not true is drawn again.
    conditions:
      - total < 100
    # What stands before the answer: the way to it.
    steps:
      - "TODO: a step, such as: {count} apples × {boxes} boxes = {total} apples."
    answer: "TODO: the answer in a sentence, such as: there are {total} apples."
""",
    "knowledge": """\

# What the documents cover, in one line.
document_outline: "TODO: what the document covers"
# Where the knowledge comes from: a file that you put beside this one.
documents:
  - path: TODO.md
    license: {license}  # of the document
    title: "TODO: what the document is called"
    authors: ["TODO: who wrote it"]
""",
}


def new_leaf(kind: Kind, *, created_by: str, license: str, language: str, description: str) -> str:
    """Return the text of a leaf that only lacks content.

    `description` is the task of a skill, or the domain of a knowledge leaf; an empty one is left to the author. Raises
    WriteError for a kind that does not exist.
    """
    if kind not in KINDS:
        raise WriteError(f"there is no kind of leaf called {kind}: choose {', '.join(KINDS)}")
    values = {
        "created_by": created_by.strip() or "TODO",
        "license": license.strip() or "TODO",
        "description": description.strip() or _todo(kind),
    }
    written = {name: inline(text_scalar(value)) for name, value in values.items()}
    written["language"] = _LANGUAGE.replace("{language}", inline(text_scalar(language.strip() or "en")))
    seeds = "".join(_SEED[kind].replace("{number}", str(number + 1)) for number in range(_SEEDS))
    parts = [
        _filled(_HEAD, written),
        _filled(_KNOWLEDGE if kind == "knowledge" else _SKILL, written),
        _SEEDS_HEAD.replace("{what}", _WHAT[kind]),
        seeds + _HOLDOUT,
        _filled(_TAIL.get(kind, ""), written),
    ]
    tree = read("".join(parts))
    assert tree is not None
    return render(tree)


def _todo(kind: Kind) -> str:
    return "TODO: the subject" if kind == "knowledge" else "TODO: what the model must learn to do"


def _filled(text: str, values: dict[str, str]) -> str:
    """Fill in the places of `values` at once, so that braces within one stay as they are."""
    pieces = re.split("({(?:" + "|".join(values) + ")})", text)
    return "".join(values.get(piece[1:-1], piece) if piece.startswith("{") else piece for piece in pieces)
