"""Rules about the script that a leaf is written in."""

from collections.abc import Iterator

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.documents import local_texts
from tax.rules.rule import Finding, rule
from tax.rules.walk import texts
from tax.source import Loc
from tax.text.script import is_traditional, simplified

_SHOWN = 5  # characters named in a message


@rule("simplified-character", Level.WARNING, older=Level.WARNING)
def traditional(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A leaf in Traditional Chinese (zh-Hant, zh-Hant-TW, zh-Hant-HK, zh-TW) has no Simplified characters.

    What grows from it would have them too. Its documents are looked at as well. Which characters count is told by
    OpenCC's tables; those that both scripts have, such as 后, 里 and 面, pass.

    Passes:
        language: zh-Hant-TW
        seed_examples:
          - {question: 這是什麼？, answer: 這是潮汐。}

    Fails:
        language: zh-Hant-TW
        seed_examples:
          - {question: 这是什麼？, answer: 這是潮汐。}
    """
    language = leaf.data.get("language")
    if not isinstance(language, str) or not is_traditional(language):
        return
    for loc, text in texts(leaf):
        yield from _findings(loc, "this text", text, language)
    for loc, path, text in local_texts(leaf):
        yield from _findings(loc, f"the document {excerpt(path, 40)}", text, language)


def _findings(loc: Loc, name: str, text: str, language: str) -> Iterator[Finding]:
    found = simplified(text, language)
    if found:
        named = ", ".join(f"{each} ({counterpart})" for each, counterpart in [*found.items()][:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        message = f"{name} has Simplified characters: {named}{more}"
        yield Finding(loc, message, "write the Traditional ones, which stand in brackets")
