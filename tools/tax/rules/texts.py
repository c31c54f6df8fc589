"""Rules about the texts of a leaf."""

import re
from collections.abc import Iterator

from tax.config import Config
from tax.faults.words import name_of
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.rules.walk import about, texts
from tax.source import Loc
from tax.text.prose import tokens


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
    for loc, text in texts(leaf):
        if not text.strip() and (text or (leaf.version == 1 and loc == ("task_description",))):
            fix = "write a text that tells the teacher what to do" if not text else "write a text, or delete the key"
            yield Finding(loc, f"{name_of(loc)} has no text", fix)


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
    for loc, text in texts(leaf):
        comment = leaf.source.comment(loc) if " " in text else None
        if comment:
            message = f"this text ends before {excerpt(comment, 40)}, as ` #` starts a comment"
            yield Finding(loc, message, "if the # belongs to the text, put the whole text in double quotes")


@rule("control-character", Level.ERROR, older=Level.WARNING)
def not_escaped(leaf: Loaded, config: Config) -> Iterator[Finding]:
    r"""No text in double quotes loses letters to a backslash, as LaTeX and the paths of Windows do there in silence.

    Between double quotes, YAML takes a backslash with the letter after it for one character, and many of them are
    invisible: \a is a bell, \b goes back a space, \f feeds a page. Nobody who wrote "$\frac{1}{2}$" meant that.

    Passes:
        seed_examples:
          - {question: "What is $\\alpha + \\beta$?", answer: 'It is $\frac{1}{2}$.'}

    Fails:
        seed_examples:
          - {question: "What is $\alpha + \beta$?", answer: 'It is $\frac{1}{2}$.'}
    """
    if "\\" not in leaf.source.text:
        return
    for loc, text in [*texts(leaf), *about(leaf)]:
        made = _made_by_escape(text, leaf)
        if made:
            written = _ESCAPES.get(made, f"\\x{ord(made):02x}")
            message = (
                f"in double quotes, `{written}` is the invisible character U+{ord(made):04X}, which stands here now"
            )
            yield Finding(loc, message, _BACKSLASH_FIX)


@rule("lost-backslash", Level.HINT, older=Level.HINT)
def no_path_broken(leaf: Loaded, config: Config) -> Iterator[Finding]:
    r"""No path and no formula in double quotes has \n or \t in it, which YAML takes for a line end and a tab.

    Passes:
        seed_examples:
          - {question: "Where is C:\\new\\temp?", answer: '$\theta$ is an angle.'}

    Fails:
        seed_examples:
          - {question: "Where is C:\new\temp?", answer: "$\theta$ is an angle."}
    """
    written = leaf.source.text
    if not ("\\t" in written or "\\n" in written) or not _LOST_WRITTEN.search(written):  # a quick look first
        return
    for loc, text in [*texts(leaf), *about(leaf)]:
        match = _LOST.search(text)
        if match and not _made_by_escape(text, leaf):
            lost = excerpt(match.group().replace("\n", "\\n").replace("\t", "\\t"), 40)
            yield Finding(loc, f"{lost} is in double quotes, where \\n is a line end and \\t a tab", _BACKSLASH_FIX)


_BACKSLASH_FIX = "if you meant the backslash itself, double it (\\\\), or put the text in single quotes"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\x0b": "\\v", "\f": "\\f", "\r": "\\r", "\x1b": "\\e", "\0": "\\0"}
_ESCAPES |= {"\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P"}
# LaTeX's commands that are no words once they have lost \n or \t, and paths of two folders on the usual drives
_LATEX_T = r"(?:heta|imes|riangle\w*|ilde)(?![a-z])|ext(?:bf|it|rm|tt)?\{|an(?=[\\^({$])|au(?=[\\^_})$])"
_LATEX_N = r"(?:abla|eq|eg|otin|ewcommand)(?![a-z])|u(?=[\\^_})$])"
_LOST = re.compile(rf"\t(?:{_LATEX_T})|\n(?:{_LATEX_N})|(?<!\w)[C-E]:[\t\n][\w.-]+(?:[\t\n][\w.-]+)+")
# the backslash comes first, as a search for one character is quick
_LOST_WRITTEN = re.compile(
    rf"\\(?:(?<!\\\\)(?:t(?:{_LATEX_T})|n(?:{_LATEX_N}))|(?<=[C-E]:\\)(?<!\w[C-E]:\\)[nt][\w.-]+\\[nt]\w)"
)


def _made_by_escape(text: str, leaf: Loaded) -> str:
    """Return the first character of a text that an escape made, as it may not stand in YAML, or does not here."""
    if text.isprintable():
        return ""
    return next((each for each in _CONTROL.findall(text) if each < "\x80" or each not in leaf.source.text), "")


