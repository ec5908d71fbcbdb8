"""Small causal language models in the layout of public repositories.

Random weights, spread so that what is written depends on all that was read; the tokens that are
single bytes beyond ASCII are made unlikely, so that the text is mostly words.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from tests.checkpoints.causal_tokenizer import (
    BEGIN,
    END,
    PAD,
    VOCABULARY_SIZE,
    make_tokenizer,
    write_causal_tokenizer,
)

LLAMA_POSITIONS = 512
GPT2_POSITIONS = 128


def llama_config() -> LlamaConfig:
    """SmolLM2's proportions: several heads share keys, embeddings are not tied."""
    ids = make_tokenizer().get_vocab()
    return LlamaConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=LLAMA_POSITIONS,
        tie_word_embeddings=False,
        bos_token_id=ids[BEGIN],
        eos_token_id=ids[END],
        pad_token_id=ids[PAD],
    )


def gpt2_config() -> GPT2Config:
    """openai-community/gpt2's names, small: learned positions, tied embeddings."""
    end = make_tokenizer().get_vocab()[PAD]
    return GPT2Config(
        vocab_size=VOCABULARY_SIZE,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=GPT2_POSITIONS,
        bos_token_id=end,
        eos_token_id=end,
    )


def spread(model: Any, seed: int) -> Any:
    """Random weights of which each layer's have an effect. Changes and returns the model."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0.0, parameter.shape[-1] ** -0.5)
                if "embed_tokens" in name or "wte" in name or "wpe" in name:
                    parameter.mul_(4.0)
    return model.eval()


def quieten_bytes(table: Any) -> None:
    """Rows of the output's table: single bytes beyond ASCII are never the likeliest."""
    tokens = make_tokenizer().get_vocab()
    rows = [place for token, place in tokens.items() if len(token) == 1 and ord(token) > 126]
    with torch.no_grad():
        table[rows] = 0.0


def make_llama(seed: int = 0) -> Any:
    factory: Any = LlamaForCausalLM
    model = spread(factory(llama_config()), seed)
    quieten_bytes(model.lm_head.weight)
    return model


def make_gpt2(seed: int = 0) -> Any:
    factory: Any = GPT2LMHeadModel
    model = spread(factory(gpt2_config()), seed)
    quieten_bytes(model.transformer.wte.weight)
    return model


def write_llama(folder: Path, seed: int = 0) -> None:
    """A chat model as HuggingFaceTB/SmolLM2-135M-Instruct is published, in two bytes a weight."""
    model = make_llama(seed)
    write_causal_tokenizer(folder, chat=True, max_tokens=LLAMA_POSITIONS)
    state = {name: tensor.to(torch.bfloat16) for name, tensor in model.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    config = model.config.to_dict() | {"architectures": ["LlamaForCausalLM"]}
    config.pop("dtype", None)
    _write_json(folder / "config.json", config | {"torch_dtype": "bfloat16"})
    ids = make_tokenizer().get_vocab()
    names = {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PAD}
    settings = {name: ids[token] for name, token in names.items()}
    _write_json(folder / "generation_config.json", {"_from_model_config": True, **settings})


def write_gpt2(folder: Path, seed: int = 0) -> None:
    """A repository like openai-community/gpt2: keys without a prefix, no chat template."""
    model = make_gpt2(seed)
    write_causal_tokenizer(folder, chat=False, max_tokens=GPT2_POSITIONS)
    state = {name: tensor.clone() for name, tensor in model.transformer.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    config = model.config.to_dict() | {"architectures": ["GPT2LMHeadModel"]}
    config.pop("dtype", None)
    _write_json(folder / "config.json", config)
    end = make_tokenizer().get_vocab()[PAD]
    settings = {"_from_model_config": True, "bos_token_id": end, "eos_token_id": end}
    _write_json(folder / "generation_config.json", settings)


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
