"""The taxonomy's hold-outs: what gives them away in a text.

Three things keep a conversation out, and its reason says which: a user's turn is near a hold-out's instruction
(text/duplicates.py); it contains a whole instruction word for word; its answer is, word for word, the answer of a
skill's hold-out. The answers of knowledge may come again: they are what is to be learned, and only their questions are
kept back.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tax.leaf import Message, SkillLeaf
from tax.load import Loaded
from tax.text import duplicates
from tax.text.prose import tokens

NEAR, CONTAINED, ANSWERED = "near a hold-out", "contains a hold-out", "the answer of a hold-out"

_LEAST = 8  # tokens that a text needs to be looked for within others, or as an answer: "Yes." is nobody's


class Holdouts:
    """Finds in a text the hold-outs and their near copies."""

    def __init__(self, instructions: Iterable[str], answers: Iterable[str] = ()) -> None:
        """Take in the instructions of all hold-outs, and the answers that may not come again."""
        distinct = {" ".join(words): text for text in instructions if (words := tokens(text))}
        self._near = duplicates.Holdouts(distinct.values())
        self._answers = {_joined(text) for text in answers if _long(text)}
        self._anchored: dict[str, list[str]] = defaultdict(list)  # whole instructions, by their rarest word
        seen = Counter(word for joined in distinct for word in joined.split())
        for joined in distinct:
            words = joined.split()
            if len(words) >= _LEAST:
                self._anchored[min(words, key=lambda word: (seen[word], word))].append(f" {joined} ")

    def found(self, messages: Iterable[Message], *, computed: bool = False) -> str | None:
        """Return why a conversation may not enter a phase, or None. Every turn is looked at.

        A computed problem is near a hold-out only if both hold the same numbers: other numbers make another problem,
        whose answer has to be worked out anew.
        """
        for message in messages:
            if message.role == "assistant":
                if self._answers and _joined(message.content) in self._answers:
                    return ANSWERED
            elif computed:
                if self._near.near_problem(message.content):
                    return NEAR
            elif self._near.near(message.content):
                return NEAR
            elif self._contained(message.content):
                return CONTAINED
        return None

    def found_in_document(self, text: str) -> str | None:
        """Return why a document may not enter a corpus, or None: a line is near a hold-out, or it holds a whole one."""
        if any(self._near.near(line) for line in text.splitlines() if line.strip()):
            return NEAR
        return CONTAINED if self._contained(text) else None

    def _contained(self, text: str) -> bool:
        words = tokens(text)
        hits = self._anchored.keys() & set(words)
        if not hits:
            return False
        joined = f" {' '.join(words)} "
        return any(whole in joined for word in hits for whole in self._anchored[word])


def _long(text: str) -> bool:
    return len(tokens(text)) >= _LEAST


def _joined(text: str) -> str:
    return " ".join(tokens(text))


def index_of(leaves: Iterable[Loaded], questions: Iterable[str] = ()) -> Holdouts:
    """Return the index of all hold-outs of a taxonomy, and of an evaluation's questions."""
    instructions = list(questions)
    answers: list[str] = []
    for loaded in leaves:
        if loaded.leaf is None:
            continue
        instructions += loaded.leaf.holdouts
        if isinstance(loaded.leaf, SkillLeaf):
            held = [seed for seed in loaded.leaf.seed_examples if seed.holdout]
            turns = [message for seed in held for message in seed.messages]
            answers += [turn.content for turn in turns if turn.role == "assistant"]
            # of a dialogue's later turns those that are more than a word or two, which anybody may say
            instructions += [turn.content for turn in turns if turn.role == "user" and _long(turn.content)]
    return Holdouts(instructions, answers)
