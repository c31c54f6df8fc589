"""The figures of a run, or of two side by side, for the terminal, as Markdown for a pull request, and as JSON."""

import dataclasses
import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tax.problems import printable
from tax.report.figures import Diversity, LeafFigures, RunFigures
from tax.report.markup import cell
from tax.report.random_baseline import Contrast, notes
from tax.report.random_baseline import rows as contrast_rows
from tax.report.tables import summary
from tax.report.weaknesses import SEVERE, Weakness, weaknesses

COLUMNS = ("kept", "drawn", "repeated", "distinct-2", "ROUGE-L", "self-BLEU", "covered")
MOST = 20  # weak leaves that are named one by one

Weak = tuple[LeafFigures, list[Weakness]]


def weak_leaves(run: RunFigures) -> list[Weak]:
    """Return the leaves with a weakness: the severe first, then those with more weaknesses, then by name."""
    found = [(leaf, weaknesses(leaf)) for leaf in run.leaves]
    return sorted(
        ((leaf, weak) for leaf, weak in found if weak),
        key=lambda each: (-each[1][0].weight, -len(each[1]), each[0].leaf),
    )


def verdict(run: RunFigures, weak: Sequence[Weak]) -> str:
    """Return in a sentence how many leaves are weak."""
    if not weak:
        return f"None of the {len(_grown(run))} leaves that were grown shows a weakness."
    severe = sum(found[0].weight == SEVERE for _, found in weak)
    return f"{len(weak)} of {len(run.leaves)} leaves are weak, {severe or 'none'} of them severely."


def values(leaf: LeafFigures) -> tuple[str, ...]:
    """Return the figures of a leaf that was grown as text, in the order of COLUMNS."""
    covered = "-" if leaf.coverage is None else f"{leaf.coverage:.0%}"
    return (f"{leaf.kept:,}", f"{leaf.drawn:,}", f"{leaf.repeated:.0%}", *_diversity(leaf.diversity), covered)


def number(value: float | None) -> str:
    """Return a measure as tables show it."""
    return "-" if value is None else f"{value:.2f}"


def comparison(run: RunFigures, baseline: RunFigures) -> list[tuple[str, str, str]]:
    """Return the rows (measure, this run, baseline) of two runs side by side."""
    return [
        ("samples", f"{run.manifest['kept']:,}", f"{baseline.manifest['kept']:,}"),
        ("kept of drawn", _share(run), _share(baseline)),
        ("near-duplicates of drawn", _repeated(run), _repeated(baseline)),
        *(
            (name, number(getattr(run.diversity, field)), number(getattr(baseline.diversity, field)))
            for name, field in (("distinct-2", "distinct_2"), ("mean ROUGE-L", "rouge_l"), ("self-BLEU", "self_bleu"))
        ),
        ("instructions measured", f"{run.diversity.texts:,}", f"{baseline.diversity.texts:,}"),
    ]


