"""The data of one phase: its samples and those set aside, tokenised once, and laid out in rows step by step."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tax_training.conversation import Encoder
from tax_training.corpus import Corpus, corpus_folder, tokenise
from tax_training.data import Row, Samples, batch_plan, pack
from tax_training.errors import UserError
from tax_training.plan import Plan
from tax_training.world import World


class PhaseData:
    """What a phase is trained on and measured by. The first process tokenises, and all read."""

    def __init__(
        self, plan: Plan, name: str, data: Path, tokens: Path, tokenizer: Any, world: World, say: Callable[[str], None]
    ) -> None:  # fmt: skip
        """Take the folder that `tax mix` wrote, and the one that the tokens go to."""
        self.plan, self.name, self.phase = plan, name, plan.phases[name]
        self.file = data / f"{name}.jsonl"
        self._heldout_files = data / "heldout"
        self._tokens, self._world, self._say = tokens, world, say
        self._encoder = Encoder(tokenizer, plan.student.chat_template)
        self._epoch: tuple[int, list[list[str]]] | None = None

    def samples(self) -> Samples:
        """Return what the phase is trained on. Raises UserError."""
        return self._samples(self.file, self.name)

    def measured(self) -> list[tuple[str, Path]]:
        """Return the phases whose set-aside samples are measured, each with its file, which may be missing."""
        names = list(self.plan.phases)
        seen = names[: names.index(self.name) + 1] if self.phase.select.heldout == "seen" else [self.name]
        return [(name, self._heldout_files / f"{name}.jsonl") for name in seen]

    def heldout(self) -> Iterator[tuple[str, tuple[Samples, list[str]]]]:
        """Yield the set-aside samples that are measured, by phase; say which cannot be."""
        for name, file in self.measured():
            if not (file.is_file() and file.stat().st_size):
                if name == self.name and self.phase.select.metric == "heldout":
                    self._say(f"there is no {file}: without held-out samples the last checkpoint of {name} is taken")
                continue
            try:
                samples = self._samples(file, name)
            except UserError as error:
                self._say(f"warning: not measured: {error}")
                continue
            size = self.phase.select.heldout_samples
            yield name, (samples, batch_plan(samples.pieces, seed=0, phase="heldout", epoch=0, batch_size=size)[0])

    def batches(self, samples: Samples, epoch: int) -> list[list[str]]:
        """Return an epoch's steps; the last epoch's are kept."""
        if self._epoch is None or self._epoch[0] != epoch:
            size = self.phase.batch_size
            steps = batch_plan(samples.pieces, seed=self.plan.seed, phase=self.name, epoch=epoch, batch_size=size)
            self._epoch = epoch, steps
        return self._epoch[1]

    def rows(self, samples: Samples, batch: list[str]) -> list[Row]:
        """Return this process's rows of a batch."""
        capacity = self.plan.engine.micro_tokens or self.phase.context_length
        lengths = [samples.length(sample) for sample in batch]
        shares = pack(lengths, capacity if self.plan.engine.packing else 0, self._world.processes)
        return [samples.row([batch[number] for number in row]) for row in shares[self._world.process]]

    def _samples(self, file: Path, name: str) -> Samples:
        phase = self.plan.phases[name]
        folder = corpus_folder(self._tokens, file, phase.kind, self._encoder)
        self._world.once(lambda: None if folder.is_dir() else tokenise(file, phase.kind, self._encoder, folder))
        try:
            return Samples(Corpus(folder), phase)
        except UserError as error:
            raise UserError(f"{file}: {error}") from error
