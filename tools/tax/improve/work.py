"""The terms of improving: a sample is given, a method makes an improvement of it, stage after stage.

A draft, a stage and a drop are those of generation (generate/stages.py). What cannot be improved is dropped with its
reason; a method that falls back then keeps the sample as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tax.calls import Caller
from tax.generate.stages import Draft, Drop, Stage
from tax.improve.grounds import Grounds
from tax.prompts import Prompt
from tax.sample import Dropped, Sample, content_id
from tax.text.duplicates import Holdouts

BEGUN = "begun"  # the stage of what a method has nothing to do with
READ = "read"  # the stage of what cannot go in at all: no method falls back to it
NOTHING = "—"  # stands in a prompt where there is no context, source or name

Shown = tuple[Prompt, Mapping[str, Any], Sequence[tuple[str, str]]]  # a prompt, what fills it, and its conversation


@dataclass(frozen=True)
class Given:
    """A sample that is to be improved: the nth of the input, and how often its opening message came before."""

    sample: Sample
    number: int
    repeat: int = 0  # the draw of its calls, so that those of two samples with one question are not the same

    @property
    def priority(self) -> tuple[int, ...]:
        """Earlier samples' calls go first."""
        return (self.number,)

    def draft(self) -> Draft:
        """Return the sample as a draft to begin with."""
        sample = self.sample
        return Draft(
            sample.kind,
            self.number,
            sample.messages[-2].content,
            sample.seeds,
            messages=sample.messages,
            source=sample.source,
            prompt=sample.prompt,
        )


@dataclass(frozen=True)
class Tools:
    """What every improvement of a run works with."""

    caller: Caller
    holdouts: Holdouts
    grounds: Grounds


class Improvement(Protocol):
    """The work on one sample."""

    begin: Draft | Drop  # what goes through the stages, or why there is nothing to do
    stages: Sequence[Stage]
    calls: tuple[int, int]  # how many there will be, at least and at most

    def shown(self) -> list[Shown]:
        """Return the prompts of the stages as a dry run shows them."""
        ...


class Method(Protocol):
    """What a command does to samples. Its settings are all that the result depends on beside teacher and prompts."""

    @property
    def command(self) -> str:
        """The command's name, such as recycle."""
        ...

    @property
    def done(self) -> str:
        """What is said of its samples, such as recycled."""
        ...

    @property
    def falls_back(self) -> bool:
        """Whether a sample that could not be improved stays as it was."""
        ...

    @property
    def prompts(self) -> Sequence[str]:
        """The names of all its prompts."""
        ...

    @property
    def stages(self) -> Sequence[str]:
        """The names of all its stages, in the order in which a sample goes through those that are its own."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its settings, for the run's identity."""
        ...

    def language(self, sample: Sample) -> str:
        """Return the language of what is made of a sample."""
        ...

    def improvement(self, given: Given, tools: Tools) -> Improvement:
        """Return the work on one sample."""
        ...


def sample_of(draft: Draft, parent: Sample, teacher: str, language: str) -> Sample:
    """Return a sample that was made of another: its provenance, with the other as its parent."""
    return parent.model_copy(
        update={
            "id": content_id(parent.leaf, draft.messages, draft.source),
            "kind": draft.kind,
            "messages": draft.messages,
            "language": language,
            "source": draft.source,
            "teacher": teacher,
            "prompt": draft.prompt,
            "ratings": draft.ratings,
            "parent": parent.id,
        }
    )


def dropped_of(drop: Drop, given: Given) -> Dropped:
    """Return the record of what was not kept."""
    draft = drop.draft or given.draft()
    return Dropped(
        leaf=given.sample.leaf,
        leaf_blob=given.sample.leaf_blob,
        draw=given.number,
        outcome=drop.outcome,
        stage=drop.stage,
        reason=drop.reason,
        detail=drop.detail,
        question=draft.question,
        messages=draft.messages,
        ratings=draft.ratings,
        source=draft.source,
        seeds=draft.seeds,
    )
