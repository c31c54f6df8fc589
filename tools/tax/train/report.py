"""OUT/report.html: how a training went. A plot of each phase's losses, what was measured when, the plan's settings.

It is made from the files that the trainer wrote, finished or not, and stands alone: no script, nothing from elsewhere.
"""

import html
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tax.problems import UserError, printable
from tax.runs import write_whole
from tax.train.line_plot import Line, plot
from tax.train.trained import Trained, change, trained

REPORT, METRICS, SCORES, IDENTITY = "report.html", "metrics.jsonl", "scores.json", "phase.json"

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: right; font-variant-numeric: tabular-nums }
td:first-child, th:first-child { text-align: left }
tr.taken { background: #eef6ee }
svg { width: 100%; height: auto; font-size: 12px } svg text { fill: #444 }
.grid { stroke: #e4e4e4 } .line { fill: none; stroke-width: 1.6 }
summary { cursor: pointer }
"""


def write(out: Path) -> Path | None:
    """Write the report of a run; return its path, or None where nothing was trained yet. Raises UserError."""
    finished = {phase.phase: phase for phase in trained(out)}
    begun = sorted((file.parent for file in out.glob(f"*/{IDENTITY}")), key=lambda folder: _place(folder, finished))
    if not begun:
        return None
    file = out / REPORT
    try:
        write_whole(file, page(out.name, begun, finished))
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}. The models are whole") from error
    return file


def page(title: str, phases: Sequence[Path], finished: Mapping[str, Trained]) -> str:
    """Return the page of a run's phases, given as their folders in order."""
    plan: Mapping[str, Any] = next(iter(finished.values())).plan if finished else {}
    head = f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>{_text(title)}</title><style>{STYLE}</style>"
    parts = [head, f"<h1>{_text(title)}</h1>", f"<p>{_text(plan.get('description', ''))}</p>"]
    parts += _overview(list(finished.values()))
    for folder in phases:
        parts += _phase(folder, finished.get(folder.name))
    if plan:
        shown = json.dumps(plan, indent=2, ensure_ascii=False)
        parts.append(f"<details><summary>The whole plan</summary><pre>{_text(shown, lines=True)}</pre></details>")
    return "\n".join([*parts, "</html>\n"])


def _overview(phases: Sequence[Trained]) -> Iterator[str]:
    if not phases:
        return
    names = list(dict.fromkeys(name for phase in phases for name in phase.heldout))
    yield "<table>" + _row(["phase", "samples", "steps", "taken", *(f"held-out {name}" for name in names)], "th")
    for phase in phases:
        counts = [f"{count:,}" for count in (phase.samples, phase.steps, phase.step)]
        yield _row([phase.phase, *counts, *(change(phase, name) for name in names)])
    yield "</table><p>Held-out: the loss on what was set aside, at the phase's first measurement and as taken.</p>"


def _phase(folder: Path, phase: Trained | None) -> Iterator[str]:
    """Yield the part of one phase: its losses as a plot, its measurements as a table."""
    steps, scores = list(_metrics(folder / METRICS)), _scores(folder / SCORES)
    yield f"<h2>{_text(folder.name)}</h2>"
    if phase is None:
        yield f"<p>Not finished: {steps[-1][0]:,.0f} steps so far.</p>" if steps else "<p>Not begun.</p>"
    names = list(dict.fromkeys(name for _, losses, _ in scores for name in losses))
    lines = [Line("training", steps)]
    lines += [Line(f"held-out {n}", [(s, losses[n]) for s, losses, _ in scores if n in losses], True) for n in names]
    yield plot(lines, "step", "loss")
    if scores:
        own = any(score is not None and score not in losses.values() for _, losses, score in scores)
        yield "<table>" + _row(["step", *(f"held-out {name}" for name in names), *(["score"] if own else [])], "th")
        for step, losses, score in scores:
            cells = [f"{step:,}", *(f"{losses[name]:.4f}" if name in losses else "" for name in names)]
            cells += [f"{score:g}" if score is not None else ""] if own else []
            yield _row(cells, taken=phase is not None and step == phase.step)
        yield "</table>"
    if phase is not None:
        settings = phase.plan["phases"].get(phase.phase, {})
        told = "; ".join(f"{name}: {value}" for name, value in settings.items() if value not in (None, {}, []))
        yield f"<details><summary>Settings</summary><p>{_text(told)}</p></details>"


def _metrics(file: Path) -> Iterator[tuple[float, float]]:
    """Yield step and loss of each line that the trainer logged."""
    for entry in _lines(file):
        try:
            step, loss = float(entry["step"]), float(entry["loss"])
        except (KeyError, TypeError, ValueError):
            continue
        if math.isfinite(step) and math.isfinite(loss):
            yield step, loss


def _scores(file: Path) -> list[tuple[int, dict[str, float], float | None]]:
    """Return step, held-out losses and score of each measurement."""
    found = []
    try:
        for entry in json.loads(file.read_text(encoding="utf-8")):
            losses = {str(name): float(loss) for name, loss in entry["heldout"].items()}
            losses = {name: loss for name, loss in losses.items() if math.isfinite(loss)}
            score = None if entry["score"] is None else float(entry["score"])
            found.append((int(entry["step"]), losses, score))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return found  # an unfinished phase may have none
    return found


def _lines(file: Path) -> Iterator[Any]:
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue  # the last line of a run that was killed
    except (OSError, UnicodeDecodeError):
        return


def _place(folder: Path, finished: Mapping[str, Trained]) -> tuple[int, float]:
    """Return where a phase stands among the others: by the plan, or by when it was begun."""
    plan = next(iter(finished.values())).plan["phases"] if finished else {}
    names = list(plan)
    return names.index(folder.name) if folder.name in names else len(names), (folder / IDENTITY).stat().st_mtime


def _row(cells: Sequence[str], tag: str = "td", *, taken: bool = False) -> str:
    mark = " class=taken" if taken else ""
    return f"<tr{mark}>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"


def _text(value: object, *, lines: bool = False) -> str:
    """Return a value as a page's text: no markup, and no character that reorders it."""
    text = str(value)
    safe = "\n".join(printable(line) for line in text.split("\n")) if lines else printable(text)
    return html.escape(safe)
