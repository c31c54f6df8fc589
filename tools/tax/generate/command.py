"""`tax generate` from its options to a finished run folder: opens the teacher, the journal and the folder, and runs."""

import asyncio
import contextlib
import datetime
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tax import __version__, prompts, report
from tax.calls import Caller
from tax.config import Config, find_config
from tax.generate.carry import Carried, find_carried, holdout_id
from tax.generate.fetching import fetch_documents
from tax.generate.inputs import PROMPTS, Input, Settings, prompt_digests, read_inputs
from tax.generate.preview import Preview, preview
from tax.generate.progress import Progress
from tax.generate.results import describe
from tax.generate.run import UNFIT, UNREAD, Generation
from tax.journal import Journal
from tax.problems import UserError, printable
from tax.runs import RunFolder, read_manifest, run_id
from tax.teachers.base import Teacher, TeacherError
from tax.teachers.open import open_teacher
from tax.tree import head, leaves_at

MANY = 1000  # leaves whose reading takes a second or more


@dataclass(frozen=True)
class Options:
    """The options of the command."""

    teacher: str = "builtin"
    model: str = ""
    samples: int = 30
    concurrency: int = 64
    seed: int = 0
    out: Path | None = None
    calls: Path | None = None
    engine: str = "local"  # or ray
    workers: int | None = None  # of a Ray cluster
    changed: bool = False  # carry over from earlier runs what would come out the same
    dry_run: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Result:
    """What the command has to say."""

    manifest: dict[str, Any]
    folder: Path | None
    previews: tuple[Preview, ...] = ()
    unchanged: bool = False  # the run was there, and stays as it is

    @property
    def unfit(self) -> bool:
        """Whether there were leaves with errors, or with documents that cannot be read, which were not grown."""
        stops = [leaf["stop"] for leaf in self.manifest.get("leaves", ())]
        stops += [each.how.removeprefix("skipped: ") for each in self.previews]
        return any(stop.startswith((UNFIT, UNREAD)) for stop in stops)

    def as_json(self) -> str:
        """The manifest, or of a dry run the previews."""
        shown = [asdict(each) for each in self.previews] if self.folder is None else self.manifest
        return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"

    def as_text(self) -> str:
        """The table of the leaves, or of a dry run the prompts and the count of calls."""
        if self.folder is None:
            return _previewed(self.previews)
        table = "Nothing has changed since this run.\n" if self.unchanged else _table(self.manifest)
        return f"{table}\n{report.summary(self.manifest)}\nRun folder: {self.folder}\n"


def run_command(paths: Sequence[Path], root: Path, options: Options) -> Result:
    """Run the command on the leaves at some paths. Raises UserError or TeacherError."""
    config = find_config(root)
    files = leaves_at(paths)
    if not files:
        raise UserError("there are no leaves to grow here")
    fetch_documents(files, config, quiet=options.quiet)
    return asyncio.run(_run(files, root, options, config))


async def _run(files: Sequence[Path], root: Path, options: Options, config: Config) -> Result:
    settings = Settings(options.samples, options.seed, options.concurrency)
    teacher = await _open(options, config)
    journal = Journal(options.calls or root / ".tax" / "calls")
    caller = Caller(teacher, journal, settings.concurrency, settings.seed)
    try:
        if len(files) >= MANY:
            _say(f"Reading {len(files):,} leaves", options)
        inputs = await read_inputs(files, root, teacher, settings, config)
        carried = _carried(inputs, root, options) if options.changed else {}
        if options.dry_run:
            return Result({}, None, tuple(preview(inputs, carried, caller, settings, config)))
        manifest = _manifest(inputs, root, teacher, settings)
        path = options.out or root / "runs" / manifest["id"]
        if len(carried) == len(inputs) and {each.folder for each in carried.values()} == {path.resolve()}:
            return Result(read_manifest(path), path, unchanged=True)
        folder = RunFolder(path, manifest)
        try:
            await _fill(folder, inputs, carried, caller, settings, config, quiet=options.quiet)
        except TeacherError:
            await caller.drain()
            raise
        await caller.drain()
        return Result(folder.manifest, folder.path)
    finally:
        await caller.close()
        journal.close()
        with contextlib.suppress(Exception):
            await teacher.close()


