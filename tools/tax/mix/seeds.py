"""The seeds of leaves as samples: hold-outs to measure with; the others, on request, to train on."""

from collections.abc import Iterator
from dataclasses import dataclass

from tax.leaf import DialogueSeed, Leaf, Message, QuestionSeed
from tax.load import Loaded
from tax.sample import Kind, Sample, content_id

HUMAN = "human"  # the teacher of a seed


@dataclass(frozen=True)
class Seeds:
    """The seeds of all leaves that are no hold-outs, as one input."""

    leaves: list[Loaded]
    name: str = "seeds of the leaves"


def seeds_of(loaded: Loaded, *, holdout: bool) -> Iterator[Sample]:
    """Yield the hold-out seeds of a leaf as samples, or the others; each question of a passage is one."""
    for index, kind, messages in _conversations(loaded.leaf, holdout):
        yield Sample(
            id=content_id(loaded.name, messages, None),
            leaf=loaded.name,
            leaf_blob=loaded.blob,
            branch=loaded.branch,
            kind=kind,
            messages=tuple(messages),
            language=loaded.leaf.language if loaded.leaf else "en",
            source=None,
            seeds=(index,),
            teacher=HUMAN,
            prompt=f"seed[{index}]",
            ratings=(),
            parent=None,
            license=loaded.leaf.license if loaded.leaf else "",
        )


def _conversations(leaf: Leaf | None, holdout: bool) -> Iterator[tuple[int, Kind, list[Message]]]:
    for index, seed in enumerate(leaf.seed_examples if leaf else ()):
        if seed.holdout != holdout:
            continue
        if isinstance(seed, QuestionSeed | DialogueSeed):
            yield index, _kind(seed), seed.messages
            continue
        for pair in seed.questions_and_answers:
            question = Message(role="user", content=pair.question)
            yield index, "knowledge", [question, Message(role="assistant", content=pair.answer)]


def _kind(seed: QuestionSeed | DialogueSeed) -> Kind:
    if isinstance(seed, DialogueSeed):
        return "dialogue"
    return "question" if seed.context is None else "grounded"
