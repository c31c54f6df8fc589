"""The leaves of a run before they are grown: what the manifest says of each, and what its samples depend on.

A leaf is read here and again when its turn comes, so that a run over tens of thousands of leaves holds none of them.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tax import __version__, prompts
from tax.config import Config
from tax.documents.document import DocumentFault
from tax.documents.reading import listed
from tax.generate import knowledge, skills
from tax.leaf import KnowledgeLeaf
from tax.load import Loaded, load
from tax.problems import UserError
from tax.runs import identity_of
from tax.teachers.base import Teacher

PROMPTS = sorted({*skills.PROMPTS, *knowledge.PROMPTS})


@dataclass(frozen=True)
class Settings:
    """What a run is asked for, beside its leaves and its teacher."""

    samples: int = 30  # kept samples wanted of each leaf
    seed: int = 0
    concurrency: int = 64  # calls in flight
    seeds: Literal["leaf", "random"] = "leaf"  # shown to the teacher: a leaf's own, or any of its branch (branch.py)


class Skip(Exception):
    """A leaf that cannot be grown in this run; the message says why."""


class NeedsModel(Skip):
    """A leaf that waits for a teacher that can write."""


@dataclass(frozen=True)
class Input:
    """One leaf of a run.

    `identity` is a hash of all that its samples depend on but the hold-outs of other leaves: its file, its documents,
    the prompts of its kind, the teacher and the settings. `holdouts` are the instructions that it keeps back.
    """

    file: Path
    entry: dict[str, Any]  # as the manifest has it
    holdouts: tuple[str, ...]
    language: str  # of its prompts
    leaves: int = 1  # that it stands for: each adds to the number of samples wanted

    @property
    def name(self) -> str:
        """The leaf's place in the taxonomy."""
        return str(self.entry["leaf"])

    @property
    def identity(self) -> str:
        """The hash that tells whether a leaf's samples may be carried over."""
        return str(self.entry["identity"])

    def load(self) -> Loaded:
        """Read the leaf again. Raises UserError where it or its documents are other ones by now."""
        loaded = load(self.file)
        if loaded.blob != self.entry["blob"] or _documents(loaded) != self.entry["documents"]:
            raise UserError(f"the leaf {loaded.shown} changed while the run was going on: run the same command again")
        return loaded


async def read_inputs(
    files: Iterable[Path], root: Path, teacher: Teacher, settings: Settings, config: Config
) -> list[Input]:
    """Read the leaves of a run; an interrupt gets through between two of them."""
    common = common_facts(teacher, settings, config)
    read = []
    for file in files:
        read.append(input_of(load(file), root.resolve(), common))
        await asyncio.sleep(0)
    return read


def common_facts(teacher: Teacher, settings: Settings, config: Config) -> dict[str, Any]:
    """Return what the identities of all inputs of a run rest on."""
    return {
        "teacher": [teacher.name, teacher.model],
        "samples": settings.samples,
        "seed": settings.seed,
        "licenses": sorted(config.licenses.allowed),
        "tax": __version__,
    }


def prompt_digests(names: Sequence[str], language: str) -> dict[str, str]:
    """Return the digests of some prompts in a language, by their titles."""
    return {prompt.title: prompt.digest for prompt in (prompts.load(name, language) for name in names)}


def input_of(loaded: Loaded, root: Path, common: dict[str, Any]) -> Input:
    """Return a leaf as an input of a run."""
    path, leaf = loaded.path.resolve(), loaded.leaf
    documents = _documents(loaded)
    asked = knowledge.PROMPTS if isinstance(leaf, KnowledgeLeaf) else skills.PROMPTS
    language = leaf.language if leaf else prompts.ENGLISH
    digests = prompt_digests(asked, language)
    facts = {"leaf": loaded.name, "blob": loaded.blob, "documents": documents, "prompts": digests}
    entry = {
        "leaf": loaded.name,
        "path": str(path.relative_to(root) if path.is_relative_to(root) else path),
        "blob": loaded.blob,
        "version": loaded.version,
        "license": leaf.license if leaf else None,
        "created_by": leaf.created_by if leaf else None,
        "documents": documents,
        "identity": identity_of(facts | common),
    }
    return Input(loaded.path, entry, tuple(leaf.holdouts) if leaf else (), language)


def _documents(loaded: Loaded) -> list[dict[str, str]]:
    if isinstance(loaded.leaf, KnowledgeLeaf):
        with contextlib.suppress(DocumentFault):  # the leaf is skipped with this fault as its reason
            return listed(loaded.leaf, loaded.path.parent)
    return []
