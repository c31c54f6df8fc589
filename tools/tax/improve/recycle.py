"""Recycling (Reflection-Tuning 3.2): reflection on the instruction, then on the response, critiques first.

The paper's samples have one turn. Of a longer conversation the last turn is recycled and the earlier ones stay word
for word, since another question in the middle would leave the later turns without their ground. A grounded sample keeps
its context before the new question; a knowledge sample's passage goes into the prompts, and a judge sees that the new
answer is faithful to it. Computed problems stay as they are: right by construction is better than reflected upon.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tax import judge
from tax.generate.skills import dialogue, judged
from tax.generate.stages import Draft, Drop, Stage
from tax.improve.compare import CALLS, PROMPT, compare, fields_of
from tax.improve.work import BEGUN, NOTHING, Given, Shown, Tools
from tax.improve.written import language_fault
from tax.leaf import Message
from tax.prompts import Prompt, load
from tax.sample import Sample
from tax.text.languages import language_name

Only = Literal["instruction", "response"]
Keep = Literal["always", "better"]

INSTRUCTION, RESPONSE = "reflect_instruction", "reflect_response"

# What a teacher writes into a field when it has nothing to say, or takes a form for its content.
MOST_EMPTY = 60  # characters
_EMPTY_WORDS = re.compile(
    r"\W*(?:n/?a|none|null|todo|same(?: as (?:above|before|the original))?|unchanged|no changes?(?: needed)?"
    r"|无|無|略|同上|(?:the |your )?(?:new |better )?(?:instruction|answer)(?: here)?|新的?指令|新的?回答)?\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Recycle:
    """The method: `only` one of the two reflections; `keep` the new sample always, or only where a judge prefers it."""

    only: Only | None = None
    keep: Keep = "always"

    command = "recycle"
    done = "recycled"
    falls_back = True
    prompts = (INSTRUCTION, RESPONSE, PROMPT, judge.FAITHFULNESS.prompt)
    stages = ("instruction reflected", "response reflected", "faithfulness judged", "compared")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the result depends on."""
        return {"only": self.only, "keep": self.keep}

    def language(self, sample: Sample) -> str:
        """Return the sample's own language."""
        return sample.language

    def improvement(self, given: Given, tools: Tools) -> "Recycling":
        """Return the recycling of one sample."""
        return Recycling(given, tools, self)


