"""A run as one page: first which leaves are weak and why, then the plots, then every leaf in figures."""

from collections.abc import Sequence

from tax.report import charts
from tax.report.figures import LeafFigures, RunFigures
from tax.report.markup import document, escape
from tax.report.random_baseline import Contrast, notes
from tax.report.random_baseline import rows as contrast_rows
from tax.report.tables import summary
from tax.report.told import COLUMNS, MOST, Weak, comparison, not_grown, number, values, verdict, weak_leaves
from tax.report.weaknesses import SEVERE

REASONS = 15  # bars of drops; the rest are one bar


def overview(run: RunFigures, baseline: RunFigures | None = None, branches: Sequence[Contrast] = ()) -> str:
    """Return the page of a run. It needs no script and no network; all that comes from the run is escaped."""
    weak = weak_leaves(run)
    parts = [
        f"<h1>Run {escape(run.id)}</h1><p>{escape(summary(run.manifest))}</p>",
        _tiles(run),
        f"<h2>Weak leaves</h2><p>{escape(verdict(run, weak))}</p>",
        "".join(_weak(each) for each in weak[:MOST]),
        _more(weak),
        _compared(run, baseline) if baseline is not None else "",
        "".join(_contrasted(each) for each in branches),
        _funnel(run),
        _drops(run),
        _ratings(run),
        _lengths(run),
        _yields(run.leaves),
        _table(run),
    ]
    return document(f"Run {run.id}", "".join(parts))


def _tiles(run: RunFigures) -> str:
    found, manifest = run.diversity, run.manifest
    calls = manifest["calls"]
    shown = [
        (f"{manifest['kept']:,}", "samples kept"),
        (f"{manifest['kept'] / manifest['drawn']:.0%}" if manifest["drawn"] else "-", "of what was drawn"),
        (f"{sum(not leaf.skipped for leaf in run.leaves):,}", "leaves grown"),
        (f"{sum(calls['asked'].values()):,}", "calls asked"),
        (number(found.distinct_2), "distinct-2"),
        (number(found.rouge_l), "mean ROUGE-L"),
        (number(found.self_bleu), "self-BLEU"),
    ]
    tiles = "".join(f'<div class="tile"><b>{escape(value)}</b><span>{name}</span></div>' for value, name in shown)
    teacher = manifest["teacher"]
    about = f"Teacher: {teacher['name']} ({teacher['model']}). Diversity is of {found.texts:,} instructions."
    return f'<div class="tiles">{tiles}</div><p class="dim">{escape(about)}</p>'


def _weak(each: Weak) -> str:
    leaf, found = each
    said = "".join(
        f'<p>{escape(weakness.what)}. <span class="dim">What helps: {escape(weakness.advice)}.</span></p>'
        + "".join(f"<blockquote>A judge: {escape(quote)}</blockquote>" for quote in weakness.quotes)
        for weakness in found
    )
    severe = " severe" if found[0].weight == SEVERE else ""
    return f'<div class="weak{severe}"><h3>{escape(leaf.leaf)}</h3>{said}</div>'


def _more(weak: Sequence[Weak]) -> str:
    names = "".join(
        f"<li>{escape(leaf.leaf)}: {escape('; '.join(each.what for each in found))}</li>" for leaf, found in weak[MOST:]
    )
    return f"<details><summary>{len(weak) - MOST} more</summary><ul>{names}</ul></details>" if names else ""


def _compared(run: RunFigures, baseline: RunFigures) -> str:
    return f"<h2>Beside the baseline</h2>{_two_columns(comparison(run, baseline), baseline.id)}"


def _contrasted(found: Contrast) -> str:
    said = "".join(f'<p class="dim">{escape(note)}</p>' for note in notes(found))
    table = _two_columns(contrast_rows(found), f"random seeds ({found.random.id})")
    return f"<h2>Leaf by leaf beside random seeds: {escape(found.branch)}</h2>{table}{said}"


def _two_columns(rows: Sequence[tuple[str, str, str]], other: str) -> str:
    shown = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{escape(one)}</td><td class="n">{escape(two)}</td></tr>'
        for name, one, two in rows
    )
    head = f'<tr><th></th><th class="n">this run</th><th class="n">{escape(other)}</th></tr>'
    return f"<table>{head}{shown}</table>"


