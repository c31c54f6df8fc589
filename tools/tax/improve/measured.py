"""What recycling changed, in the measures of Reflection-Tuning's Table 3 (6.1): the samples before and after.

Lengths are in words where the paper counts tokens. Perplexities and IFD come from any local causal model, coherence
from a sentence encoder; the figures of two models are not to be compared with each other, nor with the paper's, whose
model was Llama 2 7B. Where the model does not use instructions, IFD says nothing, and that is said instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tax.measures.lengths import lengths
from tax.report.markup import cell
from tax.sample import Sample

if TYPE_CHECKING:
    from tax.measures.coherence import Embedder
    from tax.measures.perplexity import Scorer

Pair = tuple[str, str]  # instruction, response

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
    """Return the measures of the same samples before and after, for a manifest; without models, their lengths."""
    return {
        "model": models.name if models else None,
        "encoder": models.encoder_name if models else None,
        "samples": len(after),
        "before": _row(before, models),
        "after": _row(after, models),
    }


def _row(pairs: Sequence[Pair], models: Models | None) -> dict[str, Any]:
    asked, said = lengths(pair[0] for pair in pairs), lengths(pair[1] for pair in pairs)
    row = {"instruction_words": asked.mean if asked else None, "response_words": said.mean if said else None}
    return row | (_by_models(pairs, models) if models else {})


def _by_models(pairs: Sequence[Pair], models: Models) -> dict[str, Any]:
    from tax.measures.perplexity import summarize

    summary = summarize(models.scorer.score_all(pairs))
    coherence = models.embedder.coherence(pairs) if pairs else []
    return {
        "coherence": sum(coherence) / len(coherence) if coherence else None,
        "measurable": summary.measurable,
        **asdict(summary),
    }


def table(measures: Mapping[str, Any]) -> str:
    """Return the measures as a table, in Markdown that the terminal can show too."""
    rows = [COLUMNS, *(_told(name, measures[name]) for name in ("before", "after"))]
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
    for name in ("before", "after"):
        row = measures[name]
        if row["scored"] and not row["measurable"]:
            notes.append(
                f"IFD {name}: not measurable with this model. Only {row['below_one']:.0%} of the samples have an IFD "
                "under 1, so it hardly uses instructions; 80% are needed."
            )
        for reason, count in row["unscored"].items():
            notes.append(f"{count:,} samples {name} are not measured: {reason}.")
    return notes
