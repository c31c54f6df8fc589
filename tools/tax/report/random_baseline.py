"""A run beside one of `--seeds random`, branch by branch and like with like: does growing leaf by leaf spread wider?

Compared are questions that the teacher wrote, in one turn, for the leaves whose seeds are in the branch's pool. Both
sides are measured at the same number of instructions, the larger side drawn down with a fixed seed.
"""

import contextlib
import math
import random
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tax.load import load
from tax.measures.leaves import entropy, nearest_leaves
from tax.problems import UserError
from tax.report.figures import BEYOND, NEAR_DUPLICATE, OVER_ALL, Diversity, diversity
from tax.runs import MANIFEST, finished_run, read_manifest, read_samples, run_folders
from tax.tree import TAXONOMY, leaf_files

KINDS = ("question", "grounded")
Manifest = Mapping[str, Any]
SAME = ("samples", "seed")  # settings that must agree


@dataclass(frozen=True)
class Side:
    """One run's figures of a branch. `drawn` is without the drafts beyond the number wanted."""

    id: str
    samples: int
    drawn: int
    kept: int
    repeated: int  # near-duplicates among the drawn
    diversity: Diversity
    entropy: float | None  # bits, over the leaves nearest to the instructions measured; None where leaves are missing
    reached: int | None  # of the pool's leaves


@dataclass(frozen=True)
class Contrast:
    """A branch in both runs."""

    branch: str
    leaves: int  # in the pool
    changed: int  # of them: not, or no longer, in this checkout as the runs had them
    ours: Side
    random: Side


def find_random(folder: Path, parents: Iterable[Path], root: Path) -> Path:
    """Return the newest finished run of `--seeds random` that is like a run but for its seeds.

    Like means: the same leaves, teacher and settings. Raises UserError, with the command that makes such a run.
    """
    manifest = read_manifest(folder)
    if "inputs" not in manifest or manifest.get("command"):
        raise UserError(f"{folder} is no run of `tax generate`: --baseline random compares with nothing else")
    if manifest["settings"].get("seeds") == "random":
        raise UserError(f"{folder} is itself a run of --seeds random: name the run to compare with it")
    found = [each for parent in {path.resolve(): None for path in parents} for each in run_folders(parent)]
    for each in sorted(found, key=lambda path: (path / MANIFEST).stat().st_mtime, reverse=True):
        with contextlib.suppress(UserError, LookupError, TypeError, AttributeError):  # another program's manifest
            other = read_manifest(each)
            if other["status"] == "finished" and _like(manifest, other):
                return each
    command = " ".join(shlex.quote(part) for part in _command(manifest, root))
    raise UserError(f"there is no run of --seeds random to compare with, of the same leaves. Make it with:\n{command}")


def contrasts(folder: Path, baseline: Path, root: Path) -> list[Contrast]:
    """Return the branches of a run of `--seeds random` beside those of a run. Raises UserError."""
    ours, other = finished_run(folder), finished_run(baseline)
    pools = [entry for entry in other["inputs"] if "pool" in entry]
    return [_contrast((folder, baseline), (ours, other), entry, root) for entry in pools]


def _contrast(folders: Sequence[Path], manifests: Sequence[Manifest], entry: Manifest, root: Path) -> Contrast:
    leaves = {each["leaf"] for each in entry["pool"]}
    seeds = {each["leaf"]: found for each in entry["pool"] if (found := _instructions(each, root))}
    named = leaves, {entry["leaf"]}
    texts = [_texts(folder, each) for folder, each in zip(folders, named, strict=True)]
    count = min(OVER_ALL, *map(len, texts))
    chosen = [random.Random(0).sample(each, count) for each in texts]
    nearest = [nearest_leaves(each, seeds) if len(seeds) == len(leaves) else None for each in chosen]
    results = [
        [result for result in manifest["leaves"] if result["leaf"] in each]
        for manifest, each in zip(manifests, named, strict=True)
    ]
    sides = [
        Side(
            id=str(manifest["id"]),
            samples=len(texts[index]),
            drawn=sum(each["drawn"] - each["dropped"].get(BEYOND, 0) for each in results[index]),
            kept=sum(each["kept"] for each in results[index]),
            repeated=sum(each["dropped"].get(NEAR_DUPLICATE, 0) for each in results[index]),
            diversity=diversity(chosen[index]),
            entropy=entropy(counts.values()) if (counts := nearest[index]) is not None else None,
            reached=len(counts) if counts is not None else None,
        )
        for index, manifest in enumerate(manifests)
    ]
    return Contrast(entry["leaf"], len(leaves), len(leaves) - len(seeds), *sides)


