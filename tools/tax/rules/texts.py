"""Rules about the texts of a leaf."""

from collections.abc import Iterator

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.source import Loc


@rule("blank-text", Level.WARNING, older=Level.WARNING)
def not_blank(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No text is empty or of spaces only. Version 4 makes an error of it (empty-text); the older ones let it pass.

    Passes:
        version: 1
        task_description: Explain how the sea moves.

    Fails:
        version: 1
        task_description: " "
    """
    if leaf.version not in {1, 2, 3}:
        return
    for loc, text in _texts(leaf):
        if not text.strip() and (text or (leaf.version == 1 and loc == ("task_description",))):
            fix = "write a text that tells the teacher what to do" if not text else "write a text, or delete the key"
            yield Finding(loc, f"`{loc[-1]}` has no text", fix)


@rule("cut-by-comment", Level.WARNING, older=Level.WARNING)
def not_cut(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No text without quotes is cut by a comment: in YAML, a space and a # end it.

    Passes:
        seed_examples:
          - {question: "Is C# older than C #1?", answer: "No."}

    Fails:
        seed_examples:
          - question: Is C older than C #1?
            answer: No.
    """
    if " #" not in leaf.source.text and "\t#" not in leaf.source.text:
        return
    for loc, text in _texts(leaf):
        comment = leaf.source.comment(loc) if " " in text else None
        if comment:
            message = f"this text ends before {excerpt(comment, 40)}, as ` #` starts a comment"
            yield Finding(loc, message, "if the # belongs to the text, put the whole text in double quotes")


def _texts(leaf: Loaded) -> Iterator[tuple[Loc, str]]:
    """Yield the texts that people wrote for the model, each with its place."""
    for key in ("task_description", "domain", "document_outline"):
        if isinstance(leaf.data.get(key), str):
            yield (key,), leaf.data[key]
    for index, seed in leaf.seeds:
        yield from _strings(seed, ("seed_examples", index))
        for key in ("questions_and_answers", "messages"):
            items = seed.get(key)
            for place, item in enumerate(items) if isinstance(items, list) else ():
                if isinstance(item, dict):
                    yield from _strings(item, ("seed_examples", index, key, place))


def _strings(group: dict[str, object], loc: Loc) -> Iterator[tuple[Loc, str]]:
    for key in ("question", "answer", "context", "content"):
        text = group.get(key)
        if isinstance(text, str):
            yield (*loc, key), text
