"""Which leaves of a run are weak, why, and what their maintainer can do: rules of thumb with their thresholds."""

from dataclasses import dataclass

from tax.report.figures import BEYOND, NEAR_DUPLICATE, LeafFigures

FEW = 0.5  # kept of drawn
REPEATED = 0.3  # near-duplicates of drawn
ALIKE = 0.45  # mean pairwise ROUGE-L of the kept instructions
COVERED = 0.6  # of the documents' characters
FAILED = 0.1  # of drawn

SEVERE, MILD = 2, 1

EXHAUSTED = "nothing more to draw"
_MORE = {  # what helps a leaf whose drafts were good, but came to an end
    "knowledge": "write more into its documents, or take a teacher that asks more of each passage",
    "foundational_skills": "widen what its templates draw from, or add some; a model teacher goes on by itself",
    "compositional_skills": "add seeds that differ from those there",
}
_NO_FAULT = {NEAR_DUPLICATE, BEYOND}  # repetition has its own rule


@dataclass(frozen=True)
class Weakness:
    """One thing that is weak about a leaf."""

    weight: int  # SEVERE or MILD
    what: str
    advice: str
    quotes: tuple[str, ...] = ()  # the judges' own words


def weaknesses(figures: LeafFigures) -> list[Weakness]:
    """Return what is weak about a leaf, the weightiest first; nothing where it waits for a model teacher.

    Where samples are improved, one that stays as it was is no fault of its leaf.
    """
    if figures.skipped:
        if figures.improved or figures.stop == "needs a model teacher":
            return []
        return [Weakness(SEVERE, f"it was not grown: {figures.stop}", "mend what is named, and run again")]
    found = [*_yield(figures), *_repetition(figures), *_failures(figures), *_coverage(figures)]
    return sorted(found, key=lambda each: -each.weight)


def _yield(figures: LeafFigures) -> list[Weakness]:
    reasons = {reason: count for reason, count in figures.dropped.items() if reason not in _NO_FAULT}
    main = max(reasons, key=lambda reason: reasons[reason], default="")
    why = f", most often because: {main} ({reasons[main]} of {figures.drawn} drafts)" if main else ""
    quotes = tuple(figures.quotes.get(main, ()))
    kept = figures.kept + figures.originals
    if kept == 0:
        return [Weakness(SEVERE, f"nothing was kept of {figures.drawn} drafts{why}", _advice(main), quotes)]
    if kept < figures.wanted and figures.stop == EXHAUSTED and kept >= FEW * figures.needed:
        what = f"{figures.kept} of the {figures.wanted} samples wanted: then there was nothing more to draw"
        return [Weakness(MILD, what, _MORE.get(figures.branch, _MORE["compositional_skills"]))]
    if kept < figures.wanted:
        what = f"{figures.kept} of the {figures.wanted} samples wanted, since {figures.stop}{why}"
        return [Weakness(SEVERE if figures.kept < FEW * figures.wanted else MILD, what, _advice(main), quotes)]
    if kept < FEW * figures.needed:
        share = kept / figures.needed
        return [Weakness(MILD, f"only {share:.0%} of its drafts were kept{why}", _advice(main), quotes)]
    return []


def _repetition(figures: LeafFigures) -> list[Weakness]:
    advice = "make the seeds differ more in topic and form, or add some"
    found = []
    if figures.repeated > REPEATED:
        found.append(Weakness(MILD, f"{figures.repeated:.0%} of its drafts repeated an earlier one", advice))
    rouge = figures.diversity.rouge_l if figures.diversity else None
    if rouge is not None and rouge > ALIKE and set(figures.kinds) != {"problem"}:  # problems are alike by design
        found.append(Weakness(MILD, f"its instructions are much alike (mean ROUGE-L {rouge:.2f})", advice))
    return found


def _failures(figures: LeafFigures) -> list[Weakness]:
    if figures.drawn and figures.failed - figures.originals > FAILED * figures.drawn:
        what = f"{figures.failed} of {figures.drawn} drafts failed before they were judged"
        return [Weakness(MILD, what, "this is the teacher's or the server's doing rather than the leaf's")]
    return []


def _coverage(figures: LeafFigures) -> list[Weakness]:
    if figures.coverage is not None and figures.kept and figures.coverage < COVERED:
        what = f"its samples come from {figures.coverage:.0%} of its documents"
        return [Weakness(MILD, what, "ask for more samples, or look at what is dropped from the rest")]
    return []


def _advice(reason: str) -> str:
    """Return what to look at, by the stage that dropped most."""
    if reason.startswith("question rated"):
        return "read the dropped questions: the task description or the seeds may not say clearly what belongs here"
    if reason.startswith("pair rated"):
        return "read the dropped answers: the task may be too hard for this teacher, or its principles contradict"
    if reason.startswith("faithfulness"):
        return "read the dropped answers beside their passages: the document may be hard to read by itself"
    if reason.startswith(("relevance", "self-contained")):
        return "seeds that name their subject teach the teacher to do so"
    return "`dropped.jsonl` in the run folder has every dropped draft with its reason"
