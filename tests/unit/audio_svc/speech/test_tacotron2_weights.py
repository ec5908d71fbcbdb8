import pickle
from pathlib import Path

import pytest
import torch

from audio_svc.speech.tacotron2_weights import load_state, load_tacotron2
from fleetserve.errors import ConflictError
from tests.checkpoints.tacotron2 import make_tacotron2, write_nvidia, write_speechbrain


def test_both_layouts_hold_the_same_model(tmp_path: Path) -> None:
    write_speechbrain(tmp_path)
    write_nvidia(tmp_path)
    first = load_tacotron2(tmp_path / "model.ckpt").state_dict()
    second = load_tacotron2(tmp_path / "nvidia_tacotron2pyt_fp32.pth").state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_names_are_torchaudios(tmp_path: Path) -> None:
    write_speechbrain(tmp_path)
    names = load_tacotron2(tmp_path / "model.ckpt").state_dict().keys()
    assert {
        "embedding.weight",
        "encoder.convolutions.0.0.weight",
        "encoder.convolutions.0.1.running_mean",
        "encoder.lstm.weight_ih_l0_reverse",
        "decoder.prenet.layers.0.weight",
        "decoder.attention_layer.location_layer.location_conv.weight",
        "decoder.attention_layer.query_layer.weight",
        "decoder.attention_rnn.weight_ih",
        "decoder.gate_layer.bias",
        "postnet.convolutions.4.0.weight",
    } <= set(names)


def test_file_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Bad:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (ran,))

    torch.save({"state_dict": Bad()}, tmp_path / "bad.pt", pickle_module=pickle)
    with pytest.raises(ConflictError, match="download it again"):
        load_state(tmp_path / "bad.pt")
    assert not ran.exists()


@pytest.mark.parametrize("content", [b"nothing", b""])
def test_broken_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.ckpt").write_bytes(content)
    with pytest.raises(ConflictError, match=r"model\.ckpt"):
        load_tacotron2(tmp_path / "model.ckpt")


@pytest.mark.parametrize(
    "name", ["decoder.gate_layer.linear_layer.weight", "decoder.decoder_rnn.weight_hh"]
)
def test_missing_tensor_is_told(tmp_path: Path, name: str) -> None:
    state = make_tacotron2()
    del state[name]
    torch.save(state, tmp_path / "model.ckpt")
    with pytest.raises(ConflictError, match=name.split(".")[1]):
        load_tacotron2(tmp_path / "model.ckpt")