async def _open(options: Options, config: Config) -> Teacher:
    if options.engine == "ray":
        try:
            from tax.teachers.cluster import open_cluster
        except ModuleNotFoundError as error:
            raise TeacherError(f"--engine ray needs the package {error.name}: pip install 'tax[cluster]'") from error
        return await open_cluster(options.teacher, options.model, config.teachers, options.workers)
    if options.workers is not None:
        raise UserError("--workers is for a cluster: add --engine ray, or leave it out")
    return await open_teacher(options.teacher, options.model, config.teachers)


def _carried(inputs: Sequence[Input], root: Path, options: Options) -> dict[int, Carried]:
    parents = [root / "runs", *([options.out.resolve().parent] if options.out else [])]
    carried = find_carried(inputs, parents)
    runs = sorted({each.folder.name for each in carried.values()})
    source = f" from {', '.join(runs[:3])}{' and others' if len(runs) > 3 else ''}" if runs else ""
    source = source or ": no run in runs/ has one as it would be grown now, by this teacher and with these settings"
    _say(f"{len(carried):,} of {len(inputs):,} leaves carried over{source}", options)
    return carried


def _say(text: str, options: Options) -> None:
    if not options.quiet:
        print(printable(text), file=sys.stderr, flush=True)


async def _fill(
    folder: RunFolder,
    inputs: Sequence[Input],
    carried: Mapping[int, Carried],
    caller: Caller,
    settings: Settings,
    config: Config,
    *,
    quiet: bool,
) -> None:
    manifest = folder.manifest
    try:
        with Progress(len(inputs) - len(carried), settings.samples, quiet=quiet) as progress:
            commit = manifest["taxonomy"]["commit"] if not manifest["taxonomy"]["dirty"] else None
            generation = Generation(
                inputs,
                caller,
                settings,
                folder,
                config,
                carried=carried,
                commit=commit,
                finished=progress.leaf_ended,
            )
            progress.watch(generation)
            results = await generation.run()
        manifest |= describe(results, generation.board, caller)
        manifest["ended"] = _now()
        folder.finish(report.markdown(manifest))
    except BaseException as error:
        folder.abandon("interrupted" if isinstance(error, KeyboardInterrupt | asyncio.CancelledError) else "failed")
        raise


def _manifest(inputs: Sequence[Input], root: Path, teacher: Teacher, settings: Settings) -> dict[str, Any]:
    commit, dirty = head(root)
    return {
        "id": run_id({"leaves": [each.identity for each in inputs]}),
        "status": "running",
        "versions": {"tax": __version__, "python": platform.python_version()},
        "taxonomy": {"commit": commit, "dirty": dirty},
        "teacher": {"name": teacher.name, "model": teacher.model},
        "settings": asdict(settings),
        "sampling": {
            name: {"temperature": prompt.file.temperature, "max_tokens": prompt.file.max_tokens}
            for name, prompt in ((name, prompts.load(name)) for name in PROMPTS)
        },
        "prompts": prompt_digests(),
        "started": _now(),
        "holdouts": sorted({holdout_id(text) for each in inputs for text in each.holdouts}),
        "inputs": [each.entry for each in inputs],
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _table(manifest: dict[str, Any]) -> str:
    rows = [("leaf", "drawn", "kept", "dropped"), *report.table_rows(manifest, carried=False)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{printable(name):{widths[0]}}  {drawn:>{widths[1]}}  {kept:>{widths[2]}}  {printable(note)}".rstrip()
        for name, drawn, kept, note in rows
    ]
    return "\n".join(lines) + "\n" if len(rows) > 1 else "All leaves are carried over.\n"


def _previewed(previews: Sequence[Preview]) -> str:
    lines = []
    for each in previews:
        for name, messages in each.prompts:
            lines.append(f"--- {printable(each.leaf)}: {name} ---")
            for role, content in messages:
                lines += [f"[{role}]", *report.safe_lines(content), ""]
    for each in previews:
        calls = f", {each.least_calls:,} to {each.most_calls:,} calls" if each.most_calls else ""
        lines.append(f"{printable(each.leaf)}: {each.how}{calls}")
    least, most = sum(each.least_calls for each in previews), sum(each.most_calls for each in previews)
    return "\n".join([*lines, "", f"{least:,} calls at least, {most:,} at most. Nothing was asked."]) + "\n"
