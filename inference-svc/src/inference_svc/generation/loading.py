"""A checkpoint's folder to a generating model."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from fleetserve.clock import Clock
from fleetserve.replica.slot import ComputeSlot
from inference_svc.device import storage_bytes
from inference_svc.generation.base import GeneratorInfo
from inference_svc.generation.bounds import GenerationBounds
from inference_svc.generation.checked_model import check_model
from inference_svc.generation.decoder import Decoder
from inference_svc.generation.generator import LocalGenerator
from inference_svc.generation.model_defaults import read_defaults
from inference_svc.generation.step_budget import StepBudget
from inference_svc.generation.text_queue import TextQueue
from inference_svc.generation.vocabulary import Vocabulary
from inference_svc.served import GeneratingModel

_NO_LIMIT = 1 << 20  # Models without positions: memory is their bound.


def load_generating(
    folder: Path,
    name: str,
    device: str,
    slot: ComputeSlot,
    clock: Clock,
    bounds: GenerationBounds,
) -> tuple[GeneratingModel, int]:
    """The model, ready to write, and the bytes it takes: its weights and the room for its caches.

    For the loader's thread. Raises: what the library raises; InternalError: it can't be served.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    vocabulary = Vocabulary(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        dtype=torch.float32,
        weights_only=True,
    )
    model.eval().to(device)
    # Computed where everything else is, so that it doesn't take the cores of a batch.
    causal = slot.call(lambda: check_model(model, device, bounds.max_texts)).result()
    info = GeneratorInfo(device, "float32", _positions(model.config), vocabulary.has_chat)
    full = causal.bytes_per_token * info.max_tokens * bounds.max_texts
    budget_bytes = min(bounds.cache_bytes, full)
    decoder = Decoder(
        name,
        causal,
        slot,
        clock,
        TextQueue(budget_bytes, bounds.max_texts),
        StepBudget(bounds.max_step_tokens),
        token_text=vocabulary.token_text,
    )
    generator = LocalGenerator(
        info,
        vocabulary,
        read_defaults(model.generation_config, vocabulary.end_id),
        decoder,
        bytes_per_token=causal.bytes_per_token,
        max_waiting=bounds.max_waiting,
    )
    slot.add(decoder)
    weights = storage_bytes([*model.parameters(), *model.buffers()])

    def unload() -> None:
        decoder.close()
        # In the compute thread, after whatever it was doing with this model.
        slot.call(causal.close).result()

    return GeneratingModel(generator, unload, decoder.report, decoder.usage), weights + budget_bytes


def _positions(config: Any) -> int:
    text = config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"):
        found = getattr(text, name, None)
        if isinstance(found, int) and found > 0:
            return found
    return _NO_LIMIT
