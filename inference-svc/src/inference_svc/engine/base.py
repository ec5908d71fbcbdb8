"""The port that model families are behind."""

from collections.abc import Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import msgspec

from fleetserve.replica.stepwise import run_to_end


class DeviceMemoryError(Exception):
    """The device's memory did not suffice; a smaller batch may do."""


class DeviceLostError(Exception):
    """The device answers nothing any more (a faulted CUDA context); only a new process helps."""


class InputKind(StrEnum):
    """What one input is in JSON; a list of those is a batch.

    text: a string. pair: a string, or an object with text and text_pair. question: an object
    with question and context. image: base64 or a data URL, or a file's bytes from a form.
    tensor: nested lists of numbers.
    """

    TEXT = "text"
    PAIR = "pair"
    QUESTION = "question"
    IMAGE = "image"
    TENSOR = "tensor"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor of one input or of one result, for protocols that name their tensors.

    Attributes:
        dtype: numpy's name; "bytes" for strings.
        shape: Without the batch; -1: of any size.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What callers are told, and what inputs look like.

    Attributes:
        rank: Of one tensor input; 0 for all else.
        dtype: Of the weights.
        inputs, outputs: What there is to say of the tensors; without ``outputs`` a result is a
            JSON value. Several outputs are the keys of a result, which then is an object.
        packs: Inputs of different lengths cost a batch no padding.
    """

    kind: InputKind
    rank: int
    device: str
    dtype: str
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    packs: bool = False


class Prepared(msgspec.Struct, frozen=True, eq=False):
    """One input, ready for the model's thread.

    Attributes:
        payload: The engine's own.
        length: What is padded to the longest of a batch, at least 1.
        group: Only inputs of one group can share a batch.
        warning: What the caller should know about this input, such as that its end was cut.
    """

    payload: Any
    length: int = 1
    group: Hashable = None
    warning: str = ""


Results = Sequence[object]
Steps = Generator[None, None, Results]
"""A computation that lets others compute wherever it yields, and returns its results."""


def finish(computed: Results | Steps) -> Results:
    """The results, with all steps done at once."""
    return run_to_end(computed) if isinstance(computed, Generator) else computed


class ModelEngine(Protocol):
    """One model of a family. Built cheaply; ``load`` makes it usable.

    Threads: ``load`` and ``unload`` in the loader's, ``warm_up`` and ``predict_batch`` in the
    compute thread, ``read_parameters`` and ``prepare`` in any, several at once. Nothing
    here sees a request, a queue or an event loop.
    """

    @property
    def info(self) -> EngineInfo:
        """Valid after load()."""
        ...

    def load(self) -> int:
        """Reads the files; the bytes it takes, measured. Raises: what the library raises."""
        ...

    def warm_up(self) -> None:
        """Runs a sample, so that the first request pays for nothing."""
        ...

    def read_parameters(self, parameters: Mapping[str, object]) -> Any:
        """The request's task parameters, checked once per request.

        Raises: InvalidFieldError: named ``parameters.<name>``; unknown ones too.
        """
        ...

    def prepare(self, value: Any, options: Any) -> Prepared:
        """Checks and encodes one input (tokenises); no device is touched.

        ``value`` is a string, or a tensor as nested lists of floats or as a numpy array.

        Raises: InvalidFieldError: named ``inputs``, or ``inputs.<name>`` of an object.
        """
        ...

    def predict_batch(self, batch: Sequence[Prepared]) -> Results | Steps:
        """One result per input, in order: at once, or in steps where it takes long.

        A result is a JSON value, a float32 numpy array, or the exception of an input that
        failed by itself.

        Raises: anything; the batch is then run again in halves until the culprit stands alone.
        """
        ...

    def unload(self) -> None:
        """Gives the memory back."""
        ...


@runtime_checkable
class Tunable(Protocol):
    """What an engine offers besides, so that its model can be made faster.

    An engine without it serves as it is and is never optimised.
    """

    @property
    def module(self) -> Any:
        """The torch module that takes nearly all of the time. Valid after load()."""
        ...

    def with_module(self, module: Any, dtype: str) -> ModelEngine:
        """An engine like this one, with everything else shared, that computes with ``module``.

        Unloading one of the two leaves the other usable.
        """
        ...

    def samples(self, texts: Sequence[str]) -> Sequence[Prepared]:
        """One prepared input, with the default parameters, for each text (or as many others)."""
        ...
