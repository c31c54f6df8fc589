"""The public surface, frozen: commands, options, file formats. A change is a decision, with a CHANGELOG line."""

from tax.cli import cli
from tax.renderers import RENDERERS
from tax.sample import Dropped, Sample, Source

ASKING = "--teacher --model --concurrency --engine --workers --out --calls --seed --dry-run --json --quiet"
COMMANDS = {
    "validate": "paths --changed --base --format --strict --no-cache",
    "generate": "leaves --changed --base --teacher --model --samples --seeds --concurrency --engine --workers --out "
    "--calls --seed --dry-run --json --quiet",
    "show": "run --leaf --limit --html --json",
    "blame": "sample_id --run",
    "completion": "shell",
    "new": "kind path --created-by --license --language --description",
    "format": "paths --changed --base --check --upgrade --license",
    "tree": "folder --json",
    "diff": "--base --json",
    "rules": "rule_id --json",
    "recycle": "source --only --keep --measure --encoder " + ASKING + " --limit --language --license --credit",
    "translate": "source --to --responses " + ASKING + " --limit --language --license --credit",
    "dialogue": "source --turns " + ASKING + " --limit --language --license --credit",
    "schema": "kind --write",
    "export": "run --format --out --push --json",
    "report": "run --baseline --html --format",
    "train": "plan --data --out --phase --set --launcher --processes --hostfile --dry-run --json",
    "eval": "model --holdouts --judge --judge-model --model --concurrency --calls --out --json --quiet",
    "chat": "model --prompt --temperature --max-tokens",
    "mix": "inputs --plan --out --feedback --corpus --corpus-root --unverified --taxonomy --keep-out "
    "--without-taxonomy --seeds --recycled --license --language --json --quiet",
}


def test_commands_and_options():
    found = {}
    for name, command in cli.commands.items():
        parameters = [p.opts[-1] for p in command.params]
        found[name] = set(parameters)
    assert found == {name: set(options.split()) for name, options in COMMANDS.items()}


def test_every_option_has_a_help_text():
    for command in cli.commands.values():
        assert command.help
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.help


def test_the_fields_of_a_sample():
    assert (
        " ".join(Sample.model_fields) == "id leaf leaf_blob branch kind messages language source seeds teacher prompt "
        "ratings parent license"
    )
    assert " ".join(Source.model_fields) == "document title blob commit span evidence page repo"
    assert (
        " ".join(Dropped.model_fields)
        == "leaf leaf_blob draw outcome stage reason detail question messages ratings source seeds"
    )


def test_the_forms_of_problems():
    assert set(RENDERERS) == {"text", "json", "github", "markdown", "sarif"}
