"""Which samples make up each step, and how they are laid into rows.

The batch plan is a pure function of (seed, phase, epoch) that gives lists of sample ids: progress is then a number of
steps, and knows no number of processes. A step's samples are packed into rows without padding; every process packs
the whole step in the same way and takes its share, so that the shares are even in tokens.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from tax_training.corpus import Corpus
from tax_training.errors import UserError
from tax_training.plan import Phase

IGNORED = -100  # a target that is not learnt


class Piece(NamedTuple):
    """What is trained on of a sample: tokens [first, end) of the corpus's sample `number`."""

    number: int
    first: int
    end: int


class Samples:
    """A phase's samples as they are trained on: those too long are cut, dropped or split, and counted."""

    def __init__(self, corpus: Corpus, phase: Phase) -> None:
        """Apply the phase's limits to a corpus. Raises UserError where nothing is left."""
        self.corpus = corpus
        self.counts = Counter(corpus.dropped)
        self.pieces: dict[str, Piece] = {}
        for number, (sample, length) in enumerate(zip(corpus.ids, corpus.lengths().tolist(), strict=True)):
            self.pieces.update(self._kept(sample, number, length, phase))
        if not self.pieces:
            reasons = "; ".join(f"{reason}: {count}" for reason, count in self.counts.items())
            raise UserError(f"no sample is left to train on ({reasons or 'the file is empty'})")

    def __len__(self) -> int:
        return len(self.pieces)

    def length(self, sample: str) -> int:
        """Return how many positions a sample takes in a row: its tokens but the last, which is only a target."""
        piece = self.pieces[sample]
        return piece.end - piece.first - 1

    def row(self, samples: Sequence[str]) -> "Row":
        """Lay samples out in one row."""
        return Row.of([self.corpus.tokens(*self.pieces[sample]) for sample in samples])

    def learnt(self, samples: Iterable[str]) -> int:
        """Return how many tokens of the samples are learnt: the weight of a mean over them."""
        return sum(int(self.corpus.tokens(*self.pieces[sample])[1][1:].sum()) for sample in samples)

    def _kept(self, sample: str, number: int, length: int, phase: Phase) -> Iterator[tuple[str, Piece]]:
        limit = phase.context_length
        if length > limit:
            self.counts[f"longer than {limit} tokens: {phase.too_long}"] += 1
            if phase.too_long == "drop":
                return
        if phase.too_long == "split" and length > limit:
            for part, first in enumerate(range(0, length - 1, limit)):
                yield f"{sample}/{part}", Piece(number, first, min(first + limit, length))
            return
        end = min(length, limit)
        if self.corpus.tokens(number, 0, end)[1][1:].any():
            yield sample, Piece(number, 0, end)
        else:
            self.counts["nothing to learn within the context"] += 1


@dataclass(frozen=True)
class Row:
    """Samples one after another in a row of T tokens, for one pass through the model.

    `tokens`, `targets` (the next token, or IGNORED) and `positions` (from 0 in each sample) have shape (1, T);
    `bounds` says where each sample starts, and T.
    """

    tokens: torch.Tensor
    targets: torch.Tensor
    positions: torch.Tensor
    bounds: list[int]

    @classmethod
    def of(cls, samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> "Row":
        """Make a row of samples, each (tokens, learnt). Without any, a row that weighs nothing."""
        if not samples:
            samples = [(np.zeros(2, np.int64), np.zeros(2, np.bool_))]
        targets = [np.where(learnt[1:], tokens[1:], IGNORED) for tokens, learnt in samples]
        lengths = [len(target) for target in targets]
        return cls(
            tokens=_row([tokens[:-1] for tokens, _ in samples]),
            targets=_row(targets),
            positions=_row([np.arange(length) for length in lengths]),
            bounds=np.cumsum([0, *lengths]).tolist(),
        )

    @property
    def learnt(self) -> int:
        """How many of the tokens are learnt."""
        return int((self.targets != IGNORED).sum())

    def to(self, device: torch.device) -> "Row":
        """Return the row on a device."""
        tokens, targets, positions = (part.to(device) for part in (self.tokens, self.targets, self.positions))
        return Row(tokens, targets, positions, self.bounds)


def batch_plan(ids: Iterable[str], *, seed: int, phase: str, epoch: int, batch_size: int) -> list[list[str]]:
    """Return the steps of an epoch, each a list of sample ids: every sample once, in an order drawn anew.

    The order is that of a keyed hash of each id, so it depends on no random number generator and on no file's order.
    """
    key = hashlib.blake2b(f"{seed}/{phase}/{epoch}".encode(), digest_size=16).digest()
    order = sorted(ids, key=lambda sample: (hashlib.blake2b(sample.encode(), key=key, digest_size=8).digest(), sample))
    return [order[first : first + batch_size] for first in range(0, len(order), batch_size)]


def pack(lengths: Sequence[int], capacity: int, processes: int = 1) -> list[list[list[int]]]:
    """Share samples out over rows of at most `capacity` tokens; return for each process its rows of sample numbers.

    Longest first, each into the emptiest row (Graham's LPT rule), with as few rows as that allows and equally many for
    every process; a row may stay empty. A sample longer than the capacity has a row of its own. Capacity 0: a row each.
    """
    order = sorted(range(len(lengths)), key=lambda number: (-lengths[number], number))
    rows = -(-sum(lengths) // capacity) if capacity else len(lengths)
    rows = -(-max(rows, 1) // processes) * processes
    while True:
        packed = _into(rows, order, lengths, capacity)
        if packed is not None:
            packed.sort(key=lambda row: -sum(lengths[number] for number in row))
            return [packed[process::processes] for process in range(processes)]
        rows += processes


def _into(count: int, order: Sequence[int], lengths: Sequence[int], capacity: int) -> list[list[int]] | None:
    rows: list[list[int]] = [[] for _ in range(count)]
    filled = [(0, row) for row in range(count)]
    for number in order:
        load, row = filled[0]
        if load and load + lengths[number] > capacity:
            return None
        rows[row].append(number)
        heapq.heapreplace(filled, (load + max(lengths[number], 1), row))
    return rows


def _row(parts: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate(parts)).unsqueeze(0)
