"""A tree to text: two spaces a level, lists two deeper than their key, comments where they belong."""

from collections.abc import Sequence

from tax.write.scalars import LIMIT, WIDTH, block, inline
from tax.write.tree import Entry, Group, Scalar, comments_of


def render(root: Group) -> str:
    """Return the text of a tree, which is settled on the way; formatting what comes out changes nothing."""
    for entry in root.entries:
        _settle(entry, 0)
    lines: list[str] = []
    _add_group(root, 0, lines)
    last = root.entries[-1] if root.entries and not any(root.below) else None
    while lines and not lines[-1] and not _ends_in_empty_lines(last):
        del lines[-1]
    return "\n".join(lines) + "\n"


def _ends_in_empty_lines(entry: Entry | None) -> bool:
    """Tell whether the last value is a text whose own end is empty lines."""
    while entry and isinstance(entry.value, Group):
        entry = entry.value.entries[-1] if entry.value.entries and not any(entry.value.below) else None
    return entry is not None and isinstance(entry.value, Scalar) and entry.value.value.endswith("\n\n")


def _settle(entry: Entry, indent: int) -> None:
    """Bring comments to places where they can be written, and decide which groups keep their brackets."""
    group = entry.value
    if isinstance(group, Scalar):
        return
    if not group.entries:
        entry.above += [comment for comment in group.below if comment]
        group.below = []
        return
    if group.flow and not _fits(entry, indent):
        _open(group)
    if group.flow:
        return
    for child in group.entries:
        _settle(child, indent + 2)
    first = group.entries[0]
    while first.above and not first.above[0]:
        del first.above[0]
    if entry.key is None:  # nothing may stand between a dash and its first key
        entry.above += [*([entry.beside] if entry.beside else []), *(text for text in first.above if text)]
        entry.beside, first.above = "", []


def _fits(entry: Entry, indent: int) -> bool:
    """Tell whether a group in brackets can stay so: it holds no comment and no part that needs a line of its own."""
    group = entry.value
    assert isinstance(group, Group)
    inner = Entry(group)
    return not any(comments_of(inner)) and all(_column(entry, indent) + 1 + len(part) < LIMIT for part in _parts(group))


def _open(group: Group) -> None:
    group.flow = False
    for entry in group.entries:
        entry.above = [comment for comment in entry.above if comment]


def _add_group(group: Group, indent: int, lines: list[str]) -> None:
    for entry in group.entries:
        _add_comments(entry.above, indent, lines)
        _add_entry(entry, indent, lines)
    _add_comments(group.below, indent, lines)


def _add_comments(comments: Sequence[str], indent: int, lines: list[str]) -> None:
    for comment in comments:
        if comment:
            lines.append(" " * indent + comment)
        elif lines and lines[-1]:
            lines.append("")


def _add_entry(entry: Entry, indent: int, lines: list[str]) -> None:
    lead = " " * indent + _lead(entry)
    beside = f"  {entry.beside}" if entry.beside else ""
    value = entry.value
    if isinstance(value, Scalar):
        # a comment may be the rest of a text that ` #` cut: it stays where `tax validate` sees that
        stays = entry.beside and value.style not in {"|", ">"} and "\n" not in value.value
        head, *body = [inline(value)] if stays else block(value, len(lead) + 1, indent + 2)
        lines.append((f"{lead} {head}" if head else lead) + beside)
        lines += body
    elif value.flow or not value.entries:
        lines += _wrapped(value, lead)
        lines[-1] += beside
    elif entry.key:
        lines.append(lead + beside)
        _add_group(value, indent + 2, lines)
    else:
        start = len(lines)
        _add_group(value, indent + 2, lines)
        lines[start] = f"{lead} {lines[start][indent + 2 :]}"


def _lead(entry: Entry) -> str:
    if entry.key is None:
        return "-"
    key = entry.key
    if key.value == "<<" and not key.style:  # quotes would make another key of it
        return "<<:"
    written = inline(key if key.style in {"", "'", '"'} else Scalar(key.value, '"')) or '""'
    return f"{written}:"


def _column(entry: Entry, indent: int) -> int:
    return indent + len(_lead(entry)) + 1


def _parts(group: Group) -> list[str]:
    """Return the entries of a group in brackets, each on one line."""
    parts = []
    for entry in group.entries:
        value = entry.value
        if isinstance(value, Group):
            written = _brackets(value, ", ".join(_parts(value)))
        else:
            written = inline(value, in_brackets=True)
        parts.append(f"{_lead_in_brackets(entry.key)} {written}" if entry.key else written)
    return parts


def _lead_in_brackets(key: Scalar) -> str:
    if not key.value:
        return '"":'
    return "<<:" if key.value == "<<" and not key.style else f"{inline(key, in_brackets=True)}:"


def _brackets(group: Group, inner: str) -> str:
    return "{" + inner + "}" if group.keyed else f"[{inner}]"


def _wrapped(group: Group, lead: str) -> list[str]:
    """Return the lines of a group in brackets; those after the first start below its first entry."""
    parts = _parts(group)
    line = f"{lead} {_brackets(group, ', '.join(parts))}"
    if len(line) <= LIMIT or len(parts) < 2:
        return [line]
    opening, closing = ("{", "}") if group.keyed else ("[", "]")
    pad = " " * (len(lead) + 2)
    lines = [f"{lead} {opening}{parts[0]}"]
    for part in parts[1:]:
        if len(lines[-1]) + 2 + len(part) >= WIDTH:
            lines[-1] += ","
            lines.append(pad + part)
        else:
            lines[-1] += f", {part}"
    lines[-1] += closing
    return lines
