"""Small models of the public families that continue texts, with random weights."""

from collections.abc import Mapping
from typing import Any

import transformers

from tests.checkpoints.causal import spread

VOCABULARY = 97
POSITIONS = 64
_USUAL: Mapping[str, object] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": POSITIONS,
}
_LLAMA: Mapping[str, object] = {**_USUAL, "intermediate_size": 64, "num_key_value_heads": 2}
_OLD: Mapping[str, object] = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": POSITIONS}
_FALCON: Mapping[str, object] = {**_USUAL, "new_decoder_architecture": False}
_WINDOW: Mapping[str, object] = {**_LLAMA, "sliding_window": 4}

FAMILIES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "gpt2": ("GPT2", _OLD),
    "gpt_neo": (
        "GPTNeo",
        {
            "hidden_size": 32,
            "num_layers": 2,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 4,
            "max_position_embeddings": POSITIONS,
        },
    ),
    "gpt_neox": ("GPTNeoX", {**_USUAL, "intermediate_size": 64}),
    "gptj": ("GPTJ", {**_OLD, "rotary_dim": 4}),
    "gpt_bigcode": ("GPTBigCode", _OLD),
    "codegen": ("CodeGen", {**_OLD, "rotary_dim": 4}),
    "opt": ("OPT", {**_USUAL, "ffn_dim": 64, "word_embed_proj_dim": 32}),
    "bloom": ("Bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "mpt": ("Mpt", {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": POSITIONS}),
    "falcon": ("Falcon", {**_FALCON, "multi_query": True}),
    "falcon_new": (
        "Falcon",
        {**_USUAL, "new_decoder_architecture": True, "num_kv_heads": 2},
    ),
    "falcon_alibi": ("Falcon", {**_FALCON, "multi_query": False, "alibi": True}),
    "llama": ("Llama", _LLAMA),
    "mistral": ("Mistral", _WINDOW),
    "mixtral": ("Mixtral", {**_LLAMA, "num_local_experts": 3}),
    "qwen2": ("Qwen2", _LLAMA),
    "qwen3": ("Qwen3", {**_LLAMA, "head_dim": 8}),
    "phi": ("Phi", _LLAMA),
    "phi3": ("Phi3", {**_WINDOW, "pad_token_id": 0}),
    "gemma": ("Gemma", {**_LLAMA, "head_dim": 8}),
    "gemma2": ("Gemma2", {**_WINDOW, "head_dim": 8}),
    "gemma3": ("Gemma3", {**_WINDOW, "head_dim": 8}),
    "stablelm": ("StableLm", _LLAMA),
    "starcoder2": ("Starcoder2", _LLAMA),
    "olmo2": ("Olmo2", _LLAMA),
    "cohere": ("Cohere", _LLAMA),
}


def make_family(name: str) -> Any:
    """A model of the family, of which every layer has an effect; it never ends by itself."""
    family, settings = FAMILIES[name]
    config_of = {"Gemma3": "Gemma3Text"}.get(family, family)
    model_of = {"GPT2": "GPT2LMHeadModel"}.get(family, f"{family}ForCausalLM")
    ids = {"bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
    config = getattr(transformers, f"{config_of}Config")(
        vocab_size=VOCABULARY, **{**ids, **settings}
    )
    return spread(getattr(transformers, model_of)(config), seed=3)
