"""What a sample rests on and does not show: the passage of the document that a knowledge sample was made from."""

from dataclasses import dataclass, field
from pathlib import Path

from tax.documents.document import Document, DocumentFault
from tax.documents.reading import read_documents
from tax.leaf import FILE_NAME, KnowledgeLeaf
from tax.load import load
from tax.sample import Sample
from tax.tree import TAXONOMY


@dataclass
class Grounds:
    """The documents of a checkout, each leaf's read once."""

    root: Path
    _documents: dict[str, dict[str, Document]] = field(default_factory=dict)  # leaf -> blob -> document

    def passage(self, sample: Sample) -> str | None:
        """Return the words of a sample's document that its teacher saw; None where the document is not as it was."""
        source = sample.source
        if source is None:
            return None
        if sample.leaf not in self._documents:
            self._documents[sample.leaf] = self._read(sample.leaf)
        document = self._documents[sample.leaf].get(source.blob)
        return document.text[slice(*source.span)] if document else None

    def _read(self, leaf: str) -> dict[str, Document]:
        # A sample may come from a stranger: its leaf's name does not lead out of the taxonomy.
        taxonomy = (self.root / TAXONOMY).resolve()
        path = (taxonomy / leaf / FILE_NAME).resolve()
        if not path.is_relative_to(taxonomy) or not path.is_file():
            return {}
        loaded = load(path)
        if not isinstance(loaded.leaf, KnowledgeLeaf):
            return {}
        try:
            return {document.blob: document for document in read_documents(loaded.leaf, path.parent)}
        except DocumentFault:
            return {}
