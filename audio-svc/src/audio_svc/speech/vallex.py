"""VALL-E X: English in the voice of a few seconds of anybody's speech. Experimental."""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import structlog
import torch

from audio_svc.audio.decoding import decode, resample
from audio_svc.built_in import FOLDER
from audio_svc.speech.base import SpeechPiece, SpeechTraits, Utterance, VoiceSample
from audio_svc.speech.encodec import Encodec
from audio_svc.speech.pronouncing import Pronouncer
from audio_svc.speech.vallex_decode import Line, Prompt, VallexDecoder
from audio_svc.speech.vallex_files import (
    FREE_VOICE,
    LANGUAGES,
    MODEL_LANGUAGES,
    Preset,
    order_voices,
    read_presets,
    weights_of,
)
from audio_svc.speech.vallex_text import signs_of
from audio_svc.speech.vallex_weights import load_vallex
from audio_svc.text.normalizing import normalize_text
from audio_svc.weights import storage_bytes
from fleetserve.errors import ConflictError, InvalidFieldError
from fleetserve.manifest import VOCODER_FOLDER
from fleetserve.voices import MAX_SAMPLE_S

MAX_CHARS = 150  # It was trained on sentences; in longer texts it skips and repeats words.
WARM_UP_STEPS = 3  # Layers or frames.
SAMPLES_KEPT = 32  # Recordings that needn't be encoded again; 20 KB each.
log = structlog.get_logger(__name__)

ENGLISH = MODEL_LANGUAGES.index("en")
EXPERIMENTAL = "VALL-E X is experimental: it may skip, repeat or mumble words. Listen before use."
NO_PRESET = (
    "No voice came with this model, so it makes one up for each sentence. POST /audio/voices gives "
    "it one from a recording of some seconds."
)


class VallexEngine:
    """Speaks English in the voices of its presets and of recordings.

    Args:
        folder: The model's files; EnCodec's stand in vocoder/, presets in presets/*.npz.
        device: A torch device.

    Raises: ConflictError: files are missing or hold something else.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch.device(device)
        weights = weights_of(folder)
        if weights is None:
            raise ConflictError("its weights are missing; download it again.")
        self._model = load_vallex(weights).to(self._device)
        shape = self._model.shape
        self._codec = Encodec(folder / VOCODER_FOLDER, self._device, shape.codebooks, shape.codes)
        self._pronouncer = Pronouncer(FOLDER / "tiny_tts")
        presets = {name: one for name, one in read_presets(folder).items() if self._fits(name, one)}
        self._prompts = {name: self._from_preset(preset) for name, preset in presets.items()}
        self._prompts[FREE_VOICE] = self._no_prompt()
        self._names = order_voices(presets)
        self._samples: OrderedDict[VoiceSample, Prompt] = OrderedDict()
        self._traits = SpeechTraits(
            family="vallex",
            sample_rate_hz=self._codec.rate_hz,
            languages=LANGUAGES,
            max_chars=MAX_CHARS,
            default_voice=self._names[0],
            device=str(self._device),
            warnings=(EXPERIMENTAL,),
            default_voice_warning="" if presets else NO_PRESET,
            takes_samples=True,
        )

    @property
    def traits(self) -> SpeechTraits:
        return self._traits

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights, each storage counted once."""
        return storage_bytes(self._model, self._codec.module, self._pronouncer.module)

    def voices(self) -> tuple[str, ...]:
        return self._names

    def warm_up(self) -> None:
        """A few frames: a sentence takes many seconds on a CPU."""
        utterance = Utterance("Ready.", self._traits.default_voice, seed=0)
        for step, _piece in enumerate(self.synthesize(utterance)):
            if step == WARM_UP_STEPS:
                return

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        line = Line(self._read(utterance.text), ENGLISH)
        generator = torch.Generator(self._device)
        if utterance.seed is None:
            generator.seed()
        else:
            generator.manual_seed(utterance.seed)
        prompt = self._prompt_of(utterance)
        yield None
        codes, ended = yield from VallexDecoder(self._model, prompt, line, generator).decode()
        yield SpeechPiece(self._codec.decode(codes), complete=ended)

    def _read(self, text: str) -> torch.Tensor:
        """int64 [signs]. Raises: InvalidFieldError: nothing of it can be said."""
        return torch.tensor(signs_of(self._pronouncer.say(text)), device=self._device)

    def _prompt_of(self, utterance: Utterance) -> Prompt:
        sample = utterance.sample
        if sample is None:
            return self._prompts[utterance.voice]
        if sample not in self._samples:
            self._samples[sample] = self._from_sample(sample)
            if len(self._samples) > SAMPLES_KEPT:
                self._samples.popitem(last=False)
        self._samples.move_to_end(sample)
        return self._samples[sample]

    def _from_sample(self, sample: VoiceSample) -> Prompt:
        """Raises: InvalidFieldError: nothing of the transcript can be said; what decode raises."""
        try:
            data = sample.path.read_bytes()
        except FileNotFoundError:
            raise InvalidFieldError("voice", "was deleted meanwhile") from None
        heard = decode(data, field="voice", max_seconds=MAX_SAMPLE_S)
        codes = self._codec.encode(resample(heard.samples, heard.rate_hz, self._codec.rate_hz))
        said = normalize_text(sample.transcript, "en").text
        return Prompt(codes, self._read(said), ENGLISH)

    def _fits(self, name: str, preset: Preset) -> bool:
        """Whether the model has numbers like these; on a GPU others would end the process."""
        shape, (codes, signs) = self._model.shape, (preset.codes, preset.signs)
        fits = (
            codes.shape[1] == shape.codebooks
            and all(0 <= code < shape.codes for code in (codes.min(), codes.max()))
            and all(0 <= sign < shape.signs for sign in (signs.min(), signs.max()))
        )
        if not fits:
            log.warning("voice.refused", voice=name, reason="another model's numbers")
        return fits

    def _from_preset(self, preset: Preset) -> Prompt:
        return Prompt(
            torch.from_numpy(preset.codes).to(self._device),
            torch.from_numpy(preset.signs).to(self._device),
            MODEL_LANGUAGES.index(preset.language),
        )

    def _no_prompt(self) -> Prompt:
        codes = torch.zeros(0, self._model.shape.codebooks, dtype=torch.int64, device=self._device)
        return Prompt(codes, codes[:, 0], ENGLISH)
