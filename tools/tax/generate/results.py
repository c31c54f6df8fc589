"""What came of the leaves of a run: the counts that manifest, report and progress show, and the lines themselves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tax.calls import Caller
from tax.generate.stages import Board, Draft, Drop
from tax.leaf import Leaf
from tax.load import Loaded
from tax.runs import Stretch
from tax.sample import Dropped, Sample, content_id


@dataclass
class LeafResult:
    """What came of one leaf, as the manifest and the report have it."""

    leaf: str
    blob: str
    drawn: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)  # by reason
    draws: int = 0
    stop: str = ""  # why drawing ended, or why the leaf was skipped
    skipped: bool = False
    carried: str = ""  # the run that drew it, where it was carried over from one
    lines: dict[str, Stretch] = field(default_factory=dict)  # where its lines stand in samples.jsonl and dropped.jsonl

    def carried_from(self, run: str) -> "LeafResult":
        """Return the result as a later run has it."""
        return replace(self, carried=self.carried or run)


def describe(results: Sequence[LeafResult], board: Board, caller: Caller) -> dict[str, Any]:
    """Return the counts of a run, for its manifest."""
    meter = caller.meter
    dropped: Counter[str] = Counter()
    for result in results:
        dropped.update(result.dropped)
    return {
        "kept": sum(result.kept for result in results),
        "drawn": sum(result.drawn for result in results),
        "dropped": dict(dropped.most_common()),
        "skipped": sum(result.skipped for result in results),
        "carried": sum(bool(result.carried) for result in results),
        "leaves": [asdict(result) for result in results],
        "stages": {name: vars(tally) for name, tally in board.stages.items()},
        "calls": {
            "asked": dict(meter.asked),
            "reused": dict(meter.reused),
            "retries": dict(meter.retries),
            "prompt_tokens": meter.prompt_tokens,
            "completion_tokens": meter.completion_tokens,
        },
    }


def sample_of(draft: Draft, loaded: Loaded, leaf: Leaf, teacher: str) -> Sample:
    """Return a draft that was kept as a sample."""
    licenses = dict.fromkeys([leaf.license, draft.license or leaf.license])
    return Sample(
        id=content_id(loaded.name, draft.messages, draft.source),
        leaf=loaded.name,
        leaf_blob=loaded.blob,
        branch=loaded.branch,
        kind=draft.kind,
        messages=draft.messages,
        language=leaf.language,
        source=draft.source,
        seeds=draft.seeds,
        teacher="computed" if draft.kind == "problem" else teacher,
        prompt=draft.prompt,
        ratings=draft.ratings,
        parent=None,
        license=" AND ".join(licenses),
    )


def dropped_of(drop: Drop, loaded: Loaded) -> Dropped:
    """Return a drop as dropped.jsonl has it."""
    draft = drop.draft
    return Dropped(
        leaf=loaded.name,
        leaf_blob=loaded.blob,
        draw=draft.draw if draft else -1,
        outcome=drop.outcome,
        stage=drop.stage,
        reason=drop.reason,
        detail=drop.detail,
        question=draft.instruction if draft else "",
        messages=draft.messages if draft else (),
        ratings=draft.ratings if draft else (),
        source=draft.source if draft else None,
        seeds=draft.seeds if draft else (),
    )
