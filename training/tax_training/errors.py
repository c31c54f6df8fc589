"""What the user must change, said so; and how a stranger's text is quoted in a message."""


class UserError(Exception):
    """The plan, the data or the set-up must be changed by the user; the message says what, and how."""


class ToldElsewhere(UserError):
    """A UserError that another process of the run tells the user."""


class Interrupted(Exception):
    """The user asked the run to stop; its state is saved."""


def quoted(value: object, width: int = 80) -> str:
    """Return a value as a message quotes it: on one line, no control or bidi character, at most `width` characters."""
    text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"


def install(extra: str) -> str:
    """Return the line that installs an extra, from the clone: constraints.txt keeps torch small."""
    return f"pip install -c constraints.txt -e '.[{extra}]'"
