"""From a sample back to the people, the commit and the sentence that it came from (`tax blame`)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from tax.documents.document import DocumentFault
from tax.documents.pinned import fetched
from tax.documents.reading import extract, is_text, shelf
from tax.leaf import FILE_NAME
from tax.load import blob_id, load
from tax.problems import UserError, excerpt, printable
from tax.report import safe_lines
from tax.runs import finished_run, pooled_seeds, read_manifest, read_samples, run_folders
from tax.sample import Sample, Source
from tax.source import Source as YamlSource
from tax.tree import repository


@dataclass(frozen=True)
class Found:
    """A sample and the run that holds it."""

    sample: Sample
    run: Path
    manifest: dict[str, Any]


def find(sample_id: str, runs: Path, only: Path | None = None) -> Found:
    """Find a sample by its id or the beginning of it, in one run or in all, the newest first. Raises UserError."""
    folders = [only] if only else run_folders(runs)
    if len(sample_id) < 4:
        raise UserError(
            f"'{excerpt(sample_id)}' is too short to tell samples apart: give at least 4 characters of the id"
        )
    for folder in folders:
        if not only and read_manifest(folder).get("status") != "finished":
            continue
        found = {sample.id: sample for sample in read_samples(folder) if sample.id.startswith(sample_id)}
        if len(found) > 1:
            raise UserError(f"several samples begin with '{sample_id}': {', '.join(sorted(found)[:5])}")
        if found:
            return Found(next(iter(found.values())), folder, finished_run(folder))
    raise UserError(
        f"no sample '{excerpt(sample_id)}' in {only or runs}. `tax show` lists the samples of a run with their ids"
    )


def trace(found: Found, root: Path) -> str:
    """Tell a sample's whole provenance, from its words to the people who wrote what it came from."""
    sample = found.sample
    lines = [f"sample {sample.id}", f"  run       {found.run}"]
    for message in sample.messages:
        labels = chain([message.role + ":"], repeat(""))
        lines += [
            f"  {label:9} {line}".rstrip() for label, line in zip(labels, safe_lines(message.content), strict=False)
        ]
    entry: dict[str, Any] = next((leaf for leaf in found.manifest["inputs"] if leaf["blob"] == sample.leaf_blob), {})
    path = _inside(root, str(entry.get("path", "")))
    if entry.get("imported"):
        lines += ["", *_brought_lines(sample, entry)]
    elif "pool" in entry:
        lines += ["", *_pool_lines(sample, entry, root)]
    else:
        lines += ["", *_leaf_lines(sample, found, path, root)]
    if sample.source:
        lines += ["", *_source_lines(sample.source, path and path.parent, root)]
    lines += ["", f"  teacher   {printable(sample.teacher)}, by {printable(sample.prompt)}"]
    lines += [f"  rating    {rating.rubric}: {rating.rating}. {printable(rating.reason)}" for rating in sample.ratings]
    lines += [f"  parent    {printable(sample.parent)}, which it was made from"] if sample.parent else []
    lines += [f"  license   {printable(sample.license)}"]
    return "\n".join(lines) + "\n"


def _inside(root: Path, relative: str) -> Path | None:
    """Return a file of the checkout; a run folder may come from a stranger, so its paths are not trusted."""
    path = (root / relative).resolve()
    return path if path.is_relative_to(root.resolve()) and path.is_file() else None


def _leaf_lines(sample: Sample, found: Found, path: Path | None, root: Path) -> Iterator[str]:
    taxonomy = found.manifest["taxonomy"]
    state = f"commit {str(taxonomy['commit'])[:12]}" + (" with changes not committed" if taxonomy["dirty"] else "")
    yield f"  leaf      {printable(sample.leaf)} (blob {sample.leaf_blob[:12]}, {state})"
    if path is None:
        yield "            the leaf is not, or no longer, in this checkout"
        return
    loaded = load(path)
    same = loaded.blob == sample.leaf_blob
    if not same:
        yield "            the leaf has changed since; what follows is what it says now"
    yield from _last_change(path, root)
    places = [("seed_examples", index) for index in sample.seeds]
    template = re.fullmatch(r"template\[(\d{1,6})\]", sample.prompt)
    if template:
        places = [("problem_templates", int(template.group(1)))]
    for key, index in places:
        line = loaded.source.position((key, index)).line
        last = _last_line(loaded.source, key, index)
        place = f"number {index + 1}, {_lines(line, last)} of {FILE_NAME}"
        label = "seed" if key == "seed_examples" else "template"
        yield f"  {label:9} {place}, written by {_authors(path, line, last, root)}"


