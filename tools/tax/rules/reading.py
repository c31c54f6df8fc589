"""The manuals of what is found on reading a file, before any rule looks at what it says."""

MANUALS = {
    "yaml-syntax": """The file is YAML. The problem stands where the slip is, as far as it can be told.

    Passes:
        task_description: "Explain one thing: the tides."

    Fails:
        task_description: Explain one thing: the tides.
    """,
    "duplicate-key": """A key stands once in its group; of two values the last one counts. (In version 1, a warning.)

    Passes:
        created_by: octocat

    Fails:
        created_by: octocat
        created_by: hubot
    """,
    "more-faults": """Of a file with very many faults, the first 500 of its keys and values are shown.""",
    "yaml-tag": """A leaf holds texts, numbers, lists and keys, and no tags of YAML.

    Passes:
        created_by: "!octocat"

    Fails:
        created_by: !octocat x
    """,
    "too-large": """A leaf has at most 2 MB, 60 levels and 50,000 values, counting what aliases (`*name`) repeat.""",
    "forbidden-character": """No invisible control character stands in the file.""",
    "byte-order-mark": """The file does not start with a byte order mark, which some editors put there.""",
    "line-ends": """The lines end with a line feed alone, as on Unix.""",
    "not-utf8": """The file is saved with the encoding UTF-8.""",
    "unreadable-file": """The leaf is an ordinary file that may be read.""",
    "symlink": """No link leads out of the taxonomy: a leaf comes from a stranger, and a link could show any file.""",
    "empty-file": """The file says something. (The older readers let an empty file pass; so it is no error.)""",
    "wrong-branch": """A leaf lies in the branch that it is written for.

    Knowledge has a `domain`, a `document_outline` and `documents`, and lies in knowledge/; a skill has a
    `task_description`, and lies in compositional_skills/ or foundational_skills/.

    Passes: a leaf with documents in taxonomy/knowledge/oceanography/tides

    Fails: the same leaf in taxonomy/compositional_skills/oceanography/tides
    """,
    "no-keys": """A leaf is a group of keys with values.

    Passes:
        created_by: octocat

    Fails:
        - created_by: octocat
    """,
    "unsupported-version": """The version is 1, 2, 3 or 4; without one, it is 1. Knowledge is read from version 3 on.

    Passes:
        version: 4

    Fails:
        version: 24
    """,
}
