"""Tokens a second of the teacher `hf:`, beside transformers' own continuous batching: one model, the same prompts.

    python benchmarks/hf.py            # a tiny model on the CPU: it shows that both run, not how fast
    python benchmarks/hf.py --gpu      # a Llama of 8 billion random weights in bf16

Random weights seldom end an answer, so nearly every one has as many tokens as it may. The lengths of the prompts are
mixed. The time is that of the answers; building and loading the model are left out. Results: docs/log.md.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "tests"))

from support.tiny_model import tiny_tokenizer  # noqa: E402
from tax.config import EngineOptions  # noqa: E402
from tax.teachers.base import Request, Sampling  # noqa: E402

TINY = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
LARGE = {"hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8}  # fmt: skip
CONTEXT = 4096


def build(folder: Path, *, gpu: bool) -> None:
    """Write a model folder with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer()
    size = {**(LARGE if gpu else TINY), "vocab_size": 32_000 if gpu else len(tokenizer)}
    config = LlamaConfig(**size, max_position_embeddings=CONTEXT, eos_token_id=tokenizer.eos_token_id)
    torch.manual_seed(0)
    with torch.device("cuda" if gpu else "cpu"):
        model = LlamaForCausalLM(config).to(torch.bfloat16 if gpu else torch.float32)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def requests(count: int, tokens: int) -> Iterator[Request]:
    """Yield calls whose prompts have from 20 to 600 words."""
    r = random.Random(0)
    for draw in range(count):
        words = " ".join(r.choices("water bread tide moon compost gauge valve cake".split(), k=r.randint(20, 600)))
        yield Request(
            model="benchmark",
            messages=(("user", words),),
            sampling=Sampling(temperature=1.0, max_tokens=tokens, seed=draw),
            schema=None,
            draw=draw,
            prompt="benchmark",
            fields={},
            leaf=None,
        )


def ours(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Ask the teacher, all calls at once."""
    from tax.teachers.hf import HF

    async def run() -> dict[str, Any]:
        teacher = HF("hf", str(folder), EngineOptions(batch=given.batch))
        start = time.monotonic()
        answers = await asyncio.gather(*map(teacher.complete, requests(given.calls, given.tokens)))
        wall = time.monotonic() - start
        await teacher.close()
        return {"tokens": sum(each.completion_tokens for each in answers), "wall_s": wall}

    return asyncio.run(run())


def theirs(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Let transformers form the batches."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
    from transformers.generation.configuration_utils import ContinuousBatchingConfig

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").to("cuda" if given.gpu else "cpu").eval()
    inputs = [
        tokenizer.apply_chat_template(
            [{"role": role, "content": text} for role, text in each.messages],
            add_generation_prompt=True,
            return_dict=False,
        )
        for each in requests(given.calls, given.tokens)
    ]
    how = GenerationConfig(
        max_new_tokens=given.tokens,
        do_sample=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    start = time.monotonic()
    small = (
        None if given.gpu else ContinuousBatchingConfig(num_blocks=512, max_batch_tokens=1024)
    )  # else it takes all memory
    found = model.generate_batch(inputs, how, small, progress_bar=False)
    wall = time.monotonic() - start
    return {"tokens": sum(len(each.generated_tokens) for each in found.values()), "wall_s": wall}


def main() -> None:
    """Run both, and print their figures, a line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", action="store_true", help="8 billion weights in bf16")
    parser.add_argument("--calls", type=int, help="default: 16, or 512 with --gpu")
    parser.add_argument("--tokens", type=int, help="of an answer (default: 32, or 256 with --gpu)")
    parser.add_argument("--batch", type=int, help="of the teacher (default: 8, or 128 with --gpu)")
    given = parser.parse_args()
    given.calls = given.calls or (512 if given.gpu else 16)
    given.tokens = given.tokens or (256 if given.gpu else 32)
    given.batch = given.batch or (128 if given.gpu else 8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "model")
        build(folder, gpu=given.gpu)
        for what, measure in {"hf:": ours, "transformers, continuous batching": theirs}.items():
            found = measure(folder, given)
            rate = found["tokens"] / found["wall_s"]
            print(json.dumps({"what": what, **found, "tokens_per_s": round(rate)}), flush=True)


if __name__ == "__main__":
    main()
