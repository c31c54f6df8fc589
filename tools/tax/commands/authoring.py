"""The commands for those who write and tend leaves: new, format, tree, diff, rules, schema."""

import json
import os
import shlex
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tax.problems import UserError

if TYPE_CHECKING:
    from tax.write import Kind

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("kind", type=click.Choice(["skill", "grounded", "dialogue", "templates", "knowledge"]))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--created-by", metavar="NAME", help="Your name on GitHub.")
@click.option("--license", "spdx", metavar="ID", help="SPDX id of the leaf's licence.")
@click.option("--language", default="en", show_default=True, metavar="TAG", help="The language of the leaf, as BCP 47.")
@click.option("--description", metavar="TEXT", help="What the model shall learn; of knowledge, the domain.")
def new(
    kind: "Kind", path: Path, created_by: str | None, spdx: str | None, language: str, description: str | None
) -> int:
    """Start a leaf: write a commented qna.yaml that only lacks content.

    KIND is skill, grounded (a skill whose questions are about a text), dialogue, templates (problems whose answers are
    computed) or knowledge. PATH is the leaf's new folder, such as compositional_skills/writing/haiku. What is not given
    as an option is asked for.
    """
    from tax.leaf import FILE_NAME
    from tax.runs import write_named
    from tax.write import new_leaf

    folder, place = _placed(path)
    branch = place[0]
    if (branch == "knowledge") != (kind == "knowledge"):
        raise UserError(f"a leaf of kind {kind} does not belong in {branch}")
    if (folder / FILE_NAME).exists():
        raise UserError(f"{folder / FILE_NAME} is there already")
    text = new_leaf(
        kind,
        created_by=created_by or click.prompt("Your name on GitHub"),
        license=spdx or click.prompt("Licence (SPDX id)", default="CC-BY-4.0"),
        language=language,
        description=description or click.prompt("Domain" if kind == "knowledge" else "What shall the model learn"),
    )
    _refuse_faults(text, place, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}. Name another folder for the leaf") from error
    write_named(folder / FILE_NAME, text)
    click.echo(f"written: {folder / FILE_NAME}\nFill in what says TODO, then: tax validate {shlex.quote(str(folder))}")
    return 0