@rule("curly-quotes", Level.WARNING, older=Level.HINT)
def not_curly(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No whole text stands in the curly quotes of a word processor: to YAML they are none, and stay in the text.

    Passes:
        seed_examples:
          - {question: Who said “Eppur si muove”?, answer: Galileo is said to have said it.}

    Fails:
        seed_examples:
          - {question: “Who said it?”, answer: Galileo is said to have said it.}
    """
    if "“" not in leaf.source.text and "„" not in leaf.source.text:
        return
    for loc, text in texts(leaf):
        inner = text.strip()[1:-1]
        if _IN_CURLY.fullmatch(text.strip()) and leaf.source.scalar(loc) is not None:
            message = f"the curly quotes around {name_of(loc)} are part of it, as only straight ones are quotes to YAML"
            fix = (
                f'write straight ones: "{inner}"' if len(inner) < 60 and not set(inner) & {'"', "\\"} else "delete them"
            )
            yield Finding(loc, message, fix)


_IN_CURLY = re.compile("[“„][^“”„]*[”“]")

# What fills a whole text, of any key: TODO, lorem ipsum, <your name>, [insert text], your answer here, ...
_THING = r"(?:question|answer|response|context|text|passage|content|description|domain|outline|name)"
_EMPTY = re.compile(
    r"[\W_]*(?:TODO(?:\.md|\.txt)?|TBD|FIXME|to be (?:done|defined|determined|written)|lorem ipsum"
    rf"|(?:(?:write|put|enter|insert|type|add)\s+)?(?:your\s+)?{_THING}\s+(?:goes\s+)?here)[\W_]*"
    r"|\s*<(?:your|insert|enter|fill|add|put|write|replace)\b[^<>]*>\s*"
    r"|\s*\[(?:your|insert|enter|fill|add|put|write|replace)\b[^\[\]]*\]\s*"
    r"|\s*(?:\.{3,}|…+)\s*",
    re.IGNORECASE,
)
# A quick look at the head of a text, for speed: no placeholder starts otherwise.
_HEAD = re.compile(
    rf"[\W_]{{0,9}}(?:TODO|TBD|FIXME|to be|lorem|write|put|enter|insert|type|add|your|{_THING})|\s*[<\[.…]",
    re.IGNORECASE,
)
_LOREM = re.compile(r"\s*lorem\s+ipsum\s+dolor\b", re.IGNORECASE)
# A note to oneself at the head of a text; that of a context may be a stranger's.
_NOTE = re.compile(r"\s*(?:TODO|TBD|FIXME)(?:\s*[:：]|\s+(?:write|add|fill|finish|complete|replace|insert|put)\b)")


@rule("placeholder", Level.ERROR, older=Level.WARNING)
def not_left_open(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No text is a placeholder that waits for its words, such as TODO, lorem ipsum, <your name> or three dots.

    A text may speak of these, and code may hold them: what counts is a whole text, or a note to oneself at its head.

    Passes:
        seed_examples:
          - {question: What is a TODO comment?, answer: A note to oneself in code.}

    Fails:
        seed_examples:
          - {question: What is a tide?, answer: "TODO: write this"}
    """
    for loc, text in [*about(leaf), *texts(leaf)]:
        if loc[0] == "problem_templates" or not _HEAD.match(text):
            continue
        note = loc[-1] != "context" and _NOTE.match(text)
        if note or _LOREM.match(text) or (len(text) < 200 and _EMPTY.fullmatch(text)):
            message = f"{excerpt(text, 40)} is a placeholder, which nobody has filled in yet"
            yield Finding(loc, message, _filled(loc))


# Words that a text has at most, of Chinese and Japanese characters: what fits a prompt beside the rest of it
_MOST_WORDS = {
    "task_description": 300,
    "domain": 30,
    "document_outline": 200,
    "context": 2000,
    "question": 1000,
    "answer": 1000,
    "content": 1000,
}


@rule("long-text", Level.WARNING, older=Level.HINT)
def not_long(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No text is longer than a prompt can take beside the rest of it: a few examples, and what the teacher writes.

    A context has at most 2,000 words, a question, an answer or a turn of a dialogue 1,000, a task description 300, a
    document outline 200, a domain 30. Of Chinese and Japanese, characters count as words.

    Passes: an answer of two pages.

    Fails: a context that is a whole chapter.
    """
    for loc, text in texts(leaf):
        most = _MOST_WORDS.get(str(loc[-1]), len(text))
        if len(text) <= most or _most_words(text) <= most:
            continue
        words = len(text.split() if text.isascii() else tokens(text))
        if words > most:
            message = (
                f"`{loc[-1]}` has {words:,} words (of Chinese, characters), and {most:,} is what a prompt has room for"
            )
            yield Finding(loc, message, "shorten it, or split it into several")


def _most_words(text: str) -> int:
    """Return how many words a text can have: there is something between any two, but not in Chinese."""
    ascii = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    others = len(text) - ascii
    return others + (ascii + others + 1) // 2


def _filled(loc: Loc) -> str:
    if loc[-1] in {"question", "answer", "context"}:
        return f"write the {loc[-1]}, or delete the whole {'pair' if 'questions_and_answers' in loc else 'seed'}"
    if loc[0] == "principles":
        return "write a rule, or delete the line (and `principles:` too, if none is left)"
    if loc == ("created_by",):
        return "write your name on GitHub"
    return "write what belongs here" if loc[0] == "documents" else "write it in a sentence or two"
