"""The commands beside the daily ones of cli.py, one module for each kind of user: options to calls, nothing else."""

from tax.commands import authoring, export, improve, reports, training

COMMANDS = [*authoring.COMMANDS, *improve.COMMANDS, *export.COMMANDS, *reports.COMMANDS, *training.COMMANDS]
