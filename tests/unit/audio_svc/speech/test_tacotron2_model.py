"""Single layers; the whole is compared with a plain computation by the engine's tests."""

import torch

from audio_svc.speech.tacotron2_model import Prenet, Tacotron2Shape

SHAPE = Tacotron2Shape(
    symbols=10,
    mel_bins=6,
    symbol_size=4,
    encoder_size=4,
    encoder_layers=1,
    encoder_kernel=5,
    prenet_size=5,
    attention_rnn=4,
    attention_size=3,
    location_filters=2,
    location_kernel=3,
    decoder_rnn=4,
    postnet_size=4,
    postnet_layers=2,
    postnet_kernel=3,
)


def test_dropout_of_the_prenet_is_torchs_own_after_the_same_seed() -> None:
    prenet = Prenet(SHAPE).eval()
    frame = torch.randn(1, 6, generator=torch.Generator().manual_seed(1))
    made = prenet(frame, torch.Generator().manual_seed(5))
    torch.manual_seed(5)
    expected = frame
    for layer in prenet.layers:
        expected = torch.nn.functional.dropout(torch.relu(layer(expected)), 0.5, training=True)
    assert torch.equal(made, expected)
