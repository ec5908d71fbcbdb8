"""A model's source of steps for the compute slot: texts join and leave between two of them."""

from collections import deque
from collections.abc import Callable, Sequence

import structlog
from torch import Tensor

from fleetserve.clock import Clock
from fleetserve.errors import (
    DoesNotFitError,
    FleetError,
    InternalError,
    ShedError,
    UnavailableError,
)
from fleetserve.replica.slot import ComputeSlot, Unit
from fleetserve.usage import Usage
from inference_svc.engine.base import DeviceLostError, DeviceMemoryError
from inference_svc.generation.base import TokenLogprob
from inference_svc.generation.causal import CausalModel, Row
from inference_svc.generation.planning import Part, StepPlan, plan_step
from inference_svc.generation.sampling import choose_tokens
from inference_svc.generation.step_budget import StepBudget
from inference_svc.generation.text_queue import TextQueue
from inference_svc.generation.text_run import TextRun, read_logprob
from inference_svc.texts.report import WritingReport, Written

log = structlog.get_logger(__name__)

Choice = tuple[TextRun, int, Tensor]
"""A text, its next token, and the logits that it was chosen from."""


class Decoder:
    """Feeds one model. ``submit`` is for the event loop, ``take`` for the compute thread.

    Every step gives each text that is being written its next token and reads a bounded number of
    prompt tokens; then the slot is free for others. A text whose reader left, or is slow, is
    not in the next step.
    """

    def __init__(
        self,
        name: str,
        model: CausalModel,
        slot: ComputeSlot,
        clock: Clock,
        queue: TextQueue,
        budget: StepBudget,
        *,
        token_text: Callable[[int], str],
    ) -> None:
        self.name = name
        self.queue = queue
        self.budget = budget
        self.written = Written()
        self.usage = Usage()
        self._model = model
        self._slot = slot
        self._now_s = clock.monotonic_s
        self._wall_s = clock.now_s
        self._token_text = token_text
        self._inbox: deque[TextRun] = deque()
        self._closed = False

    def waiting(self) -> int:
        """Texts that have not begun. Any thread; a moment old."""
        return len(self._inbox) + self.queue.waiting

    def report(self) -> WritingReport:
        """Any thread; the numbers are of about the same moment."""
        queue = self.queue
        return WritingReport(
            self.written, len(queue.active), self.waiting(), queue.held_bytes, queue.budget_bytes
        )

    def submit(self, text: TextRun) -> None:
        """Raises: ShedError: the model is being unloaded."""
        if self._closed:
            raise ShedError(f"{self.name} is being unloaded.")
        text.stream.note.submitted_s = self._now_s()
        self._inbox.append(text)
        self._slot.wake()

    def wake(self) -> None:
        """A reader has come or gone. Any thread."""
        self._slot.wake()

    def close(self) -> None:
        """Takes itself out of the slot; what is not finished fails."""
        self._closed = True
        self._slot.remove(self)
        self._slot.call(self._end_all)

    def take(self) -> Unit | None:
        now_s = self._now_s()
        while self._inbox:
            self.queue.add(self._inbox.popleft(), now_s)
        for text in self.queue.drop_abandoned(now_s):
            self._count_failure(text)
        self.queue.admit(self._model.open)
        ready = [text for text in self.queue.active if not text.stream.paused]
        if not ready:
            return None
        plan = plan_step(ready, self.budget.tokens, self._model.max_rows)
        return lambda: self._run(plan)

    def _run(self, plan: StepPlan[TextRun]) -> None:
        try:
            self._step(plan)
        except Exception as exc:  # noqa: BLE001 - told to whoever asked
            # Whatever it was, texts that stayed would be tried again for ever.
            for part in plan.parts:
                if part.text in self.queue.active:
                    self._fail(part.text, exc)

    def _step(self, plan: StepPlan[TextRun]) -> None:
        begin_s = self._now_s()
        for part in plan.parts:
            note = part.text.stream.note
            note.started_s = begin_s if note.started_s is None else note.started_s
        ended = self._read(plan.parts)
        chosen = [one for texts, logits in ended for one in self._choose(texts, logits)]
        # Before anybody is told: who has the last token has the whole note.
        seconds = self._now_s() - begin_s
        self._count(plan, len(chosen), seconds)
        if len(ended) == 1:
            self.budget.observe(plan.tokens, seconds, read=plan.read, bound=plan.bound)
        now_s = begin_s + seconds
        for text, token, row in chosen:
            try:
                self._give(text, token, row, now_s)
            except Exception as exc:  # noqa: BLE001 - told to whoever asked
                self._fail(text, exc)

    def _read(self, parts: Sequence[Part[TextRun]]) -> list[tuple[list[TextRun], Tensor]]:
        """Texts whose next token is due, with its logits; who fails is found by halving."""
        rows = [
            Row(
                part.text.cache,
                part.text.ids[part.text.read : part.text.read + part.count],
                ends=part.count == part.text.left,
            )
            for part in parts
        ]
        try:
            logits = self._model.step(rows)
        except Exception as exc:  # noqa: BLE001 - split, then told to whoever asked
            if isinstance(exc, DeviceLostError):
                self._slot.poison(str(exc))
            if len(parts) == 1:
                self._fail(parts[0].text, exc)
                return []
            middle = len(parts) // 2
            return self._read(parts[:middle]) + self._read(parts[middle:])
        for part in parts:
            part.text.read += part.count
        return [([p.text for p, row in zip(parts, rows, strict=True) if row.ends], logits)]

    def _choose(self, texts: Sequence[TextRun], logits: Tensor) -> list[Choice]:
        if not texts:
            return []
        try:
            tokens = choose_tokens([(text.chooser, text.ids) for text in texts], logits)
        except Exception as exc:  # noqa: BLE001 - told to whoever asked
            if len(texts) == 1:
                self._fail(texts[0], exc)
                return []
            alone = [self._choose([text], logits[n : n + 1]) for n, text in enumerate(texts)]
            return [one for found in alone for one in found]
        return list(zip(texts, tokens, logits, strict=True))

    def _give(self, text: TextRun, token: int, logits: Tensor, now_s: float) -> None:
        note, stream = text.stream.note, text.stream
        if note.first_token_s is None:
            note.first_token_s = now_s
            self.written.first_token.record(now_s - (note.submitted_s or now_s))
        top = text.order.top_logprobs
        logprob: TokenLogprob | None = None
        if top is not None:
            logprob = read_logprob(logits, token, top, self._token_text)
        piece = text.take(token, logprob)
        if piece is None:
            return
        if piece.finish_reason is not None:
            note.ended_s = now_s
            self.queue.release(text)
            self._count_success(text)
        stream.item(piece)
        if piece.finish_reason is not None:
            stream.done(None)

    def _count(self, plan: StepPlan[TextRun], tokens: int, seconds: float) -> None:
        size = len(plan.parts)
        for part in plan.parts:
            part.text.steps += 1
            note = part.text.stream.note
            note.steps += 1
            note.compute_s += seconds
            note.batch_size = max(note.batch_size, size)
        self.written.steps += 1
        self.written.rows += size
        self.written.tokens += tokens
        self.written.prompt_tokens += plan.read
        self.written.compute_s += seconds
        self.usage.ran(size, seconds)

    def _count_success(self, text: TextRun) -> None:
        note, usage = text.stream.note, self.usage
        submitted_s, ended_s = note.submitted_s or 0.0, note.ended_s or 0.0
        usage.success.add(ended_s - submitted_s)
        usage.queue.add((note.started_s or ended_s) - submitted_s)
        usage.compute.add(note.compute_s)
        usage.inputs += 1
        usage.last_s = self._wall_s()

    def _count_failure(self, text: TextRun) -> None:
        self.usage.fail.add(self._now_s() - (text.stream.note.submitted_s or 0.0))
        self.usage.last_s = self._wall_s()

    def _fail(self, text: TextRun, exc: Exception) -> None:
        self.queue.release(text)
        self._count_failure(text)
        text.stream.failed(self._as_failure(exc))

    def _as_failure(self, exc: Exception) -> FleetError:
        if isinstance(exc, FleetError):
            return exc
        if isinstance(exc, DeviceMemoryError):
            return DoesNotFitError(f"This text alone is more than the device's memory: {exc}")
        log.error("text.failed", model=self.name, exc_info=exc)
        return InternalError(
            "The model failed on this text. The log has the details.", code="model_failed"
        )

    def _end_all(self) -> None:
        while self._inbox:
            self.queue.add(self._inbox.popleft(), 0.0)
        for text in self.queue.clear():
            reason = f"{self.name} was unloaded before this was done."
            begun = text.stream.note.started_s is not None
            text.stream.failed(UnavailableError(reason) if begun else ShedError(reason))
