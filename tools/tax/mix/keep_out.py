"""Questions of an evaluation that no phase may hold, like the taxonomy's hold-outs: read from files in many forms."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tax.exchange import Unfit, messages_of, parsed, rows
from tax.problems import UserError

_QUESTION_KEYS = ("question", "prompt", "text")


def questions_in(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the questions of evaluation files.

    A row is a conversation in a known form, or has its question under `question`, `prompt` or `text`, or several under
    `turns` (as MT-Bench has them). Raises UserError for a row with none: a question that is not read is not kept out.
    """
    for path in paths:
        if not path.is_file():
            raise UserError(f"there is no file {path}, whose questions are to be kept out")
        for number, written in rows(path):
            try:
                row = parsed(written)
                found = list(_asked(row)) if isinstance(row, dict) else []
            except Unfit:
                found = []
            if not found:
                raise UserError(
                    f"{path}, row {number}, has no question: write one under `question`, `prompt` or `text`, "
                    "several as a list under `turns`, or give a conversation (messages, alpaca, sharegpt)"
                )
            yield from found


def _asked(row: dict[str, object]) -> Iterator[str]:
    turns = row.get("turns")
    if isinstance(turns, list):
        yield from (turn for turn in turns if isinstance(turn, str))
    for key in _QUESTION_KEYS:
        text = row.get(key)
        if isinstance(text, str) and text.strip():
            yield text
            return
    if not isinstance(turns, list):
        yield from (message.content for message in messages_of(row) if message.role == "user")
