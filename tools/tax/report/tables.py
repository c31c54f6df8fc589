"""What became of a run's leaves and stages, as tables: for the terminal and as Markdown, from the manifest alone."""

from collections.abc import Mapping
from typing import Any

from tax.report.markup import cell

_DROP_COLUMNS = 3  # reasons shown for a leaf; the rest are summed


def table_rows(manifest: Mapping[str, Any], *, carried: bool = True) -> list[tuple[str, str, str, str]]:
    """Return a row for each leaf: its name, drawn, kept, and what was dropped and why.

    `carried` tells whether those have a row too that were carried over from an earlier run.
    """
    rows = []
    for leaf in manifest["leaves"]:
        if leaf.get("carried") and not carried:
            continue
        if leaf["skipped"]:
            rows.append((leaf["leaf"], "-", "-", f"skipped: {leaf['stop']}"))
            continue
        note = [f"{count} {reason}" for reason, count in list(leaf["dropped"].items())[:_DROP_COLUMNS]]
        rest = sum(list(leaf["dropped"].values())[_DROP_COLUMNS:])
        note += [f"{rest} for other reasons"] if rest else []
        note += [leaf["stop"]] if leaf["stop"] != "enough" else []
        note += [f"carried over from {leaf['carried']}"] if leaf.get("carried") else []
        rows.append((leaf["leaf"], f"{leaf['drawn']:,}", f"{leaf['kept']:,}", "; ".join(note)))
    return rows


def markdown(manifest: Mapping[str, Any]) -> str:
    """Return the report of a run as Markdown: report.md of its folder, or a comment of a pull request."""
    lines = [f"# Run {manifest['id']}", "", summary(manifest), ""]
    lines += ["| leaf | drawn | kept | dropped |", "| --- | ---: | ---: | --- |"]
    lines += ["| " + " | ".join(cell(text) for text in row) + " |" for row in table_rows(manifest)]
    lines += ["", "| stage | in | kept | dropped |", "| --- | ---: | ---: | --- |"]
    for name, tally in manifest["stages"].items():
        reasons = ", ".join(f"{count} {reason}" for reason, count in tally["dropped"].items())
        lines.append(f"| {cell(name)} | {tally['entered']:,} | {tally['kept']:,} | {cell(reasons)} |")
    calls = manifest["calls"]
    lines += [
        "",
        f"Teacher: {cell(manifest['teacher']['name'])} ({cell(manifest['teacher']['model'])}). "
        f"Calls asked: {sum(calls['asked'].values()):,}, reused: {sum(calls['reused'].values()):,}, "
        f"tried again: {sum(calls['retries'].values()):,}. "
        f"Tokens: {calls['prompt_tokens']:,} in prompts, {calls['completion_tokens']:,} in answers.",
    ]
    if "command" not in manifest:
        lines += ["The stages count the draws that ran ahead of need too; the leaves count what the result is made of."]
    return "\n".join(lines) + "\n"


def summary(manifest: Mapping[str, Any]) -> str:
    """Return the outcome of a run in one sentence or two."""
    if "command" in manifest:
        return _improved(manifest)
    leaves = len(manifest["leaves"])
    grown = leaves - manifest["skipped"]
    said = f"{manifest['kept']:,} samples kept of {manifest['drawn']:,} drawn, from {grown} of {leaves} leaves."
    if manifest.get("carried"):
        carried = "1 leaf is" if manifest["carried"] == 1 else f"{manifest['carried']:,} leaves are"
        said += f" {carried} carried over from earlier runs."
    waiting = sum(leaf["skipped"] and leaf["stop"] == "needs a model teacher" for leaf in manifest["leaves"])
    if waiting:
        said += (
            f" {'1 leaf needs' if waiting == 1 else f'{waiting} leaves need'} a model teacher, such as"
            " `--teacher http://localhost:8000/v1 --model NAME` (any OpenAI-compatible server)."
        )
    return said


_DONE = {"recycle": "recycled", "translate": "translated", "dialogue": "played on to dialogues"}


def _improved(manifest: Mapping[str, Any]) -> str:
    """Return the outcome of a run that improved samples, in a sentence."""
    done = _DONE.get(manifest["command"], "improved")
    said = [f"{manifest['kept']:,} of {manifest['drawn']:,} samples {done}"]
    left = manifest["drawn"] - manifest["kept"] - manifest["originals"]
    said += [f"{manifest['originals']:,} kept as they were"] if manifest["originals"] else []
    said += [f"{left:,} left out"] if left else []
    why = ": dropped.jsonl says why, one by one." if len(said) > 1 else "."
    return ", ".join(said) + why
