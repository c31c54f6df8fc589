"""The commands for those who write and tend leaves: tree, diff, rules, schema."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from tax.problems import UserError

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@_JSON
def tree(folder: Path | None, as_json: bool) -> int:
    """Show what a taxonomy holds: leaves, seeds, languages and licences by branch."""
    from tax.overview import branches, drawn
    from tax.tree import TAXONOMY, checkout

    if folder is not None and not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    found = branches(folder or checkout() / TAXONOMY)
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
        write(folder)
        click.echo(f"written: {folder}")
        return 0
    if kind is None:
        raise UserError("name a kind of leaf, skill or knowledge, or write all schemas with --write")
    click.echo(schemas()[f"{kind}.schema.json"], nl=False)
    return 0


COMMANDS = (tree, diff, rules, schema)
