"""Does a teacher cover more when it is shown seeds of one leaf at a time? LAB's Figure 2, as a small experiment.

LAB (3.2) claims that examples drawn at random over all seeds, as Self-Instruct does, bring what the teacher prefers,
while examples of one leaf of a taxonomy bring that leaf. Here the teacher is a language model of 0.2 million weights,
trained on the spot on lines of twenty small grammars, the "leaves", which it meets as unevenly as the web would show
them (Zipf). Its preferences are thus learned, not coded. Half of its documents hold lines of one grammar, half of them
mixed lines. Then it is asked for new lines after three seeds of one leaf, every leaf as often, or after three seeds of
leaves drawn at random; both see every leaf's seeds equally often. A parser says to which leaf a new line belongs.

    python benchmarks/experiments/taxonomy_sampling.py [--seeds 3] [--steps 600] [--samples 1000]

Simplified: one epoch over fresh documents, characters for tokens, a line stands for an instruction.
"""

import argparse
import json
import math
import random
import re
import statistics
import string
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM

SHOWN = 3  # seeds in a prompt, as in Self-Instruct
SEEDS_PER_LEAF = 5
LINES = 6  # of a training document
CONTEXT = 96
BATCH = 20
END, PAD = "\n", "\0"
ALPHABET = PAD + END + string.ascii_letters + string.digits + " .,:;?!+-*/=<>()[]{}#@%&_|'\"^~$"
CODES = {character: code for code, character in enumerate(ALPHABET)}

NAMES = "Ada Ben Cleo Dov Eva Finn Gus Hana Ivo Jun Kai Lea Mia Noa Odo Pia Rui Sol Tom Uma".split()
THINGS = "boat drum fig gate hat ink jar kite lamp map nut oar pen quilt rope sail tent urn vase wool".split()


@dataclass(frozen=True)
class Grammar:
    """A leaf: how its lines are made, what they look like, and whether one says something true."""

    name: str
    make: Callable[[random.Random], str]
    form: str
    true: Callable[[re.Match[str]], bool] = lambda found: True


def _word(r: random.Random, least: int = 3, most: int = 5) -> str:
    return "".join(r.choices("abcdefgh", k=r.randint(least, most)))


def _sum(r: random.Random) -> str:
    a, b = r.randint(1, 49), r.randint(1, 49)
    return f"{a}+{b}={a + b}"


def _product(r: random.Random) -> str:
    a, b = r.randint(2, 9), r.randint(2, 9)
    return f"{a}*{b}={a * b}"


def _difference(r: random.Random) -> str:
    a, b = sorted((r.randint(1, 60), r.randint(1, 60)))
    return f"{b}-{a}={b - a}"


def _reversed(r: random.Random) -> str:
    word = _word(r)
    return f"{word}>{word[::-1]}"


def _sorted(r: random.Random) -> str:
    word = _word(r)
    return f"{word}|{''.join(sorted(word))}"


def _upper(r: random.Random) -> str:
    word = _word(r)
    return f"{word}^{word.upper()}"


def _doubled(r: random.Random) -> str:
    word = _word(r, 2, 4)
    return f"{word}~{word}{word}"


def _counted(r: random.Random) -> str:
    word = _word(r)
    return f"#{word}={len(word)}"


def _next(r: random.Random) -> str:
    start, step = r.randint(1, 30), r.randint(1, 9)
    return ",".join(str(start + step * index) for index in range(4))


def _compared(r: random.Random) -> str:
    a, b = r.randint(1, 99), r.randint(1, 99)
    return f"{a} {'<' if a < b else '>' if a > b else '='} {b}"


