import torch

from audio_svc.speech.tiny_net import (
    BANDS,
    CENTRE_PITCH,
    LETTERS,
    SOUNDS_PER_LETTER,
    Speller,
    Voice,
    VoiceShape,
    split,
)

SHAPE = VoiceShape(phonemes=7, speakers=2, width=16, encoder_blocks=1, decoder_blocks=1)


def test_each_phoneme_is_drawn_as_long_as_it_is_told() -> None:
    voice = Voice(SHAPE).eval()
    phonemes, marks = torch.tensor([[1, 2, 3]]), torch.tensor([[1, 4, 0]])
    with torch.inference_mode():
        encoded, lengths = voice.read(phonemes, marks, voice.speaker(torch.tensor([1])))
        drawn = voice.draw(encoded[0], torch.tensor([2, 1, 4]))
    assert encoded.shape == (1, 3, 16)
    assert lengths.shape == (1, 3)
    assert drawn.shape == (7, BANDS + 2)


def test_frames_of_a_phoneme_are_told_where_in_it_they_are() -> None:
    voice = Voice(SHAPE).eval()
    with torch.inference_mode():
        spread = voice.spread(torch.zeros(2, 16), torch.tensor([3, 3]))
    assert not torch.equal(spread[0], spread[1])
    assert torch.allclose(spread[:3], spread[3:])


def test_numbers_are_taken_apart() -> None:
    drawn = split(torch.arange(BANDS + 2.0)[None])
    assert drawn.bands.shape == (1, BANDS)
    assert float(drawn.pitch) == BANDS + torch.tensor(CENTRE_PITCH)
    assert float(drawn.voicing) == BANDS + 1


def test_speller_has_room_for_more_sounds_than_letters() -> None:
    speller = Speller(5, width=8).eval()
    letters = torch.tensor([[LETTERS.index(letter) for letter in "box"]])
    assert speller(letters).shape == (1, 3 * SOUNDS_PER_LETTER, 5)
