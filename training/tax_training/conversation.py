"""A sample as tokens, and which of them are learnt: the assistant's turns, all of them, each with the mark of its end.

The chat template is rendered up to each of the assistant's turns, so that any template serves whose rendering of a
dialogue's beginning is the beginning of the whole dialogue's; one that does otherwise is refused, since the mask would
be a guess. The whole text is tokenised once, and a token is learnt if any of its characters was said by the assistant.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tax_training.errors import UserError, quoted

BATCH = 512  # samples that the tokenizer gets at once; its threads share them


class Encoded(NamedTuple):
    """One sample: its token ids, and for each token whether it is learnt; or why it is left out."""

    id: str
    tokens: Sequence[int]
    learnt: Sequence[bool]
    dropped: str = ""


class Encoder:
    """Lays samples out and tokenises them."""

    def __init__(self, tokenizer: Any, chat_template: str | None) -> None:
        """Take a fast tokenizer of transformers. Raises UserError where it cannot serve."""
        if not getattr(tokenizer, "is_fast", False):
            raise UserError("the student's tokenizer has no fast form, which is needed to tell whose each token is")
        if tokenizer.eos_token_id is None:
            raise UserError("the student's tokenizer has no end-of-sequence token (eos_token)")
        self.tokenizer = tokenizer
        if chat_template:
            tokenizer.chat_template = chat_template

    def documents(self, samples: Iterable[dict[str, Any]]) -> Iterator[Encoded]:
        """Encode documents: every token is learnt, and a mark of the end follows the last."""
        for batch in _batches(samples):
            for sample, tokens in zip(batch, self._encode([s["text"] for s in batch], marks=True), strict=True):
                whole = [*tokens["input_ids"], self.tokenizer.eos_token_id]
                yield Encoded(sample["id"], whole, [True] * len(whole))

    def conversations(self, samples: Iterable[dict[str, Any]]) -> Iterator[Encoded]:
        """Encode conversations: the assistant's turns are learnt."""
        if not self.tokenizer.chat_template:
            raise UserError("the student's tokenizer has no chat template: give one as student.chat_template")
        for batch in _batches(samples):
            laid_out = [self._lay_out(sample["messages"]) for sample in batch]
            texts = [text for text, _ in laid_out]
            for sample, (text, spans), tokens in zip(batch, laid_out, self._encode(texts), strict=True):
                if not spans:
                    yield Encoded(sample["id"], [], [], text)
                    continue
                learnt = list(_within(tokens["offset_mapping"], spans))
                yield Encoded(sample["id"], tokens["input_ids"], learnt)

    def _encode(self, texts: list[str], *, marks: bool = False) -> Iterator[dict[str, Any]]:
        found = self.tokenizer(texts, add_special_tokens=marks, return_offsets_mapping=True, verbose=False)
        eos = self.tokenizer.eos_token_id
        for ids, offsets in zip(found["input_ids"], found["offset_mapping"], strict=True):
            end = len(ids) - (marks and bool(ids) and ids[-1] == eos)  # some tokenizers mark the end themselves
            yield {"input_ids": ids[:end], "offset_mapping": offsets[:end]}

    def _lay_out(self, messages: list[dict[str, str]]) -> tuple[str, list[tuple[int, int]]]:
        """Return the conversation's text and the spans that the assistant said; without spans, the text is a reason."""
        from jinja2 import TemplateError

        try:
            whole = self._render(messages)
            spans = []
            for number, message in enumerate(messages):
                if message["role"] == "assistant":
                    before = self._render(messages[:number], answer_follows=True)
                    after = self._render(messages[: number + 1])
                    if not (whole.startswith(before) and whole.startswith(after) and len(before) < len(after)):
                        raise UserError(
                            "the chat template lays the beginning of a dialogue out in another way than the whole "
                            f"dialogue (turn {number + 1} of {quoted(messages[0]['content'])}), so that the answers "
                            "cannot be told from the rest: give another template as student.chat_template"
                        )
                    spans.append((len(before), len(before) + _said(after[len(before) :], message["content"])))
        except TemplateError as error:
            return f"the chat template refuses it: {quoted(str(error))}", []
        return (whole, spans) if spans else ("no turn of the assistant", [])

    def _render(self, messages: list[dict[str, str]], *, answer_follows: bool = False) -> str:
        turns = [{"role": message["role"], "content": message["content"]} for message in messages]
        text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=answer_follows)
        return str(text)


def _batches(samples: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(samples)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _said(rendered: str, content: str) -> int:
    """Return how much of a rendered turn is learnt: all, but for blanks that follow the mark of its end."""
    marked = rendered.rstrip()
    return len(rendered if marked.endswith(content.rstrip()) else marked)


def _within(offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> Iterator[bool]:
    """Tell for each token, by its characters [start, end), whether it has any in one of the spans; both in order."""
    remaining = iter(spans)
    span = next(remaining, None)
    for start, end in offsets:
        while span is not None and span[1] <= start:
            span = next(remaining, None)
        yield span is not None and end > span[0] and start < end


def ends_of_answers(tokenizer: Any) -> list[int]:
    """Return the tokens that end an answer: the end of a sequence, and the chat template's own mark of a turn's end.

    Many a base model has a template whose turns end otherwise than its documents do.
    """
    ends = [tokenizer.eos_token_id]
    asked = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "."}]
    with suppress(UserError):  # a template that serves no conversation: the student learnt documents only
        for sample in Encoder(tokenizer, None).conversations([{"id": "", "messages": asked}]):
            learnt = [token for token, own in zip(sample.tokens, sample.learnt, strict=True) if own]
            marks = {number for number, token in tokenizer.added_tokens_decoder.items() if token.content.strip()}
            ends += [token for token in learnt[-1:] if token in marks]
    return list(dict.fromkeys(ends))


def load_tokenizer(source: str | Path) -> Any:
    """Load a tokenizer from a folder or a hub name. Raises UserError."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(source), trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the tokenizer {quoted(str(source))} cannot be loaded ({quoted(str(error))}): "
            "give a folder that holds one, or make the hub reachable"
        ) from error
