"""The hold-outs that people wrote: from the held-out files of `tax mix`, or from the leaves themselves."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from tax.exchange import Unfit, parsed, rows
from tax.load import load
from tax.mix.folder import HELDOUT, RECORD
from tax.mix.seeds import HUMAN, seeds_of
from tax.problems import UserError, excerpt
from tax.sample import Sample
from tax.tree import leaf_files


def read_holdouts(paths: Iterable[Path]) -> list[Sample]:
    """Return the hold-outs of some files and folders, each once, in the order of their leaves.

    A path is a file `heldout/PHASE.jsonl` of a data folder, the data folder, or a folder of leaves. What `tax mix` set
    aside of generated samples is passed over: their answers are a teacher's. Raises UserError where a path is none of
    these, has no hold-out, or is what a student was trained on.
    """
    found: dict[str, Sample] = {}
    for path in paths:
        count = 0
        for file in files_of(path):
            for sample in _seeds(file) if file.suffix == ".yaml" else _set_aside(file):
                count += 1
                if found.setdefault(sample.id, sample) != sample:
                    raise UserError(f"{file}: another hold-out has the id {excerpt(sample.id)} too. Run tax mix again")
        if not count:
            raise UserError(
                f"{path} has no hold-out that a person wrote. Set `holdout: true` at a seed or two of each leaf, and "
                "run tax mix again where it made the file"
            )
    return sorted(found.values(), key=lambda sample: (sample.leaf, sample.seeds, sample.id))


def files_of(path: Path) -> list[Path]:
    """Return the files that a path names. Raises UserError where there are none, or where they are trained on."""
    folder = path.parent if path.is_file() else path
    if (folder / RECORD).is_file() and (path.is_file() or not (path / HELDOUT).is_dir()):
        raise UserError(f"{path} is what a student is trained on: the hold-outs of tax mix lie in {folder / HELDOUT}")
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(
            f"there is no file or folder {path}: name what tax mix wrote, such as data/PLAN/heldout/st.jsonl"
        )
    set_aside = path / HELDOUT if (path / HELDOUT).is_dir() else path
    files = sorted(set_aside.glob("*.jsonl")) if set_aside.resolve().name == HELDOUT else []
    files = files or [*leaf_files(path)]
    if not files:
        raise UserError(f"{path} holds neither {HELDOUT}/ nor a leaf: name a data folder of tax mix, or a taxonomy")
    return files


def _seeds(file: Path) -> Iterator[Sample]:
    leaf = load(file)
    if leaf.leaf is None:
        raise UserError(f"{file} has errors, so its hold-outs cannot be read: tax validate tells them")
    return seeds_of(leaf, holdout=True)


def _set_aside(file: Path) -> Iterator[Sample]:
    for number, row in rows(file):
        try:
            written = parsed(row)
            if not isinstance(written, dict):
                raise Unfit("not an object")
            if written.get("teacher") == HUMAN:
                yield _sample(written)
        except (Unfit, ValidationError) as error:
            told = excerpt(error, 100) if isinstance(error, Unfit) else "no sample as tax mix writes it"
            raise UserError(f"{file}, line {number}: {told}. Run tax mix again, or mend the line") from error


def _sample(written: dict[str, object]) -> Sample:
    sample = Sample.model_validate(written)
    if [message.role for message in sample.messages[-2:]] != ["user", "assistant"]:
        raise Unfit("its conversation does not end with a question and the answer to it")
    return sample
