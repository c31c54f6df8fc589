"""Old leaves to version 4: edits of a leaf's tree that keep its comments. What they do is the lift of tax.old_leaf."""

import re
from collections import Counter
from typing import TypeGuard

from tax import old_leaf
from tax.leaf import branch_of
from tax.problems import Level, excerpt
from tax.source import MERGE, Loc, Source
from tax.write.scalars import text_scalar
from tax.write.tree import Entry, Group, Scalar, WriteError, comments_of

NEWEST = 4

_SSH = re.compile(r"(?:ssh://)?git@([\w.-]+)[:/]([^\s:]+)")


def lift(root: Group, source: Source, name: str, license: str | None) -> list[str]:
    """Lift a leaf's tree to version 4 in place, and return what changed beyond keys and form. Raises WriteError.

    One that is in version 4 stays as it is.
    """
    version = _version(root, source)
    if version == NEWEST:
        return []
    return _Lift(root, source, name, license, version).done()


def _version(root: Group, source: Source) -> int:
    entry = root.get("version")
    other = next((key for key in source.data if key.lower() == "version" != key), None)
    if entry is None and other:
        raise _error(source, (other,), f"`{excerpt(other, 20)}` is no key: write `version`, and run this again")
    written = entry.value.value.strip() if entry and isinstance(entry.value, Scalar) else "1"
    if written not in {"1", "2", "3", "4"} or (entry and not isinstance(entry.value, Scalar)):
        stated = excerpt(written, 40) or "empty"
        raise _error(source, ("version",), f"`version` is {stated}, but it must be 1, 2, 3 or 4")
    return int(written)


def _error(source: Source, loc: Loc, message: str) -> WriteError:
    return WriteError(f"line {source.position(loc).line}: {message}")


