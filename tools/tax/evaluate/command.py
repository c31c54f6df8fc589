"""`tax eval` from its options to the table of the leaves."""

import asyncio
import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tax import __version__, prompts
from tax.calls import Caller
from tax.config import BUILTIN, find_config
from tax.evaluate.examine import BEST, LEAST, PROMPTS, Examination, Result, by_leaf, counted
from tax.evaluate.holdouts import files_of, read_holdouts
from tax.generate.progress import Progress
from tax.generate.session import RunOptions, session
from tax.problems import UserError, printable
from tax.runs import write_named
from tax.sample import Sample
from tax.teachers.base import TeacherError
from tax.teachers.open import is_server
from tax.train.start import model_folder
from tax.tree import find_root


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command."""

    holdouts: tuple[Path, ...]
    judge: str = BUILTIN
    model: str = ""  # of the student's server
    judge_model: str = ""
    concurrency: int = 64
    calls: Path | None = None
    out: Path | None = None
    quiet: bool = False


@dataclass(frozen=True)
class Evaluation:
    """What the command has to say: the figures as `--json` prints them; and how many answers the judge did not rate.

    Another checkpoint may have other ones not rated, so that the two means are not of the same hold-outs.
    """

    figures: dict[str, Any]
    unrated: int
    failures: Mapping[str, str]  # of each reason, what the first hold-out that failed for it has in full

    def as_json(self) -> str:
        """The figures on one line, so that it may be the last one of many."""
        return json.dumps(self.figures, ensure_ascii=False) + "\n"

    def as_text(self) -> str:
        """The table of the leaves, what failed, and the score."""
        leaves = {**self.figures["leaves"], "all": self.figures}
        rows: list[tuple[str, ...]] = [("leaf", "hold-outs", "rated", "failed", "cut", "mean")]
        rows += [
            (printable(leaf), *(f"{count:,}" for count in _counts(row)), _mean(row["score"]))
            for leaf, row in leaves.items()
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(f"{cell:{'>' if place else '<'}{widths[place]}}" for place, cell in enumerate(row))
            for row in rows
        ]
        lines += [f"{count:,} {printable(self.failures[reason])}" for reason, count in self.figures["failed"].items()]
        judge = self.figures["judge"]
        judged = f"{judge['name']} ({judge['model']})"
        if judge["name"] == BUILTIN:
            judged = "built-in word counts, which tell likeness and not sense"
        kept = [
            f"{count:,} {what} were there from before."
            for count, what in ((self.figures["student"]["reused"], "answers"), (judge["reused"], "ratings"))
            if count
        ]
        return "\n".join([*lines, "", *kept, f"Ratings from {LEAST} to {BEST} by {printable(judged)}."]) + "\n"


def evaluate(model: str, options: Options) -> Evaluation:
    """Examine a student with hold-outs. Raises UserError or TeacherError."""
    samples = read_holdouts(options.holdouts)
    _check_out(options)
    with _student(model) as student:
        examiner, answerer, results = asyncio.run(_examined(student, samples, options))
    if options.out is not None:
        write_named(options.out, "".join(json.dumps(each.as_row(), ensure_ascii=False) + "\n" for each in results))
    whole = counted(results)
    failures = {result.reason: result.failure for result in reversed(results)}
    if whole["score"] is None:
        told = "; ".join(f"{count:,} {failures[reason]}" for reason, count in whole["failed"].items())
        raise UserError(f"no answer was rated, so there is no score: {told}")
    used = prompts.chosen(PROMPTS, {sample.language for sample in samples})
    return Evaluation(
        {
            **whole,
            "student": {"name": model, "model": answerer.teacher.model, "reused": answerer.meter.reused.total()},
            "judge": {
                "name": examiner.teacher.name,
                "model": examiner.teacher.model,
                "reused": examiner.meter.reused.total(),
            },
            "prompts": {each.title: each.digest for each in used},
            "tax": __version__,
            "leaves": by_leaf(results),
        },
        unrated=sum(bool(result.answer and result.failure) for result in results),
        failures=failures,
    )


def _check_out(options: Options) -> None:
    """See before anything is asked that the answers can be written. Raises UserError."""
    out = options.out
    if out is None:
        return
    try:
        if out.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        tempfile.NamedTemporaryFile(dir=out.absolute().parent, prefix=out.name, suffix=".part").close()
    except OSError as error:
        raise UserError(
            f"--out {out} cannot be written: {error.strerror}. "
            "Name a file in a folder that is there and may be written to"
        ) from error
    if any(out.resolve() == file.resolve() for path in options.holdouts for file in files_of(path)):
        raise UserError(f"--out {out} is what the hold-outs are read from: name another file")


@contextmanager
def _student(model: str) -> Iterator[str]:
    """Yield the teacher that answers for what MODEL names: a folder's model in this process, or a teacher."""
    path = Path(model)
    if model and path.exists():
        with model_folder(path) as folder:
            yield f"hf:{folder}"
    elif len(path.parts) > 1 and ":" not in model:
        raise UserError(f"there is no folder {model}: name a model folder, or the --out of tax train")
    else:
        yield model


async def _examined(student: str, samples: list[Sample], options: Options) -> tuple[Caller, Caller, list[Result]]:
    """Return who judged and who answered, and what came of the samples.

    A server is asked for all its answers anew: the name of its model does not say which checkpoint is behind it.
    """
    root = find_root(Path.cwd()) or Path.cwd()
    config = find_config(root)
    async with AsyncExitStack() as opened:
        calls = options.calls
        if calls is None and is_server(student, config.teachers):
            calls = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="tax-")))
        # The judge first: where its server is gone, no model need be loaded to learn that.
        judge = RunOptions(
            teacher=options.judge, model=options.judge_model, concurrency=options.concurrency, calls=options.calls
        )
        examiner = await _opened(opened, session(judge, root, config), ("--judge", "--judge-model"))
        asked = RunOptions(teacher=student, model=options.model, concurrency=options.concurrency, calls=calls)
        answerer = await _opened(opened, session(asked, root, config), ("MODEL", "--model"))
        if answerer.teacher.grounded_only:
            raise UserError(
                f"{answerer.teacher.name} cannot answer by itself: name a model folder or a server as MODEL"
            )
        with Progress(len(samples), len(samples), "hold-outs", quiet=options.quiet) as progress:
            examination = Examination(answerer, examiner, progress.samples_ended)
            progress.watch(examination)
            results = await examination.run(samples)
        return examiner, answerer, results


async def _opened(opened: AsyncExitStack, teacher: AbstractAsyncContextManager[Caller], named: Sequence[str]) -> Caller:
    """Open a teacher. Raises TeacherError, in whose words our own options stand."""
    try:
        return await opened.enter_async_context(teacher)
    except TeacherError as error:
        told = str(error).replace("--teacher", named[0]).replace("--model", named[1])
        raise TeacherError(told) from error


def _counts(row: Mapping[str, Any]) -> list[int]:
    return [row["holdouts"], row["rated"], sum(row["failed"].values()), row["cut"]]


def _mean(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"
