"""`python -m tax_training PLAN --data DIR --out DIR`: train a plan's phases; `tax train` starts this as a process."""

import argparse
import os
import sys
import traceback
from pathlib import Path

from tax_training.errors import Interrupted, ToldElsewhere, UserError, install
from tax_training.plan import Plan
from tax_training.plan_file import PLANS, load_plan


def parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    shipped = ", ".join(sorted(file.stem for file in PLANS.glob("*.yaml")))
    described = argparse.ArgumentParser(
        prog="python -m tax_training",
        description="Train a student phase by phase. The same command goes on where it was stopped or killed.",
        epilog=f"shipped plans: {shipped}",
        allow_abbrev=False,
    )
    add = described.add_argument
    add("plan", metavar="PLAN", help="a plan's YAML file, or the name of a shipped plan")
    add("--data", type=Path, metavar="DIR", help="the phases' data, as tax mix wrote it")
    add("--out", type=Path, metavar="DIR", help="where checkpoints, metrics and models go")
    add("--phase", metavar="NAME", help="train this phase only; the one before it must be finished")
    add("--set", action="append", default=[], metavar="PHASE.SETTING=VALUE", help="change a setting of the plan")
    add("--dry-run", action="store_true", help="show the resolved plan, steps, tokens and memory; train nothing")
    add("--processes", type=int, metavar="N", help="with --dry-run: estimate for so many processes")
    add("--json", action="store_true", help="with --dry-run: print JSON")
    return described


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 2 what the user must change, 3 our fault, 130 interrupted."""
    given = parser().parse_args(arguments)
    try:
        return _run(given)
    except UserError as error:
        if not isinstance(error, ToldElsewhere):
            print(f"error: {error}", file=sys.stderr)
        return 2
    except Interrupted as stopped:
        if _first():
            print(stopped, file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing more to say
        return 0
    except Exception:  # noqa: BLE001  # the last resort: say what to report
        traceback.print_exc()
        print("this is a fault of tax_training: please report the lines above, with the plan", file=sys.stderr)
        return 3


def _run(given: argparse.Namespace) -> int:
    plan = _plan(given)
    if given.dry_run:
        from tax_training.estimate import dry_run

        print(dry_run(plan, given.data, given.processes, as_json=given.json))
        return 0
    usable(given)
    try:
        from tax_training.run import train
    except ModuleNotFoundError as error:
        raise UserError(f"training needs {error.name}: {install('train')}") from error
    train(plan, given.data, given.out, given.phase)
    return 0


def _plan(given: argparse.Namespace) -> Plan:
    """Load the plan; every process does, and the first one alone says what is wrong with it."""
    try:
        return load_plan(given.plan, given.set, mixed=not given.dry_run)
    except UserError as error:
        if _first():
            raise
        raise ToldElsewhere(str(error)) from error


def _first() -> bool:
    return os.environ.get("RANK", "0") == "0"


def usable(given: argparse.Namespace) -> None:
    """Raise UserError where the options do not suffice to train."""
    for option in ("processes", "json"):
        if getattr(given, option):
            raise UserError(f"--{option} goes with --dry-run only")
    for option in ("data", "out"):
        if getattr(given, option) is None:
            raise UserError(f"--{option} is missing: name the folder")
    if not given.data.is_dir():
        fault = "is no folder" if given.data.exists() else "is not there"
        raise UserError(f"--data {given.data} {fault}: name the folder that tax mix wrote")
    for place in (given.out, *given.out.parents):
        if place.exists() and not place.is_dir():
            raise UserError(f"--out {given.out}: {place} is a file, where a folder must be: name another --out")


if __name__ == "__main__":
    sys.exit(main())
