"""The first pass: every row of every input is let into the pool, or left out and counted by its reason."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tax.config import Config, find_config
from tax.load import Loaded, load
from tax.mix.corpus import Cleaner, Corpus, texts_of
from tax.mix.datasets import LeafDataset, samples_of
from tax.mix.holdouts import Holdouts, index_of
from tax.mix.inputs import Input, Row, read
from tax.mix.keep_out import questions_in
from tax.mix.pool import Left, Pool
from tax.mix.seeds import Seeds, seeds_of
from tax.problems import UserError, excerpt
from tax.sample import Sample
from tax.tree import TAXONOMY, find_root, leaf_files

Given = Input | Seeds | LeafDataset | Corpus


@dataclass
class Taxonomy:
    """The leaves that a mix knows: their hold-outs stay out of it, their datasets come in."""

    leaves: list[Loaded]
    config: Config
    holdouts: Holdouts
    unread: list[str]  # leaves whose hold-outs are not known, since they cannot be read


def read_taxonomy(folder: Path | None, keep_out: Iterable[Path], *, without: bool) -> Taxonomy:
    """Read the leaves of a taxonomy or of a checkout, by default of the one here, and what else is to be kept out.

    Raises UserError.
    """
    questions = list(questions_in(keep_out))
    if without:
        return Taxonomy([], find_config(Path.cwd()), index_of([], questions), [])
    root = folder or find_root(Path.cwd())
    if root is None:
        raise UserError(
            "there is no taxonomy/ here or above, so nothing tells which samples are hold-outs: name a taxonomy with "
            "--taxonomy, or do without one with --without-taxonomy"
        )
    if not root.is_dir():
        raise UserError(f"there is no folder {excerpt(str(root), 200)}")
    place = root / TAXONOMY if (root / TAXONOMY).is_dir() else root
    leaves = [load(path) for path in leaf_files(place)]
    if not leaves:
        raise UserError(f"there is no leaf in {place}, so no hold-out would be kept out: see --without-taxonomy")
    unread = [loaded.name for loaded in leaves if loaded.leaf is None]
    return Taxonomy(leaves, find_config(root), index_of(leaves, questions), unread)


@dataclass
class Admission:
    """Lets rows into the pool. `rows` counts what each input held."""

    pool: Pool
    taxonomy: Taxonomy
    left: Left = field(default_factory=Left)
    rows: dict[int, int] = field(default_factory=dict)
    _cleaner: Cleaner | None = None

    def __post_init__(self) -> None:
        self._allowed = frozenset(self.taxonomy.config.licenses.allowed)

    def take(self, given: Given, index: int, watched: Callable[[str, Iterable[object]], Iterator[object]]) -> None:
        """Read one input whole."""
        rows: Iterable[object]
        if isinstance(given, Corpus):
            rows = texts_of(given)
        elif isinstance(given, LeafDataset):
            if given.dataset.license not in self._allowed:
                self.left.add(_license(given.dataset.license), index)
                return
            rows = samples_of(given)
        elif isinstance(given, Seeds):
            rows = (sample for loaded in given.leaves for sample in seeds_of(loaded, holdout=False))
        else:
            rows = read(given)
        self.rows[index] = 0
        for row in watched(f"reading {given.name}", rows):
            self.rows[index] += 1
            reason = self._document(row, given, index) if isinstance(given, Corpus) else self._row(row, index)
            if reason is not None:
                self.left.add(reason, index)

    def add_seeds(self) -> None:
        """Take the hold-out seeds of the leaves in, to measure with."""
        for loaded in self.taxonomy.leaves:
            for sample in seeds_of(loaded, holdout=True):
                self.pool.add_sample(sample, -1, role="seed")

    def _row(self, row: object, index: int) -> str | None:
        if isinstance(row, str):
            return row
        phase, stock = (row.phase, row.stock) if isinstance(row, Row) else (None, None)
        sample = row.sample if isinstance(row, Row) else row
        assert isinstance(sample, Sample)
        if sample.license not in self._allowed:
            return _license(sample.license)
        reason = self.taxonomy.holdouts.found(sample.messages, computed=sample.kind == "problem")
        if reason is None:
            self.pool.add_sample(sample, index, stock=stock, phase=phase)
        return reason

    def _document(self, text: object, given: Corpus, index: int) -> str | None:
        assert text is None or isinstance(text, str)
        if self._cleaner is None:
            self._cleaner = Cleaner(self.taxonomy.holdouts)
        row = self._cleaner.clean(text, given.source)
        if isinstance(row, str):
            return row
        self.pool.add_document(row, index)
        return None


def _license(license: str) -> str:
    return f"licence {excerpt(license, 40)}, which is not allowed"


def sorted_inputs(inputs: Sequence[Input], digests: dict[Path, str]) -> list[Input]:
    """Return inputs in an order of their own, so that the result does not depend on how they were named."""
    return sorted(
        inputs,
        key=lambda each: (each.name, digests[each.file], each.phase or "", each.stock or "", each.origin.license),
    )