def _placed(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the folder of a new leaf, and the parts of its path from the branch on. Raises UserError."""
    from tax.leaf import BRANCHES, FILE_NAME, branch_index
    from tax.tree import TAXONOMY, checkout

    path = Path(os.path.normpath(path.parent if path.name == FILE_NAME else path))
    whole = path.is_absolute() or path.parts[:1] == (TAXONOMY,)
    parts = path.parts if whole else (TAXONOMY, *path.parts)
    branch = branch_index(parts)
    if branch is None or path.parts[0] == "..":
        raise UserError(f"{path} names no branch: begin with {', '.join(BRANCHES)}")
    if branch == len(parts) - 1:
        raise UserError(f"{path} is the branch itself: name a folder for the leaf below it, such as {path}/subject")
    return path if whole else checkout() / TAXONOMY / path, parts[branch:]


_GIVEN = {"license-unknown", "license-not-allowed", "language-tag", "folder-name", "personal-data", "bad-value"}


def _refuse_faults(text: str, place: tuple[str, ...], folder: Path) -> None:
    """Raise UserError where what was given for a new leaf, its place included, is not what the rules ask for."""
    from tax.config import find_config
    from tax.leaf import FILE_NAME
    from tax.tree import TAXONOMY
    from tax.validate import check

    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, TAXONOMY, *place, FILE_NAME)
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        faults = [problem for problem in check(file, find_config(folder)) if problem.rule in _GIVEN]
    if faults:
        raise UserError("; ".join(dict.fromkeys(f"{fault.message} ({fault.fix})" for fault in faults)))


@click.command(name="format")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--changed", is_flag=True, help="Only the leaves that changed against the base branch.")
@click.option("--base", metavar="REF", help="What --changed compares with (default: origin/main, else main).")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a leaf would change.")
@click.option("--upgrade", is_flag=True, help="Lift older versions to version 4.")
@click.option("--license", "spdx", metavar="ID", help="The licence that an upgrade writes, where the leaf names none.")
def format_leaves(
    paths: tuple[Path, ...], changed: bool, base: str | None, check: bool, upgrade: bool, spdx: str | None
) -> int:
    """Lay leaves out in the usual form; comments stay, and so does every word.

    PATH is a leaf or a folder of leaves. Without PATH: the whole taxonomy. A leaf that cannot be formatted without
    changing what it says is left as it is, and named.
    """
    from tax.config import find_config
    from tax.load import load
    from tax.problems import printable
    from tax.runs import write_named
    from tax.spdx import check_option
    from tax.tree import choose, leaves_at
    from tax.write import WriteError, format_text

    if spdx and not upgrade:
        raise UserError("--license goes with --upgrade: it is written where an older leaf names none")
    if spdx:
        check_option(spdx, find_config(Path.cwd()).licenses.allowed)
    touched = refused = 0
    for path in leaves_at(choose(paths, changed, base)[0]):
        try:
            if path.is_symlink():
                raise WriteError("this is a link, which is left as it is: format the file that it leads to")
            text = path.read_bytes().decode("utf-8")
            result = format_text(text, load(path).name, upgrade=upgrade, license=spdx)
        except (WriteError, UnicodeDecodeError, OSError) as error:
            refused += 1
            click.echo(f"{printable(str(path))}: {printable(str(error))}", err=True)
            continue
        if result.changed:
            touched += 1
            if not check:
                write_named(path, result.text)
            click.echo(f"{'would format' if check else 'formatted'}: {printable(str(path))}")
            for note in result.notes:
                click.echo(f"  {printable(note)}")
    click.echo(
        f"{touched} {'would change' if check else 'changed'}" + (f", {refused} left as they are" if refused else "")
    )
    return 1 if refused or (check and touched) else 0


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@_JSON
def tree(folder: Path | None, as_json: bool) -> int:
    """Show what a taxonomy holds: leaves, seeds, languages and licences by branch."""
    from tax.overview import branches, drawn
    from tax.tree import TAXONOMY, checkout

    chosen = folder if folder and folder.is_dir() else checkout() / TAXONOMY / (folder or "")
    if not chosen.is_dir():
        raise UserError(f"there is no folder {folder or chosen}")
    found = branches(chosen)
    shown = {name: vars(branch) for name, branch in found.items()}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2) if as_json else drawn(found), nl=as_json)
    return 0


@click.command()
@click.option("--base", metavar="REF", help="What to compare with (default: origin/main, else main).")
@_JSON
def diff(base: str | None, as_json: bool) -> int:
    """Show which leaves this branch adds, changes, moves or removes, committed or not."""
    from tax.overview import difference, told
    from tax.tree import checkout

    found = difference(checkout(), base)
    click.echo(json.dumps(asdict(found), ensure_ascii=False, indent=2) if as_json else told(found), nl=as_json)
    return 0


@click.command()
@click.argument("rule_id", required=False, metavar="[ID]")
@_JSON
def rules(rule_id: str | None, as_json: bool) -> int:
    """List the rules that `tax validate` holds leaves to, or show one's manual."""
    from difflib import get_close_matches

    from tax.rules import MANUALS

    if rule_id is None:
        width = max(map(len, MANUALS))
        lines = [f"{name:{width}}  {manual.partition(chr(10))[0]}" for name, manual in MANUALS.items()]
        click.echo(json.dumps(MANUALS, ensure_ascii=False, indent=2) if as_json else "\n".join(lines))
        return 0
    if rule_id not in MANUALS:
        near = get_close_matches(rule_id, MANUALS, 1)
        raise UserError(f"there is no rule '{rule_id}'" + (f": did you mean {near[0]}?" if near else ""))
    manual = MANUALS[rule_id]
    click.echo(json.dumps({rule_id: manual}, ensure_ascii=False, indent=2) if as_json else f"{rule_id}\n\n{manual}")
    return 0


@click.command()
@click.argument("kind", type=click.Choice(["skill", "knowledge"]), required=False)
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path),
    is_flag=False,
    flag_value=Path("schemas"),
    metavar="[DIR]",
    help="Write all schemas into a folder (schemas, if none is named).",
)
def schema(kind: str | None, folder: Path | None) -> int:
    """Print the JSON schema of a kind of leaf, for editors; or write them all."""
    from tax.schemas import schemas, write

    if folder is not None:
        try:
            write(folder)
        except OSError as error:
            raise UserError(f"{folder} cannot be written to: {error.strerror}. Name a folder with --write") from error
        click.echo(f"written: {folder}")
        return 0
    if kind is None:
        raise UserError("name a kind of leaf, skill or knowledge, or write all schemas with --write")
    click.echo(schemas()[f"{kind}.schema.json"], nl=False)
    return 0


COMMANDS = (new, format_leaves, tree, diff, rules, schema)
