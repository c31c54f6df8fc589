"""Skills generation in four stages (LAB 3.2.1): questions, judged questions, responses, judged pairs.

One seed goes into a prompt, the seeds take turns, a hold-out never does. What a seed is, its samples are: a grounded
seed brings questions with contexts, a dialogue brings dialogues, in which a second prompt plays the user.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tax import judge
from tax.calls import Caller
from tax.generate.stages import Draft, Drop, Stage, failed, folder_name
from tax.leaf import DialogueSeed, Message, QuestionSeed, SkillLeaf
from tax.load import Loaded
from tax.prompts import ENGLISH, Prompt, bullets, load, wording_of
from tax.teachers.base import CallFailed
from tax.text.duplicates import Holdouts, Instructions
from tax.text.languages import language_name

QUESTIONS = 10  # asked for in one prompt
GROUNDED_QUESTIONS = 4  # fewer, since each brings its context
DIALOGUES = 5

# Those that a leaf's samples depend on.
PROMPTS = (
    "skill_questions",
    "skill_questions_grounded",
    "skill_dialogues",
    judge.QUESTION.prompt,
    "response_precise",
    "response_creative",
    "user_turn",
    judge.PAIR.prompt,
)


class SkillPlan:
    """Draws from the seeds of one skills leaf."""

    def __init__(self, loaded: Loaded, leaf: SkillLeaf, holdouts: Holdouts, caller: Caller, rank: int) -> None:
        self._leaf = leaf
        self._caller = caller
        self._rank = rank  # among the run's leaves: earlier leaves' calls go first
        self._seeds = [(index, seed) for index, seed in enumerate(leaf.seed_examples) if not seed.holdout]
        self._instructions = Instructions(holdouts)
        self._fields = {
            "task": leaf.task_description.strip(),
            "path": folder_name(loaded),
            "language": language_name(leaf.language, leaf.language),
            "principles": bullets(leaf.principles),
            "rules": bullets(leaf.principles) or wording_of(leaf.language).no_rules,
        }
        self.turn = len(self._seeds)
        self.batch = max(_count(seed) for _, seed in self._seeds)
        self.stages: Sequence[Stage] = (
            ("question judged", self._judge_question),
            ("answered", self._respond),
            ("answer judged", self._judge_pair),
        )

    async def draft(self, draw: int) -> list[Draft | Drop]:
        """Ask for new questions in the manner of the seed whose turn it is."""
        seeds = self.seeds_of(draw)
        prompt, fields = self.questions_prompt([seed for _, seed in seeds])
        count = fields["count"]
        try:
            answer = await self._caller.ask(prompt, fields, priority=(self._rank, draw), draw=draw, count=count)
        except CallFailed as error:
            return [failed("drawn", error)]
        lost = [Drop("drawn", reason, "failed") for reason in answer.lost]
        return [*(self._draft(draw, seeds, question) for question in answer.values["questions"][:count]), *lost]

    def seeds_of(self, draw: int) -> list[tuple[int, QuestionSeed | DialogueSeed]]:
        """Return the seeds that a draw shows to the teacher, each with its index: the one whose turn it is."""
        return [self._seeds[draw % len(self._seeds)]]

    def fresh(self, draft: Draft) -> str | None:
        """Compare with the leaf's earlier instructions and the run's hold-outs."""
        return self._instructions.admit(draft.instruction)

    def questions_prompt(self, seeds: Sequence[QuestionSeed | DialogueSeed]) -> tuple[Prompt, dict[str, Any]]:
        """Return the prompt of the first stage for the seeds of a draw, and what fills it."""
        (seed,) = seeds
        fields: dict[str, Any] = {**self._fields, "count": _count(seed)}
        if isinstance(seed, DialogueSeed):
            fields |= {"seed_dialogue": self._dialogue(seed.messages), "follow_ups": len(seed.messages) // 2 - 1}
            return self._load("skill_dialogues"), fields
        fields["seed_question"] = seed.question.strip()
        if seed.context:
            return self._load("skill_questions_grounded"), fields | {"seed_context": seed.context.strip()}
        return self._load("skill_questions"), fields

    def _draft(
        self, draw: int, seeds: Sequence[tuple[int, QuestionSeed | DialogueSeed]], question: dict[str, str]
    ) -> Draft:
        ((index, seed),) = seeds
        if isinstance(seed, DialogueSeed):
            turns = len(seed.messages) // 2
            return Draft("dialogue", draw, question["question"], (index,), plan=question["plan"], turns=turns)
        if seed.context:
            return Draft("grounded", draw, question["question"], (index,), context=question["context"])
        return Draft("question", draw, question["question"], (index,))

    async def _judge_question(self, draft: Draft) -> Draft | Drop:
        fields = self._fields | {"question": draft.instruction}
        return await judged(self._caller, judge.QUESTION, fields, draft, self._rank, self._leaf.language)

    async def _respond(self, draft: Draft) -> Draft | Drop:
        prompt, fields = self.response_prompt(draft)
        messages: list[Message] = [Message(role="user", content=draft.instruction)]
        for turn in range(1, draft.turns + 1):
            if turn > 1:
                messages.append(Message(role="user", content=await self._user_turn(draft, messages, turn)))
            answer = await self._caller.ask(
                prompt,
                fields,
                priority=(self._rank, draft.draw),
                conversation=[(message.role, message.content) for message in messages],
            )
            messages.append(Message(role="assistant", content=answer.values["text"]))
        return replace(draft, messages=tuple(messages), prompt=prompt.label)

    def response_prompt(self, draft: Draft) -> tuple[Prompt, dict[str, Any]]:
        """Return the persona's prompt (LAB's two: precise and creative), and what fills it."""
        seed = self._leaf.seed_examples[draft.seeds[0]]
        example = {"seed_example": self._dialogue(seed.messages)}
        return self._load(f"response_{self._leaf.response_style}"), self._fields | example

    async def _user_turn(self, draft: Draft, messages: Sequence[Message], turn: int) -> str:
        fields = self._fields | {"plan": draft.plan, "dialogue": self._dialogue(messages), "turn": turn}
        answer = await self._caller.ask(self._load("user_turn"), fields, priority=(self._rank, draft.draw))
        return str(answer.values["text"])

    async def _judge_pair(self, draft: Draft) -> Draft | Drop:
        fields = self._fields | {"dialogue": self._dialogue(draft.messages)}
        return await judged(self._caller, judge.PAIR, fields, draft, self._rank, self._leaf.language)

    def _load(self, name: str) -> Prompt:
        return load(name, self._leaf.language)

    def _dialogue(self, messages: Sequence[Message]) -> str:
        return dialogue(messages, self._leaf.language)


async def judged(
    caller: Caller, rubric: judge.Rubric, fields: dict[str, Any], draft: Draft, rank: int, language: str = ENGLISH
) -> Draft | Drop:
    """Have a draft rated, with the prompt in a language; it goes on with its rating, or is dropped for it."""
    rating = await judge.rate(caller, rubric, fields, (rank, draft.draw), language)
    draft = replace(draft, ratings=(*draft.ratings, rating))
    if rubric.passes(rating):
        return draft
    return Drop(f"{rubric.name} judged", f"{rubric.name} rated {rating.rating}", detail=rating.reason, draft=draft)


def dialogue(messages: Sequence[Message], language: str = ENGLISH) -> str:
    """Return a conversation as the prompts of a language show it."""
    words = wording_of(language)
    names = {"user": words.user, "assistant": words.assistant}
    return "\n\n".join(f"{names[message.role]}{words.colon}{message.content.strip()}" for message in messages)


def _count(seed: QuestionSeed | DialogueSeed) -> int:
    if isinstance(seed, DialogueSeed):
        return DIALOGUES
    return GROUNDED_QUESTIONS if seed.context else QUESTIONS