def text(run: RunFigures, baseline: RunFigures | None = None, branches: Sequence[Contrast] = ()) -> str:
    """Return the figures as the terminal shows them, beside another run or one of random seeds, by branch."""
    weak = weak_leaves(run)
    lines = [summary(run.manifest), verdict(run, weak), ""]
    for leaf, found in weak[:MOST]:
        lines.append(printable(leaf.leaf))
        for each in found:
            lines += [f"  {printable(each.what)}", f"    {each.advice}"]
            lines += [f'    a judge said: "{printable(quote)}"' for quote in each.quotes[:1]]
    lines += _rest(weak) + ([""] if weak else [])
    rows = [("leaf", *COLUMNS), *((printable(leaf.leaf), *values(leaf)) for leaf in _grown(run))]
    rows.append(("over all", *_over_all(run)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines += [
        "  ".join(f"{each:{'<' if column == 0 else '>'}{widths[column]}}" for column, each in enumerate(row)).rstrip()
        for row in rows
    ]
    lines += [f"not grown: {count} ({printable(why)})" for why, count in not_grown(run)]
    if baseline is not None:
        width = max(len(row[0]) for row in comparison(run, baseline))
        lines += ["", f"{'':{width}}  {run.id:>12}  {baseline.id:>12}"]
        lines += [f"{name:{width}}  {one:>12}  {two:>12}" for name, one, two in comparison(run, baseline)]
    for branch in branches:
        lines += _contrasted(branch)
    return "\n".join(lines) + "\n"


def markdown(run: RunFigures, baseline: RunFigures | None = None, branches: Sequence[Contrast] = ()) -> str:
    """Return the figures as Markdown, the weak leaves first and all leaves folded away."""
    weak = weak_leaves(run)
    lines = [f"## Run {cell(run.id)}", "", summary(run.manifest), "", f"**{verdict(run, weak)}**", ""]
    if weak:
        lines += ["| leaf | what is weak | what helps |", "| --- | --- | --- |"]
        for leaf, found in weak[:MOST]:
            what, advice = ("<br>".join(cell(part) for part in parts) for parts in zip(*_told(found), strict=True))
            lines.append(f"| {cell(leaf.leaf)} | {what} | {advice} |")
        lines += ["", *_rest(weak)]
    if baseline is not None:
        lines += ["", f"| | this run | {cell(baseline.id)} |", "| --- | ---: | ---: |"]
        lines += [f"| {' | '.join(row)} |" for row in comparison(run, baseline)]
    for each in branches:
        lines += [
            "",
            f"| {cell(each.branch)} | this run | random seeds ({cell(each.random.id)}) |",
            "| --- | ---: | ---: |",
        ]
        lines += [f"| {' | '.join(row)} |" for row in contrast_rows(each)]
        lines += ["", *(cell(note) for note in notes(each))]
    lines += ["", "<details><summary>All leaves</summary>", "", f"| leaf | {' | '.join(COLUMNS)} |"]
    lines.append("| --- |" + " ---: |" * len(COLUMNS))
    lines += [f"| {cell(leaf.leaf)} | {' | '.join(values(leaf))} |" for leaf in _grown(run)]
    lines.append(f"| over all | {' | '.join(_over_all(run))} |")
    lines += ["", *(f"Not grown: {count} ({cell(why)}).\n" for why, count in not_grown(run)), "</details>"]
    return "\n".join(lines) + "\n"


def as_json(run: RunFigures, baseline: RunFigures | None = None, branches: Sequence[Contrast] = ()) -> str:
    """Return all figures as JSON."""
    shown = _plain(run, baseline)
    if branches:
        shown["random"] = [dataclasses.asdict(each) for each in branches]
    return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"


def _plain(run: RunFigures, baseline: RunFigures | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": run.id,
        "summary": summary(run.manifest),
        "diversity": dataclasses.asdict(run.diversity),
        "stages": run.manifest["stages"],
        "ratings": run.ratings,
        "question_words": run.question_words,
        "answer_words": run.answer_words,
        "leaves": [
            {**dataclasses.asdict(leaf), "weaknesses": [dataclasses.asdict(each) for each in weaknesses(leaf)]}
            for leaf in run.leaves
        ],
    }
    return {**shown, "baseline": _plain(baseline, None)} if baseline is not None else shown


def _contrasted(found: Contrast) -> list[str]:
    shown = [("", "this run", "random"), *contrast_rows(found)]
    width = max(len(name) for name, *_ in shown)
    lines = ["", printable(f"{found.branch}, leaf by leaf and from random seeds ({found.random.id}):")]
    lines += [f"{name:{width}}  {one:>9}  {two:>9}" for name, one, two in shown]
    return lines + [line for note in notes(found) for line in textwrap.wrap(note, 100)]


def _told(found: Sequence[Weakness]) -> list[tuple[str, str]]:
    return [(each.what, each.advice) for each in found]


def _rest(weak: Sequence[Weak]) -> list[str]:
    return [f"and {len(weak) - MOST} more"] if len(weak) > MOST else []


def _over_all(run: RunFigures) -> tuple[str, ...]:
    kept, drawn = run.manifest["kept"], run.manifest["drawn"]
    return (f"{kept:,}", f"{drawn:,}", _repeated(run), *_diversity(run.diversity), "")


def _diversity(found: Diversity | None) -> tuple[str, str, str]:
    if found is None:
        return "-", "-", "-"
    return number(found.distinct_2), number(found.rouge_l), number(found.self_bleu)


def not_grown(run: RunFigures) -> list[tuple[str, int]]:
    """Return why leaves were not grown, with how many, the most frequent reason first."""
    return Counter(leaf.stop for leaf in run.leaves if leaf.skipped).most_common()


def _grown(run: RunFigures) -> list[LeafFigures]:
    return [leaf for leaf in run.leaves if not leaf.skipped]


def _share(run: RunFigures) -> str:
    return f"{run.manifest['kept'] / run.manifest['drawn']:.0%}" if run.manifest["drawn"] else "-"


def _repeated(run: RunFigures) -> str:
    drawn = sum(leaf.drawn for leaf in run.leaves)
    return f"{sum(leaf.repeated * leaf.drawn for leaf in run.leaves) / drawn:.0%}" if drawn else "-"
