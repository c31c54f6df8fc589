"""mix.json: all that a mix was made from, and what went where; and what its maker should be told."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tax import __version__
from tax.mix.admit import Given
from tax.mix.choose import Filled
from tax.mix.corpus import Corpus
from tax.mix.datasets import LeafDataset
from tax.mix.inputs import file_digest
from tax.mix.plan import NewTokenizer
from tax.mix.pool import Entry, Left
from tax.mix.seeds import Seeds

if TYPE_CHECKING:
    from tax.mix.run import Mix, Options


def record(mix: "Mix", options: "Options", plan_digest: str, digests: Mapping[Path, str]) -> dict[str, Any]:
    """Return what mix.json holds; nothing in it depends on the time, the machine or the order of the inputs."""
    plan = mix.plan
    source = plan.student.tokenizer_source
    tokenizer = {"trained": source.vocab_size} if isinstance(source, NewTokenizer) else {"name": source}
    return {
        "versions": {"tax": __version__},
        "plan": {"name": options.plan.name, "sha256": plan_digest, "description": plan.description},
        "settings": {"seed": plan.mix.seed, "heldout": plan.mix.heldout, "recycled": options.recycled},
        "tokenizer": tokenizer | {"sha256": mix.tokenizer},
        "threshold": {
            "tokens": mix.threshold,
            "from": "the median" if plan.mix.threshold == "median" else "the plan",
            "answers": mix.answers,
        },
        "taxonomy": {
            "leaves": len(mix.taxonomy.leaves),
            "holdouts": sum(entry.role == "seed" for entry in mix.entries),
            "unread": mix.taxonomy.unread,
        },
        "kept_out": sorted(file_digest(path) for path in options.keep_out),
        "inputs": [_input(each, index, mix, digests) for index, each in enumerate(mix.given)],
        "left_out": _summed(mix.left),
        "corpus": list(_corpus(mix)),
        "phases": {name: _phase(filled) for name, filled in mix.phases.items()},
    }


def _input(given: Given, index: int, mix: "Mix", digests: Mapping[Path, str]) -> dict[str, Any]:
    left = {reason: counts[index] for reason, counts in sorted(mix.left.counts.items()) if counts[index]}
    about: dict[str, Any] = {"name": given.name}
    if isinstance(given, Corpus):
        listed = "".join(f"{digests[path]}  {path.relative_to(given.root).as_posix()}\n" for path in given.files)
        about |= {"kind": "corpus", "files": len(given.files), "sha256": hashlib.sha256(listed.encode()).hexdigest()}
        about |= {"dataset": given.source.dataset.model_dump()} if given.source.dataset else {}
    elif isinstance(given, Seeds):
        blobs = "".join(f"{loaded.blob}\n" for loaded in given.leaves)
        about |= {"kind": "seeds", "sha256": hashlib.sha256(blobs.encode()).hexdigest()}
    elif isinstance(given, LeafDataset):
        about |= {"kind": "dataset", "license": given.dataset.license, "revision": given.dataset.revision}
        about |= {"sha256": digests[given.file]} if given.file else {}
    else:
        about |= {"kind": "run" if given.path.is_dir() else "file", "sha256": digests[given.file]}
        about |= {"target": given.phase or given.stock} if given.phase or given.stock else {}
    return about | {"rows": mix.admission.rows.get(index, 0), "left_out": left}


def _summed(left: Left) -> dict[str, int]:
    counts = {reason: by_input.total() for reason, by_input in left.counts.items()}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _corpus(mix: "Mix") -> Iterator[dict[str, Any]]:
    """Yield the rows of the corpus's table, as Taiwan LLM's Table 1 has them, one a source."""
    documents: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for entry in mix.entries:
        if entry.stock == "corpus":
            documents[entry.leaf] += 1
            tokens[entry.leaf] += entry.tokens
    for given in mix.given:
        if isinstance(given, Corpus):
            source = given.source
            about = source.model_dump(mode="json", include={"name", "kind", "license", "verified_by", "verified_on"})
            share = tokens[source.name] / tokens.total() if tokens.total() else 0.0
            yield about | {
                "documents": documents[source.name],
                "tokens": tokens[source.name],
                "share": round(share, 6),
            }


def _phase(filled: Filled) -> dict[str, Any]:
    replayed = [entry for entries in filled.replayed.values() for entry in entries]
    heldout = [entry for entry in filled.heldout if entry.role == "heldout"]
    leaves: dict[str, dict[str, int]] = {}
    for name, entries in (("own", filled.own), ("replayed", replayed), ("heldout", heldout)):
        for leaf, count in Counter(entry.leaf for entry in entries).items():
            leaves.setdefault(leaf, {"own": 0, "replayed": 0, "heldout": 0})[name] = count
    return {
        "kind": filled.phase.kind,
        "take": filled.phase.take,
        "replay": filled.phase.replay,
        "samples": len(filled.own) + len(replayed),
        "own": len(filled.own),
        "replayed": {other: len(entries) for other, entries in filled.replayed.items()},
        "tokens": {"own": _tokens(filled.own), "replayed": _tokens(replayed)},
        "heldout": {"samples": len(heldout), "seeds": len(filled.heldout) - len(heldout)},
        "leaves": dict(sorted(leaves.items())),
    }


def _tokens(entries: Iterable[Entry]) -> int:
    return sum(entry.tokens for entry in entries)


def notes(mix: "Mix") -> Iterator[str]:
    """Yield what is odd about a mix, though nothing of it is an error."""
    if mix.taxonomy.unread:
        yield (
            f"{len(mix.taxonomy.unread)} leaves cannot be read, so their hold-outs are not known: see `tax validate`"
        )
    for name, filled in mix.phases.items():
        if not filled.own:
            taken = ", ".join(filled.phase.take)
            yield f"phase {name} has no samples of its own: nothing that it takes was given ({taken})"
    for index, given in enumerate(mix.given):
        rows = mix.admission.rows.get(index, 0)
        reasons = {reason: counts[index] for reason, counts in mix.left.counts.items() if counts[index]}
        if reasons and sum(reasons.values()) >= rows:
            reason = max(reasons, key=lambda each: (reasons[each], each))
            yield f"nothing of {given.name} came in: {reason}{_remedy(reason)}"


def _remedy(reason: str) -> str:
    if "NOASSERTION" in reason:
        return ". Its rows state no licence: if you know it, give it as --license FILE=ID"
    if reason.startswith("licence"):
        return ". The list of allowed ones is in tax.toml"
    return ""
