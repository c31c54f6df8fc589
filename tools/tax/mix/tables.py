"""Rows of data files: JSON lines (also gzipped), Parquet, and datasets of a hub at one commit; read as a stream.

The only module that imports pyarrow and datasets. Paths come from strangers' files: they never leave their folder.
"""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from tax.problems import UserError, excerpt, install

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_BATCH = 1000  # rows of a Parquet file that are read at once


def inside(folder: Path, relative: str) -> list[Path]:
    """Return the files below a folder that a relative path or pattern such as `news/*.jsonl` names, in order.

    Raises UserError where it leaves the folder, also through a link.
    """
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts or "\\" in relative or "\0" in relative:
        raise UserError(f"the path {excerpt(relative)} leaves {folder}: name files inside of it")
    try:
        found = sorted(path for path in folder.glob(relative) if path.is_file())
    except (OSError, ValueError, NotImplementedError) as error:
        raise UserError(f"the path {excerpt(relative)} cannot be read: {excerpt(str(error))}") from error
    root = folder.resolve()
    for path in found:
        if not path.resolve().is_relative_to(root):
            raise UserError(f"{excerpt(str(path), 200)} is a link that leaves {folder}: put the file itself there")
    return found


def is_table(path: Path) -> bool:
    """Tell whether a file is read as rows."""
    return path.name.lower().endswith(SUFFIXES)


def file_rows(path: Path, columns: list[str]) -> Iterator[dict[str, Any] | None]:
    """Yield the rows of a file (None: a line that is no JSON object). Raises UserError where it cannot be read."""
    try:
        yield from _parquet(path, columns) if path.suffix.lower() == ".parquet" else _json_lines(path)
    except (OSError, EOFError) as error:
        raise UserError(f"{path} cannot be read: {excerpt(str(error), 200)}") from error


def _json_lines(path: Path) -> Iterator[dict[str, Any] | None]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                row = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
            except (ValueError, RecursionError):
                row = None
            yield row if isinstance(row, dict) else None


def _parquet(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise UserError(f"{path} needs the package pyarrow: {install('train')}") from error
    try:
        file = parquet.ParquetFile(path)
        _columns_known(path, columns, file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
            yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise UserError(f"{path} cannot be read as Parquet: {excerpt(str(error), 200)}") from error


def _columns_known(path: Path, wanted: list[str], known: list[str]) -> None:
    for name in wanted:
        if name not in known:
            raise UserError(f"{path} has no column {excerpt(name)}: it has {excerpt(', '.join(known), 200)}")


def hub_rows(name: str, revision: str | None, split: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a hub's dataset at one commit. Raises UserError where it is not pinned or cannot be had."""
    if not _HUB_NAME.fullmatch(name):
        raise UserError(f"the dataset {excerpt(name)} is no name of a hub, and no {' or '.join(SUFFIXES)} file")
    if revision is None or not _COMMIT.fullmatch(revision):
        raise UserError(f"the dataset {excerpt(name)} is not pinned: give its `revision`, all 40 digits of a commit")
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise UserError(f"the dataset {name} needs the package datasets: {install('train')}") from error
    try:
        for row in load_dataset(name, revision=revision, split=split, streaming=True):
            yield dict(row)
    except Exception as error:
        raise UserError(
            f"the dataset {excerpt(name)} at {revision[:12]} cannot be had: {excerpt(str(error), 200)}. "
            "Where no hub is reached, put its file beside the leaf or the registry, and name that"
        ) from error
