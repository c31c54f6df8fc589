"""`tax generate` from its options to a finished run folder: opens the teacher, the journal and the folder, and runs."""

import asyncio
import contextlib
import datetime
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tax import __version__, prompts, report
from tax.calls import Caller
from tax.config import Config, find_config
from tax.documents import DocumentFault, read_documents
from tax.generate.preview import Preview, preview
from tax.generate.progress import Progress
from tax.generate.run import Generation, Settings, describe
from tax.generate.session import RunOptions, session
from tax.leaf import KnowledgeLeaf
from tax.load import Loaded, load
from tax.problems import UserError, failed, printable
from tax.runs import RunFolder, run_id
from tax.teachers.base import Teacher
from tax.tree import head, leaves_at
from tax.validate import check_loaded

# What generation asks; the prompts of other commands do not enter a run's identity.
PROMPTS = (
    "judge_faithfulness",
    "judge_pair",
    "judge_question",
    "judge_relevance",
    "judge_self_contained",
    "knowledge_questions",
    "response_creative",
    "response_precise",
    "skill_dialogues",
    "skill_questions",
    "skill_questions_grounded",
    "user_turn",
)


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The options of the command."""

    samples: int = 30


@dataclass(frozen=True)
class Result:
    """What the command has to say."""

    manifest: dict[str, Any]
    folder: Path | None
    unfit: int  # leaves with errors, which were not grown
    previews: tuple[Preview, ...] = ()

    def as_json(self) -> str:
        """The manifest, or of a dry run the previews."""
        shown = [asdict(each) for each in self.previews] if self.folder is None else self.manifest
        return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"

    def as_text(self) -> str:
        """The table of the leaves, or of a dry run the prompts and the count of calls."""
        if self.folder is None:
            return previewed(self.previews)
        return told(self.manifest, self.folder, report.summary(self.manifest))


def run_command(paths: Sequence[Path], root: Path, options: Options) -> Result:
    """Run the command on the leaves at some paths. Raises UserError or TeacherError."""
    config = find_config(root)
    leaves = [_fit(load(path), config) for path in leaves_at(paths)]
    if not leaves:
        raise UserError("there are no leaves to grow here")
    return asyncio.run(_run(leaves, root, options, config))


def _fit(loaded: Loaded, config: Config) -> Loaded:
    """Return a leaf as it may be grown: without its content where a rule finds an error, such as a licence's."""
    return replace(loaded, leaf=None) if failed(check_loaded(loaded, config)) else loaded


async def _run(leaves: list[Loaded], root: Path, options: Options, config: Config) -> Result:
    settings = Settings(options.samples, options.seed, options.concurrency)
    unfit = sum(leaf.leaf is None for leaf in leaves)
    async with session(options, root, config) as caller:
        if options.dry_run:
            return Result({}, None, unfit, tuple(preview(leaves, caller, settings)))
        manifest = _manifest(leaves, root, caller.teacher, settings)
        folder = RunFolder(options.out or root / "runs" / manifest["id"], manifest)
        await _fill(folder, leaves, caller, settings, quiet=options.quiet)
    return Result(folder.manifest, folder.path, unfit)


async def _fill(folder: RunFolder, leaves: list[Loaded], caller: Caller, settings: Settings, *, quiet: bool) -> None:
    manifest = folder.manifest
    try:
        with Progress(len(leaves) * settings.samples, len(leaves), quiet=quiet) as progress:
            commit = manifest["taxonomy"]["commit"] if not manifest["taxonomy"]["dirty"] else None
            generation = Generation(leaves, caller, settings, folder, commit=commit, finished=progress.leaf_ended)
            progress.watch(generation)
            results = await generation.run()
        manifest |= describe(results, generation.board, caller)
        manifest["ended"] = now()
        folder.finish(report.markdown(manifest))
    except BaseException as error:
        folder.abandon("interrupted" if isinstance(error, KeyboardInterrupt | asyncio.CancelledError) else "failed")
        raise


def _manifest(leaves: Sequence[Loaded], root: Path, teacher: Teacher, settings: Settings) -> dict[str, Any]:
    commit, dirty = head(root)
    inputs = [_input(leaf, root) for leaf in leaves]
    used = prompts.chosen(PROMPTS, [leaf.leaf.language for leaf in leaves if leaf.leaf])
    identity = {
        "inputs": [{"leaf": each["leaf"], "blob": each["blob"], "documents": each["documents"]} for each in inputs],
        "teacher": {"name": teacher.name, "model": teacher.model},
        "settings": {"samples": settings.samples, "seed": settings.seed},
        "prompts": {prompt.title: prompt.digest for prompt in used},
        "tax": __version__,
    }
    return {
        "id": run_id(identity),
        "status": "running",
        "versions": {"tax": __version__, "python": platform.python_version()},
        "taxonomy": {"commit": commit, "dirty": dirty},
        "teacher": identity["teacher"],
        "settings": asdict(settings),
        "sampling": sampling_of(used),
        "prompts": identity["prompts"],
        "started": now(),
        "inputs": inputs,
    }


def sampling_of(used: Sequence[prompts.Prompt]) -> dict[str, dict[str, Any]]:
    """Return how the answers to some prompts are drawn, for a manifest."""
    return {
        prompt.title: {"temperature": prompt.file.temperature, "max_tokens": prompt.file.max_tokens} for prompt in used
    }


def _input(loaded: Loaded, root: Path) -> dict[str, Any]:
    path = loaded.path.resolve()
    documents = []
    if isinstance(loaded.leaf, KnowledgeLeaf):
        with contextlib.suppress(DocumentFault):  # the leaf is skipped with this fault as its reason
            read = read_documents(loaded.leaf, loaded.path.parent)
            documents = [
                {"path": each.path, "blob": each.blob, "license": each.license, "characters": len(each.text)}
                for each in read
            ]
    return {
        "leaf": loaded.name,
        "path": str(path.relative_to(root.resolve()) if path.is_relative_to(root.resolve()) else path),
        "blob": loaded.blob,
        "version": loaded.version,
        "license": loaded.leaf.license if loaded.leaf else None,
        "created_by": loaded.leaf.created_by if loaded.leaf else None,
        "documents": documents,
    }


def now() -> str:
    """Return the time as manifests have it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def told(manifest: dict[str, Any], folder: Path, summary: str) -> str:
    """Return what the terminal shows of a finished run: a table of its leaves, a summary, where it lies."""
    rows = [("leaf", "drawn", "kept", "dropped"), *report.table_rows(manifest)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{printable(name):{widths[0]}}  {drawn:>{widths[1]}}  {kept:>{widths[2]}}  {printable(note)}".rstrip()
        for name, drawn, kept, note in rows
    ]
    return "\n".join([*lines, "", summary, f"Run folder: {folder}"]) + "\n"


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
