"""A small real model, loaded as a replica loads it, on a running slot."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from fleetserve.clock import SystemClock
from fleetserve.replica.slot import ComputeSlot
from inference_svc.generation.bounds import GenerationBounds
from inference_svc.generation.generator import LocalGenerator
from inference_svc.generation.loading import load_generating
from tests.checkpoints.causal import write_gpt2, write_llama

BOUNDS = GenerationBounds(cache_bytes=64 << 20, max_texts=8, max_waiting=16, max_step_tokens=1024)
Make = Callable[..., LocalGenerator]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llama")
    write_llama(folder)
    return folder


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gpt2")
    write_gpt2(folder)
    return folder


@pytest.fixture
def make_generator(slot: ComputeSlot) -> Iterator[Make]:
    """Loads a folder; what was loaded is unloaded at the end."""
    loaded = []

    def make(folder: Path, bounds: GenerationBounds = BOUNDS) -> LocalGenerator:
        model, _ = load_generating(folder, "m", "cpu", slot, SystemClock(), bounds)
        loaded.append(model)
        assert isinstance(model.generator, LocalGenerator)
        return model.generator

    yield make
    for model in loaded:
        model.unload()


@pytest.fixture
def llama(make_generator: Make, llama_folder: Path) -> LocalGenerator:
    return make_generator(llama_folder)


class Library:
    """transformers on the same files."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def ids(self, text: str) -> list[int]:
        found: list[int] = self.tokenizer(text)["input_ids"]
        return found

    def generate(self, ids: list[int], **settings: Any) -> list[int]:
        found = self.model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), **settings
        )
        new: list[int] = found[0, len(ids) :].tolist()
        return new

    def text(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text


@pytest.fixture(scope="session")
def library(llama_folder: Path) -> Library:
    return Library(llama_folder)


@pytest.fixture(scope="session")
def gpt2_library(gpt2_folder: Path) -> Library:
    return Library(gpt2_folder)
