"""`tax generate` from its options to a finished run folder: opens the teacher, the journal and the folder, and runs."""

import asyncio
import datetime
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tax import __version__, prompts, report
from tax.calls import Caller
from tax.config import Config, find_config
from tax.generate import branch
from tax.generate.carry import Carried, find_carried, holdout_id
from tax.generate.fetching import fetch_documents
from tax.generate.inputs import PROMPTS, Input, Settings, read_inputs
from tax.generate.pool import pooled_inputs
from tax.generate.preview import Preview, preview
from tax.generate.progress import Progress
from tax.generate.results import describe
from tax.generate.run import UNFIT, UNREAD, Generation
from tax.generate.session import RunOptions, session
from tax.problems import UserError, printable
from tax.runs import RunFolder, read_manifest, run_id
from tax.teachers.base import Teacher
from tax.tree import head, leaves_at

MANY = 1000  # leaves whose reading takes a second or more


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The options of the command."""

    samples: int = 30
    changed: bool = False  # carry over from earlier runs what would come out the same
    seeds: Literal["leaf", "random"] = "leaf"


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
            return previewed(self.previews)
        table = "Nothing has changed since this run.\n" if self.unchanged else table_of(self.manifest)
        return told(table, report.summary(self.manifest), self.folder)


def run_command(paths: Sequence[Path], root: Path, options: Options) -> Result:
    """Run the command on the leaves at some paths. Raises UserError or TeacherError."""
    if options.changed and options.seeds == "random":
        raise UserError("--changed goes leaf by leaf, and --seeds random does not: leave one of them out")
    config = find_config(root)
    files = leaves_at(paths)
    if not files:
        raise UserError("there are no leaves to grow here")
    if options.seeds == "leaf":
        fetch_documents(files, config, quiet=options.quiet)
    return asyncio.run(_run(files, root, options, config))


async def _run(files: Sequence[Path], root: Path, options: Options, config: Config) -> Result:
    settings = Settings(options.samples, options.seed, options.concurrency, options.seeds)
    async with session(options, root, config) as caller:
        if len(files) >= MANY:
            _say(f"Reading {len(files):,} leaves", options)
        read = pooled_inputs if options.seeds == "random" else read_inputs
        inputs = await read(files, root, caller.teacher, settings, config)
        carried = _carried(inputs, root, options) if options.changed else {}
        if options.dry_run:
            return Result({}, None, tuple(preview(inputs, carried, caller, settings, config)))
        manifest = _manifest(inputs, root, caller.teacher, settings)
        path = options.out or root / "runs" / manifest["id"]
        if len(carried) == len(inputs) and {each.folder for each in carried.values()} == {path.resolve()}:
            return Result(read_manifest(path), path, unchanged=True)
        folder = RunFolder(path, manifest)
        await _fill(folder, inputs, carried, caller, settings, config, quiet=options.quiet)
    return Result(folder.manifest, folder.path)


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
        growing = [each for rank, each in enumerate(inputs) if rank not in carried]
        wanted = settings.samples * sum(each.leaves for each in growing)
        with Progress(wanted, len(growing), quiet=quiet) as progress:
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
        manifest["ended"] = now()
        folder.finish(report.markdown(manifest))
    except BaseException as error:
        folder.abandon("interrupted" if isinstance(error, KeyboardInterrupt | asyncio.CancelledError) else "failed")
        raise


def _manifest(inputs: Sequence[Input], root: Path, teacher: Teacher, settings: Settings) -> dict[str, Any]:
    commit, dirty = head(root)
    names = branch.PROMPTS if settings.seeds == "random" else PROMPTS
    used = prompts.chosen(names, (each.language for each in inputs))
    return {
        "id": run_id({"leaves": [each.identity for each in inputs]}),
        "status": "running",
        "versions": {"tax": __version__, "python": platform.python_version()},
        "taxonomy": {"commit": commit, "dirty": dirty},
        "teacher": {"name": teacher.name, "model": teacher.model},
        "settings": asdict(settings),
        "sampling": sampling_of(used),
        "prompts": {prompt.title: prompt.digest for prompt in used},
        "started": now(),
        "holdouts": sorted({holdout_id(text) for each in inputs for text in each.holdouts}),
        "inputs": [each.entry for each in inputs],
    }


def sampling_of(used: Sequence[prompts.Prompt]) -> dict[str, dict[str, Any]]:
    """Return how the answers to some prompts are drawn, for a manifest."""
    return {
        prompt.title: {"temperature": prompt.file.temperature, "max_tokens": prompt.file.max_tokens} for prompt in used
    }


def now() -> str:
    """Return the time as manifests have it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def told(table: str, summary: str, folder: Path) -> str:
    """Return what the terminal shows of a finished run: a table of its leaves, a summary, where it lies."""
    return f"{table}\n{summary}\nRun folder: {folder}\n"


def table_of(manifest: dict[str, Any]) -> str:
    """Return the table of a run's leaves; those that were carried over have no row."""
    rows = [("leaf", "drawn", "kept", "dropped"), *report.table_rows(manifest, carried=False)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{printable(name):{widths[0]}}  {drawn:>{widths[1]}}  {kept:>{widths[2]}}  {printable(note)}".rstrip()
        for name, drawn, kept, note in rows
    ]
    return "\n".join(lines) + "\n" if len(rows) > 1 else "All leaves are carried over.\n"


def previewed(previews: Sequence[Preview]) -> str:
    """Return what the terminal shows of a dry run: the prompts, and how many calls there would be."""
    lines = []
    for each in previews:
        for name, messages in each.prompts:
            lines.append(f"--- {printable(each.leaf)}: {name} ---")
            for role, content in messages:
                lines += [f"[{role}]", *report.safe_lines(content), ""]
    for each in previews:
        calls = f"{each.least_calls:,} to " if each.least_calls < each.most_calls else ""
        lines.append(
            f"{printable(each.leaf)}: {each.how}" + (f", {calls}{each.most_calls:,} calls" * bool(each.most_calls))
        )
    least, most = sum(each.least_calls for each in previews), sum(each.most_calls for each in previews)
    return "\n".join([*lines, "", f"{least:,} calls at least, {most:,} at most. Nothing was asked."]) + "\n"
