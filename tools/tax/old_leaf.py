"""Versions 1 to 3 of the leaf, as the public peer (instructlab-schema 0.4.2) defines them, and their lift to version 4.

The models hold exactly the peer's rules, so that a leaf which it accepts has no error here. Version 1 knows skills;
version 2 asks for five different seeds and a description; version 3 adds knowledge. A leaf without a version is 1.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from tax.leaf import (
    BRANCHES,
    UNSTATED_LICENSE,
    Document,
    KnowledgeLeaf,
    KnowledgeSeed,
    Leaf,
    PinnedDocument,
    QuestionAnswer,
    QuestionSeed,
    SkillLeaf,
    UnpinnedDocument,
)
from tax.source import MERGE, Loc, Source

VERSIONS = (1, 2, 3)

# What PyYAML, the peer's reader, takes for a number (YAML 1.1); 08 and 1e5 are texts to it.
_NUMBER_IN_YAML_1_1 = re.compile(
    r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)"
    r"|[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)

_FULL_HASH = re.compile("[0-9a-f]{40}")

Text = Annotated[str, StringConstraints(min_length=1)]


class _Old(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, defer_build=True)


class OldQuestionSeed(_Old):
    """A worked example of a skill."""

    question: Text
    """What a user asks."""
    answer: Text
    """The answer that the student should learn to give."""
    context: Text = ""
    """The text that the question is about."""


class OldQuestionAnswer(_Old):
    """A question that its context answers; here the peer lets other keys pass."""

    model_config = ConfigDict(extra="ignore")

    question: Text
    """Names its subject: it is read without the context."""
    answer: Text
    """What the context says."""


class OldKnowledgeSeed(_Old):
    """A passage of the document with questions that it answers."""

    context: Text
    """The passage, copied word for word from the document."""
    questions_and_answers: list[OldQuestionAnswer]
    """Three or more questions that the passage answers."""


class OldDocument(_Old):
    """Documents in a Git repository."""

    repo: Text
    """The repository's address."""
    commit: Text
    """The hash of the commit."""
    patterns: list[Text]
    """Which files of it, such as "*.md"."""


class OldSkillLeaf(_Old):
    """A skill of version 2 or 3."""

    version: int = 1
    """The version of this format."""
    created_by: Text
    """The contributor's name on GitHub."""
    task_description: Text
    """What the model shall learn to do, told to the teacher."""
    seed_examples: list[OldQuestionSeed]
    """Worked examples, all different."""


class FirstSkillLeaf(OldSkillLeaf):
    """A skill of version 1."""

    task_description: str
    """What the model shall learn to do, told to the teacher."""


class OldKnowledgeLeaf(_Old):
    """A knowledge leaf of version 3."""

    version: int
    """The version of this format."""
    created_by: Text
    """The contributor's name on GitHub."""
    domain: Text
    """The subject, as a library would shelve it."""
    seed_examples: list[OldKnowledgeSeed]
    """Five or more passages with questions and answers."""
    document: OldDocument
    """Where the documents are."""
    document_outline: Text
    """What the documents cover, in a line."""


OldLeaf = OldSkillLeaf | OldKnowledgeLeaf


def model_of(version: int, *, knowledge: bool) -> type[OldLeaf] | None:
    """Return the model of a version's leaves; None for knowledge before version 3, which the peer does not support."""
    if knowledge:
        return OldKnowledgeLeaf if version == 3 else None
    return FirstSkillLeaf if version == 1 else OldSkillLeaf


def lists(version: int, data: dict[str, Any]) -> Iterator[tuple[Loc, Sequence[Any], int, bool]]:
    """Yield every list that has a least length: its place, itself, that length, and whether its items must differ.

    pydantic tells a list's length only once its items are sound; here it is seen with their faults.
    """
    least = {1: 1, 2: 5, 3: 5}[version]
    seeds = data.get("seed_examples")
    if isinstance(seeds, list):
        yield ("seed_examples",), seeds, least, version > 1
        for index, seed in enumerate(seeds):
            pairs = seed.get("questions_and_answers") if isinstance(seed, dict) else None
            if isinstance(pairs, list):
                yield ("seed_examples", index, "questions_and_answers"), pairs, 3, True
    document = data.get("document")
    patterns = document.get("patterns") if isinstance(document, dict) else None
    if isinstance(patterns, list):
        yield ("document", "patterns"), patterns, 1, True


