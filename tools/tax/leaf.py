"""The leaf: version 4 of the format as pydantic models, and what every reader of a leaf works with.

Versions 1 to 3 (old_leaf.py) are lifted to these models on reading, so nothing behind this module knows versions.
schemas/ is written from the models: what a field's description says is what an editor shows.
"""

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

BRANCHES = ("knowledge", "foundational_skills", "compositional_skills")
FILE_NAME = "qna.yaml"
UNSTATED_LICENSE = "NOASSERTION"  # SPDX's word for it: versions 1 to 3 carry no licence in the leaf

Branch = Literal["knowledge", "foundational_skills", "compositional_skills"]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Scalar = int | float | str


def _stated(value: object) -> object:
    """Refuse a key without a value: what is optional may be left out, but not left empty."""
    if value is None:
        raise PydanticCustomError("stated", "an optional key is left out, not left empty")
    return value


def _keys(value: object) -> Collection[str]:
    """Return the keys of a group that is read, or the fields of a part of a leaf that is written."""
    return value.keys() if isinstance(value, dict) else getattr(value, "model_fields_set", ())


OptionalText = Annotated[Text | None, BeforeValidator(_stated)]


class Model(BaseModel):
    """Base of all parts of a leaf: texts are texts, numbers are numbers, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, defer_build=True)


class Message(Model):
    """One turn of a dialogue."""

    role: Literal["user", "assistant"]
    """Who speaks."""
    content: Text
    """What is said."""


class QuestionSeed(Model):
    """A worked example of a skill: a question and the answer you would be proud of."""

    question: Text
    """What a user asks."""
    answer: Text
    """The answer that the student should learn to give."""
    context: OptionalText = None
    """The text that the question is about (a grounded skill); then every seed of the leaf has one."""
    holdout: bool = False
    """Kept from teacher and training, to measure the student with."""

    @property
    def messages(self) -> list[Message]:
        """The seed as a conversation; a context stands before its question."""
        prompt = f"{self.context.strip()}\n\n{self.question}" if self.context else self.question
        return [Message(role="user", content=prompt), Message(role="assistant", content=self.answer)]


class DialogueSeed(Model):
    """A worked example of several turns, which user and assistant take in turn."""

    messages: Annotated[list[Message], Field(min_length=2)]
    """The turns: first the user's, last the assistant's."""
    holdout: bool = False
    """Kept from teacher and training, to measure the student with."""

    @model_validator(mode="after")
    def _alternates(self) -> "DialogueSeed":
        roles = [message.role for message in self.messages]
        if roles != ["user", "assistant"] * (len(roles) // 2):
            raise PydanticCustomError(
                "turns",
                "the turns of a dialogue alternate: first the user, then the assistant, who also ends it",
            )
        return self

    @property
    def question(self) -> str:
        """The opening message."""
        return self.messages[0].content


class QuestionAnswer(Model):
    """A question that its context answers, with the answer."""

    question: Text
    """Names its subject: it is read without the context."""
    answer: Text
    """What the context says, in full sentences."""


class KnowledgeSeed(Model):
    """A passage of the document with questions that it answers."""

    context: Text
    """The passage, copied word for word from the document."""
    questions_and_answers: Annotated[list[QuestionAnswer], Field(min_length=1)]
    """Questions that the passage alone answers; three or more show the teacher what varies."""
    holdout: bool = False
    """Kept from teacher and training, to measure the student with."""


class Range(Model):
    """Numbers from `from` to `to`, both included, `step` apart."""

    from_: Annotated[int | float, Field(alias="from")]
    """The least value."""
    to: int | float
    """The greatest value."""
    step: Annotated[int | float, Field(gt=0)] = 1
    """The distance between values."""

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        if self.to < self.from_:
            raise PydanticCustomError("range", "`to` is less than `from`, so this range has no value")
        return self


Values = Annotated[
    Annotated[Range, Tag("(range)")] | Annotated[list[Scalar], Field(min_length=1), Tag("(list)")],
    Discriminator(lambda value: "(list)" if isinstance(value, list) else "(range)"),
]


class ProblemTemplate(Model):
    """A family of problems whose answers are computed, and so are right by construction (docs/problem-templates.md)."""

    question: Text
    """The problem, with `{name}` where a variable or derived value goes."""
    answer: Text
    """The answer, a full sentence, with `{name}` likewise."""
    steps: list[Text] = []
    """The worked steps that come before the answer, with `{name}` likewise."""
    variables: dict[Name, Values] = {}
    """What is drawn for each problem: a range of numbers, or a list to choose from."""
    table: Annotated[list[dict[Name, Scalar]], Field()] = []
    """Rows of values that belong together: one row is drawn, its columns are variables."""
    derived: dict[Name, Text] = {}
    """Values computed from the drawn ones, in order; a later one may use an earlier."""
    conditions: list[Text] = []
    """What must be true of a problem, or its values are drawn again."""


class LocalDocument(Model):
    """A document that lies beside the leaf."""

    path: Text
    """The file, seen from the leaf's folder."""
    license: Text
    """SPDX id of the document's licence."""
    title: OptionalText = None
    """What the document is called."""
    authors: list[Text] = []
    """Who wrote it."""
    url: OptionalText = None
    """Where it was published."""


