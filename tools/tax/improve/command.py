"""`tax recycle`, `tax translate` and `tax dialogue` from their options to a finished run folder."""

import asyncio
import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from tax import __version__, prompts, report, spdx
from tax.calls import Caller
from tax.config import find_config
from tax.exchange import Origin, Unread, file_blob, read
from tax.generate.command import now, previewed, sampling_of, table_of, told
from tax.generate.preview import Preview
from tax.generate.progress import Progress
from tax.generate.session import RunOptions, session
from tax.improve.grounds import Grounds
from tax.improve.measured import Models, load_models, measure, pair_of, table
from tax.improve.run import TAG, ImprovementRun
from tax.improve.work import Given, Method, Tools
from tax.load import load
from tax.problems import UserError, excerpt
from tax.runs import MANIFEST, REPORT, SAMPLES, RunFolder, read_manifest, read_samples, run_id, write_whole
from tax.sample import Sample
from tax.teachers.base import TeacherError
from tax.text.duplicates import Holdouts
from tax.tree import TAXONOMY, find_root, head, leaf_files


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The options of the commands."""

    limit: int | None = None
    language: str | None = None
    license: str | None = None
    credit: str | None = None
    measure: str | None = None
    encoder: str | None = None


@dataclass(frozen=True)
class Result:
    """What a command has to say: a run's manifest, or of a dry run the previews."""

    manifest: dict[str, Any]
    folder: Path | None
    previews: tuple[Preview, ...] = ()

    def as_json(self) -> str:
        """The manifest, or of a dry run the previews."""
        shown = [asdict(each) for each in self.previews] if self.folder is None else self.manifest
        return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"

    def as_text(self) -> str:
        """The table of the leaves, or of a dry run the prompts and the count of calls."""
        if self.folder is None:
            return previewed(self.previews)
        measures = self.manifest.get("measures")
        shown = f"{table(measures)}\n" if measures and measures["model"] else ""
        return shown + told(table_of(self.manifest), report.summary(self.manifest), self.folder)


@dataclass(frozen=True)
class Source:
    """The run folder or file whose samples are improved, with the checkout whose hold-outs and documents count."""

    path: Path
    root: Path
    origin: Origin
    limit: int | None

    def rows(self) -> Iterator[Sample | Unread]:
        """Yield the samples, one by one. Raises UserError."""
        return islice(read(self.path, self.origin), self.limit)

    @cached_property
    def blob(self) -> str:
        """Git's id of the file that holds the samples."""
        return file_blob(self.path / SAMPLES if self.path.is_dir() else self.path)


def run_command(path: Path, method: Method, options: Options) -> Result:
    """Run a method on the samples of a run folder or file. Raises UserError or TeacherError."""
    if not path.exists():
        raise UserError(f"there is no run folder or file {path}")
    if path.is_dir() and (options.language or options.license or options.credit):
        told = "--language, --license and --credit say of a foreign file what it does not say"
        raise UserError(f"{told}; a run says it itself")
    if options.language:
        language_tag(options.language, "--language")
    if options.license:
        spdx.check_option(options.license)
    root = find_root(path) or find_root(Path.cwd()) or Path.cwd()
    plain = Origin()
    origin = replace(plain, language=options.language or plain.language, license=options.license or plain.license)
    source = Source(path, root, origin, options.limit)
    if options.encoder and not options.measure:
        raise UserError("--encoder goes with --measure")
    models = load_models(options.measure, options.encoder) if options.measure and not options.dry_run else None
    result = asyncio.run(_run(source, method, options))
    if method.command == "recycle" and result.folder:
        _measure(source, result, models)
    return result


def _measure(source: Source, result: Result, models: Models | None) -> None:
    """Add the measures of the recycled samples, before and after, to a finished run's manifest and report."""
    assert result.folder is not None
    made = [sample for sample in read_samples(result.folder) if sample.parent]
    parents = {sample.parent for sample in made}
    before = {row.id: pair_of(row) for row in source.rows() if isinstance(row, Sample) and row.id in parents}
    pairs = [(before[sample.parent], pair_of(sample)) for sample in made if sample.parent in before]
    result.manifest["measures"] = measure([old for old, _ in pairs], [new for _, new in pairs], models)
    write_whole(result.folder / MANIFEST, json.dumps(result.manifest, ensure_ascii=False, indent=2) + "\n")
    write_whole(result.folder / REPORT, f"{report.markdown(result.manifest)}\n{table(result.manifest['measures'])}")


def language_tag(written: str, option: str) -> str:
    """Return an option's language tag. Raises UserError where it is none."""
    if not TAG.fullmatch(written):
        raise UserError(f"{option} {excerpt(written)} is no language tag: it looks like en or zh-Hant-TW")
    return written


async def _run(source: Source, method: Method, options: Options) -> Result:
    grounds, holdouts = Grounds(source.root), _holdouts(source.root)
    survey = _surveyed(source, method, grounds)
    async with session(options, source.root, find_config(source.root)) as caller:
        if caller.teacher.grounded_only:
            raise TeacherError(
                f"the teacher {caller.teacher.name} cannot write: `tax {method.command}` needs a model teacher, "
                "such as --teacher http://localhost:8000/v1 --model NAME (any OpenAI-compatible server)"
            )
        tools = Tools(caller, Holdouts(holdouts), grounds)
        if options.dry_run:
            return Result({}, None, _previews(source, method, tools))
        used = prompts.chosen(method.prompts, survey.languages)
        rests_on = {"holdouts": run_id({"holdouts": holdouts}), "documents missing": sorted(survey.missing)}
        manifest = _manifest(source, method, caller, used, rests_on, options)
        manifest["inputs"] = _inputs(source, survey.leaves, options.credit)
        folder = RunFolder(options.out or source.root / "runs" / manifest["id"], manifest)
        await _fill(folder, source, method, tools, survey.rows, quiet=options.quiet)
    return Result(folder.manifest, folder.path)