def repeats(items: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the index of every item that is equal to an earlier one, with that one's."""
    first: dict[str, int] = {}
    written = [json.dumps(item, sort_keys=True) for item in items]
    return [(index, first[text]) for index, text in enumerate(written) if first.setdefault(text, index) != index]


def reread(source: Source, value: Any, loc: Loc = ()) -> Any:
    """Read a value as the peer does, by YAML 1.1, where it takes more than 1.2 does; return it, changed in place.

    What 1.2 reads as a number, but 1.1 as a text, becomes a text; the key `<<` gives its keys to its parent.
    """
    if isinstance(value, dict) and MERGE in value:
        merged = value.pop(MERGE)
        for group in merged if isinstance(merged, list) else [merged]:
            for key, child in group.items() if isinstance(group, dict) else ():
                value.setdefault(key, child)
    if isinstance(value, dict | list):
        for key, child in list(value.items() if isinstance(value, dict) else enumerate(value)):
            value[key] = reread(source, child, (*loc, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        scalar = source.scalar(loc)
        if scalar and not _NUMBER_IN_YAML_1_1.fullmatch(scalar):
            return scalar
    return value


def lift(old: OldLeaf, name: str) -> Leaf:
    """Return an old leaf in the models of version 4.

    `name` is the leaf's identity, from which a version 1 leaf without a description gets one. Nothing is validated
    anew: an old leaf may hold what version 4 refuses, such as an address that is no https address.
    """
    common: dict[str, Any] = {"version": 4, "created_by": old.created_by, "license": UNSTATED_LICENSE}
    if isinstance(old, OldKnowledgeLeaf):
        return KnowledgeLeaf.model_construct(
            **common,
            domain=old.domain,
            seed_examples=[_knowledge_seed(seed) for seed in old.seed_examples],
            document_outline=old.document_outline,
            documents=[_document(old.document)],
        )
    return SkillLeaf.model_construct(
        **common,
        task_description=old.task_description if old.task_description.strip() else description_of(name),
        seed_examples=[
            QuestionSeed.model_construct(question=seed.question, answer=seed.answer, context=seed.context or None)
            for seed in old.seed_examples
        ],
    )


def full_hash(commit: str) -> str | None:
    """Return the full hash of a commit as version 4 writes it; None for a branch, a part of a hash, and the like."""
    written = commit.strip().lower()
    return written if _FULL_HASH.fullmatch(written) else None


def description_of(name: str) -> str:
    """Return a task description made from a leaf's name: of compositional_skills/poetry/ballad, Ballad (poetry)."""
    parts = [part.replace("_", " ").replace("-", " ").strip() for part in name.split("/")]
    text = (parts[-1][:1].upper() + parts[-1][1:]) or "Answer the question"
    above = ", ".join(parts[1:-1]) if name.startswith(BRANCHES) else ""
    return f"{text} ({above})" if above else text


def _document(old: OldDocument) -> Document:
    common: dict[str, Any] = {"repo": old.repo, "patterns": list(old.patterns), "license": UNSTATED_LICENSE}
    commit = full_hash(old.commit)
    if commit:
        return PinnedDocument.model_construct(**common, commit=commit)
    return UnpinnedDocument.model_construct(**common, ref=old.commit)


def _knowledge_seed(old: OldKnowledgeSeed) -> KnowledgeSeed:
    return KnowledgeSeed.model_construct(
        context=old.context,
        questions_and_answers=[
            QuestionAnswer.model_construct(question=pair.question, answer=pair.answer)
            for pair in old.questions_and_answers
        ],
    )