class _RemoteDocument(Model):
    repo: Annotated[str, StringConstraints(pattern=r"^https://\S+$")]
    """The repository's https address."""
    patterns: Annotated[list[Text], Field(min_length=1)]
    """Which files of it, such as "*.md"."""
    license: Text
    """SPDX id of the documents' licence."""
    title: OptionalText = None
    """What the documents are called."""
    authors: list[Text] = []
    """Who wrote them."""
    url: OptionalText = None
    """Where they were published."""


class PinnedDocument(_RemoteDocument):
    """Documents in another repository, at one commit of it."""

    commit: Commit
    """The full hash of the commit: 40 hexadecimal digits."""


class UnpinnedDocument(_RemoteDocument):
    """Documents in another repository that an older leaf did not pin: nothing grows from them until it does."""

    ref: Text
    """What stands for the commit, such as a branch or a part of a hash: it can mean another text tomorrow."""


def _kind_of_document(value: object) -> str:
    keys = _keys(value)
    if "repo" not in keys:
        return "(local)"
    return "(unpinned)" if "ref" in keys and "commit" not in keys else "(pinned)"


Document = Annotated[
    Annotated[LocalDocument, Tag("(local)")]
    | Annotated[PinnedDocument, Tag("(pinned)")]
    | Annotated[UnpinnedDocument, Tag("(unpinned)")],
    Discriminator(_kind_of_document),
]
SkillSeed = Annotated[
    Annotated[QuestionSeed, Tag("(question)")] | Annotated[DialogueSeed, Tag("(dialogue)")],
    Discriminator(lambda value: "(dialogue)" if "messages" in _keys(value) else "(question)"),
]


class Dataset(Model):
    """A public dataset of a foundational skill, pinned, licensed, its columns mapped."""

    name: Text
    """Its name on a hub, or a file beside the leaf (.jsonl or .parquet)."""
    revision: Annotated[Commit | None, BeforeValidator(_stated)] = None
    """The full hash of the dataset's commit; a file beside the leaf needs none."""
    split: Text = "train"
    """Which part of it."""
    license: Text
    """SPDX id of the dataset's licence."""
    columns: dict[Literal["question", "answer", "context"], Text]
    """Which column holds the question, which the answer."""


class _Leaf(Model):
    version: Literal[4]
    """The version of this format."""
    created_by: Text
    """The contributor's name on GitHub."""
    license: Text
    """SPDX id of the contribution's licence, from the allowed list."""
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] = "en"
    """The language of the leaf, a BCP 47 tag such as en or zh-Hant-TW."""
    principles: list[Text] = []
    """Rules of this leaf that enter its prompts."""


class SkillLeaf(_Leaf):
    """A leaf of foundational_skills or compositional_skills."""

    task_description: Text
    """What the model shall learn to do, told to the teacher."""
    response_style: Literal["precise", "creative"] = "precise"
    """Which of LAB's two personas answers (LAB 3.2.1)."""
    seed_examples: Annotated[list[SkillSeed], Field(min_length=1)]
    """Worked examples; five or more, all different, one of them a hold-out."""
    problem_templates: list[ProblemTemplate] = []
    """Problems whose answers are computed."""
    dataset: Annotated[Dataset | None, BeforeValidator(_stated)] = None
    """A public dataset that teaches this skill (foundational skills)."""

    @property
    def holdouts(self) -> list[str]:
        """The instructions of the hold-outs, which nothing generated may repeat."""
        return [seed.messages[0].content for seed in self.seed_examples if seed.holdout]


class KnowledgeLeaf(_Leaf):
    """A leaf of the knowledge branch."""

    domain: Text
    """The subject, as a library would shelve it."""
    response_style: Literal["precise", "creative"] = "precise"
    """Which of LAB's two personas answers (LAB 3.2.1)."""
    seed_examples: Annotated[list[KnowledgeSeed], Field(min_length=1)]
    """Passages with questions and answers; five or more, one of them a hold-out."""
    document_outline: Text
    """What the documents cover, in a line."""
    documents: Annotated[list[Document], Field(min_length=1)]
    """The documents that the knowledge comes from."""

    @property
    def holdouts(self) -> list[str]:
        """The questions of the hold-outs, which nothing generated may repeat."""
        return [pair.question for seed in self.seed_examples if seed.holdout for pair in seed.questions_and_answers]


Leaf = SkillLeaf | KnowledgeLeaf


def branch_index(parts: Sequence[str]) -> int | None:
    """Return which part of a path is the leaf's branch: the one below a folder `taxonomy`, else the last named."""
    named = [index for index, part in enumerate(parts) if part in BRANCHES]
    return next((each for each in named if parts[each - 1] == "taxonomy"), named[-1]) if named else None


def branch_of(parts: Sequence[str], data: Any = None) -> Branch:
    """Return the branch that a leaf belongs to: the first branch named in its path, else judged by its keys."""
    for part in parts:
        if part in BRANCHES:
            return part  # type: ignore[return-value]
    keys = data if isinstance(data, dict) else {}
    return "knowledge" if {"document", "documents", "domain"} & keys.keys() else "compositional_skills"


def leaf_name(parts: Sequence[str]) -> str:
    """Return a leaf's identity: its folder's path from its branch on (the whole folder, where no branch is named).

    `parts` are those of the path of its file.
    """
    folders = parts[:-1]
    for index, part in enumerate(folders):
        if part in BRANCHES:
            return "/".join(folders[index:])
    return PurePosixPath(*folders).as_posix()
