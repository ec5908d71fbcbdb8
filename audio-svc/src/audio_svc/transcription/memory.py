"""A recogniser without a model: it hears the same words in everything."""

from collections.abc import Iterator

from audio_svc.transcription.base import (
    Samples,
    Segment,
    SpeechTask,
    TranscriptionOptions,
    TranscriptionTraits,
    Word,
)

SAMPLE_RATE_HZ = 16000
WORDS = ("the", "quick", "brown", "fox")
CONFIDENCE_LOG = -0.1


class FixedTranscription:
    """Spreads its four words evenly over the recording."""

    def __init__(self) -> None:
        self._traits = TranscriptionTraits(
            family="fixed",
            sample_rate_hz=SAMPLE_RATE_HZ,
            languages=("de", "en"),
            tasks=(SpeechTask.TRANSCRIBE, SpeechTask.TRANSLATE),
            device="cpu",
            word_times=True,
            max_prompt_tokens=10,
        )

    @property
    def traits(self) -> TranscriptionTraits:
        return self._traits

    def count_prompt_tokens(self, prompt: str) -> int:
        return len(prompt.split())

    def transcribe(
        self, samples: Samples, options: TranscriptionOptions
    ) -> Iterator[Segment | None]:
        yield None
        duration_s = len(samples) / SAMPLE_RATE_HZ
        step_s = duration_s / len(WORDS)
        words = tuple(
            Word(word, index * step_s, (index + 1) * step_s) for index, word in enumerate(WORDS)
        )
        yield Segment(
            start_s=0.0,
            end_s=duration_s,
            text=" " + " ".join(WORDS),
            avg_logprob=CONFIDENCE_LOG,
            language=options.language or "en",
            language_probability=None if options.language else 1.0,
            tokens=tuple(range(len(WORDS))),
            words=words if options.words else (),
        )
