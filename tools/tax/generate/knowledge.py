"""Knowledge generation (LAB 3.2.2): questions and answers from each chunk of a leaf's documents, judged against it.

The chunk is in every prompt, so nothing rests on the teacher's memory. Three filters, in the order of LAB's public
code: faithful to the chunk, relevant, understood without it. What is trained on is the question and the answer alone.
"""

import random
import re
from collections.abc import Sequence
from typing import Any

from tax import judge
from tax.calls import Caller
from tax.documents.chunks import Chunk
from tax.generate.skills import judged
from tax.generate.stages import Draft, Drop, Stage, failed
from tax.leaf import KnowledgeLeaf, KnowledgeSeed, Message
from tax.load import Loaded
from tax.prompts import Prompt, bullets, load, wording_of
from tax.sample import Source
from tax.teachers.base import CallFailed
from tax.text.duplicates import Holdouts, Instructions
from tax.text.languages import language_name

QUESTIONS = 5  # asked for in one prompt
# The prompts that a leaf's samples depend on.
PROMPTS = (
    "knowledge_questions",
    judge.FAITHFULNESS.prompt,
    judge.RELEVANCE.prompt,
    judge.SELF_CONTAINED.prompt,
)


class KnowledgePlan:
    """Draws from the chunks of one knowledge leaf: every chunk in turn, each time with the next seed."""

    def __init__(
        self,
        loaded: Loaded,
        leaf: KnowledgeLeaf,
        chunks: Sequence[Chunk],
        holdouts: Holdouts,
        caller: Caller,
        rank: int,
        *,
        commit: str | None,
        seed: int,
    ) -> None:
        self._leaf = leaf
        self._caller = caller
        self._rank = rank
        self._commit = commit
        # Shuffled, so that a few samples come from all over the documents.
        self._chunks = random.Random(f"{seed}:{loaded.name}").sample(list(chunks), len(chunks))
        self._seeds = [(index, each) for index, each in enumerate(leaf.seed_examples) if not each.holdout]
        self._instructions = Instructions(holdouts)
        self.turn = len(self._chunks)
        self.batch = QUESTIONS
        self.stages: Sequence[Stage] = (
            ("faithfulness judged", self._judge_faithfulness),
            ("relevance judged", self._judge_relevance),
            ("self-contained judged", self._judge_self_contained),
        )

    async def draft(self, draw: int) -> list[Draft | Drop]:
        """Ask for questions and answers from the chunk whose turn it is."""
        chunk = self._chunks[draw % len(self._chunks)]
        turn = draw // len(self._chunks)
        index, seed = self._seeds[draw % len(self._seeds)]
        prompt, fields = self.questions_prompt(chunk, seed)
        try:
            answer = await self._caller.ask(
                prompt, fields | {"turn": turn}, priority=(self._rank, draw), draw=draw, count=QUESTIONS
            )
        except CallFailed as error:
            return [failed("drawn", error)]
        lost = [Drop("drawn", reason, "failed") for reason in answer.lost]
        found = answer.values["questions"][:QUESTIONS]
        return [*(self._draft(chunk, draw, index, prompt, pair) for pair in found), *lost]

    def fresh(self, draft: Draft) -> str | None:
        """Compare with the leaf's earlier questions and the run's hold-outs."""
        return self._instructions.admit(draft.instruction)

    def questions_prompt(self, chunk: Chunk, seed: KnowledgeSeed) -> tuple[Prompt, dict[str, Any]]:
        """Return the prompt for a chunk and a seed, and what fills it."""
        words = wording_of(self._leaf.language)
        pairs = [
            f"{words.question}{words.colon}{pair.question}\n{words.answer}{words.colon}{pair.answer}"
            for pair in seed.questions_and_answers
        ]
        fields: dict[str, Any] = {
            "domain": self._leaf.domain,
            "title": chunk.document.title,
            "headings": " > ".join(chunk.headings) or chunk.document.title,
            "chunk": chunk.text,
            "seed_context": seed.context.strip(),
            "seed_questions": "\n\n".join(pairs),
            "count": QUESTIONS,
            "language": language_name(self._leaf.language, self._leaf.language),
            "language_tag": self._leaf.language,
            "principles": bullets(self._leaf.principles),
        }
        return load("knowledge_questions", self._leaf.language), fields

    def _draft(self, chunk: Chunk, draw: int, seed: int, prompt: Prompt, pair: dict[str, str]) -> Draft:
        document = chunk.document
        evidence = find_evidence(chunk, pair["evidence"])
        source = Source(
            document=document.path,
            title=document.title,
            blob=document.blob,
            commit=document.commit or self._commit,
            span=(chunk.start, chunk.end),
            evidence=evidence,
            page=document.page(evidence[0] if evidence else chunk.start),
            repo=document.repo,
        )
        messages = (
            Message(role="user", content=pair["question"]),
            Message(role="assistant", content=pair["answer"]),
        )
        return Draft(
            "knowledge",
            draw,
            pair["question"],
            () if self._caller.teacher.grounded_only else (seed,),  # such a teacher looks at the chunk alone
            context=chunk.text,
            answer=pair["answer"],
            messages=messages,
            source=source,
            license=document.license,
            prompt=prompt.label,
        )

    def judge_fields(self, draft: Draft) -> dict[str, Any]:
        """Return what fills the judges' prompts."""
        source = draft.source
        evidence = ""
        if source and source.evidence:
            start = source.span[0]
            evidence = draft.context[source.evidence[0] - start : source.evidence[1] - start]
        return {
            "domain": self._leaf.domain,
            "title": source.title if source else "",
            "chunk": draft.context,
            "question": draft.question,
            "answer": draft.answer,
            "evidence": evidence,
            "language_tag": self._leaf.language,
        }

    async def _judged(self, rubric: judge.Rubric, draft: Draft) -> Draft | Drop:
        fields = self.judge_fields(draft)
        return await judged(self._caller, rubric, fields, draft, self._rank, self._leaf.language)

    async def _judge_faithfulness(self, draft: Draft) -> Draft | Drop:
        return await self._judged(judge.FAITHFULNESS, draft)

    async def _judge_relevance(self, draft: Draft) -> Draft | Drop:
        return await self._judged(judge.RELEVANCE, draft)

    async def _judge_self_contained(self, draft: Draft) -> Draft | Drop:
        return await self._judged(judge.SELF_CONTAINED, draft)


def find_evidence(chunk: Chunk, quoted: str) -> tuple[int, int] | None:
    """Return where words quoted from a chunk stand in the document, whatever its white space; None if they do not."""
    words = quoted.split()
    if not words or len(quoted) > len(chunk.text) * 2:
        return None
    found = re.search(r"\s+".join(re.escape(word) for word in words), chunk.text)
    return (chunk.start + found.start(), chunk.start + found.end()) if found else None
