"""The inputs of a run of `--seeds random`: one pool of seeds for each branch, and the leaves that none takes in.

What would not be compared like with like stays out, and stands in the run with its reason: knowledge, whose samples
come from documents; leaves whose problems are computed; dialogues; and leaves in another language than most.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tax.config import Config
from tax.generate.branch import PROMPTS, BranchLeaf
from tax.generate.inputs import Input, Settings, Skip, common_facts, input_of, prompt_digests
from tax.generate.run import fit
from tax.leaf import Branch, DialogueSeed, QuestionSeed, SkillLeaf
from tax.load import Loaded, load
from tax.prompts import wording_of
from tax.runs import identity_of
from tax.source import Source
from tax.teachers.base import Teacher
from tax.text.languages import language_name


@dataclass(frozen=True)
class _Member:
    """A leaf of a branch, and the indices of its seeds that enter the pool."""

    input: Input
    branch: Branch
    leaf: SkillLeaf
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class _Pool(Input):
    """A branch, ready to be drawn from."""

    loaded: Loaded | None = None

    def load(self) -> Loaded:
        """Return the branch in the form of a leaf."""
        assert self.loaded is not None
        return self.loaded


@dataclass(frozen=True)
class _LeftOut(Input):
    """A leaf that enters no pool."""

    reason: str = ""

    def load(self) -> Loaded:
        """Raise Skip with the reason."""
        raise Skip(self.reason)


async def pooled_inputs(
    files: Iterable[Path], root: Path, teacher: Teacher, settings: Settings, config: Config
) -> list[Input]:
    """Read the leaves of a run and pool their seeds by branch; an interrupt gets through between two of them."""
    common = common_facts(teacher, settings, config)
    branches: dict[Branch, list[_Member]] = {}
    left: list[Input] = []
    for file in files:
        loaded = load(file)
        each = input_of(loaded, root.resolve(), common)
        try:
            member = _member(loaded, each, config)
            branches.setdefault(member.branch, []).append(member)
        except Skip as reason:
            left.append(_left_out(each, str(reason)))
        await asyncio.sleep(0)
    pools: list[Input] = []
    for branch, members in branches.items():
        language = Counter(member.leaf.language for member in members).most_common(1)[0][0]
        pools.append(_pool(branch, language, [each for each in members if each.leaf.language == language], common))
        why = f"--seeds random draws in one language a branch, here {language_name(language)}"
        left += [_left_out(each.input, why) for each in members if each.leaf.language != language]
    return [*pools, *left]


def _member(loaded: Loaded, each: Input, config: Config) -> _Member:
    """Return a leaf with what it brings to its branch's pool. Raises Skip where that is nothing."""
    leaf = fit(loaded, config)
    if not isinstance(leaf, SkillLeaf):
        raise Skip("--seeds random is for skills: knowledge comes from its documents")
    if leaf.problem_templates:
        raise Skip("--seeds random has no counterpart of problems that are computed")
    kept = [(index, seed) for index, seed in enumerate(leaf.seed_examples) if not seed.holdout]
    seeds = tuple(index for index, seed in kept if isinstance(seed, QuestionSeed))
    if not seeds:
        raise Skip("--seeds random leaves out dialogues" if kept else "every seed is a hold-out")
    return _Member(each, loaded.branch, leaf, seeds)


def _left_out(each: Input, reason: str) -> Input:
    return _LeftOut(each.file, each.entry, each.holdouts, each.language, leaves=0, reason=reason)


def _pool(branch: Branch, language: str, members: Sequence[_Member], common: dict[str, Any]) -> Input:
    listed = [
        {key: each.input.entry[key] for key in ("leaf", "path", "blob", "license", "created_by")}
        | {
            "seeds": list(each.seeds),
            "dialogues": sum(isinstance(seed, DialogueSeed) for seed in each.leaf.seed_examples),  # left out
        }
        for each in members
    ]
    licenses = " AND ".join(sorted({each.leaf.license for each in members}))
    authors = ", ".join(sorted({each.leaf.created_by for each in members}))
    leaf = BranchLeaf(
        version=4,
        created_by=authors,
        license=licenses,
        language=language,
        task_description=wording_of(language).any_task,
        seed_examples=[each.leaf.seed_examples[index] for each in members for index in each.seeds],
    )
    blob = identity_of({"pool": [[each["leaf"], each["blob"], each["seeds"]] for each in listed]}, 20)
    facts = {"branch": branch, "blob": blob, "prompts": prompt_digests(PROMPTS, language)}
    path = Path(branch)
    entry = {
        "leaf": branch,
        "path": branch,
        "blob": blob,
        "version": 4,
        "license": licenses,
        "created_by": authors,
        "documents": [],
        "identity": identity_of(facts | common),
        "pool": listed,
    }
    loaded = Loaded(path, branch, branch, branch, blob, Source(branch, ""), 4, leaf, ())
    holdouts = tuple(text for each in members for text in each.leaf.holdouts)
    return _Pool(path, entry, holdouts, language, leaves=len(members), loaded=loaded)
