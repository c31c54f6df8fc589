"""The shipped leaves of foundational skills: their seeds, problems of their templates, and programs really run."""

import random
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

from tax.leaf import QuestionSeed, SkillLeaf
from tax.source import Source
from tax.templates.template import Instance, Template

SKILLS = Path(__file__).parents[2] / "taxonomy" / "foundational_skills"
LINE = "-" * 30


def leaf(name: str) -> SkillLeaf:
    source = Source(name, (SKILLS / name / "qna.yaml").read_text(encoding="utf-8"))
    assert source.problems == []
    return SkillLeaf.model_validate(source.data)


def seeds(name: str) -> list[QuestionSeed]:
    return [seed for seed in leaf(name).seed_examples if isinstance(seed, QuestionSeed)]


def problems(name: str, place: int, count: int = 40, seed: int = 5) -> list[Instance]:
    template = Template(leaf(name).problem_templates[place])
    rng = random.Random(seed)
    return [template.instance(rng) for _ in range(count)]


def everything(name: str, count: int = 40) -> list[str]:
    """All texts that the leaf teaches: its seeds, and some problems of each template."""
    texts = [text for seed in seeds(name) for text in (seed.question, seed.answer)]
    for place in range(len(leaf(name).problem_templates)):
        texts += [text for made in problems(name, place, count) for text in (made.question, made.response)]
    return texts


def numbers(text: str) -> list[Fraction]:
    return [Fraction(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def written(number: Fraction) -> str:
    return f"{float(number):,.10f}".rstrip("0").rstrip(".")


def program(question: str) -> str:
    return re.findall(r"```python\n(.*?)```", question, re.DOTALL)[0]


def printed(answer: str) -> str:
    """What the program prints, as the answer has it."""
    found = re.findall(r"prints.*?(?:```\n(.*?)```|`([^`\n]*)`)", answer, re.DOTALL)
    return "".join(found[-1]).strip()


def outputs(programs: list[str]) -> list[str]:
    """What the programs print. One process runs them all, each in names of its own."""
    each = f"exec(program, {{}}); print('{LINE}')"
    script = f"import sys\nfor program in sys.stdin.read().split('\\0'): {each}"
    run = subprocess.run(
        [sys.executable, "-I", "-c", script], input="\0".join(programs), capture_output=True, text=True, check=True
    )
    return [output.strip() for output in run.stdout.split(f"{LINE}\n")[:-1]]
