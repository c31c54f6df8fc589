"""Self-play (Taiwan LLM 3, Figure 1): a single prompt becomes a dialogue, the teacher playing both sides.

The sample's own question and answer are the first turn. Then the teacher plays the user, who says when there is nothing
more to ask, and the assistant, who answers. The dialogue stops there, or when one of them begins to repeat what was
said, or at the number of turns that was asked for. A judge reads the whole. Knowledge and computed problems are left
out: what is said beyond them would rest on nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tax.generate.skills import dialogue
from tax.generate.stages import Draft, Drop, Stage
from tax.improve.translate import ANSWER, CONVERSATION, answered, judge_fields, judged_whole
from tax.improve.work import BEGUN, Given, Shown, Tools
from tax.improve.written import language_fault
from tax.leaf import Message
from tax.prompts import load
from tax.sample import Sample
from tax.text.duplicates import Sequences
from tax.text.languages import language_name
from tax.text.prose import tokens

USER = "dialogue_user"
TURNS = 4  # of the user, at most
LEAST_TURNS = 2
PLAYED = {"question", "grounded", "imported"}


@dataclass(frozen=True)
class SelfPlay:
    """The method: how many turns the user may take."""

    turns: int = TURNS

    command = "dialogue"
    done = "played on to dialogues"
    falls_back = False
    prompts = (USER, ANSWER, CONVERSATION.prompt)
    stages = ("played", "conversation judged")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the result depends on."""
        return {"turns": self.turns}

    def language(self, sample: Sample) -> str:
        """Return the sample's own language."""
        return sample.language

    def improvement(self, given: Given, tools: Tools) -> "Playing":
        """Return the dialogue of one sample."""
        return Playing(given, tools, self)


class Playing:
    """The dialogue of one sample."""

    def __init__(self, given: Given, tools: Tools, method: SelfPlay) -> None:
        self._given = given
        self._tools = tools
        self._turns = method.turns
        self._language = given.sample.language
        self.stages: Sequence[Stage] = [("played", self._play), ("conversation judged", self._judge)]
        self.calls = (1, 2 * (method.turns - 1) + 1)
        self.begin: Draft | Drop = given.draft()
        if len(given.sample.messages) > 2:
            self.begin = Drop(BEGUN, "a dialogue already")
        elif given.sample.kind not in PLAYED:
            self.begin = Drop(BEGUN, f"a {given.sample.kind} sample: nothing is known beyond it")

    async def _play(self, draft: Draft) -> Draft | Drop:
        """Play turn after turn to the stop. A turn in another language, or a call that fails, drops the whole."""
        asked, told = Sequences(), Sequences()
        asked.add(tokens(draft.messages[0].content))
        told.add(tokens(draft.messages[1].content))
        stop = f"{self._turns} turns"
        for turn in range(2, self._turns + 1):
            message = await self._user_turn(draft.messages, turn)
            if message is None:
                stop = "the user has no more to ask"
                break
            if asked.near(tokens(message)):
                stop = "the user repeats an earlier message"
                break
            fault = self._fault(message)
            if fault:
                return Drop("played", fault, detail=message, draft=draft)
            opened = replace(draft, messages=(*draft.messages, Message(role="user", content=message)))
            result = await answered(self._tools.caller, self._given, opened, self._language)
            if isinstance(result, Drop):
                return replace(result, stage="played")
            if told.near(tokens(result.answer)):
                stop = "the assistant repeats an earlier answer"
                break
            asked.add(tokens(message))
            told.add(tokens(result.answer))
            draft = result
        if len(draft.messages) < 2 * LEAST_TURNS:
            return Drop("played", f"over after one turn: {stop}", draft=draft)
        return replace(draft, kind="dialogue")

    async def _user_turn(self, messages: Sequence[Message], turn: int) -> str | None:
        answer = await self._tools.caller.ask(
            load(USER, self._language),
            self._fields(messages, turn),
            priority=self._given.priority,
            draw=self._given.repeat,
        )
        return None if answer.values["over"] == "YES" else str(answer.values["message"])

    def _fields(self, messages: Sequence[Message], turn: int) -> dict[str, Any]:
        language = self._language
        return {"dialogue": dialogue(messages, language), "turn": turn, "language": language_name(language, language)}

    def _fault(self, message: str) -> str | None:
        quotable = "".join(each.content for each in self._given.sample.messages)
        if self._tools.holdouts.near(message):
            return "near a hold-out"
        return language_fault(message, self._language, quotable)

    async def _judge(self, draft: Draft) -> Draft | Drop:
        return await judged_whole(self._tools.caller, self._given, draft, self._language)

    def shown(self) -> list[Shown]:
        """Return the prompts as they are after the first turn."""
        messages, language = self._given.sample.messages, self._language
        asked = [(message.role, message.content) for message in messages]
        return [
            (load(USER, language), self._fields(messages, 2), ()),
            (load(ANSWER, language), {"language": language_name(language, language)}, asked),
            (load(CONVERSATION.prompt, language), judge_fields(messages, language), ()),
        ]
