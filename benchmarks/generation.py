"""Tokens per second of texts that share their steps, beside the library's generate().

``python -m benchmarks.generation`` makes random weights of SmolLM2-135M's shape, then in one
process and on one thread: generate() one prompt after the other, generate() of a padded batch,
and this replica's generator with 1, 8 and 16 texts at once. CPU time counts; the machine may be
busy. Last, how long a text that is being written waits between two tokens while a long prompt is
read beside it.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from fleetserve.clock import SystemClock
from fleetserve.replica.slot import ComputeSlot
from inference_svc.generation.base import GenerationOrder, Prompt, TextGenerator
from inference_svc.generation.bounds import GenerationBounds
from inference_svc.generation.loading import load_generating
from tests.checkpoints.whisper_tokenizer import write_whisper_tokenizer

PROMPT_TOKENS = 40
TEXTS = (1, 8, 16)
BOUNDS = GenerationBounds(cache_bytes=1 << 30, max_texts=32, max_waiting=64, max_step_tokens=16384)


def shape() -> LlamaConfig:
    """SmolLM2-135M; no token ends a text, so that all have the same length."""
    return LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )


def write_checkpoint(folder: Path) -> None:
    torch.manual_seed(0)
    factory: Any = LlamaForCausalLM
    factory(shape()).save_pretrained(folder)
    write_whisper_tokenizer(folder)  # Of about as many tokens.


def prompts(count: int, length: int = PROMPT_TOKENS) -> list[list[int]]:
    source = torch.Generator().manual_seed(1)
    return torch.randint(1, 49152, (count, length), generator=source).tolist()


@dataclass(frozen=True)
class Spent:
    tokens: int
    wall_s: float
    cpu_s: float

    def row(self, name: str) -> str:
        rate, per_cpu = self.tokens / self.wall_s, self.tokens / self.cpu_s
        return f"{name:34}{rate:12.1f}{per_cpu:16.1f}{1000 * self.cpu_s / self.tokens:16.1f}"


def spend(tokens: int, work: Callable[[], object]) -> Spent:
    wall_s, used_s = time.perf_counter(), time.process_time()
    work()
    return Spent(tokens, time.perf_counter() - wall_s, time.process_time() - used_s)


def library(folder: Path, new: int) -> list[tuple[str, Spent]]:
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    settings = {"max_new_tokens": new, "do_sample": False, "pad_token_id": 0}

    def generate(rows: list[list[int]]) -> None:
        ids = torch.tensor(rows)
        model.generate(ids, attention_mask=torch.ones_like(ids), **settings)

    generate(prompts(1))
    few, many = prompts(3), prompts(16)

    def one_by_one() -> None:
        for row in few:
            generate([row])

    alone = spend(len(few) * new, one_by_one)
    padded = spend(len(many) * new, lambda: generate(many))
    return [("generate(), one by one", alone), ("generate(), 16 of equal length", padded)]


async def write(generator: TextGenerator, ids: list[int], new: int) -> list[float]:
    """When each piece came."""
    order = GenerationOrder(Prompt("", ids), max_new_tokens=new)
    async with generator.generate(order) as stream:
        return [time.perf_counter() async for _ in stream]


async def write_all(generator: TextGenerator, count: int, new: int) -> None:
    await asyncio.gather(*(write(generator, ids, new) for ids in prompts(count)))


async def gaps_beside_a_long_prompt(generator: TextGenerator, length: int) -> list[float]:
    """Seconds between two tokens of a text while another's prompt is read."""
    reader = asyncio.create_task(write(generator, prompts(1)[0], 40))
    await write(generator, prompts(1, length)[0], 1)
    times = await reader
    return [after - before for before, after in pairwise(times)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=32, help="New tokens per text.")
    parser.add_argument("--long-prompt", type=int, default=600)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory(prefix="fleetserve-bench-") as name:
        folder = Path(name)
        write_checkpoint(folder)
        rows = library(folder, args.tokens)
        slot = ComputeSlot("cpu", SystemClock())
        slot.start()
        model, _ = load_generating(folder, "bench", "cpu", slot, SystemClock(), BOUNDS)
        generator = model.generator
        asyncio.run(write_all(generator, 1, 4))
        for count in TEXTS:
            work = partial(write_all, generator, count, args.tokens)
            spent = spend(count * args.tokens, lambda work=work: asyncio.run(work()))  # type: ignore[misc]
            rows.append((f"this, {count} at once", spent))
        gaps = asyncio.run(gaps_beside_a_long_prompt(generator, args.long_prompt))
        model.unload()
        slot.stop()
    print(f"{PROMPT_TOKENS} prompt tokens, {args.tokens} new ones, prompts read included\n")
    print(f"{'':34}{'tokens/s':>12}{'tokens/CPU s':>16}{'CPU ms/token':>16}")
    for label, spent in rows:
        print(spent.row(label))
    print(
        f"\nbeside a prompt of {args.long_prompt} tokens: between two tokens "
        f"{1000 * statistics.median(gaps):.0f} ms (median), {1000 * max(gaps):.0f} ms (longest)"
    )


if __name__ == "__main__":
    main()