async def _fill(folder: RunFolder, source: Source, method: Method, tools: Tools, total: int, *, quiet: bool) -> None:
    manifest = folder.manifest
    try:
        with Progress(total, total, "samples", quiet=quiet) as progress:
            leaf = (source.path.stem, source.blob)
            run = ImprovementRun(source.rows(), leaf, method, tools, folder, finished=progress.samples_ended)
            progress.watch(run)
            manifest |= await run.run()
        manifest["ended"] = now()
        folder.finish(report.markdown(manifest))
    except BaseException as error:
        folder.abandon("interrupted" if isinstance(error, KeyboardInterrupt | asyncio.CancelledError) else "failed")
        raise


@dataclass
class Survey:
    """What an input holds, told by reading it once."""

    rows: int = 0
    leaves: dict[tuple[str, str], Sample] = field(default_factory=dict)  # name and git id -> its first sample
    languages: set[str] = field(default_factory=set)  # to be written
    missing: set[str] = field(default_factory=set)  # leaves whose documents are not as they were


def _surveyed(source: Source, method: Method, grounds: Grounds) -> Survey:
    survey = Survey()
    for row in source.rows():
        survey.rows += 1
        if isinstance(row, Sample):
            survey.leaves.setdefault((row.leaf, row.leaf_blob), row)
            survey.languages.add(method.language(row))
            if row.source and grounds.passage(row) is None:
                survey.missing.add(row.leaf)
    if not survey.leaves:
        fault = f"none of its {survey.rows:,} rows can be read" if survey.rows else "it is empty"
        raise UserError(f"{source.path} holds no sample: {fault}")
    return survey


def _holdouts(root: Path) -> list[str]:
    """Return the hold-outs of a checkout: nothing may be improved into what a student is measured with."""
    loaded = (load(path) for path in leaf_files(root / TAXONOMY))
    return [text for each in loaded if each.leaf for text in each.leaf.holdouts]


def _manifest(
    source: Source,
    method: Method,
    caller: Caller,
    used: list[prompts.Prompt],
    rests_on: dict[str, Any],
    options: Options,
) -> dict[str, Any]:
    commit, dirty = head(source.root)
    identity: dict[str, Any] = {
        "command": method.command,
        "source": {"blob": source.blob, "limit": source.limit, **asdict(source.origin)},
        "rests on": rests_on,
        "teacher": {"name": caller.teacher.name, "model": caller.teacher.model},
        "settings": {**method.settings, "seed": options.seed},
        "prompts": {prompt.title: prompt.digest for prompt in used},
        "tax": __version__,
    }
    return {
        "id": run_id(identity),
        "command": method.command,
        "status": "running",
        "versions": {"tax": __version__, "python": platform.python_version()},
        "taxonomy": {"commit": commit, "dirty": dirty},
        "source": {"path": str(source.path), **identity["source"]},
        "teacher": identity["teacher"],
        "settings": {**identity["settings"], "concurrency": options.concurrency},
        "sampling": sampling_of(used),
        "prompts": identity["prompts"],
        "started": now(),
    }


def _inputs(source: Source, leaves: dict[tuple[str, str], Sample], credit: str | None) -> list[dict[str, Any]]:
    """Return the leaves of the input, for `tax blame`: as the run that is improved has them, where it is one."""
    known = read_manifest(source.path).get("inputs", []) if (source.path / MANIFEST).is_file() else []
    by_blob = {(each.get("leaf"), each.get("blob")): each for each in known if isinstance(each, dict)}
    return [by_blob.get(leaf) or _input(source, sample, credit) for leaf, sample in leaves.items()]


def _input(source: Source, sample: Sample, credit: str | None) -> dict[str, Any]:
    entry = {
        "leaf": sample.leaf,
        "path": _leaf_path(source, sample.leaf),
        "blob": sample.leaf_blob,
        "license": sample.license,
    }
    return entry | ({"imported": True, "credit": credit or ""} if sample.kind == "imported" else {})


def _leaf_path(source: Source, leaf: str) -> str:
    path = Path(TAXONOMY, leaf, "qna.yaml")
    return path.as_posix() if (source.root / path).is_file() else str(source.path)


def _previews(source: Source, method: Method, tools: Tools) -> tuple[Preview, ...]:
    """Return the prompts of the first sample that can be worked on, and how many calls all of them would take."""
    first: Preview | None = None
    works = least = most = total = 0
    for number, row in enumerate(source.rows()):
        total += 1
        if isinstance(row, Unread):
            continue
        work = method.improvement(Given(row, number), tools)
        if not hasattr(work.begin, "question"):
            continue
        works, least, most = works + 1, least + work.calls[0], most + work.calls[1]
        if first is None:
            asked = [
                (prompt.name, tools.caller.request(prompt, fields, conversation=conversation).messages)
                for prompt, fields, conversation in work.shown()
            ]
            first = Preview(f"sample {row.id}", "shown above", 0, 0, tuple(asked))
    how = f"{works:,} of {total:,} samples can be {method.done}"
    return (*([first] if first else []), Preview(str(source.path), how, least, most, ()))
