"""VALL-E X step by step, from the table of weights as it is published.

Nothing is kept from one frame to the next and heads are computed one by one; nothing of the
service is used.
"""

import math

import torch

from tests.checkpoints.encodec import CODES
from tests.checkpoints.vallex import CODEBOOKS, LAYERS, State

HEADS = 16


def _norm(
    state: State, name: str, hidden: torch.Tensor, stage: torch.Tensor | None
) -> torch.Tensor:
    plain = name if stage is None else f"{name}.norm"
    centred = hidden - hidden.mean(dim=1, keepdim=True)
    normed = centred / (centred.square().mean(dim=1, keepdim=True) + 1e-5).sqrt()
    normed = normed * state[f"{plain}.weight"] + state[f"{plain}.bias"]
    if stage is None:
        return normed
    weight, bias = state[f"{name}.project_layer.weight"], state[f"{name}.project_layer.bias"]
    scale, shift = (stage @ weight.T + bias).chunk(2)
    return scale * normed + shift


def _attend(
    state: State, name: str, hidden: torch.Tensor, hidden_from: torch.Tensor
) -> torch.Tensor:
    """hidden_from: bool [length, length], true where a place must not look."""
    made = hidden @ state[f"{name}.in_proj_weight"].T + state[f"{name}.in_proj_bias"]
    heads = []
    size = hidden.shape[1] // HEADS
    for query, key, value in zip(
        *(torch.chunk(part, HEADS, dim=1) for part in made.chunk(3, 1)), strict=True
    ):
        scores = (query @ key.T / math.sqrt(size)).masked_fill(hidden_from, -math.inf)
        heads.append(torch.softmax(scores, dim=1) @ value)
    joined = torch.cat(heads, dim=1)
    return joined @ state[f"{name}.out_proj.weight"].T + state[f"{name}.out_proj.bias"]


def _run(
    state: State,
    name: str,
    hidden: torch.Tensor,
    hidden_from: torch.Tensor,
    stage: torch.Tensor | None = None,
) -> torch.Tensor:
    for layer in range(LAYERS):
        part = f"{name}.layers.{layer}"
        seen = _norm(state, f"{part}.norm1", hidden, stage)
        hidden = hidden + _attend(state, f"{part}.self_attn", seen, hidden_from)
        seen = _norm(state, f"{part}.norm2", hidden, stage)
        inner = torch.relu(seen @ state[f"{part}.linear1.weight"].T + state[f"{part}.linear1.bias"])
        hidden = hidden + inner @ state[f"{part}.linear2.weight"].T + state[f"{part}.linear2.bias"]
    return _norm(state, f"{name}.norm", hidden, stage)


def _places(state: State, name: str, hidden: torch.Tensor) -> torch.Tensor:
    width = hidden.shape[1]
    angles = torch.tensor(
        [
            [place / 10000 ** (2 * pair / width) for pair in range(width // 2)]
            for place in range(len(hidden))
        ]
    )
    sines = torch.zeros_like(hidden)
    sines[:, 0::2], sines[:, 1::2] = angles.sin(), angles.cos()
    return hidden + state[f"{name}_position.alpha"] * sines


def _table(state: State, name: str, numbers: torch.Tensor) -> torch.Tensor:
    return state[f"{name}.word_embeddings.weight"][numbers]


def speak(
    state: State, prompt: torch.Tensor, signs: list[int], languages: list[int], seed: int, most: int
) -> torch.Tensor:
    """int64 [frames, codebooks] without the prompt's, drawn by torch after manual_seed(seed).

    Args:
        prompt: int64 [frames, codebooks].
        signs: The prompt's, then the text's; languages: of each.
        most: Frames.
    """
    torch.manual_seed(seed)
    numbers, spoken_in = torch.tensor(signs), torch.tensor(languages)
    length = len(signs)

    def read(stack: str) -> torch.Tensor:
        text = _table(state, f"{stack}_text_embedding", numbers)
        return _places(
            state, f"{stack}_text", text + _table(state, f"{stack}_language_embedding", spoken_in)
        )

    text, heard = read("ar"), [CODES + 1, *prompt[:, 0].tolist()]
    first: list[int] = []
    while len(first) < most:
        audio = _table(state, "ar_audio_embedding", torch.tensor(heard + first))
        hidden = torch.cat([text, _places(state, "ar_audio", audio)])
        hidden_from = torch.zeros(len(hidden), len(hidden), dtype=torch.bool)
        for place in range(len(hidden)):
            hidden_from[place, max(place + 1, length) :] = True
        last = _run(state, "ar_decoder", hidden, hidden_from)[-1]
        chances = torch.softmax(last @ state["ar_predict_layer.weight"].T, dim=0)
        code = int(torch.multinomial(chances, 1))
        if code == CODES:
            break
        first.append(code)
    codes = [torch.tensor(first)]
    text = read("nar")
    for book in range(1, CODEBOOKS):
        past = [_table(state, f"nar_audio_embeddings.{n}", prompt[:, n]) for n in range(CODEBOOKS)]
        known = [_table(state, f"nar_audio_embeddings.{n}", found) for n, found in enumerate(codes)]
        audio = torch.cat([torch.stack(past).sum(0), torch.stack(known).sum(0)])
        hidden = torch.cat([text, _places(state, "nar_audio", audio)])
        hidden_from = torch.zeros(len(hidden), len(hidden), dtype=torch.bool)
        stage = state[f"nar_stage_embeddings.{book - 1}.word_embeddings.weight"][0]
        out = _run(state, "nar_decoder", hidden, hidden_from, stage)[-len(first) :]
        codes.append((out @ state[f"nar_predict_layers.{book - 1}.weight"].T).argmax(dim=1))
    return torch.stack(codes, dim=1)
