"""The commands beside the daily ones of cli.py, one module for each kind of user: options to calls, nothing else."""

import click

from tax.commands import authoring, export, improve, reports, training

COMMANDS = [*authoring.COMMANDS, *improve.COMMANDS, *export.COMMANDS, *reports.COMMANDS, *training.COMMANDS]

_SECTIONS = {
    "Write and check leaves": "new validate format rules tree diff schema",
    "Grow samples, and read them": "generate show report blame export",
    "Make better samples of samples": "recycle translate dialogue",
    "Train a student, and ask it": "mix train eval chat",
    "Set up": "completion",
}


class Sections(click.Group):
    """A group whose help lists the commands in the order of the work, each with its whole first sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, section by section."""
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(limit=200)) for name in names.split()]
                )
