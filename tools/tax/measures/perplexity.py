"""Perplexity and IFD, Instruction-Following Difficulty, by a causal language model (Reflection-Tuning 6.1, Table 3).

IFD is the loss of the response given its instruction, divided by its loss alone (Li et al. 2023, Cherry LLM): near 1
the instruction tells the model little about the response, above 1 it misleads. Instruction and response are tokenised
apart, so that no token straddles their border, and both losses are of the very same tokens after the same separator.
Simplified: the instruction is shown as it is, without a chat template, since the measure is meant for base models.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tax.measures.models import context_length, load

if TYPE_CHECKING:
    import torch

SEPARATOR = "\n\n"
MEASURABLE = (
    0.8  # share of samples with IFD under 1 below which the model does not use instructions (facts: a 1M model)
)
BATCH_TOKENS = 8192  # padding counted

EMPTY = "the response is empty"
TOO_LONG = "the instruction fills the model's context"
CERTAIN = "the model expects the response without its instruction"  # its loss alone is 0: there is no ratio


@dataclass(frozen=True)
class Score:
    """The mean losses per token of one sample, in nats, and over how many tokens of its response."""

    instruction_loss: float
    response_loss_alone: float
    response_loss_given: float
    tokens: int

    @property
    def ifd(self) -> float:
        """The ratio of the losses, given by alone."""
        return self.response_loss_given / self.response_loss_alone

    @property
    def ifd_perplexity(self) -> float:
        """The ratio of the perplexities, given by alone: IFD as the measure's later code has it."""
        return perplexity(self.response_loss_given - self.response_loss_alone)


@dataclass(frozen=True)
class Unscored:
    """A sample that cannot be measured, with the reason."""

    reason: str


@dataclass(frozen=True)
class Summary:
    """The means over the samples that could be measured (None where none could), and why the others could not."""

    scored: int
    unscored: dict[str, int]
    instruction_perplexity: float | None
    response_perplexity_alone: float | None
    response_perplexity_given: float | None
    ifd: float | None  # the mean of the samples' ratios, not the ratio of means
    ifd_perplexity: float | None
    below_one: float | None  # the share of samples with IFD under 1

    @property
    def measurable(self) -> bool:
        """Tell whether the model uses instructions at all, so that its IFD says something."""
        return self.below_one is not None and self.below_one >= MEASURABLE


class Scorer:
    """A causal language model that measures samples."""

    def __init__(self, path: str) -> None:
        """Load the model of a folder. Raises UserError."""
        self._tokenizer, self._model = load(path, "AutoModelForCausalLM")
        self.context = context_length(self._model, self._tokenizer)
        start = self._tokenizer.bos_token_id
        self._start = [start if start is not None else self._tokenizer.eos_token_id]
        if self._start == [None]:
            self._start = []
        self._separator = self._encode(SEPARATOR)

    def score(self, instruction: str, response: str) -> Score | Unscored:
        """Measure one sample. A response is cut where instruction and response together exceed the context."""
        return self.score_all([(instruction, response)])[0]

    def score_all(self, pairs: Sequence[tuple[str, str]]) -> list[Score | Unscored]:
        """Measure samples, (instruction, response) each; they go through the model in batches of alike length."""
        results: list[Score | Unscored] = [Unscored(EMPTY)] * len(pairs)
        ready: list[tuple[int, list[int], list[int]]] = []
        for index, (instruction, response) in enumerate(pairs):
            told, said = self._encode(instruction), self._encode(response)
            said = said[: max(0, self.context - len(self._start) - len(told) - len(self._separator))]
            if said:
                ready.append((index, told, said))
            elif response.strip():
                results[index] = Unscored(TOO_LONG)
        for batch in _batches(sorted(ready, key=lambda each: -len(each[1]) - len(each[2]))):
            for (index, *_), score in zip(batch, self._batch([(told, said) for _, told, said in batch]), strict=True):
                results[index] = score if score.response_loss_alone > 0 else Unscored(CERTAIN)
        return results

    def _batch(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[Score]:
        shown = [(self._start + told + self._separator, said) for told, said in pairs]
        given = self._losses(shown)
        alone = self._losses([(self._start + self._separator, said) for _, said in pairs])
        first = max(1, len(self._start))  # without a start token the first token of an instruction has no context
        asked = self._losses([((self._start + told)[:first], (self._start + told)[first:]) for told, _ in pairs])
        return [
            Score(instruction, by_itself, after, len(said))
            for (_, said), instruction, by_itself, after in zip(pairs, asked, alone, given, strict=True)
        ]

    def _losses(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[float]:
        """Return the mean loss per token of each pair's second part after its first; 0 for an empty one."""
        import torch

        lengths = [len(before) + len(after) for before, after in pairs]
        ids = torch.zeros(len(pairs), max(1, *lengths), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, (before, after) in enumerate(pairs):
            ids[row, : lengths[row]] = torch.tensor(before + after)
            mask[row, : lengths[row]] = 1
        device = self._model.device
        with torch.inference_mode():
            logits = self._model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False).logits
        return [_loss(logits[row], before, after) for row, (before, after) in enumerate(pairs)]

    def _encode(self, text: str) -> list[int]:
        encoded: Any = self._tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)
        return list(encoded["input_ids"])


def summarize(scores: Iterable[Score | Unscored]) -> Summary:
    """Return the means of Table 3 over samples."""
    measured: list[Score] = []
    unscored: Counter[str] = Counter()
    for score in scores:
        if isinstance(score, Score):
            measured.append(score)
        else:
            unscored[score.reason] += 1
    return Summary(
        scored=len(measured),
        unscored=dict(unscored),
        instruction_perplexity=_mean(perplexity(score.instruction_loss) for score in measured),
        response_perplexity_alone=_mean(perplexity(score.response_loss_alone) for score in measured),
        response_perplexity_given=_mean(perplexity(score.response_loss_given) for score in measured),
        ifd=_mean(score.ifd for score in measured),
        ifd_perplexity=_mean(score.ifd_perplexity for score in measured),
        below_one=_mean(float(score.ifd < 1) for score in measured),
    )


def perplexity(loss: float) -> float:
    """Return the perplexity of a mean loss in nats."""
    return math.exp(min(loss, 700.0))  # math.exp overflows above 709


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def _batches(
    items: Sequence[tuple[int, list[int], list[int]]],
) -> Iterator[list[tuple[int, list[int], list[int]]]]:
    """Split items, longest first, into batches that hold at most BATCH_TOKENS with their padding."""
    batch: list[tuple[int, list[int], list[int]]] = []
    longest = 0
    for item in items:
        length = len(item[1]) + len(item[2])
        if batch and max(longest, length) * (len(batch) + 1) > BATCH_TOKENS:
            yield batch
            batch, longest = [], 0
        batch.append(item)
        longest = max(longest, length)
    if batch:
        yield batch


def _loss(logits: "torch.Tensor", before: list[int], after: list[int]) -> float:
    """Return the mean loss of `after`, which stands behind `before`; logits: (positions, vocabulary)."""
    import torch

    if not after or not before:
        return 0.0
    predicted = logits[len(before) - 1 : len(before) + len(after) - 1].float()
    return float(torch.nn.functional.cross_entropy(predicted, torch.tensor(after, device=predicted.device)))
