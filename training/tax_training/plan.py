"""A plan: which student is tuned, in which phases, on which data, with which settings.

One YAML file, read by `tax mix` (which makes the phases' data) and by the trainer. Every setting stands here once, with
its doc under it. `plan_file.py` reads the file.
"""

import shlex
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Stock = Literal["knowledge-short", "knowledge-long", "foundational", "compositional", "feedback", "corpus", "all"]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class NewTokenizer(_Settings):
    """A byte-level BPE tokenizer of our own."""

    vocab_size: Annotated[int, Field(ge=300)]
    """How many tokens it has; 256 of them are the bytes."""


class TrainTokenizer(_Settings):
    """A tokenizer that `tax mix` trains on the data and puts into the data folder."""

    train: NewTokenizer


class Lora(_Settings):
    """Low-rank adapters (Hu et al. 2021) instead of all weights; merged into the model at each phase's end."""

    rank: PositiveInt = 16
    """Rank of each adapter."""
    alpha: PositiveInt = 32
    """The adapter's output is scaled by alpha / rank."""
    dropout: Share = 0.0
    """Dropout before the adapter."""
    targets: list[str] | Literal["all-linear"] = "all-linear"
    """Names of the modules that get an adapter."""


class Student(_Settings):
    """The model that is tuned."""

    model: str | None = None
    """A folder or a hub name that transformers loads."""
    config: dict[str, Any] | None = None
    """Instead of `model`: a fresh model of this transformers config (`model_type` and its settings)."""
    architecture: dict[str, Any] | None = None
    """The config of `model`, for the estimates of --dry-run where the model itself is not at hand."""
    tokenizer: str | TrainTokenizer | None = None
    """A folder or a hub name; or {train: {vocab_size: N}}. Default: the model's own."""
    chat_template: str | None = None
    """Jinja text that lays out a conversation. Default: the tokenizer's own."""
    lora: Lora | None = None
    """Train adapters instead of all weights. Default: all weights."""

    @model_validator(mode="after")
    def _one_model(self) -> "Student":
        if (self.model is None) == (self.config is None):
            raise ValueError("name either `model` or `config`")
        if self.config is not None and self.tokenizer is None:
            raise ValueError("a model from a `config` needs a `tokenizer`")
        return self


class Mix(_Settings):
    """How `tax mix` sorts samples into the phases; the trainer does not read it."""

    threshold: Literal["median"] | PositiveInt = "median"
    """Answers of at most this many tokens are short; "median" of the knowledge answers."""
    seed: int = 0
    """Seed of the draws for replay and for what is set aside."""
    heldout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of each leaf's samples set aside: never trained on, used to measure."""


class Select(_Settings):
    """How the best checkpoint of a phase is chosen; the next phase starts from it (LAB, section 3.3)."""

    metric: Literal["heldout", "command", "last"] = "heldout"
    """heldout: loss on the phase's set-aside samples; command: what `command` prints; last: the phase's end."""
    command: str | None = None
    """A program that evaluates the model folder {model} and prints its score as the last line, a number or
    {"score": number}; {heldout} stands for the phase's heldout/PHASE.jsonl. Split like a shell's words, but run
    without a shell. `tax eval {model} --holdouts {heldout} --judge URL --json` has the hold-outs judged."""
    higher_is_better: bool = True
    """Of a command's score. A loss is better when lower."""
    every: Literal["epoch"] | PositiveInt = "epoch"
    """Measure at each epoch's end, or every so many steps (and at the phase's end)."""
    tolerance: NotNegative = 0.0
    """The earliest checkpoint whose score is this close to the best is taken: the paper avoids overtraining."""
    heldout: Literal["own", "seen"] = "seen"
    """Whose set-aside samples are measured: this phase's, or those of the phases before it too (to see forgetting)."""
    heldout_samples: PositiveInt = 2048
    """At most so many samples of each held-out file are measured, the same ones each time."""

    @model_validator(mode="after")
    def _command_when_asked(self) -> "Select":
        if (self.metric == "command") != (self.command is not None):
            raise ValueError("`command` goes with `metric: command`, and the other way round")
        try:
            words = None if self.command is None else shlex.split(self.command)
        except ValueError as error:
            raise ValueError(f"`command` cannot be split into words: {error}") from error
        if words == []:
            raise ValueError("`command` names no program")
        return self


