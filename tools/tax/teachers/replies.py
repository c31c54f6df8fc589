"""What the replies of an OpenAI-compatible server say; they are a stranger's data, and may say anything."""

import email.utils
import json
import time

from tax.problems import excerpt
from tax.teachers.base import Completion, TryAgain

MAX_WAIT = 120.0  # seconds; a longer Retry-After is cut to this


def completion(text: bytes) -> Completion:
    """Return the answer that a reply holds. Raises TryAgain where it is no chat completion."""
    try:
        reply = json.loads(text)
        choice = reply["choices"][0]
        content = choice["message"].get("content") or ""
        usage = reply.get("usage") or {}
        tokens = _positive(usage.get("prompt_tokens")) or 0, _positive(usage.get("completion_tokens")) or 0
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise _no_completion(text) from error
    if not isinstance(content, str):
        raise _no_completion(text)
    return Completion(content, *tokens, finish=str(choice.get("finish_reason") or "stop"))


def _no_completion(text: bytes) -> TryAgain:
    return TryAgain("a reply that is no chat completion", said=excerpt(error_message(text), 200))


def listed(text: bytes) -> dict[str, int | None]:
    """Return the models of a list, each with its context where that is said; none of a reply that is no list."""
    try:
        return {str(model["id"]): _positive(model.get("max_model_len")) for model in json.loads(text)["data"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def error_message(text: bytes) -> str:
    """Return the server's own words: an error's message, or the whole reply where it has none."""
    written = text.decode("utf-8", "replace")
    try:
        error = json.loads(written)
        error = error.get("error", error)
        return str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError, RecursionError):
        return written


def retry_after(value: str | None) -> float | None:
    """Return the seconds to wait, from a Retry-After header in either of its forms (RFC 9110, 10.2.3)."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds, 0.0), MAX_WAIT) if seconds == seconds else None
