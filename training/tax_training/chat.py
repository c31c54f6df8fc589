"""`python -m tax_training.chat MODEL`: talk to a tuned model, turn by turn; `tax chat` starts this as a process.

An answer is shown as it comes, made harmless for the terminal. The conversation is laid out by the tokenizer's chat
template; where it outgrows the model's context, its oldest turns are left out.
"""

import argparse
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tax_training.errors import UserError, quoted

HELP = "Ask, and press Enter. /new begins anew, /exit or Ctrl-D ends."

# All that could move a cursor, reorder a line or forge one; line breaks and tabs are an answer's own.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def harmless(text: str) -> str:
    """Return text that cannot steer a terminal."""
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


class Chat:
    """One conversation with one model."""

    def __init__(self, path: str, temperature: float, max_tokens: int) -> None:
        """Load the model of a folder or a hub's name. Raises UserError."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(path)
            self._model: Any = AutoModelForCausalLM.from_pretrained(path, dtype="auto").to(device).eval()
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"the model {quoted(path)} cannot be loaded: {quoted(str(error), 300)}") from error
        if not self._tokenizer.chat_template:
            raise UserError(f"the model {quoted(path)} has no chat template, so nothing says how to talk to it")
        self._settings = {"temperature": temperature} if temperature else {}
        self._max_tokens = max_tokens
        self.messages: list[dict[str, str]] = []

    def answer(self, question: str) -> Iterator[str]:
        """Yield the answer to a question piece by piece; question and answer join the conversation."""
        from transformers import TextIteratorStreamer

        self.messages.append({"role": "user", "content": question})
        ids, room = self._prompt()
        streamer: Any = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        failed: list[BaseException] = []

        def generate() -> None:
            try:
                self._model.generate(
                    **ids, **self._settings, do_sample=bool(self._settings), max_new_tokens=min(self._max_tokens, room),
                    pad_token_id=self._tokenizer.pad_token_id, streamer=streamer,
                )  # fmt: skip
            except BaseException as error:  # noqa: BLE001  # told by the thread that waits
                failed.append(error)
                streamer.end()

        thread = threading.Thread(target=generate, daemon=True)
        thread.start()
        said = ""
        for piece in streamer:
            said += piece
            yield piece
        thread.join()
        if failed:
            raise failed[0]
        self.messages.append({"role": "assistant", "content": said})

    def _prompt(self) -> tuple[Any, int]:
        """Return the conversation laid out, and how many tokens are left for the answer.

        The oldest question and answer go while it is longer than the context.
        """
        context = getattr(self._model.config, "max_position_embeddings", None) or sys.maxsize
        while True:
            ids = self._tokenizer.apply_chat_template(
                self.messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
            length = ids["input_ids"].shape[1]
            if length + min(self._max_tokens, context // 4) <= context:
                break
            if len(self.messages) == 1:
                raise UserError(
                    f"the question has {length:,} tokens, more than the model's context of {context:,} takes"
                )
            del self.messages[:2]
        return ids.to(self._model.device), context - length


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = argparse.ArgumentParser(prog="python -m tax_training.chat", description="Talk to a model.")
    options.add_argument("model", help="a model folder, or a hub's name")
    options.add_argument("--prompt", help="ask this one question, print the answer and end")
    options.add_argument("--temperature", type=float, default=0.7)
    options.add_argument("--max-tokens", type=int, default=512)
    given = options.parse_args(arguments)
    try:
        chat = Chat(given.model, given.temperature, given.max_tokens)
        if given.prompt is not None:
            _tell(chat, given.prompt)
            return 0
        return _talk(chat, Path(given.model).name)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"error: chatting needs {error.name}: pip install 'tax[train]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _talk(chat: Chat, name: str) -> int:
    print(f"{harmless(name)}. {HELP}")
    while True:
        try:
            question = input("> ").strip()
        except EOFError:
            print()
            return 0
        if question == "/exit":
            return 0
        if question == "/new":
            chat.messages.clear()
        elif question == "/help":
            print(HELP)
        elif question:
            _tell(chat, question)


def _tell(chat: Chat, question: str) -> None:
    for piece in chat.answer(question):
        sys.stdout.write(harmless(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")


if __name__ == "__main__":
    sys.exit(main())
