"""`python -m tax_training.chat MODEL`: talk to a model or a checkpoint; `tax chat` starts this as a process.

An answer is shown as it comes, made harmless for the terminal. The conversation is laid out by the tokenizer's chat
template; where it outgrows the model's context, its oldest turns are left out.
"""

import argparse
import contextlib
import io
import re
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

from tax_training.errors import UserError, install, quoted

HELP = "Ask, and press Enter. Ctrl-C ends an answer, /new begins anew, /exit or Ctrl-D ends."

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
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        own = {"trust_remote_code": False}  # a model's own code is a stranger's
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(path, **own)
            model: Any = AutoModelForCausalLM.from_pretrained(path, dtype="auto", **own)
            self._model = model.to(device).eval()
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise UserError(f"the model {quoted(path)} cannot be loaded: {quoted(str(error), 300)}") from error
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"the model {quoted(path)} does not fit into the GPU beside what that holds. Set CUDA_VISIBLE_DEVICES "
                "to nothing, and it talks on the CPU"
            ) from error
        if not self._tokenizer.chat_template:
            raise UserError(f"the model {quoted(path)} has no chat template, so nothing says how to talk to it")
        self._settings = {"temperature": temperature} if temperature else {}
        self._max_tokens = max_tokens
        self.messages: list[dict[str, str]] = []

    def answer(self, question: str) -> Generator[str, None, None]:
        """Yield the answer to a question piece by piece; question and answer join the conversation.

        An answer that is broken off (the iterator closed, or Ctrl-C) joins it as far as it was said. Raises UserError
        where the question does not fit; the conversation is then as it was.
        """
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        said = question.encode("utf-8", "replace").decode()  # a terminal's bytes may be no UTF-8
        ids, room = self._prompt({"role": "user", "content": said})
        streamer: Any = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        failed: list[BaseException] = []
        enough = threading.Event()

        def generate() -> None:
            try:
                self._model.generate(
                    **ids, **self._settings, do_sample=bool(self._settings), max_new_tokens=min(self._max_tokens, room),
                    pad_token_id=self._tokenizer.pad_token_id, streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([lambda *_, **__: enough.is_set()]),
                )  # fmt: skip
            except BaseException as error:  # noqa: BLE001  # told by the thread that waits
                failed.append(error)
                streamer.end()

        thread = threading.Thread(target=generate, daemon=True)
        thread.start()
        said = ""
        try:
            for piece in streamer:
                said += piece
                yield piece
        finally:
            enough.set()
            thread.join()
            self.messages.append({"role": "assistant", "content": said})
            if failed:
                del self.messages[-2:]
        if failed:
            raise failed[0]

    def _prompt(self, question: dict[str, str]) -> tuple[Any, int]:
        """Add a question and lay the conversation out; return it, and how many tokens are left for the answer.

        The oldest question and answer go while it is longer than the context.
        """
        from jinja2 import TemplateError

        context = getattr(self._model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize
        kept = [*self.messages, question]
        while True:
            try:
                ids = self._tokenizer.apply_chat_template(
                    kept, add_generation_prompt=True, return_tensors="pt", return_dict=True
                )
            except TemplateError as error:
                raise UserError(f"the model's chat template refuses the question: {quoted(str(error), 200)}") from error
            length = ids["input_ids"].shape[1]
            if length + min(self._max_tokens, context // 4) <= context:
                break
            if len(kept) == 1:
                raise UserError(
                    f"the question has {length:,} tokens; the model's context of {context:,} must hold the answer too"
                )
            del kept[:2]
        self.messages = kept
        ids.pop("token_type_ids", None)
        return ids.to(self._model.device), context - length


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = argparse.ArgumentParser(prog="python -m tax_training.chat", description="Talk to a model.")
    options.add_argument("model", help="a model folder, a checkpoint, or a hub's name")
    options.add_argument("--prompt", help="ask this one question, print the answer and end")
    options.add_argument("--temperature", type=float, default=0.7)
    options.add_argument("--max-tokens", type=int, default=512)
    given = options.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack a character
    try:
        _usable(given)
        chat = _loaded(given)
        if given.prompt is not None:
            _tell(chat, given.prompt)
            return 0
        return _talk(chat, given.model)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"error: chatting needs {error.name}: {install('train')}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _usable(given: argparse.Namespace) -> None:
    """Raise UserError where an answer cannot be drawn as the options say: not at nan, nor at next to nothing."""
    if given.temperature != 0 and not 0.01 <= given.temperature <= 100:
        raise UserError(
            f"--temperature {given.temperature}: give a number from 0.01 to 100, such as 0.7, or 0 for the likeliest "
            "token each time"
        )
    if given.max_tokens < 1:
        raise UserError(f"--max-tokens {given.max_tokens}: an answer needs 1 at least")


def _loaded(given: argparse.Namespace) -> Chat:
    """Load the model; that of a checkpoint is written into a folder for it, which is gone before the talk begins."""
    from tax_training.restore import names_checkpoint, restore  # it needs torch, which may be missing

    if not names_checkpoint(Path(given.model)):
        return Chat(given.model, given.temperature, given.max_tokens)
    with tempfile.TemporaryDirectory(prefix="tax-", ignore_cleanup_errors=True) as place:
        folder = Path(place, "model")
        restore(Path(given.model), folder)
        return Chat(str(folder), given.temperature, given.max_tokens)


def _talk(chat: Chat, name: str) -> int:
    print(f"{harmless(name)}. {HELP}")
    while True:
        try:
            question = input("> ").strip()
        except EOFError:
            print()
            return 0
        if not sys.stdin.isatty():
            print(harmless(question))  # a transcript has the questions too
        if question == "/exit":
            return 0
        if question == "/new":
            chat.messages.clear()
        elif question.startswith("/") and question.isascii() and question[1:].isalpha():
            print(HELP)
        elif question:
            try:
                _tell(chat, question)
            except UserError as error:
                print(f"error: {error}", file=sys.stderr)
            except KeyboardInterrupt:
                print()


def _tell(chat: Chat, question: str) -> None:
    with contextlib.closing(chat.answer(question)) as answer:
        for piece in answer:
            sys.stdout.write(harmless(piece))
            sys.stdout.flush()
    sys.stdout.write("\n")


if __name__ == "__main__":
    sys.exit(main())
