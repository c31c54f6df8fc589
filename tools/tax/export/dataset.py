"""A run to a folder that a hub or a trainer reads: data/train.*, README.md, export.json, and what was refused.

Samples are streamed, so that memory does not grow with their number. The folder appears whole or not at all: it is
written beside its place, then renamed; an earlier export there is replaced.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tax import __version__
from tax.exchange import WRITERS, Form
from tax.export import rights
from tax.export.card import Counts, card
from tax.export.credits import Sources
from tax.problems import UserError, install
from tax.runs import read_manifest, read_samples
from tax.sample import Sample

ExportForm = Literal["messages", "alpaca", "sharegpt", "parquet"]
FORMS: tuple[ExportForm, ...] = ("messages", "alpaca", "sharegpt", "parquet")
CARD, RECORD, REFUSED = "README.md", "export.json", "refused.jsonl"
INSTALL = install("export")

_ROWS = 5_000  # of a Parquet file that are written together
_UNKNOWN = "its leaf is neither in this checkout nor in its history, so its people cannot be credited"
_UNCREDITED = "its licence asks for credit, and nobody is named: improve the file again with --credit"

Write = Callable[[Sample], object]


@dataclass(frozen=True)
class Export:
    """What came of an export. `folder` is None where every sample was refused and nothing was written."""

    folder: Path | None
    run: str
    form: str
    samples: int
    refused: dict[str, int]  # by reason

    def as_json(self) -> str:
        """As JSON."""
        shown = asdict(self) | {"folder": str(self.folder) if self.folder else None}
        return json.dumps(shown, ensure_ascii=False, indent=2)

    def as_text(self) -> str:
        """As text for the terminal."""
        lines = [f"{self.samples:,} samples exported" + (f" to {self.folder}" if self.folder else "")]
        lines += [f"{count:,} refused: {reason}" for reason, count in self.refused.items()]
        return "\n".join(lines)


def export(run: Path, root: Path, form: ExportForm, out: Path, allowed: Iterable[str]) -> Export:
    """Export a finished run. `allowed` are the licences of tax.toml. Raises UserError."""
    manifest = read_manifest(run)
    if "id" not in manifest:
        raise UserError(f"{run} is no run folder of samples: its manifest names no id")
    _check_place(out, run)
    sources, counts = Sources(root, manifest), Counts()
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        (part / "data").mkdir(parents=True)
        data = part / "data" / ("train.parquet" if form == "parquet" else "train.jsonl")
        with _writer(form, data) as write, (part / REFUSED).open("w", encoding="utf-8") as refused:
            for sample in read_samples(run):
                _give(sample, sources, counts, write, refused.write, set(allowed))
        if counts.samples:
            _finish(part, manifest, form, data, counts, sources)
            _put(part, out)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}. Mend it, or name another with --out") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    folder = out if counts.samples else None
    return Export(folder, str(manifest["id"]), form, counts.samples, dict(counts.refused.most_common()))


def _check_place(out: Path, run: Path) -> None:
    if out.resolve() == run.resolve():
        raise UserError(f"{out} is the run itself: name another folder with --out")
    if out.exists() and not (out / RECORD).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there, and is no earlier export: name another folder with --out")


def _give(
    sample: Sample, sources: Sources, counts: Counts, write: Write, refuse: Callable[[str], object], allowed: set[str]
) -> None:
    """Write one sample, or why it is refused."""
    credits = sources.of(sample)
    try:
        if not credits:
            raise rights.Refused(_UNKNOWN)
        if any(each.imported and not each.author and each.license not in rights.NO_CREDIT for each in credits):
            raise rights.Refused(_UNCREDITED)
        named = {license for credit in credits for license in credit.licenses(sample)}
        rights.check({*rights.parts(sample.license), *named}, allowed)
    except rights.Refused as reason:
        counts.refused[str(reason)] += 1
        row = {"id": sample.id, "leaf": sample.leaf, "license": sample.license, "reason": str(reason)}
        refuse(json.dumps(row, ensure_ascii=False) + "\n")
        return
    for credit in credits:
        credit.samples += 1
    counts.add(sample)
    write(sample)


@contextlib.contextmanager
def _writer(form: ExportForm, path: Path) -> Iterator[Write]:
    if form == "parquet":
        with _parquet_writer(path) as write:
            yield write
        return
    row_of = WRITERS[form]
    with path.open("w", encoding="utf-8") as file:
        yield lambda sample: file.write(json.dumps(_even(row_of(sample), form), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _even(row: dict[str, Any], form: Form) -> dict[str, Any]:
    """Give every row the same keys, as readers that infer a table's columns want it."""
    return {**dict.fromkeys(("instruction", "input", "output")), "history": [], **row} if form == "alpaca" else row


@contextlib.contextmanager
def _parquet_writer(path: Path) -> Iterator[Write]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UserError(f"the form parquet needs pyarrow: {INSTALL}") from error

    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    texts = ["id", "leaf", "license", "branch", "kind", "language", "teacher", "source_title", "source_document"]
    fields = [("messages", pa.list_(turn)), *((name, pa.string()) for name in texts), ("source_page", pa.int32())]
    schema = pa.schema(fields)
    rows: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as file:

        def write(sample: Sample) -> None:
            rows.append(_wide_row(sample))
            if len(rows) == _ROWS:
                file.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()

        yield write
        if rows:
            file.write_table(pa.Table.from_pylist(rows, schema))


def _wide_row(sample: Sample) -> dict[str, Any]:
    source = sample.source
    return {
        **WRITERS["messages"](sample),
        "branch": sample.branch,
        "kind": sample.kind,
        "language": sample.language,
        "teacher": sample.teacher,
        "source_title": source.title if source else None,
        "source_document": source.document if source else None,
        "source_page": source.page if source else None,
    }


def _finish(
    part: Path, manifest: dict[str, Any], form: ExportForm, data: Path, counts: Counts, sources: Sources
) -> None:
    """Write the card and the record of the export."""
    name = data.relative_to(part).as_posix()
    (part / CARD).write_text(card(manifest, form, name, counts, sources.used), encoding="utf-8")
    if not counts.refused:
        (part / REFUSED).unlink()
    with data.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    record = {
        "tax": __version__,
        "run": manifest["id"],
        "form": form,
        "samples": counts.samples,
        "refused": dict(counts.refused.most_common()),
        "data": {"file": name, "bytes": data.stat().st_size, "sha256": digest},
    }
    (part / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _put(part: Path, out: Path) -> None:
    """Put the folder in its place; what was there is gone only once the new one stands."""
    out.parent.mkdir(parents=True, exist_ok=True)
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    if out.exists():
        out.rename(old)
    try:
        part.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
