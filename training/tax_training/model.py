"""The student: loaded or made fresh, with its tokenizer, its attention and its adapters; and written down again."""

import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch

from tax_training import attention
from tax_training.checkpoints import Reader
from tax_training.conversation import ends_of_answers, load_tokenizer
from tax_training.errors import UserError, quoted
from tax_training.files import digest, told
from tax_training.loss import LearntLoss
from tax_training.plan import Engine, Lora, Plan, Student, TrainTokenizer


def quiet() -> None:
    """Keep transformers' progress bars, and DeepSpeed's warning that there is no GPU, out of what we say."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")


def device_of(local_rank: int) -> torch.device:
    """Return the device that a process works on: its GPU, or the CPU."""
    return torch.device("cuda", local_rank) if torch.cuda.is_available() else torch.device("cpu")


def in_bf16(engine: Engine, device: torch.device) -> bool:
    """Tell whether matrix products are computed in bf16."""
    return engine.precision == "bf16" or (engine.precision == "auto" and device.type == "cuda")


def student_tokenizer(student: Student, data: Path) -> Any:
    """Load the student's tokenizer; one that `tax mix` trained lies in the data folder. Raises UserError."""
    if isinstance(student.tokenizer, TrainTokenizer):
        if not (data / "tokenizer").is_dir():
            raise UserError(f"the plan's tokenizer is to be trained, but {data / 'tokenizer'} is missing: run tax mix")
        tokenizer = load_tokenizer(data / "tokenizer")
    else:
        tokenizer = load_tokenizer(student.tokenizer or student.model or "")
    if student.chat_template:
        tokenizer.chat_template = student.chat_template
    return tokenizer


def load_student(plan: Plan, start: Path | None, tokenizer: Any, device: torch.device) -> Any:
    """Return the model that a phase starts from, in fp32 (under adapters bf16 on a GPU), on the CPU.

    `start` is the earlier phase's model folder; without it, the plan's model, or a fresh one that depends on the
    plan's seed only. Raises UserError.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoModelForCausalLM

    attention.register()
    half = in_bf16(plan.engine, device)
    frozen_half = plan.student.lora is not None and half
    options = {
        "attn_implementation": attention.implementation(plan.engine.attention, device, half=half),
        "dtype": torch.bfloat16 if frozen_half else torch.float32,
        "trust_remote_code": False,  # a model's own code is a stranger's
    }
    torch.manual_seed(plan.seed)
    try:
        if start is None and plan.student.config is not None:
            model = AutoModelForCausalLM.from_config(fresh_config(plan.student.config, tokenizer), **options)
        else:
            model = AutoModelForCausalLM.from_pretrained(str(start or plan.student.model), **options)
    except (OSError, ValueError, KeyError, TypeError, ImportError, StrictDataclassError) as error:
        name = start or plan.student.model or "student.config"
        raise UserError(
            f"the model {quoted(str(name))} cannot be loaded: {quoted(str(error), 300)}. "
            "Give a folder or a hub name that transformers loads"
        ) from error
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows and plan.student.lora is not None:
        raise UserError(
            f"the tokenizer has {len(tokenizer):,} tokens and the student {rows:,}: with student.lora the rows of the "
            "other tokens would never be trained. Train all weights (--set student.lora=null), or take a tokenizer "
            "that fits, such as the student's own (--set student.tokenizer=null)"
        )
    if len(tokenizer) > rows:
        model.resize_token_embeddings(len(tokenizer))
    model.config.use_cache = False
    return model


def fresh_config(settings: dict[str, Any], tokenizer: Any | None = None) -> Any:
    """Return the transformers config of these settings, with the tokenizer's vocabulary. Raises UserError."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    given = dict(settings)
    if tokenizer is not None:
        given.setdefault("vocab_size", len(tokenizer))
        for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
            given.setdefault(name, getattr(tokenizer, name))
    try:
        return AutoConfig.for_model(given.pop("model_type"), **given)
    except (KeyError, ValueError, TypeError, StrictDataclassError) as error:
        raise UserError(
            f"student.config is no config of a model that transformers knows: {quoted(str(error), 300)}"
        ) from error


def check_positions(config: Any, plan: Plan) -> None:
    """Hold the phases' context lengths against the positions that a model's config states, if it does.

    Raises UserError.
    """
    stated = config.get_text_config()
    positions = getattr(stated, "max_position_embeddings", None)  # of other names too: GPT-2's n_positions
    if not isinstance(positions, int) or positions <= 0:
        return
    scaled = getattr(stated, "rope_parameters", None) or {}
    original, factor = scaled.get("original_max_position_embeddings"), scaled.get("factor")
    if original and factor:
        positions = max(positions, int(original * factor))
    for name, phase in plan.phases.items():
        if phase.context_length > positions:
            fix = "give student.config more (max_position_embeddings, in GPT-2's n_positions)"
            raise UserError(
                f"{name} has a context_length of {phase.context_length:,} tokens, but the student's config has "
                f"{positions:,} positions: --set {name}.context_length={positions}, or "
                + (fix if plan.student.config else "take another student")
            )


def prepare(model: Any, plan: Plan) -> LearntLoss:
    """Put the plan's adapters into a model, and the loss on top."""
    if plan.student.lora is not None:
        model = adapted(model, plan.student.lora, plan.seed).get_base_model()
    if plan.engine.activation_checkpointing:
        if plan.student.lora is not None:
            model.enable_input_require_grads()
        model.activation_checkpointing_enable({"use_reentrant": False})
    return LearntLoss(model, plan.engine.loss_chunk)


def adapted(model: Any, lora: Lora, seed: int) -> Any:
    """Return the model with fresh adapters in it, as peft has it. Raises UserError."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)  # peft still asks it
    warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)  # it mends that itself
    try:
        return get_peft_model(
            model,
            LoraConfig(
                r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=lora.targets,
                task_type="CAUSAL_LM",
            ),
        )  # fmt: skip
    except ValueError as error:
        raise UserError(f"student.lora does not fit the model: {quoted(str(error), 200)}") from error


def export(
    checkpoint: Path, plan: Plan, start: Path | None, tokenizer: Any, folder: Path, about: dict[str, Any]
) -> None:
    """Write the model of a checkpoint as a folder that transformers loads, with `training.json`; whole or not at all.

    Adapters are merged. The weights are in the precision that they were computed in.
    """
    device = device_of(0)
    anywhere = plan.model_copy(update={"engine": plan.engine.model_copy(update={"attention": "auto"})})
    model = load_student(anywhere, start, tokenizer, torch.device("cpu"))
    lora = plan.student.lora
    peft = adapted(model, lora, plan.seed) if lora is not None else None
    reader = Reader(checkpoint)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                weight.copy_(reader.weight(name))
    if peft is not None:
        model = peft.merge_and_unload()
    if in_bf16(plan.engine, device):
        model = model.to(torch.bfloat16)
    model.config.use_cache = True
    _end_answers(model, tokenizer)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with told(f"the model {folder}"):
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        about = {**about, "files": {file.name: digest(file) for file in part.glob("*.safetensors")}}
        (part / "training.json").write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)


def _end_answers(model: Any, tokenizer: Any) -> None:
    """Have generation stop where the student was taught to; how its makers drew from it is not taken over."""
    from transformers import GenerationConfig

    model.config.get_text_config().eos_token_id = tokenizer.eos_token_id
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=ends_of_answers(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip


def transformers_version() -> str:
    """Return the version of transformers."""
    import transformers

    return str(transformers.__version__)