class _Lift:
    def __init__(self, root: Group, source: Source, name: str, license: str | None, version: int) -> None:
        self._root = root
        self._source = source
        self._name = name
        self._version = version
        self._knowledge = branch_of(name.split("/"), source.data) == "knowledge" or "document" in source.data
        self._notes: list[str] = []
        if not license:
            raise WriteError("version 4 states the licence of a leaf, and this one has none: name it with --license")
        self._license = license

    def done(self) -> list[str]:
        if self._version > 1:
            for problem in self._source.problems:
                if problem.level == Level.ERROR:
                    raise WriteError(f"line {problem.line}: {problem.message}; {problem.fix}")
        self._as_the_peer_reads(self._root)
        self._set_version()
        self._set_license()
        if self._knowledge:
            self._set_documents()
            self._drop_empty_extras()
        else:
            self._set_description()
        return self._notes

    def _as_the_peer_reads(self, group: Group) -> None:
        """Write out `<<`, leave out what a repeated key hides, quote texts that only YAML 1.2 takes for numbers."""
        self._merge(group)
        for entry in list(group.entries):
            if entry.key and group.get(entry.key.value) is not entry:
                self._notes.append(f"`{excerpt(entry.key.value)}` stood there twice; the last counted and is kept")
                group.remove(entry)
            elif isinstance(entry.value, Group):
                self._as_the_peer_reads(entry.value)
            elif isinstance(entry.value.data, int | float) and _is_text_to_the_peer(entry.value.value):
                entry.value.style = '"'

    def _merge(self, group: Group) -> None:
        """Put the keys that `<<` takes in where it stands; the group's own win over them, and a later `<<` does."""
        for entry in reversed(group.entries[:]):
            if not entry.key or entry.key.value != MERGE:
                continue
            merged = entry.value
            groups = [child.value for child in merged.entries] if _is_list(merged) else [merged]
            index = group.index(entry)
            del group.entries[index]
            taken: list[Entry] = []
            for each in groups:
                if not isinstance(each, Group) or not each.keyed:
                    raise WriteError("`<<` takes in the keys of other groups, but here it holds something else")
                self._merge(each)
                known = Group([*group.entries, *taken], keyed=True)
                taken += [child for child in each.entries if child.key and not known.get(child.key.value)]
            group.entries[index:index] = taken
            left = Counter(comments_of(entry)) - Counter(text for child in taken for text in comments_of(child))
            group.above(index)[:0] = [text for text in left.elements() if text]

    def _set_version(self) -> None:
        entry = self._root.get("version")
        if entry:
            entry.value = Scalar(str(NEWEST))
            return
        first = self._root.entries[0]
        # what stands apart at the top speaks of the whole file
        apart = max((index + 1 for index, text in enumerate(first.above) if not text), default=0)
        version = Entry(Scalar(str(NEWEST)), Scalar("version"), above=first.above[:apart])
        first.above = first.above[apart:]
        self._root.entries.insert(0, version)

    def _set_license(self) -> None:
        if not self._root.get("license"):
            self._insert("license", self._license, after=("created_by", "version"))

    def _set_description(self) -> None:
        entry = self._root.get("task_description")
        if entry and not (isinstance(entry.value, Scalar) and _is_empty(entry.value)):
            return
        description = old_leaf.description_of(self._name)
        self._notes.append(
            f"`task_description` was empty, and is now made from the folder's name: {excerpt(description)}"
        )
        if entry:
            entry.value = text_scalar(description)
        else:
            self._insert("task_description", description, after=("license",))

    def _insert(self, key: str, text: str, after: tuple[str, ...]) -> None:
        before = next(entry for name in after if (entry := self._root.get(name)))
        self._root.entries.insert(self._root.index(before) + 1, Entry(text_scalar(text), Scalar(key)))

    def _set_documents(self) -> None:
        entry = self._root.get("document")
        if entry is None:
            if self._root.get("documents"):
                return
            raise WriteError("a knowledge leaf has a `document`, and this one has none")
        document = entry.value
        if not isinstance(document, Group) or not document.keyed:
            raise _error(self._source, ("document",), "`document` must be a group of keys: repo, commit and patterns")
        self._set_repo(document)
        commit = document.get("commit")
        if commit and isinstance(commit.value, Scalar):
            pinned = old_leaf.full_hash(commit.value.value)
            if pinned:
                commit.value.value = pinned
            else:
                commit.key = Scalar("ref")
                self._notes.append(
                    f"`commit` is now `ref`, since {excerpt(commit.value.value, 45)} is no full hash: "
                    "nothing grows from these documents until `commit`, with all 40 digits, stands there instead"
                )
        if not document.get("license"):
            document.entries.append(Entry(text_scalar(self._license), Scalar("license")))
            self._notes.append(
                f"the documents are said to be under {excerpt(self._license)}: correct it if they are not"
            )
        entry.key = Scalar("documents")
        entry.value = Group([Entry(document)], keyed=False)

    def _set_repo(self, document: Group) -> None:
        repo = document.get("repo")
        if not repo or not isinstance(repo.value, Scalar):
            return
        written = repo.value.value.strip()
        ssh = _SSH.fullmatch(written)
        address = f"https://{ssh[1]}/{ssh[2]}" if ssh else re.sub(r"^(?:http://|(?=github\.com/))", "https://", written)
        if not re.fullmatch(r"https://\S+", address):
            message = f"`repo` must be an https address, but it is {excerpt(written)}"
            raise _error(self._source, ("document", "repo"), message)
        if address != repo.value.value:
            self._notes.append(f"`repo` is now an https address: {excerpt(address)}")
            repo.value = Scalar(address)

    def _drop_empty_extras(self) -> None:
        for index, seed in enumerate(_items(self._root, "seed_examples")):
            for number, pair in enumerate(_items(seed, "questions_and_answers")):
                for entry in list(pair.entries):
                    key = entry.key.value if entry.key else ""
                    if key in {"question", "answer"}:
                        continue
                    if not _is_empty(entry.value):
                        loc = ("seed_examples", index, "questions_and_answers", number, key)
                        message = f"`{excerpt(key)}` is no key of a question with its answer in version 4"
                        raise _error(self._source, loc, f"{message}; move what it says, or delete it")
                    self._notes.append(f"the empty `{excerpt(key)}` of a question is left out")
                    pair.remove(entry)


def _items(group: Group, key: str) -> list[Group]:
    entry = group.get(key)
    value = entry.value if entry else None
    children = value.entries if isinstance(value, Group) and not value.keyed else []
    return [child.value for child in children if isinstance(child.value, Group) and child.value.keyed]


def _is_list(value: Scalar | Group) -> TypeGuard[Group]:
    return isinstance(value, Group) and not value.keyed


def _is_empty(value: Scalar | Group) -> bool:
    return not value.entries if isinstance(value, Group) else value.data is None or not value.value.strip()


def _is_text_to_the_peer(written: str) -> bool:
    source = Source("", f"value: {written}\n")
    return isinstance(old_leaf.reread(source, source.data)["value"], str)