class Recycling:
    """The recycling of one sample."""

    def __init__(self, given: Given, tools: Tools, method: Recycle) -> None:
        self._given = given
        self._tools = tools
        self._sample = sample = given.sample
        self._earlier = sample.messages[:-2]
        self._context, instruction = parted(sample)
        self._passage = tools.grounds.passage(sample)
        self.stages: Sequence[Stage] = self._stages(method)
        calls = len(self.stages) + (CALLS - 1 if method.keep == "better" else 0)
        self.calls = (calls, calls)
        draft = replace(given.draft(), question=instruction, context=self._context, answer=sample.messages[-1].content)
        self.begin: Draft | Drop = draft
        if sample.kind == "problem":
            self.begin = Drop(BEGUN, "computed, so right by construction", draft=draft)
        elif sample.source and self._passage is None:
            self.begin = Drop(BEGUN, "its document is not at hand", draft=draft)

    def _stages(self, method: Recycle) -> Sequence[Stage]:
        stages: list[Stage] = []
        if method.only != "response":
            stages.append(("instruction reflected", self._reflect_instruction))
        if method.only != "instruction":
            stages.append(("response reflected", self._reflect_response))
        if self._passage is not None:
            stages.append(("faithfulness judged", self._judge_faithfulness))
        if method.keep == "better":
            stages.append(("compared", self._compare))
        return stages

    async def _reflect_instruction(self, draft: Draft) -> Draft | Drop:
        prompt, values = await self._ask(INSTRUCTION, draft)
        return self._checked("instruction reflected", draft, values["instruction"], values["answer"], prompt)

    async def _reflect_response(self, draft: Draft) -> Draft | Drop:
        prompt, values = await self._ask(RESPONSE, draft)
        return self._checked("response reflected", draft, draft.question, values["answer"], prompt)

    async def _ask(self, name: str, draft: Draft) -> tuple[Prompt, dict[str, Any]]:
        prompt = load(name, self._sample.language)
        answer = await self._tools.caller.ask(
            prompt, self._fields(draft), priority=self._given.priority, draw=self._given.repeat
        )
        return prompt, answer.values

    def _fields(self, draft: Draft) -> dict[str, Any]:
        language = self._sample.language
        return {
            "context": "\n\n".join(filter(None, [dialogue(self._earlier, language), self._context])) or NOTHING,
            "source": self._passage or NOTHING,
            "instruction": draft.question,
            "answer": draft.answer,
            "language": language_name(language, language),
        }

    def _checked(self, stage: str, draft: Draft, instruction: str, answer: str, prompt: Prompt) -> Draft | Drop:
        """Return the draft with its new words, or the drop of words that no student should learn."""
        opening = f"{self._context}\n\n{instruction}" if self._context else instruction
        written = [("instruction", instruction, draft.question), ("answer", answer, draft.answer)]
        new = [(name, text) for name, text, before in written if text != before]
        draft = replace(
            draft,
            question=instruction,
            answer=answer,
            messages=(
                *self._earlier,
                Message(role="user", content=opening),
                Message(role="assistant", content=answer),
            ),
            source=self._sample.source and self._sample.source.model_copy(update={"evidence": None}),
            prompt=prompt.label,
        )
        for name, text in new:
            if says_nothing(text):
                return Drop(stage, f"the new {name} says nothing", "failed", draft=draft)
            fault = self._language_fault(name, text)
            if fault:
                return Drop(stage, fault, draft=draft)
        if self._tools.holdouts.near(opening):
            return Drop(stage, "near a hold-out", draft=draft)
        if draft.messages == self._sample.messages and stage == self.stages[-1][0]:
            return Drop(stage, "unchanged", draft=draft)
        return draft

    def _language_fault(self, name: str, text: str) -> str | None:
        """Return why a text is not in the sample's language, where the original was: a translation's answer is not."""
        question, answer = (message.content for message in self._sample.messages[-2:])
        if language_fault(question if name == "instruction" else answer, self._sample.language):
            return None
        quotable = "".join(message.content for message in self._sample.messages) + (self._passage or "")
        return language_fault(text, self._sample.language, quotable)

    async def _judge_faithfulness(self, draft: Draft) -> Draft | Drop:
        fields = {"chunk": self._passage, "question": draft.question, "answer": draft.answer}
        caller, rank = self._tools.caller, self._given.number
        return await judged(caller, judge.FAITHFULNESS, fields, draft, rank, self._sample.language)

    async def _compare(self, draft: Draft) -> Draft | Drop:
        language, older = self._sample.language, self._sample.messages
        found = await compare(self._tools.caller, draft.messages, older, self._given.priority, language)
        draft = replace(draft, ratings=(*draft.ratings, *found.ratings))
        if found.verdict == "won":
            return draft
        reason = "tie with the original" if found.verdict == "tie" else "lost against the original"
        return Drop("compared", reason, detail=found.ratings[0].reason, draft=draft)

    def shown(self) -> list[Shown]:
        """Return the prompts; the later ones show the sample in the place of what will be made of it."""
        assert isinstance(self.begin, Draft)
        language, prompts = self._sample.language, {name for name, _ in self.stages}
        fields = self._fields(self.begin)
        shown: list[Shown] = []
        for stage, name in (("instruction reflected", INSTRUCTION), ("response reflected", RESPONSE)):
            if stage in prompts:
                shown.append((load(name, language), fields, ()))
        if self._passage is not None:
            judged_fields = {**fields, "chunk": self._passage, "question": self.begin.question}
            shown.append((load(judge.FAITHFULNESS.prompt, language), judged_fields, ()))
        if "compared" in prompts:
            messages = self._sample.messages
            shown.append((load(PROMPT, language), fields_of(messages, messages, language), ()))
        return shown


def says_nothing(text: str) -> bool:
    """Tell whether a text is what a teacher writes where it has nothing to say: N/A, or the form's own words."""
    return len(text) < MOST_EMPTY and _EMPTY_WORDS.fullmatch(text) is not None


def parted(sample: Sample) -> tuple[str, str]:
    """Return the context that a grounded sample's question is about ("" for any other), and the last question.

    A question stands behind its context, after an empty line: what is before the last one is context.
    """
    opening = sample.messages[-2].content
    if sample.kind != "grounded" or len(sample.messages) > 2:
        return "", opening
    context, _, question = opening.rpartition("\n\n")
    return context, question