def _brought_lines(sample: Sample, entry: dict[str, Any]) -> Iterator[str]:
    """Tell the file of another tool that a sample was brought from."""
    credit = str(entry.get("credit") or "nobody is named: tax recycle has --credit")
    path = printable(str(entry.get("path", sample.leaf)))
    yield f"  file      {path} (blob {sample.leaf_blob[:12]}), of another tool"
    yield f"  credit    {printable(credit)}"


def _pool_lines(sample: Sample, entry: dict[str, Any], root: Path) -> Iterator[str]:
    """Tell the seeds of a sample that was drawn from those of a whole branch."""
    yield f"  leaf      none: drawn from seeds of all {printable(sample.leaf)}"
    pool = pooled_seeds(entry)
    for each, index in (pool[number] for number in sample.seeds if number < len(pool)):
        path = _inside(root, str(each["path"]))
        if path is None:
            yield f"  seed      of {printable(each['leaf'])}, which is not, or no longer, in this checkout"
            continue
        loaded = load(path)
        line = loaded.source.position(("seed_examples", index)).line
        last = _last_line(loaded.source, "seed_examples", index)
        place = f"number {index + 1}, {_lines(line, last)} of {printable(each['leaf'])}/{FILE_NAME}"
        yield f"  seed      {place}, written by {_authors(path, line, last, root)}"
        if loaded.blob != each["blob"]:
            yield "            the leaf has changed since; the lines are what it says now"


def _lines(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}"


def _last_line(source: YamlSource, key: str, index: int) -> int:
    after = source.position((key, index + 1)).line
    start = source.position((key, index)).line
    if after > start:
        return after - 1
    others = [source.key_position((name,)).line for name in source.data]
    return min((line - 1 for line in others if line > start), default=source.text.rstrip("\n").count("\n") + 1)


def _source_lines(source: Source, folder: Path | None, root: Path) -> Iterator[str]:
    yield f"  document  {printable(source.title)} ({printable(source.document)}, blob {source.blob[:12]})"
    if source.repo:
        yield f"            in {printable(source.repo)} at commit {printable(str(source.commit))[:12]}"
    path = _inside(folder, source.document) if folder and not source.repo else None
    try:
        data = path.read_bytes() if path else fetched(source.repo, source.commit, source.blob, root)
    except DocumentFault as fault:
        yield f"            {printable(str(fault))}"
        return
    if data is None:
        yield "            the document is not, or no longer, in this checkout"
        return
    if blob_id(data) != source.blob:
        yield "            the document has changed since: its sentences may stand elsewhere now"
        return
    try:
        text = extract(data, source.document, shelf(root)).text
    except DocumentFault as fault:
        yield f"            {printable(str(fault))}" + (f": {fault.fix}" if fault.fix else "")
        return
    yield f"            {_place(source, text)}{_written_by(source, text, path, root)}"
    if source.evidence:
        yield from (f"            | {part}" for part in safe_lines(text[slice(*source.evidence)]))
    else:
        yield "            the teacher's evidence is not there word for word: this is the chunk that it saw"


def _place(source: Source, text: str) -> str:
    start, end = source.evidence or source.span
    page = f"page {source.page}, " if source.page else ""
    lines = f", {_lines(*_line_numbers(source, text))}" if is_text(source.document) else ""
    return f"{page}characters {start} to {end}{lines}"


def _line_numbers(source: Source, text: str) -> tuple[int, int]:
    start, end = source.evidence or source.span
    return text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 1


def _written_by(source: Source, text: str, path: Path | None, root: Path) -> str:
    """Return who wrote the lines, as far as this checkout knows; of a converted file, who put it there."""
    if path is None:
        return ""
    if is_text(source.document):
        return f", written by {_authors(path, *_line_numbers(source, text), root)}"
    repo = repository(root)
    written = repo.git.log("-1", "--format=%an", "--", str(path)) if repo and repo.head.is_valid() else ""
    return f", put here by {printable(written)}" if written else ""


def _last_change(path: Path, root: Path) -> Iterator[str]:
    repo = repository(root)
    if repo is None:
        return
    written = repo.head.is_valid() and repo.git.log("-1", "--format=%h%x00%an%x00%as%x00%s", "--", str(path))
    if written:
        commit, author, date, subject = (printable(part) for part in written.split("\0", 3))
        yield f"            last changed by {author} on {date} in {commit}: {subject}"
    else:
        yield "            not committed yet"


def _authors(path: Path, first: int, last: int, root: Path) -> str:
    """Return who wrote these lines, by git; mind that a person's e-mail address is nobody else's business here."""
    import git

    repo = repository(root)
    try:
        if repo is None:
            return "somebody (no git repository)"
        written = repo.git.blame("--line-porcelain", "-L", f"{first},{last}", "--", str(path))
    except git.GitCommandError:
        return "somebody (not committed yet)"
    names = dict.fromkeys(line.removeprefix("author ") for line in written.splitlines() if line.startswith("author "))
    return printable(", ".join(names))
