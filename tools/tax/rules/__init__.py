"""The rules beyond the schema: one module a family, one function a rule, and here the list of them all."""

import inspect

from tax.faults.kinds import MANUALS as SCHEMA_MANUALS
from tax.rules import (
    documents,
    elsewhere,
    files,
    languages,
    licenses,
    privacy,
    reading,
    repeats,
    script,
    seeds,
    templates,
    texts,
)
from tax.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    files.file_name,
    files.folder_names,
    licenses.known,
    licenses.current,
    licenses.allowed,
    languages.well_formed,
    languages.in_its_language,
    script.traditional,
    seeds.different,
    repeats.varied,
    seeds.answered,
    seeds.some_variety,
    seeds.enough,
    seeds.held_out,
    seeds.some_taught,
    seeds.alike,
    texts.not_blank,
    texts.not_cut,
    texts.not_escaped,
    texts.no_path_broken,
    texts.not_curly,
    texts.not_left_open,
    texts.not_long,
    privacy.no_personal_data,
    privacy.no_secret,
    documents.readable,
    documents.unread,
    documents.quoted,
    documents.pinned,
    documents.obtainable,
    templates.evaluates,
)

# The manual of every rule by its id: those of reading, of the schema, and of what lies beyond.
MANUALS: dict[str, str] = {
    **{id: inspect.cleandoc(manual) for id, manual in reading.MANUALS.items()},
    **{id: inspect.getdoc(kind) or "" for id, kind in SCHEMA_MANUALS.items()},
    **{rule.id: rule.manual for rule in RULES},
    **{id: inspect.cleandoc(manual) for id, manual in elsewhere.MANUALS.items()},
}
