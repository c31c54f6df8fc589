"""What a run would ask: the prompts of a leaf's stages, filled, and how many calls there would be (`--dry-run`)."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from tax import judge
from tax.calls import Caller
from tax.config import Config
from tax.documents.chunks import chunks
from tax.documents.document import DocumentFault
from tax.documents.reading import read_documents
from tax.generate.branch import BranchLeaf
from tax.generate.computed import PROBLEMS
from tax.generate.grow import BUDGET
from tax.generate.inputs import Input, NeedsModel, Settings, Skip
from tax.generate.knowledge import QUESTIONS, KnowledgePlan
from tax.generate.run import all_holdouts, fit, leaf_plans
from tax.generate.skills import SkillPlan, dialogue
from tax.generate.stages import Draft, Plan
from tax.leaf import DialogueSeed, KnowledgeLeaf, Leaf, SkillLeaf
from tax.load import Loaded
from tax.prompts import Prompt, load
from tax.text.duplicates import Holdouts

Messages = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Preview:
    """What growing one leaf would take; the later stages' prompts show a seed in the place of what will be drawn."""

    leaf: str
    how: str
    least_calls: int  # if all that is drawn is kept
    most_calls: int  # if the draw budget is spent
    prompts: tuple[tuple[str, Messages], ...]


def preview(
    inputs: Sequence[Input], carried: Container[int], caller: Caller, settings: Settings, config: Config
) -> list[Preview]:
    """Return a preview of each leaf that would be grown."""
    holdouts = all_holdouts(inputs)
    return [
        _preview(each, holdouts, caller, settings, config) for rank, each in enumerate(inputs) if rank not in carried
    ]


def _preview(each: Input, holdouts: Holdouts, caller: Caller, settings: Settings, config: Config) -> Preview:
    try:
        loaded = each.load()
        leaf = fit(loaded, config)
        plan = _plan(loaded, leaf, holdouts, caller, settings)
    except Skip as reason:
        return Preview(each.name, f"skipped: {reason}", 0, 0, ())
    if isinstance(plan, KnowledgePlan) and isinstance(leaf, KnowledgeLeaf):
        prompts = _knowledge_prompts(loaded, leaf, plan, caller)
        calls_a_sample, batch, how = 3, QUESTIONS, f"{plan.turn} chunks, {QUESTIONS} questions a draw"
    elif isinstance(plan, SkillPlan) and isinstance(leaf, SkillLeaf):
        prompts = _skill_prompts(leaf, plan, caller)
        turns = max(len(seed.messages) // 2 for seed in leaf.seed_examples)
        calls_a_sample, batch = 2 + 2 * turns - 1, plan.batch
        how = f"{plan.turn} seeds in turn, up to {plan.batch} questions a draw"
        if isinstance(leaf, BranchLeaf):
            how = f"3 of {len(leaf.seed_examples)} seeds of {each.leaves} leaves a draw, up to {plan.batch} questions"
    else:
        return Preview(loaded.name, f"computed from its problem_templates, {PROBLEMS} a draw", 0, 0, ())
    if isinstance(plan, SkillPlan) and caller.teacher.grounded_only:
        how = f"needs a model teacher: {how}"
    elif caller.teacher.free:
        return Preview(loaded.name, f"{how}, by the built-in teacher", 0, 0, prompts)
    wanted = settings.samples * each.leaves
    most = wanted * BUDGET
    least_calls = -(-wanted // batch) + wanted * calls_a_sample
    return Preview(loaded.name, how, least_calls, -(-most // batch) + most * calls_a_sample, prompts)


def _plan(loaded: Loaded, leaf: Leaf, holdouts: Holdouts, caller: Caller, settings: Settings) -> Plan:
    """Return the plan that a leaf is grown by first. Where it waits for a model teacher, that teacher's plan."""
    try:
        return leaf_plans(loaded, leaf, holdouts, caller, 0, seed=settings.seed, commit=None)[0]
    except NeedsModel:
        if isinstance(leaf, KnowledgeLeaf | BranchLeaf):
            raise
        return SkillPlan(loaded, leaf, holdouts, caller, 0)


def _skill_prompts(leaf: SkillLeaf, plan: SkillPlan, caller: Caller) -> tuple[tuple[str, Messages], ...]:
    seeds = plan.seeds_of(0)
    prompt, fields = plan.questions_prompt([seed for _, seed in seeds])
    index, seed = seeds[0]
    question = seed.messages[0].content
    draft = Draft("question", 0, question, (index,), messages=tuple(seed.messages))
    response, response_fields = plan.response_prompt(draft)
    shown = [(prompt, fields), (load(judge.QUESTION.prompt, leaf.language), fields | {"question": question})]
    prompts = [_filled(prompt, fields, caller) for prompt, fields in shown]
    prompts.append(
        (response.name, caller.request(response, response_fields, conversation=[("user", question)]).messages)
    )
    if isinstance(seed, DialogueSeed):
        plan_text = "(what the user is after, from the first stage)"
        turn_fields = fields | {"plan": plan_text, "dialogue": dialogue(seed.messages[:2], leaf.language), "turn": 2}
        prompts.append(_filled(load("user_turn", leaf.language), turn_fields, caller))
    judged = fields | {"dialogue": dialogue(seed.messages, leaf.language)}
    prompts.append(_filled(load(judge.PAIR.prompt, leaf.language), judged, caller))
    return tuple(prompts)


def _knowledge_prompts(
    loaded: Loaded, leaf: KnowledgeLeaf, plan: KnowledgePlan, caller: Caller
) -> tuple[tuple[str, Messages], ...]:
    try:
        chunk = chunks(read_documents(leaf, loaded.path.parent)[0])[0]
    except DocumentFault:
        return ()
    seed = next(seed for seed in leaf.seed_examples if not seed.holdout)
    pair = seed.questions_and_answers[0]
    draft = Draft("knowledge", 0, pair.question, context=chunk.text, answer=pair.answer)
    shown = [plan.questions_prompt(chunk, seed)]
    shown += [
        (load(rubric.prompt, leaf.language), plan.judge_fields(draft))
        for rubric in (judge.FAITHFULNESS, judge.RELEVANCE, judge.SELF_CONTAINED)
    ]
    return tuple(_filled(prompt, fields, caller) for prompt, fields in shown)


def _filled(prompt: Prompt, fields: dict[str, object], caller: Caller) -> tuple[str, Messages]:
    return prompt.name, caller.request(prompt, fields).messages
