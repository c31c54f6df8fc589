"""`tax mix` from its options to a finished data folder."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tax.mix import choose, record, table
from tax.mix.admit import Admission, Given, Taxonomy, read_taxonomy, sorted_inputs
from tax.mix.corpus import corpus_of
from tax.mix.datasets import datasets_of
from tax.mix.folder import HELDOUT, TOKENIZER, DataFolder, told
from tax.mix.inputs import file_digest, inputs_of
from tax.mix.plan import NewTokenizer, Plan, read_plan
from tax.mix.pool import Entry, Pool
from tax.mix.progress import Progress
from tax.mix.seeds import Seeds
from tax.mix.tokens import Tokenizer, count_tokens, load_tokenizer, save_tokenizer, tokenizer_digest, train_tokenizer
from tax.problems import UserError, excerpt


@dataclass(frozen=True)
class Options:
    """The options of the command."""

    plan: Path
    out: Path
    feedback: tuple[Path, ...] = ()
    corpus: Path | None = None
    corpus_root: Path | None = None
    unverified: bool = False
    taxonomy: Path | None = None
    keep_out: tuple[Path, ...] = ()
    without_taxonomy: bool = False
    seeds: bool = False
    recycled: str = "add"
    licenses: tuple[str, ...] = ()
    language: str = "en"
    quiet: bool = False


@dataclass(frozen=True)
class Mixed:
    """What the command has to say: the record that mix.json holds, what is odd about it, and how long it took."""

    record: dict[str, Any]
    notes: tuple[str, ...]
    folder: Path
    seconds: float

    def as_text(self) -> str:
        """The tables for the terminal."""
        return table.text(self.record, self.notes, self.folder, self.seconds)


def mix(arguments: Sequence[str], options: Options) -> Mixed:
    """Sort what the arguments name into the phases of the plan. Raises UserError."""
    start = time.monotonic()
    plan, digest = read_plan(options.plan)
    if options.without_taxonomy and (options.taxonomy is not None or options.seeds):
        raise UserError("--without-taxonomy contradicts --taxonomy and --seeds, which need one")
    taxonomy = read_taxonomy(options.taxonomy, options.keep_out, without=options.without_taxonomy)
    tokenizer = None
    if isinstance(plan.student.tokenizer_source, str):
        tokenizer = load_tokenizer(plan.student.tokenizer_source)
    given, digests = _given(arguments, options, plan, taxonomy)
    folder = DataFolder(options.out)
    try:
        with told(options.out):
            pool = Pool(folder.part / "pool")
        try:
            made = Mix(plan, taxonomy, given, pool, folder, Progress(quiet=options.quiet))
            made.admit()
            made.choose(replace=options.recycled == "replace")
            if all(entry.role == "seed" for entry in made.entries):
                raise UserError("\n  ".join(["no sample is left to train on", *record.notes(made)]))
            made.count(tokenizer)
            made.write()
            written = record.record(made, options, digest, digests)
        finally:
            pool.close()
        written = folder.finish(written)
        return Mixed(written, tuple(record.notes(made)), options.out, time.monotonic() - start)
    finally:
        folder.close()


def _given(
    arguments: Sequence[str], options: Options, plan: Plan, taxonomy: Taxonomy
) -> tuple[list[Given], dict[Path, str]]:
    """Return all that is to be read, in an order of its own, and the digests of the files."""
    inputs = inputs_of(arguments, options.feedback, plan.phases, options.licenses, options.language)
    stocks = frozenset().union(*(phase.stocks for phase in plan.phases.values()))
    corpora = []
    if options.corpus is not None:
        if "corpus" not in stocks:
            raise UserError(f"no phase of {options.plan} takes corpus, so --corpus would be for nothing")
        allowed = taxonomy.config.licenses.allowed
        corpora = corpus_of(options.corpus, options.corpus_root, allowed, unverified=options.unverified)
    elif options.corpus_root is not None or options.unverified:
        raise UserError("--corpus-root and --unverified go with --corpus")
    datasets = datasets_of(taxonomy.leaves) if "foundational" in stocks else []
    seeds = [Seeds(taxonomy.leaves)] if options.seeds else []
    files = [*(each.file for each in inputs), *(each.file for each in datasets if each.file)]
    files += [path for corpus in corpora for path in corpus.files]
    digests = {path: file_digest(path) for path in files}
    given: list[Given] = [*sorted_inputs(inputs, digests), *seeds, *datasets, *corpora]
    if not given:
        unread = f"; {len(taxonomy.unread)} leaves here cannot be read: see `tax validate`" if taxonomy.unread else ""
        raise UserError(
            f"there is nothing to mix: name run folders or files, or a registry of sources with --corpus{unread}"
        )
    return given, digests


class Mix:
    """The steps of one mix, and what they have come to."""

    def __init__(
        self,
        plan: Plan,
        taxonomy: Taxonomy,
        given: Sequence[Given],
        pool: Pool,
        folder: DataFolder,
        progress: Progress,
    ) -> None:
        self.plan, self.taxonomy, self.given = plan, taxonomy, given
        self.pool, self.folder, self.progress = pool, folder, progress
        self.admission = Admission(pool, taxonomy)
        self.left = self.admission.left
        self.entries: list[Entry] = []
        self.phases: dict[str, choose.Filled] = {}
        self.threshold = self.answers = 0
        self.tokenizer = ""

    def admit(self) -> None:
        """Read all inputs."""
        for index, each in enumerate(self.given):
            try:
                self.admission.take(each, index, self.progress.count)
            except OSError as error:
                raise UserError(f"{excerpt(each.name, 200)} cannot be read: {error.strerror}") from error
        self.admission.add_seeds()
        self.pool.flush()

    def choose(self, *, replace: bool) -> None:
        """Choose what stays, and what of it is set aside."""
        plan = self.plan
        families = choose.families(self.pool.entries)
        entries = choose.distinct(self.pool.entries, self.left)
        self.pool.entries = []
        if replace:
            entries = choose.without_parents(entries, self.left)
        entries = choose.used(entries, plan, self.left)
        choose.set_aside(entries, plan.mix.heldout, plan.mix.seed, families)
        self.entries = entries

    def count(self, tokenizer: Tokenizer | None) -> None:
        """Count tokens, training the tokenizer first where the plan asks for one, and fill the phases."""
        source = self.plan.student.tokenizer_source
        if tokenizer is None:
            assert isinstance(source, NewTokenizer)
            trained_on = (entry for entry in self.entries if entry.role == "train")
            texts = self.pool.texts(self.progress.count("training the tokenizer on", trained_on))
            tokenizer = train_tokenizer(source, (text for _, turns in texts for _, text in turns))
            with told(self.folder.path):
                save_tokenizer(tokenizer, self.folder.part / TOKENIZER)
            self.folder.take_in(TOKENIZER)
        self.tokenizer = tokenizer_digest(tokenizer)
        in_place = sorted(self.entries, key=lambda entry: entry.offset)
        count_tokens(tokenizer, self.pool.texts(self.progress.count("counting tokens of", in_place)))
        self.threshold, self.answers = choose.split_knowledge(self.entries, self.plan.mix.threshold)
        self.phases = choose.fill(self.entries, self.plan)

    def write(self) -> None:
        """Write the phase files, in order of the samples' ids."""
        for name, filled in self.phases.items():
            everything = filled.own + [entry for entries in filled.replayed.values() for entry in entries]
            self._write(f"{name}.jsonl", everything)
            self._write(f"{HELDOUT}/{name}.jsonl", filled.heldout)

    def _write(self, name: str, entries: Iterable[Entry]) -> None:
        ordered = sorted(entries, key=lambda entry: entry.identity)
        self.folder.write_lines(name, map(self.pool.line, self.progress.count(f"writing {name}", ordered)))
