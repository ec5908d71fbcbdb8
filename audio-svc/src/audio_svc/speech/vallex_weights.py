"""VALL-E X's weights as Plachtaa publishes them: a pickle with the tables of a training's end."""

import pathlib
from pathlib import Path
from typing import Any

import torch

from audio_svc.speech.vallex_model import HEADS, Vallex, VallexShape
from fleetserve.errors import ConflictError

WRAPPER = "model"
# A training leaves the folder it ran in beside the weights; a path does nothing by itself.
HARMLESS: list[Any] = [pathlib.PosixPath, pathlib.PurePosixPath]

State = dict[str, torch.Tensor]


def load_vallex(path: Path) -> Vallex:
    """In eval mode, with tensors that the file shares shared.

    Raises: ConflictError: the file is no VALL-E X's, or holds more than tensors and numbers.
    """
    state = _load_state(path)
    try:
        shape = _shape_of(state)
        if shape.width % HEADS:
            raise _broken(path, f"its width of {shape.width} is none of {HEADS} heads")
        with torch.device("meta"):
            model = Vallex(shape)
        model.load_state_dict(state, assign=True)
    except (KeyError, RuntimeError) as exc:
        raise _broken(path, str(exc)[:200]) from None
    return model.eval().requires_grad_(False)


def _load_state(path: Path) -> State:
    try:
        with torch.serialization.safe_globals(HARMLESS):
            told: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as exc:  # noqa: BLE001 - whatever a broken file raises.
        raise _broken(path, f"{type(exc).__name__}: {str(exc)[:200]}") from None
    state = told.get(WRAPPER) if isinstance(told, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise _broken(path, f"it has no table of tensors called {WRAPPER}")
    return {name: tensor.float() for name, tensor in state.items()}


def _shape_of(state: State) -> VallexShape:
    def rows(table: str) -> int:
        return state[f"{table}.word_embeddings.weight"].shape[0]

    def count(pattern: str) -> int:
        return next(number for number in range(len(state)) if pattern.format(number) not in state)

    inner, width = state["ar_decoder.layers.0.linear1.weight"].shape
    return VallexShape(
        width=width,
        inner=inner,
        layers=count("ar_decoder.layers.{}.linear1.weight"),
        signs=rows("ar_text_embedding"),
        languages=rows("ar_language_embedding"),
        codes=rows("ar_audio_embedding") - 2,
        codebooks=count("nar_audio_embeddings.{}.word_embeddings.weight"),
    )


def _broken(path: Path, why: str) -> ConflictError:
    return ConflictError(
        f"{path.name} can't be read as a checkpoint of VALL-E X ({why}); download it again.",
        code="model_files_broken",
    )