# From the most to the least frequent in what the teacher is trained on.
GRAMMARS = [
    Grammar("greeting", lambda r: f"Hello {r.choice(NAMES)}!", r"Hello (\w+)!"),
    Grammar("sum", _sum, r"(\d+)\+(\d+)=(\d+)", lambda found: int(found[1]) + int(found[2]) == int(found[3])),
    Grammar("owner", lambda r: f"{r.choice(NAMES)} has a {r.choice(THINGS)}.", r"(\w+) has a (\w+)\."),
    Grammar("reversed", _reversed, r"([a-z]+)>([a-z]+)", lambda found: found[1][::-1] == found[2]),
    Grammar("time", lambda r: f"{r.randint(0, 23):02}:{r.randint(0, 59):02}", r"([01]\d|2[0-3]):([0-5]\d)"),
    Grammar("where", lambda r: f"Where is the {r.choice(THINGS)}?", r"Where is the (\w+)\?"),
    Grammar("product", _product, r"(\d)\*(\d)=(\d+)", lambda found: int(found[1]) * int(found[2]) == int(found[3])),
    Grammar("sorted", _sorted, r"([a-z]+)\|([a-z]+)", lambda found: "".join(sorted(found[1])) == found[2]),
    Grammar("address", lambda r: f"{_word(r)}@{_word(r)}.org", r"[a-z]+@[a-z]+\.org"),
    Grammar("price", lambda r: f"{r.choice(THINGS)}: ${r.randint(1, 99)}", r"(\w+): \$(\d+)"),
    Grammar("upper", _upper, r"([a-z]+)\^([A-Z]+)", lambda found: found[1].upper() == found[2]),
    Grammar("list", lambda r: f"[{'; '.join(r.sample(THINGS, 3))}]", r"\[(\w+; \w+; \w+)\]"),
    Grammar(
        "difference", _difference, r"(\d+)-(\d+)=(\d+)", lambda found: int(found[1]) - int(found[2]) == int(found[3])
    ),
    Grammar("call", lambda r: f"{_word(r)}({r.randint(0, 9)},{r.randint(0, 9)})", r"[a-z]+\(\d,\d\)"),
    Grammar("doubled", _doubled, r"([a-z]+)~([a-z]+)", lambda found: found[1] * 2 == found[2]),
    Grammar("quote", lambda r: f'"{r.choice(THINGS)}" says {r.choice(NAMES)}', r'"(\w+)" says (\w+)'),
    Grammar("counted", _counted, r"#([a-z]+)=(\d)", lambda found: len(found[1]) == int(found[2])),
    Grammar(
        "next",
        _next,
        r"(\d+),(\d+),(\d+),(\d+)",
        lambda found: len({int(found[at + 1]) - int(found[at]) for at in (1, 2, 3)}) == 1,
    ),
    Grammar("pair", lambda r: f"{{{r.choice(NAMES)}: {r.choice(THINGS)}}}", r"\{(\w+): (\w+)\}"),
    Grammar(
        "compared",
        _compared,
        r"(\d+) ([<>=]) (\d+)",
        lambda found: (
            found[2] == ("<" if int(found[1]) < int(found[3]) else ">" if int(found[1]) > int(found[3]) else "=")
        ),
    ),
]
WEIGHTS = [1 / (rank + 1) for rank in range(len(GRAMMARS))]
TAIL = {grammar.name for grammar in GRAMMARS[len(GRAMMARS) // 2 :]}


def leaf_of(line: str) -> Grammar | None:
    """Return the grammar that a line belongs to by its form."""
    return next((grammar for grammar in GRAMMARS if re.fullmatch(grammar.form, line)), None)


def document(r: random.Random) -> str:
    """Return a training document: lines of one grammar, or of a mixture."""
    drawn = r.choices(GRAMMARS, WEIGHTS) * LINES if r.random() < 0.5 else r.choices(GRAMMARS, WEIGHTS, k=LINES)
    return END + "".join(grammar.make(r) + END for grammar in drawn)


def encoded(texts: list[str], length: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask of texts, padded on the left (to `length`, cut there on the right)."""
    width = length or max(len(text) for text in texts)
    rows = [[CODES[character] for character in text][:width] for text in texts]
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    return ids, (ids != 0).long()


def train(seed: int, steps: int) -> tuple[LlamaForCausalLM, float]:
    """Train a teacher on fresh documents, and return it with its last loss."""
    torch.manual_seed(seed)
    r = random.Random(seed)
    config = LlamaConfig(
        vocab_size=len(ALPHABET),
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT + 64,
        pad_token_id=CODES[PAD],
        bos_token_id=CODES[END],
        eos_token_id=CODES[END],
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 50))
    losses: list[float] = []
    for _ in range(steps):
        ids, mask = encoded([document(r) for _ in range(BATCH)], CONTEXT)
        loss = model(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return model.eval(), statistics.mean(losses[-50:])


def ask(model: LlamaForCausalLM, prompts: list[str]) -> list[str]:
    """Return one new line for each prompt."""
    lines: list[str] = []
    for start in range(0, len(prompts), 250):
        ids, mask = encoded(prompts[start : start + 250])
        with torch.inference_mode():
            out = model.generate(ids, attention_mask=mask, do_sample=True, top_k=0, max_new_tokens=32)
        for row in out[:, ids.shape[1] :].tolist():
            lines.append("".join(ALPHABET[code] for code in row).partition(END)[0])
    return lines


def measure(lines: list[str], shown: set[str]) -> dict[str, float]:
    """Return what became of the lines: coverage counts new, true lines of a leaf, each once."""
    found = [(line, grammar) for line in lines if (grammar := leaf_of(line))]
    good = {
        line: grammar
        for line, grammar in found
        if line not in shown and grammar.true(re.fullmatch(grammar.form, line))  # type: ignore[arg-type]
    }
    counts = Counter(grammar.name for grammar in good.values())
    total = sum(counts.values())
    entropy = -sum(count / total * math.log2(count / total) for count in counts.values()) if total else 0.0
    return {
        "of a leaf": len(found) / len(lines),
        "new and true": total / len(lines),
        "leaves reached with 10 or more": sum(count >= 10 for count in counts.values()),
        "entropy in bits": entropy,
        "share of the rarer half": sum(counts[name] for name in TAIL) / total if total else 0.0,
        "least frequent leaf": min(counts[grammar.name] for grammar in GRAMMARS),
    }


def run(seed: int, steps: int, samples: int) -> dict[str, dict[str, float]]:
    """Train one teacher and ask it both ways."""
    began = time.monotonic()
    model, loss = train(seed, steps)
    trained = time.monotonic() - began
    r = random.Random(seed + 1)
    seeds = {grammar.name: [grammar.make(r) for _ in range(SEEDS_PER_LEAF)] for grammar in GRAMMARS}
    everything = [line for lines in seeds.values() for line in lines]
    by_leaf = [
        END + "".join(line + END for line in r.sample(seeds[GRAMMARS[index % len(GRAMMARS)].name], SHOWN))
        for index in range(samples)
    ]
    at_random = [END + "".join(line + END for line in r.sample(everything, SHOWN)) for _ in range(samples)]
    torch.manual_seed(seed)
    results = {
        "one leaf": measure(ask(model, by_leaf), set(everything)),
        "random": measure(ask(model, at_random), set(everything)),
    }
    weights = sum(parameter.numel() for parameter in model.parameters())
    print(
        f"seed {seed}: {weights:,} weights, loss {loss:.3f} a character, trained in {trained:.0f} s, "
        f"asked in {time.monotonic() - began - trained:.0f} s",
        flush=True,
    )
    return results


def main() -> None:
    """Run the seeds, and print each arm's figures with their mean."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--steps", type=int, default=600)
    options.add_argument("--samples", type=int, default=1000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    results = [run(seed, chosen.steps, chosen.samples) for seed in range(chosen.seeds)]
    if chosen.json:
        print(json.dumps(results, indent=2))
        return
    most = math.log2(len(GRAMMARS))
    print(f"\n{len(GRAMMARS)} leaves (an even spread has {most:.2f} bits), {chosen.samples:,} lines an arm and seed")
    for arm in results[0]:
        print(f"\n{SHOWN} seeds of {'one leaf' if arm == 'one leaf' else 'leaves drawn at random'}")
        for name in results[0][arm]:
            values = [result[arm][name] for result in results]
            print(f"  {name:32} {statistics.mean(values):8.3f}   ({', '.join(f'{value:.3f}' for value in values)})")


if __name__ == "__main__":
    main()
