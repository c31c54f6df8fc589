"""Rules about problem templates."""

from collections.abc import Iterator

from pydantic import ValidationError

from tax.config import Config
from tax.leaf import ProblemTemplate
from tax.load import Loaded
from tax.problems import Level
from tax.rules.rule import Finding, rule

MAX_TEMPLATES = 40  # trying one out takes up to a twentieth of a second


@rule("problem-template", Level.ERROR)
def evaluates(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A problem template makes problems: its names are defined, its expressions compute, its conditions can be met.

    A leaf has at most 40 of them.

    Passes:
        problem_templates:
          - question: What is {a} + {b}?
            answer: It is {total}.
            variables: {a: {from: 1, to: 9}, b: {from: 1, to: 9}}
            derived: {total: a + b}

    Fails:
        problem_templates:
          - question: What is {a} + {b}?
            answer: It is {sum}.
            variables: {a: {from: 1, to: 9}, b: {from: 1, to: 9}}
            derived: {total: a + b}
    """
    templates = leaf.data.get("problem_templates")
    if not isinstance(templates, list) or not templates:
        return
    from tax.templates.template import Template

    if len(templates) > MAX_TEMPLATES:
        message = f"a leaf has at most {MAX_TEMPLATES} problem templates, and this is one more"
        yield Finding(("problem_templates", MAX_TEMPLATES), message, "move it and those below it to another leaf")
    for index, item in enumerate(templates[:MAX_TEMPLATES]):
        try:
            template = ProblemTemplate.model_validate(item)
        except ValidationError:
            continue  # the schema's faults are told already
        for fault in Template(template).faults():
            yield Finding(("problem_templates", index, *fault.loc), fault.message, fault.fix)
