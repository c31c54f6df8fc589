"""Blocks and sentences of documents: what they hold, and what must be true of them for any text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.text.segments import blocks, body, cells, folded, plain, sentences, tokens

DOCUMENT = """\
---
title: Tides
---
# Tides

<!-- a note
to authors -->
A tide is the regular rise of the sea.
It is caused by gravity.

## Types ##

Three types are known:

- A *semidiurnal* tide has two high waters
  a day.
- A diurnal tide has one.
  1. nested

| Place | Range |
| --- | :--: |
| Fundy | 16 m |
| Rance | 8 m |

Currents
--------
> The flood runs
> while the tide rises.

```
# no heading
```

---
一、漲潮
二、退潮
"""


def shown(text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in blocks(text)]


def split(text: str) -> list[str]:
    return [folded(text[span.start : span.end]) for block in blocks(text) for span in sentences(text, block)]


def test_blocks_of_a_document() -> None:
    assert shown(DOCUMENT) == [
        ("heading", "# Tides"),
        ("paragraph", "A tide is the regular rise of the sea.\nIt is caused by gravity."),
        ("heading", "## Types ##"),
        ("paragraph", "Three types are known:"),
        ("item", "- A *semidiurnal* tide has two high waters\n  a day."),
        ("item", "- A diurnal tide has one."),
        ("item", "1. nested"),
        ("row", "| Place | Range |\n| --- | :--: |"),
        ("row", "| Fundy | 16 m |"),
        ("row", "| Rance | 8 m |"),
        ("heading", "Currents\n--------"),
        ("quote", "> The flood runs\n> while the tide rises."),
        ("code", "```\n# no heading\n```"),
        ("item", "一、漲潮"),
        ("item", "二、退潮"),
    ]


def test_headings_above_a_block() -> None:
    paths = {block.headings for block in blocks(DOCUMENT)}
    assert paths == {(), ("Tides",), ("Tides", "Types"), ("Tides", "Currents")}
    titles = [(block.level, block.headings) for block in blocks("# A\n### *B*\n## C") if block.kind == "heading"]
    assert titles == [(1, ()), (3, ("A",)), (2, ("A",))]
    assert [block.headings for block in blocks("# A\n### *B*\ntext")][-1] == ("A", "B")


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("one\n- item", ["paragraph", "item"]),
        ("in\n1966. A year", ["paragraph"]),
        ("- one\n2. two", ["item", "item"]),
        ("- one\n\n      more of it", ["item", "paragraph"]),
        ("text\n\n    code\n\n    code\n\ntext", ["paragraph", "code", "paragraph"]),
        ("```\nno end", ["code"]),
        ("<!-- no end\ntext", ["paragraph"]),
        ("<!-- a --> text", ["paragraph"]),
        ("| only | row |", ["row"]),
        ("a | b\n--- | ---\nc | d\n\ne | f", ["row", "row", "paragraph"]),
        ("#hashtag", ["paragraph"]),
        ("-5 degrees", ["paragraph"]),
        ("> one\n>\n> two", ["quote", "quote"]),
        ("<div>\n\n[a]: https://example.org\n\n***", []),
        ("\ufeff# Title\r\ntext\r\n\r\n（一）項目", ["heading", "paragraph", "item"]),
        ("", []),
    ],
)
def test_kinds(text: str, kinds: list[str]) -> None:
    assert [block.kind for block in blocks(text)] == kinds


@pytest.mark.parametrize(
    "parts",
    [
        ["Dr. Wu measured 4.5 m at 9 a.m. on the pier.", "It rose."],
        ["See e.g. Fig. 3 and i.e. No. 5 of version 1.2.3 here.", "No.", "Then he left."],
        ["The U.S. Navy paid J. R. Smith et al. for it.", "Yes."],
        ["It works in the U.S.", "The rest waits."],
        ['He said, "Stop. Go back."', "She did (at once. Really.) and left."],
        ['"Why?" he asked.', "Nobody knew!", "Why not?!", "`git add` helps."],
        ["It grew ... and grew…", "Then it stopped."],
        ["Run `a. B` now.", "**It is bold.**", "Next one.[1]", "Last one.[^2]"],
        ["Do this first.", "2. Then do that."],
        ["Vitamin C helps.", "Fig. 2 shows vitamin C.", "It helps."],
        ["地震規模是4.5。", "它很大！", "為什麼？", "因為斷層；也因為深度。"],
        ["他說：「好。我來。」", "然後走了。"],
        ["「好。」，他說。", "走了（很快。真的）。", "完"],
        ["Git 是工具。", "It is used.", "很好。"],
    ],
)
def test_sentences(parts: list[str]) -> None:
    joined = " ".join(parts)
    assert split(joined) == parts
    assert split(joined.replace(" ", "\n")) == [folded(part.replace(" ", "\n")) for part in parts]


def test_an_item_s_mark_is_not_in_its_sentences() -> None:
    assert split("- [x] One. Two.\n\n(1) Three.\n\n> Four. Five.") == [
        "One.",
        "Two.",
        "Three.",
        "Four.",
        "Five.",
    ]


@pytest.mark.parametrize("text", ["## C# and *F*#", "  ### C# and *F*# ##", "C# and *F*#\n======"])
def test_a_heading_s_body_is_its_title(text: str) -> None:
    heading, below = blocks(text + "\n\nbelow")
    inner = body(text, heading)
    assert text[inner.start : inner.end] == "C# and *F*#"
    assert below.headings == ("C# and F#",)


def test_tokens() -> None:
    assert tokens("The Rance's 1,200 MW (4.5 m) 潮汐GPS測量") == [
        *("the", "rance's", "1,200", "mw", "4.5", "m"),
        *("潮", "汐", "gps", "測", "量"),
    ]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("one\n  two\tthree", "one two three"),
        ("潮\n汐。\nGit\n是", "潮汐。Git 是"),
        ("tide-\ngenerating, spring-\nand neap tides", "tide-generating, spring- and neap tides"),
    ],
)
def test_folded(text: str, result: str) -> None:
    assert folded(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("**bold** and *it* and _it_ and __b__ and ***both***", "bold and it and it and b and both"),
        (
            '[a *link*](https://a.org/x_(y) "t") ![alt](a.png) [b][1] <https://a.org>',
            "a link alt b https://a.org",
        ),
        ("`a *b* <c>` and a_b_c and 2 * 3 * 4 \\* &lt;", "`a *b* <c>` and a_b_c and 2 * 3 * 4 * <"),
        ("H<sub>2</sub>O<br/> ~~no~~[^1]<!-- x -->", "H2O no"),
        ("> one\n> two", "one\ntwo"),
        ("**use `x*` now**", "use `x*` now"),
        ("nul \0 `code`", "nul \ufffd `code`"),
    ],
)
def test_plain(text: str, result: str) -> None:
    assert plain(text) == result


def test_cells() -> None:
    assert cells("| **a** | `b | c` | d \\| e |\n| --- | --- | --- |") == ["a", "`b | c`", "d | e"]
    assert cells("a | b") == ["a", "b"]


MARKS = [
    "\n",
    "\n\n",
    " ",
    "# ",
    "- ",
    "1. ",
    "> ",
    "|",
    "| --- |\n",
    "```\n",
    "<!--",
    "-->",
    "---\n",
    "===\n",
    "    ",
    "\r\n",
]
WORDS = [
    "word",
    "Dr.",
    "4.5",
    "U.S.",
    "end.",
    "Why?",
    "「好。」",
    "潮汐。",
    "(a.",
    "B)",
    '"',
    "`",
    "**",
    "…",
    "\ufeff",
    "\0",
]
texts = st.one_of(st.text(), st.lists(st.sampled_from(MARKS + WORDS), max_size=60).map("".join))


@given(texts)
def test_blocks_are_ordered_trimmed_and_apart(text: str) -> None:
    end = 0
    for block in blocks(text):
        assert end <= block.start < block.end <= len(text)
        assert text[block.start : block.end] == text[block.start : block.end].strip()
        assert (block.level > 0) == (block.kind == "heading")
        end = block.end


@given(texts)
def test_sentences_cover_their_block(text: str) -> None:
    for block in blocks(text):
        inner = body(text, block)
        spans = sentences(text, block)
        assert "".join(text[inner.start : inner.end].split()) == "".join(
            "".join(text[span.start : span.end].split()) for span in spans
        )
        for before, after in pairwise(spans):
            assert before.end <= after.start
        assert all(text[span.start : span.end].strip() == text[span.start : span.end] != "" for span in spans)


@given(texts)
def test_text_functions_take_anything(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert "\n" not in folded(text)
    assert all(token == token.lower() and token.strip() for token in tokens(text))
    plain(text)
    cells(text)


@pytest.mark.parametrize("mark", ["<!--", "`", "[", "**a", "(", '"', "> ", "- ", "|", "* ", "_", "\n \n", "!", "「"])
def test_a_long_run_of_marks_ends(mark: str) -> None:
    text = mark * 20_000
    for block in blocks(text):
        assert sentences(text, block)
    assert isinstance(folded(plain(text)), str)