class Phase(_Settings):
    """One leg of training: its data, and how it is trained on."""

    kind: Literal["sft", "cpt", "feedback"] = "sft"
    """sft and feedback: loss on the assistant's turns; cpt: on every token of plain documents."""
    take: Annotated[list[Stock], Field(min_length=1)]
    """What of the samples is new in this phase; read by `tax mix`."""
    replay: dict[str, Share] = {}
    """Shares of earlier phases' samples that are trained on again; read by `tax mix`."""
    samples: PositiveInt | None = None
    """How many samples the paper's phase had: for the estimates of --dry-run where no data is at hand."""
    epochs: PositiveInt = 3
    """How often each sample is seen."""
    batch_size: PositiveInt = 128
    """Samples in one optimizer step, over all processes; the last step of an epoch takes what is left."""
    context_length: PositiveInt = 2048
    """Tokens that a sample may have."""
    too_long: Literal["cut", "drop", "split"] = "cut"
    """What happens to a longer sample: cut at the end, dropped, or (documents of cpt) split into pieces."""
    learning_rate: Positive = 2e-5
    """Peak learning rate."""
    warmup: NotNegative = 0
    """Linear warm-up: so many steps; below 1, this share of the phase's steps."""
    schedule: Literal["constant", "cosine"] = "constant"
    """After the warm-up: constant, or cosine to zero. LAB (3.3) warns that cosine in intermediate phases can
    destabilize the next one."""
    optimizer: Literal["fresh", "carried"] = "fresh"
    """AdamW's moments at the phase's start: zero, or those of the checkpoint it starts from."""
    betas: tuple[Decay, Decay] = (0.9, 0.95)
    """AdamW's decay rates."""
    epsilon: Positive = 1e-8
    """AdamW's epsilon."""
    weight_decay: NotNegative = 0.0
    """AdamW's decoupled weight decay."""
    gradient_clip: NotNegative = 1.0
    """Largest norm of the gradient; 0: as it comes."""
    select: Select = Select()

    @model_validator(mode="after")
    def _split_is_for_documents(self) -> "Phase":
        if self.too_long == "split" and self.kind != "cpt":
            raise ValueError("`too_long: split` is for cpt: a conversation is cut or dropped")
        if self.warmup >= 1 and self.warmup != int(self.warmup):
            raise ValueError("`warmup` is a whole number of steps, or a share below 1")
        return self


class Engine(_Settings):
    """How the work is laid out on the hardware. The result depends on none of it beyond rounding."""

    kind: Literal["auto", "torch", "deepspeed"] = "auto"
    """auto: plain torch when there is one process and no ZeRO setting asks for more, else DeepSpeed."""
    zero: Annotated[int, Field(ge=0, le=3)] | None = None
    """DeepSpeed's ZeRO stage: what is shared out over the processes (1: optimizer, 2: gradients, 3: weights).
    Default: 1."""
    offload: bool = False
    """Keep optimizer state (and with stage 3 the weights) in the CPU's memory."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """What matrix products are computed in; auto: bf16 on a GPU, fp32 on a CPU. Optimizer state is always fp32."""
    attention: Literal["auto", "flash", "varlen", "segments", "sdpa", "eager"] = "auto"
    """flash: the flash-attn package; varlen: torch's own kernel on GPUs; segments: torch's
    scaled_dot_product_attention, by samples of one length; sdpa, eager: transformers' own, with a block-diagonal mask.
    auto: flash where it is installed, else segments."""
    packing: bool = True
    """Put several samples in one row, without padding; off: a row a sample."""
    micro_tokens: PositiveInt | None = None
    """Tokens that a process puts through the model at once. Default: the phase's context length."""
    activation_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, about a third slower."""
    loss_chunk: Annotated[int, Field(ge=0)] = 1024
    """Tokens whose logits stand in memory at once; 0: the model's own logits, all at once."""


class Checkpoints(_Settings):
    """What is kept of a run, to go on from and to choose from."""

    every: PositiveInt | None = None
    """Save every so many steps, beside the end of each epoch."""
    keep: PositiveInt = 2
    """How many of the newest are kept; those that selection may still choose are kept beside them."""


class Plan(_Settings):
    """A whole plan."""

    description: str = ""
    """What the plan is, in a sentence."""
    student: Student
    mix: Mix = Mix()
    seed: int = 0
    """Seed of fresh weights, of the order of samples and of dropout."""
    engine: Engine = Engine()
    checkpoints: Checkpoints = Checkpoints()
    defaults: dict[str, Any] = {}
    """Settings of every phase, unless the phase says otherwise."""
    phases: Annotated[dict[str, Phase], Field(min_length=1)]
    """The phases in their order, by name."""

    @model_validator(mode="after")
    def _phases_fit_together(self) -> "Plan":
        earlier: list[str] = []
        for name, phase in self.phases.items():
            if not name.isidentifier() or name in {"heldout", "tokenizer", "mix", *type(self).model_fields}:
                raise ValueError(
                    f"{name!r} cannot be a phase's name: take letters, digits and _, and no setting's name"
                )
            unknown = [other for other in phase.replay if other not in earlier]
            if unknown:
                raise ValueError(f"phase {name} replays {unknown[0]!r}, which is no earlier phase")
            if phase.optimizer == "carried" and (not earlier or self.student.lora):
                raise ValueError(f"phase {name} cannot carry the optimizer on: it needs a phase before it, and no lora")
            earlier.append(name)
        return self

    def before(self, name: str, *, passed_over: Collection[str] = ()) -> str | None:
        """Return the phase that a phase starts from, if any: the nearest one before it that is not passed over."""
        names = list(self.phases)
        earlier = [other for other in names[: names.index(name)] if other not in passed_over]
        return earlier[-1] if earlier else None