def _funnel(run: RunFigures) -> str:
    stages = run.manifest["stages"]
    if not stages:
        return ""
    most = max(tally["entered"] for tally in stages.values())
    rows = [
        (
            name,
            f"{tally['kept']:,} of {tally['entered']:,}",
            [("good", tally["kept"]), ("bad", tally["entered"] - tally["kept"])],
        )
        for name, tally in stages.items()
    ]
    note = "Drafts that went on, and that were dropped, at each stage; draws that ran ahead of need are counted too."
    return f'<h2>Funnel</h2><p class="dim">{note}</p>{charts.split_bars(rows, most)}'


def _drops(run: RunFigures) -> str:
    dropped = list(run.manifest["dropped"].items())
    if not dropped:
        return ""
    rows = [(str(reason), int(count)) for reason, count in dropped[:REASONS]]
    rest = sum(count for _, count in dropped[REASONS:])
    rows += [(f"{len(dropped) - REASONS:,} other reasons", rest)] if rest else []
    return f"<h2>Drops by reason</h2>{charts.bars(rows, max(count for _, count in rows), 'bad')}"


def _ratings(run: RunFigures) -> str:
    if not run.ratings:
        return ""
    most = max(max(counts.values()) for counts in run.ratings.values())
    rows = [
        (f"{rubric}: {rating}", count)
        for rubric, counts in run.ratings.items()
        for rating, count in sorted(counts.items())
    ]
    return f'<h2>Ratings</h2><p class="dim">Of kept and dropped drafts.</p>{charts.bars(rows, most, "mid")}'


def _lengths(run: RunFigures) -> str:
    if not run.question_words:
        return ""
    return (
        f"<h2>Lengths</h2><figure>{charts.histogram(run.question_words, 'words in a question')}</figure>"
        f"<figure>{charts.histogram(run.answer_words, 'words in an answer')}"
        "<figcaption>A Chinese character counts as a word. The last bar holds all that is longer.</figcaption></figure>"
    )


def _yields(leaves: Sequence[LeafFigures]) -> str:
    grown = sorted((leaf for leaf in leaves if not leaf.skipped), key=lambda leaf: (leaf.kept, leaf.leaf))
    if not grown:
        return ""
    most = max(leaf.needed for leaf in grown)
    rows = [
        (leaf.leaf, f"{leaf.kept:,} of {leaf.needed:,}", [("good", leaf.kept), ("bad", leaf.needed - leaf.kept)])
        for leaf in grown
    ]
    note = (
        "Kept and dropped drafts of each leaf that was grown, the least kept first; good drafts beyond the number "
        "wanted are not counted."
    )
    return f'<h2>Leaves by yield</h2><p class="dim">{note}</p>{charts.split_bars(rows, most)}'


def _table(run: RunFigures) -> str:
    head = "<tr><th>leaf</th>" + "".join(f'<th class="n">{name}</th>' for name in COLUMNS) + "<th>stopped</th></tr>"
    rows = "".join(
        f"<tr><td>{escape(leaf.leaf)}</td>"
        + "".join(f'<td class="n">{escape(value)}</td>' for value in values(leaf))
        + f"<td>{escape(leaf.stop)}</td></tr>"
        for leaf in run.leaves
        if not leaf.skipped
    )
    waiting = "".join(
        f"<details><summary>Not grown: {count:,} ({escape(why)})</summary><ul>"
        + "".join(f"<li>{escape(leaf.leaf)}</li>" for leaf in run.leaves if leaf.skipped and leaf.stop == why)
        + "</ul></details>"
        for why, count in not_grown(run)
    )
    return (
        '<h2>All leaves</h2><p class="dim">Repeated: near-duplicates of drawn. Distinct-2, mean pairwise ROUGE-L and '
        "self-BLEU are of the kept instructions; compare them at like counts only. Covered: the share of the leaf's "
        f'documents that its samples come from.</p><div class="wide"><table>{head}{rows}</table></div>{waiting}'
    )