def rows(found: Contrast) -> list[tuple[str, str, str]]:
    """Return the rows (measure, this run, random) of a branch."""
    most = f"{math.log2(found.leaves):.2f}" if found.leaves else "-"
    sides = [_cells(each) for each in (found.ours, found.random)]
    names = [
        "samples",
        "kept of drawn",
        "near-duplicates of drawn",
        "instructions measured",
        "distinct-2",
        "mean ROUGE-L",
        "self-BLEU",
        f"leaves reached, of {found.leaves:,}",
        f"entropy over leaves, of {most} bits",
    ]
    return list(zip(names, *sides, strict=True))


def notes(found: Contrast) -> list[str]:
    """Return what one must know to read the rows."""
    said = [
        "Questions of one turn that the teacher wrote for the leaves in the pool. The larger side is drawn down to the "
        "number of the smaller. More diverse is what has a higher distinct-2, a lower ROUGE-L and self-BLEU, more "
        "leaves and a higher entropy.",
        "A sample counts for the leaf with the nearest seed by ROUGE-L, which is a rough measure.",
    ]
    if found.changed:
        said.append(f"Leaves are not told: {found.changed} of the pool changed since, or are not in this checkout.")
    return said


def _cells(side: Side) -> list[str]:
    measured = side.diversity
    return [
        f"{side.samples:,}",
        f"{side.kept / side.drawn:.0%}" if side.drawn else "-",
        f"{side.repeated / side.drawn:.0%}" if side.drawn else "-",
        f"{measured.texts:,}",
        *(_number(each) for each in (measured.distinct_2, measured.rouge_l, measured.self_bleu)),
        "-" if side.reached is None else f"{side.reached:,}",
        _number(side.entropy),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _texts(folder: Path, leaves: set[str]) -> list[str]:
    return [each.messages[0].content for each in read_samples(folder) if each.leaf in leaves and each.kind in KINDS]


def _instructions(entry: Manifest, root: Path) -> list[str]:
    """Return the seeds of a pool's leaf as instructions; nothing where this checkout has it no more as it was."""
    path = (root / str(entry["path"])).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():  # a run folder may come from a stranger
        return []
    loaded = load(path)
    if loaded.blob != entry["blob"] or loaded.leaf is None:
        return []
    chosen = set(entry["seeds"])
    return [
        seed.messages[0].content
        for index, seed in enumerate(loaded.leaf.seed_examples)
        if index in chosen and hasattr(seed, "messages")
    ]


def _like(ours: Manifest, other: Manifest) -> bool:
    settings = other.get("settings", {})
    return (
        settings.get("seeds") == "random"
        and other.get("teacher") == ours["teacher"]
        and all(settings.get(name) == ours["settings"].get(name) for name in SAME)
        and _leaves(other["inputs"]) == _leaves(ours["inputs"])
    )


def _leaves(inputs: Sequence[Manifest]) -> set[tuple[str, str]]:
    """Return the leaves of a run with their blobs, those in a pool too."""
    listed = [each for entry in inputs for each in entry.get("pool", [entry])]
    return {(each["leaf"], each["blob"]) for each in listed}


def _command(manifest: Manifest, root: Path) -> list[str]:
    teacher, settings = manifest["teacher"], manifest["settings"]
    command = ["tax", "generate", *_named([str(each["path"]) for each in manifest["inputs"]], root)]
    command += ["--seeds", "random", "--teacher", teacher["name"]]
    if teacher["name"].startswith(("http://", "https://")) or not _in_process(teacher["name"]):
        command += ["--model", teacher["model"]]
    return [*command, "--samples", str(settings["samples"]), "--seed", str(settings["seed"])]


def _in_process(teacher: str) -> bool:
    return teacher == "builtin" or teacher.partition(":")[0] in {"scripted", "hf", "vllm", "llamacpp"}


def _named(paths: Sequence[str], root: Path) -> list[str]:
    """Return the fewest paths that name just these leaves: a folder for all below it, none for the whole taxonomy."""
    wanted = {(root / path).resolve() for path in paths}

    def covering(folder: Path) -> list[Path]:
        below = {path.resolve() for path in leaf_files(folder)}
        if not below & wanted:
            return []
        if below <= wanted:
            return [folder]
        return [each for inner in sorted(folder.iterdir()) for each in _inside(inner)]

    def _inside(path: Path) -> list[Path]:
        return covering(path) if path.is_dir() else [path] if path.resolve() in wanted else []

    top = root / TAXONOMY
    named = covering(top) if top.is_dir() else []
    outside = sorted(path for path in paths if not (root / path).resolve().is_relative_to(top.resolve()))
    if named == [top] and not outside:
        return []
    return [each.relative_to(root).as_posix() for each in named] + outside
