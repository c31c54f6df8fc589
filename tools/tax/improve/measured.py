"""What recycling changed, in the measures of Reflection-Tuning's Table 3 (6.1): the samples before and after.

Lengths are in words where the paper counts tokens. Perplexities and IFD come from any local causal model, coherence
from a sentence encoder; the figures of two models are not to be compared with each other, nor with the paper's, whose
model was Llama 2 7B. Where the model does not use instructions, IFD says nothing, and that is said instead.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tax.measures.lengths import lengths
from tax.measures.models import is_out_of_memory
from tax.report.markup import cell
from tax.sample import Sample

if TYPE_CHECKING:
    from tax.measures.coherence import Embedder
    from tax.measures.perplexity import Scorer

Pair = tuple[str, str]  # instruction, response
SIDES = ("before", "after")

COLUMNS = ("", "Ins len", "Res len", "Ins ppl", "Res ppl 1", "Res ppl 2", "Coherent", "IFD", "IFD of ppl", "IFD < 1")
PAPER = (  # Reflection-Tuning, Table 3
    ("the paper's Alpaca", 20.7, 65.5, 34.3, 82.6, 49.2, 0.53, 0.72),
    ("the paper's, recycled", 37.9, 377.2, 13.6, 4.5, 2.9, 0.67, 0.83),
    ("the paper's WizardLM", 123.0, 348.5, 12.3, 17.0, 7.5, 0.65, 0.66),
    ("the paper's, recycled", 66.9, 518.7, 10.0, 3.2, 2.5, 0.73, 0.81),
)


@dataclass(frozen=True)
class Models:
    """The local models that measure, loaded."""

    name: str
    encoder_name: str
    scorer: "Scorer"
    embedder: "Embedder"


def load_models(model: str, encoder: str | None) -> Models:
    """Load the causal model and the encoder; without one, the causal model's own states are the embeddings.

    Raises UserError.
    """
    from tax.measures.coherence import Embedder
    from tax.measures.perplexity import Scorer

    return Models(model, encoder or model, Scorer(model), Embedder(encoder or model))


def pair_of(sample: Sample) -> Pair:
    """Return what a sample's last answer is given, and the answer."""
    return "\n\n".join(message.content for message in sample.messages[:-1]), sample.messages[-1].content


def measure(before: Sequence[Pair], after: Sequence[Pair], models: Models | None) -> dict[str, Any]:
    """Return the measures of the same samples before and after, for a manifest; without models, their lengths.

    The models' figures are of the samples that they can measure on both sides: `scored` says how many, `unscored` why
    not the others. Where memory is too small there are none, and `failed` says so: the run itself is done by now.
    """
    measures: dict[str, Any] = {
        "model": models.name if models else None,
        "encoder": models.encoder_name if models else None,
        "samples": len(after),
        "before": _lengths(before),
        "after": _lengths(after),
    }
    if models is None:
        return measures
    try:
        scored, unscored, rows = _by_models(before, after, models)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return measures | {"failed": "out of memory"}
    told = {side: measures[side] | row for side, row in zip(SIDES, rows, strict=True)}
    return measures | {"scored": scored, "unscored": unscored} | told


def _lengths(pairs: Sequence[Pair]) -> dict[str, Any]:
    asked, said = lengths(pair[0] for pair in pairs), lengths(pair[1] for pair in pairs)
    return {"instruction_words": asked.mean if asked else None, "response_words": said.mean if said else None}


def _by_models(
    before: Sequence[Pair], after: Sequence[Pair], models: Models
) -> tuple[int, dict[str, int], list[dict[str, Any]]]:
    """Return how many samples are scored on both sides, why not the others, and the figures of each side."""
    from tax.measures.perplexity import Score, Unscored, summarize

    scores = list(zip(models.scorer.score_all(before), models.scorer.score_all(after), strict=True))
    kept = [place for place, both in enumerate(scores) if all(isinstance(each, Score) for each in both)]
    unscored: Counter[str] = Counter()
    for both in scores:
        reasons = [
            f"{each.reason} ({side})" for side, each in zip(SIDES, both, strict=True) if isinstance(each, Unscored)
        ]
        unscored.update(reasons[:1])  # a sample counts once
    rows = []
    for side, pairs in enumerate((before, after)):
        summary = summarize(scores[place][side] for place in kept)
        coherence = models.embedder.coherence([pairs[place] for place in kept])
        figures = asdict(summary) | {"measurable": summary.measurable}
        del figures["scored"], figures["unscored"]  # of both sides, so said once
        rows.append({"coherence": sum(coherence) / len(coherence) if coherence else None, **figures})
    return len(kept), dict(unscored), rows


def table(measures: Mapping[str, Any]) -> str:
    """Return the measures as a table, in Markdown that the terminal can show too."""
    rows = [COLUMNS, *(_told(name, measures[name]) for name in SIDES)]
    rows += [(name, *map(_one, values[:5]), *map(_two, values[5:]), "", "") for name, *values in PAPER]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "| " + " | ".join("-" * max(3, width) for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:], "", *_notes(measures)]) + "\n"


def _told(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    first = [row["instruction_words"], row["response_words"], row.get("instruction_perplexity")]
    first += [row.get("response_perplexity_alone"), row.get("response_perplexity_given"), row.get("coherence")]
    ratios = [row["ifd"], row["ifd_perplexity"]] if row.get("measurable") else [None, None]
    share = f"{row['below_one']:.0%}" if row.get("below_one") is not None else "-"
    return (
        name,
        *map(_one, first[:5]),
        *map(_two, first[5:] + ratios),
        share,
    )


def _one(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _notes(measures: Mapping[str, Any]) -> list[str]:
    if measures["model"] is None:
        return [
            f"{measures['samples']:,} recycled samples, lengths in words. `--measure MODEL` fills the other columns. "
            "The paper's figures are by Llama 2 7B, in tokens."
        ]
    notes = [
        f"{measures['samples']:,} recycled samples. Perplexities by {cell(measures['model'])}, coherence by "
        f"{cell(measures['encoder'])}; lengths in words. The paper's figures are by Llama 2 7B, in tokens."
    ]
    if "failed" in measures:
        notes.append(
            f"The models' figures are missing: {measures['failed']}. The samples are whole. Free memory or name a "
            "smaller model, and give the same command again: no finished call is asked twice."
        )
        return notes
    for side in SIDES:
        row = measures[side]
        if measures["scored"] and not row["measurable"]:
            notes.append(
                f"IFD {side}: not measurable with this model. Only {row['below_one']:.0%} of the samples have an IFD "
                "under 1, so it hardly uses instructions; 80% are needed."
            )
    if measures["unscored"]:
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in measures["unscored"].items())
        notes.append(
            f"The models' figures are of {measures['scored']:,} of the samples, those that can be measured both before "
            f"and after. Of the others: {reasons}."
        )
    return notes
