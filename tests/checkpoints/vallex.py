"""Small VALL-E X checkpoints as Plachtaa publishes them: one pickle, and presets as .npz.

The table of weights is written by name and shape, not through the service's own modules. The
weights are random but shaped: one channel of the first stack counts the frames, and the end's
logit is read from it alone, so that speech ends after 2 or 3 seconds, its prompt counted.
"""

import pathlib
from pathlib import Path

import numpy as np
import torch

from tests.checkpoints.encodec import CODES

WIDTH, INNER, LAYERS, SIGNS, LANGUAGES, CODEBOOKS = 64, 256, 2, 80, 3, 8
FRAME_RATE_HZ = 75
CLOCK = 33  # The cosine of the place / 100.
PRESETS = {"acou_1": 2, "alan": 2, "dingzhen": 0}  # English, English, Chinese.
FILE = "vallex-checkpoint.pt"

State = dict[str, torch.Tensor]


class _Drawer:
    def __init__(self, seed: int) -> None:
        self._numbers = torch.Generator().manual_seed(seed)

    def weight(self, outputs: int, inputs: int, gain: float = 1.0) -> torch.Tensor:
        weight: torch.Tensor = self.table(outputs, inputs) * gain * inputs**-0.5
        return weight

    def table(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self._numbers)

    def bias(self, size: int) -> torch.Tensor:
        return self.table(size) * 0.1


def _stack(draw: _Drawer, name: str, *, staged: bool) -> State:
    state: State = {}
    for layer in range(LAYERS):
        part = f"{name}.layers.{layer}"
        attention = f"{part}.self_attn"
        state |= {
            f"{attention}.in_proj_weight": draw.weight(3 * WIDTH, WIDTH, 1.5),
            f"{attention}.in_proj_bias": draw.bias(3 * WIDTH),
            f"{attention}.out_proj.weight": draw.weight(WIDTH, WIDTH),
            f"{attention}.out_proj.bias": draw.bias(WIDTH),
            f"{part}.linear1.weight": draw.weight(INNER, WIDTH),
            f"{part}.linear1.bias": draw.bias(INNER),
            f"{part}.linear2.weight": draw.weight(WIDTH, INNER),
            f"{part}.linear2.bias": draw.bias(WIDTH),
        }
        for norm in ("norm1", "norm2"):
            state |= _norm(draw, f"{part}.{norm}", staged=staged)
    return state | _norm(draw, f"{name}.norm", staged=staged)


def _norm(draw: _Drawer, name: str, *, staged: bool) -> State:
    plain = f"{name}.norm" if staged else name
    state = {f"{plain}.weight": 1 + draw.bias(WIDTH), f"{plain}.bias": draw.bias(WIDTH)}
    if staged:
        state[f"{name}.project_layer.weight"] = draw.weight(2 * WIDTH, WIDTH, 0.3)
        scale = torch.cat([torch.ones(WIDTH), torch.zeros(WIDTH)])
        state[f"{name}.project_layer.bias"] = scale + draw.bias(2 * WIDTH)
    return state


def make_vallex(seed: int = 0) -> State:
    """Under the published names; prediction layers 0 to 5 of the second stack are its tables."""
    draw = _Drawer(seed)
    tables = {
        "ar_text_embedding": SIGNS,
        "nar_text_embedding": SIGNS,
        "ar_audio_embedding": CODES + 2,
        "ar_language_embedding": LANGUAGES,
        "nar_language_embedding": LANGUAGES,
    }
    tables |= {f"nar_audio_embeddings.{n}": CODES + (n == 0) for n in range(CODEBOOKS)}
    tables |= {f"nar_stage_embeddings.{n}": 1 for n in range(CODEBOOKS - 1)}
    state = {f"{name}.word_embeddings.weight": draw.table(n, WIDTH) for name, n in tables.items()}
    for place, alpha in (
        ("ar_text", 1.5),
        ("ar_audio", 2.0),
        ("nar_text", 1.0),
        ("nar_audio", 1.0),
    ):
        state[f"{place}_position.alpha"] = torch.tensor([alpha])
    state |= _stack(draw, "ar_decoder", staged=False)
    state |= _stack(draw, "nar_decoder", staged=True)
    state["ar_predict_layer.weight"] = draw.weight(CODES + 1, WIDTH, 2.0)
    for book in range(CODEBOOKS - 2):
        shared = state[f"nar_audio_embeddings.{book + 2}.word_embeddings.weight"]
        state[f"nar_predict_layers.{book}.weight"] = shared
    state[f"nar_predict_layers.{CODEBOOKS - 2}.weight"] = draw.weight(CODES, WIDTH)
    _teach_to_stop(state)
    return state


def _teach_to_stop(state: State) -> None:
    state["ar_audio_embedding.word_embeddings.weight"][:, CLOCK] = 0
    for layer in range(LAYERS):
        for part in ("self_attn.out_proj", "linear2"):
            name = f"ar_decoder.layers.{layer}.{part}"
            state[f"{name}.weight"][CLOCK] = 0
            state[f"{name}.bias"][CLOCK] = 0
    state["ar_decoder.norm.weight"][CLOCK] = 1
    state["ar_decoder.norm.bias"][CLOCK] = 0.1
    predict = state["ar_predict_layer.weight"]
    predict[:, CLOCK] = 0
    predict[CODES] = 0
    predict[CODES, CLOCK] = -60.0


def write_vallex(folder: Path, seed: int = 0, *, presets: bool = False) -> None:
    """A repository like Plachta/VALL-E-X; with the presets that its code has, if so."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = {
        "model": make_vallex(seed),
        "best_train_epoch": 12,
        "best_train_loss": 3.25,
        "exp_dir": pathlib.PurePosixPath("exp/valle"),
    }
    torch.save(checkpoint, folder / FILE)
    if presets:
        for number, (name, language) in enumerate(PRESETS.items()):
            write_preset(folder / "presets" / f"{name}.npz", number, language)


def write_preset(path: Path, seed: int, language: int) -> None:
    """A second of somebody; language: as preset files number them, zh 0, ja 1, en 2."""
    path.parent.mkdir(exist_ok=True)
    numbers = np.random.default_rng(seed)
    np.savez(
        path,
        audio_tokens=numbers.integers(0, CODES, (1, FRAME_RATE_HZ, CODEBOOKS)),
        text_tokens=numbers.integers(5, 70, (1, 12)),
        lang_code=np.array(language),
    )
