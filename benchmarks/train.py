"""Tokens that count a second: this trainer against trl's SFTTrainer, plain and with packing, in one call.

    python benchmarks/train.py --trl-python VENV/bin/python     # a tiny Llama on a CPU; trl in its own environment
    python benchmarks/train.py --gpu                            # a 1B Llama in bf16: FLOPs utilisation and peak memory

All train the same fresh model on the same tokens, on the completions only, with as many tokens in a step. The lengths
are very mixed: log-uniform. Tokens that count are those of samples, without padding; the time is that of the steps,
without the first two (SKIPPED), checkpoints and measurements; on a CPU also in processor time.
Where trl cannot be imported its rows are left out.
"""

import argparse
import json
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SKIPPED = 2
PEAK_FLOPS = 790e12  # bf16 matrix products of one H200, as measured; --peak for another device
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}"
    "{% if message.role == 'assistant' %}{{ eos_token }}{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
MARKS = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
TINY = {
    "model_type": "llama", "hidden_size": 128, "intermediate_size": 352, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 4, "tie_word_embeddings": True,
}  # fmt: skip
ONE_B = {
    "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": True, "vocab_size": 128_256,
}  # fmt: skip


def write_data(folder: Path, samples: int, context: int, rng: random.Random) -> None:
    """Write conversations of random words as a data folder, with their tokenizer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(3000)]

    def words(count: int) -> str:
        return " ".join(vocabulary[int(len(vocabulary) * rng.random() ** 3)] for _ in range(count))

    with (folder / "all.jsonl").open("w", encoding="utf-8") as file:
        for number in range(samples):
            length = int(math.exp(rng.uniform(math.log(12), math.log(context * 0.55))))
            turns = [("user", words(rng.randint(6, 30))), ("assistant", words(length))]
            messages = [{"role": role, "content": text} for role, text in turns]
            file.write(json.dumps({"id": str(number), "leaf": "a", "messages": messages}) + "\n")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    marks = [*MARKS.values(), "<|user|>", "<|assistant|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=4096, special_tokens=marks, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([" ".join(vocabulary)] * 3, trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=TEMPLATE, **MARKS).save_pretrained(
        folder / "tokenizer"
    )


def write_tokens(folder: Path, context: int) -> int:
    """Write the same samples as token ids and masks, for trl; return how many tokens they have."""
    from tax_training.conversation import Encoder, load_tokenizer

    lines = (folder / "all.jsonl").read_text(encoding="utf-8").splitlines()
    encoder = Encoder(load_tokenizer(folder / "tokenizer"), None)
    total = 0
    with (folder / "tokens.jsonl").open("w", encoding="utf-8") as file:
        for sample in encoder.conversations(map(json.loads, lines)):
            ids, mask = list(sample.tokens[:context]), [int(learnt) for learnt in sample.learnt[:context]]
            total += len(ids)
            file.write(json.dumps({"input_ids": ids, "completion_mask": mask}) + "\n")
    return total


class Clock:
    """When each step ended, on the wall and in processor time."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def tick(self) -> None:
        """Note the end of a step."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append((time.monotonic(), time.process_time()))

    def spent(self) -> dict[str, float]:
        """Return the seconds of the steps that count."""
        (wall, work), (ended, worked) = self.ends[SKIPPED - 1], self.ends[-1]
        return {"seconds": ended - wall, "processor": worked - work}


def run_ours(folder: Path, given: argparse.Namespace, *, packing: bool) -> dict[str, float]:
    """Train with this repository's trainer, in this process; return tokens, seconds and steps that count."""
    import yaml

    from tax_training.plan_file import load_plan
    from tax_training.progress import Progress
    from tax_training.run import train

    settings = {
        "student": {"config": config(given), "tokenizer": {"train": {"vocab_size": 4096}}},
        "engine": {
            "packing": packing, "micro_tokens": given.micro_tokens, "activation_checkpointing": given.recompute,
        },
        "phases": {"all": {
            "take": ["all"], "epochs": 1, "batch_size": given.batch, "context_length": given.context,
            "select": {"metric": "last"},
        }},
    }  # fmt: skip
    (folder / "plan.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    clock, tokens = Clock(), []

    class Timed(Progress):
        def step(self, metrics: dict[str, Any]) -> None:
            clock.tick()
            tokens.append(metrics["tokens"])

    with tempfile.TemporaryDirectory(dir=folder) as out:
        train(load_plan(str(folder / "plan.yaml")), folder, Path(out), progress=Timed)
    return {"tokens": sum(tokens[SKIPPED:]), **clock.spent()}


def run_trl(folder: Path, given: argparse.Namespace, *, packing: bool) -> dict[str, float]:
    """Train with trl's SFTTrainer, in this process."""
    import transformers
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = [json.loads(line) for line in (folder / "tokens.jsonl").read_text(encoding="utf-8").splitlines()]
    lengths = [len(row["input_ids"]) for row in rows]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "tokenizer")
    settings = {"vocab_size": len(tokenizer), **config(given)}
    model = transformers.AutoModelForCausalLM.from_config(
        transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    )
    clock = Clock()

    class Timed(transformers.TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.tick()

    micro = given.micro_tokens // given.context
    per_step = max(round(statistics.mean(lengths) * given.batch / given.context / micro), 1) * micro
    each = micro if packing else min(given.batch, micro * 8)
    options = SFTConfig(
        output_dir=str(folder / "trl"), max_length=given.context, packing=packing, per_device_train_batch_size=each,
        gradient_accumulation_steps=max((per_step if packing else given.batch) // each, 1), num_train_epochs=1,
        save_strategy="no", logging_strategy="no", report_to="none", bf16=given.gpu, use_cpu=not given.gpu,
        completion_only_loss=True, gradient_checkpointing=given.recompute, lr_scheduler_type="constant",
        dataloader_drop_last=True, disable_tqdm=True, learning_rate=2e-5, dataset_num_proc=None,
    )  # fmt: skip
    trainer = SFTTrainer(
        model, args=options, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, callbacks=[Timed()]
    )
    trainer.train()
    steps = len(clock.ends) - SKIPPED
    share = steps * options.gradient_accumulation_steps * each / len(trainer.train_dataset)
    return {"tokens": sum(lengths) * share, **clock.spent()}


MODES = {
    "ours": (run_ours, True),
    "ours, not packed": (run_ours, False),
    "trl": (run_trl, False),
    "trl, packed": (run_trl, True),
}


def config(given: argparse.Namespace) -> dict[str, Any]:
    """Return the model's config."""
    return {**(ONE_B if given.gpu else TINY), "max_position_embeddings": given.context}


def work(mode: str, folder: Path, given: argparse.Namespace) -> None:
    """Run one mode in this process, and print its figures as the last line."""
    function, packing = MODES[mode]
    found = function(folder, given, packing=packing)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if given.gpu:
        import torch

        peak = torch.cuda.max_memory_allocated()
    print(json.dumps({**found, "peak": peak}))


def measure(mode: str, folder: Path, given: argparse.Namespace) -> dict[str, float] | None:
    """Run one mode in a process of its own; return its figures, or None where its packages are missing."""
    python = given.trl_python if mode.startswith("trl") else sys.executable
    if subprocess.run([python, "-c", "import trl" if mode.startswith("trl") else ""], capture_output=True).returncode:
        print(f"{mode}: trl cannot be imported by {python}", file=sys.stderr)
        return None
    line = [python, __file__, *sys.argv[1:], "--mode", mode, "--folder", str(folder)]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        print(f"{mode} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def table(found: dict[str, dict[str, float]], given: argparse.Namespace, parameters: int) -> None:
    """Print the figures, and the ratio to trl's better mode.

    Tokens a second on a GPU, a second of processor time on a CPU: other work on the machine counts less there.
    """
    measure = "seconds" if given.gpu else "processor"
    rates = {mode: figures["tokens"] / figures[measure] for mode, figures in found.items()}
    theirs = max((rate for mode, rate in rates.items() if mode.startswith("trl")), default=None)
    for mode, rate in rates.items():
        figures = found[mode]
        told = f"{mode:18} {figures['tokens'] / figures['seconds']:>10,.0f} tokens/s"
        told += f"  MFU {6 * parameters * rate / given.peak:.1%}" if given.gpu else f"  {rate:,.0f} a processor second"
        told += f"  peak {figures['peak'] / 2**30:.2f} GiB"
        if theirs is not None and mode.startswith("ours"):
            told += f"  {rate / theirs:.2f} x trl's better mode"
        print(told, flush=True)


def main() -> None:
    """Make the data, run every mode, and print the table; again with --repeat."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--gpu", action="store_true", help="a 1B Llama in bf16, context 4,096")
    add("--samples", type=int, help="default: 256, or 1,024 with --gpu")
    add("--batch", type=int, help="samples in a step (default: 16, or 64 with --gpu)")
    add("--context", type=int, help="default: 1,024, or 4,096 with --gpu")
    add("--micro-tokens", type=int, help="tokens put through the model at once (default: the context; 16,384 --gpu)")
    add("--recompute", action="store_true", help="activation checkpointing, in all modes")
    add("--repeat", type=int, default=1, help="run everything so often")
    add("--peak", type=float, default=PEAK_FLOPS, help="the device's FLOP/s (default: %(default)g)")
    add("--trl-python", default=sys.executable, help="the Python that has trl (default: this one)")
    add("--mode", choices=MODES, help=argparse.SUPPRESS)
    add("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.samples = given.samples or (1024 if given.gpu else 256)
    given.batch = given.batch or (64 if given.gpu else 16)
    given.context = given.context or (4096 if given.gpu else 1024)
    given.micro_tokens = given.micro_tokens or (16_384 if given.gpu else given.context)
    if given.mode:
        return work(given.mode, given.folder, given)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder, given.samples, given.context, random.Random(0))
        tokens = write_tokens(folder, given.context)
        print(f"{given.samples:,} samples, {tokens:,} tokens; load {os.getloadavg()[0]:.1f}", flush=True)
        from tax_training.estimate import student_size
        from tax_training.plan import Student

        size = student_size(Student(config={"vocab_size": 4096, **config(given)}, tokenizer="-")).parameters
        for _ in range(given.repeat):
            found = {mode: figures for mode in MODES if (figures := measure(mode, folder, given)) is not None}
            table(found, given, size)
            print(f"load {os.getloadavg()[0]:.1f}\n", flush=True)
    return None


if __name__ == "__main__":
    main()
