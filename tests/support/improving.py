"""What the tests of recycling, translation and self-play share: their inputs, and how their results are compared."""

import json

from support.leaves import lines

ALPACA = [
    {"instruction": f"Name {n} things that float.", "input": "", "output": f"Wood, cork, ice and {n} more."}
    for n in range(6)
]


def improve(tax, command, url, source, *arguments, out="improved"):
    """Run a command and return its manifest; its folder is `out`."""
    code, output, errors = tax(command, source, "--teacher", url, "--out", out, "--json", "--quiet", *arguments)
    assert code == 0, errors
    return json.loads(output)


def without_teacher(path):
    """The records of a file, but for the teacher's name, which holds a port."""
    return [{key: value for key, value in record.items() if key != "teacher"} for record in lines(path)]
