"""Translation (Taiwan LLM 4.1): prompts are translated, then answered anew in the other language by the teacher.

Of a conversation with several turns the earlier answers are translated and the last one is given anew, since the user's
next words rest on what was answered. Where an answer is right for a reason that a new one would not have, it is
translated too: knowledge, which rests on a document, and computed problems. What must survive is checked after each
message (survivors.py), and a text in the wrong language or script is dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tax import judge
from tax.calls import Caller
from tax.generate.skills import dialogue, judged
from tax.generate.stages import Draft, Drop, Stage
from tax.improve.survivors import lost, read_names
from tax.improve.work import BEGUN, NOTHING, Given, Shown, Tools
from tax.improve.written import is_untranslated, language_fault
from tax.leaf import Message
from tax.prompts import load, wording_of
from tax.sample import Sample
from tax.text.languages import language_name

Responses = Literal["anew", "translate"]

TRANSLATE, ANSWER = "translate", "answer"
CONVERSATION = judge.Rubric("conversation", "judge_conversation", frozenset({2, 3}))
LONGEST = 100_000  # characters of a message: beyond any teacher's context


@dataclass(frozen=True)
class Translate:
    """The method: the language to translate into, and whether answers are given anew or translated."""

    to: str
    responses: Responses = "anew"

    command = "translate"
    done = "translated"
    falls_back = False
    prompts = (TRANSLATE, ANSWER, CONVERSATION.prompt)
    stages = ("translated", "answered", "conversation judged")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the result depends on."""
        return {"to": self.to, "responses": self.responses}

    def language(self, sample: Sample) -> str:
        """Return the language that is translated into."""
        return self.to

    def improvement(self, given: Given, tools: Tools) -> "Translation":
        """Return the translation of one sample."""
        return Translation(given, tools, self)


class Translation:
    """The translation of one sample."""

    def __init__(self, given: Given, tools: Tools, method: Translate) -> None:
        self._given = given
        self._tools = tools
        self._to = method.to
        self._sample = sample = given.sample
        self._anew = method.responses == "anew" and sample.kind not in {"knowledge", "problem"}
        self.stages: Sequence[Stage] = [
            ("translated", self._translate),
            *([("answered", self._answer)] if self._anew else []),
            ("conversation judged", self._judge),
        ]
        calls = len(sample.messages) + 1
        self.calls = (calls, calls)
        self.begin: Draft | Drop = given.draft()
        if sample.language.lower() == method.to.lower():
            self.begin = Drop(BEGUN, f"in {method.to} already")
        elif any(len(message.content) > LONGEST for message in sample.messages):
            self.begin = Drop(BEGUN, f"a message of more than {LONGEST:,} characters", "failed")

    async def _translate(self, draft: Draft) -> Draft | Drop:
        names: dict[str, str] = {}
        messages: list[Message] = []
        prompt = load(TRANSLATE, self._to)
        for message in self._sample.messages[: -1 if self._anew else None]:
            fields = self._fields(messages, message, names)
            answer = await self._tools.caller.ask(
                prompt, fields, priority=self._given.priority, draw=self._given.repeat
            )
            translation, listed = answer.values["translation"], read_names(answer.values["names"])
            messages.append(Message(role=message.role, content=translation))
            fault = self._fault(message, translation, names | listed)
            if fault:
                reason, detail = fault
                return Drop("translated", reason, detail=detail, draft=replace(draft, messages=tuple(messages)))
            names |= listed
        question = [message.content for message in messages if message.role == "user"][-1]
        return replace(draft, question=question, messages=tuple(messages), prompt=prompt.label)

    def _fields(self, before: Sequence[Message], message: Message, names: Mapping[str, str]) -> dict[str, Any]:
        words = wording_of(self._to)
        return {
            "language": language_name(self._to, self._to),
            "source_language": language_name(self._sample.language, self._to),
            "speaker": words.user if message.role == "user" else words.assistant,
            "dialogue": dialogue(before, self._to) or NOTHING,
            "names": "\n".join(f"{name} = {written}" for name, written in names.items()) or NOTHING,
            "text": message.content,
        }

    def _fault(self, message: Message, translation: str, names: Mapping[str, str]) -> tuple[str, str] | None:
        fault = language_fault(translation, self._to, message.content)
        if fault:
            return fault, translation
        if is_untranslated(translation, message.content, self._to, self._sample.language):
            return "left untranslated", translation
        gone = lost(message.content, translation, names, self._sample.language)
        if gone:
            kind, what = gone
            return f"{kind} lost in translation", what
        if message.role == "user" and self._tools.holdouts.near(translation):
            return "near a hold-out", ""
        return None

    async def _answer(self, draft: Draft) -> Draft | Drop:
        return await answered(self._tools.caller, self._given, draft, self._to)

    async def _judge(self, draft: Draft) -> Draft | Drop:
        return await judged_whole(self._tools.caller, self._given, draft, self._to)

    def shown(self) -> list[Shown]:
        """Return the prompts; the later ones show the sample before it is translated."""
        messages = self._sample.messages
        shown: list[Shown] = [(load(TRANSLATE, self._to), self._fields((), messages[0], {}), ())]
        if self._anew:
            asked = [(message.role, message.content) for message in messages[:-1]]
            shown.append((load(ANSWER, self._to), {"language": language_name(self._to, self._to)}, asked))
        return [*shown, (load(CONVERSATION.prompt, self._to), judge_fields(messages, self._to), ())]


async def answered(caller: Caller, given: Given, draft: Draft, language: str) -> Draft | Drop:
    """Have a conversation that ends with the user answered, and the answer checked to be in the language."""
    prompt = load(ANSWER, language)
    asked = [(message.role, message.content) for message in draft.messages]
    answer = await caller.ask(
        prompt,
        {"language": language_name(language, language)},
        priority=given.priority,
        draw=given.repeat,
        conversation=asked,
    )
    text = str(answer.values["text"])
    draft = replace(
        draft,
        messages=(*draft.messages, Message(role="assistant", content=text)),
        answer=text,
        prompt=prompt.label,
    )
    if language_fault(given.sample.messages[-1].content, given.sample.language):
        return draft  # the answer is to be in a language of its own, such as that of a translation asked for
    quotable = "".join(content for _, content in asked) + "".join(each.content for each in given.sample.messages)
    fault = language_fault(text, language, quotable)
    return Drop("answered", fault, draft=draft) if fault else draft


async def judged_whole(caller: Caller, given: Given, draft: Draft, language: str) -> Draft | Drop:
    """Have a whole conversation judged; earlier ratings were of another one."""
    return await judged(caller, CONVERSATION, judge_fields(draft.messages, language), draft, given.number, language)


def judge_fields(messages: Sequence[Message], language: str) -> dict[str, Any]:
    """Return what fills the judge's prompt."""
    return {"dialogue": dialogue(messages, language), "language": language_name(language, language)}
