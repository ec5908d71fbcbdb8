"""Work in steps: a library's long call as a generator that rests, and one run to its end."""

import threading
from collections import deque
from collections.abc import Callable, Generator
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Pause = Callable[[], None]

IDLE_S = 60.0


def run_to_end(steps: Generator[None, None, T]) -> T:
    """What it returns, with all steps done at once. Raises: what it raises."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value


class AbandonedError(BaseException):
    """Unwinds the call whose generator was closed; nothing in between should catch it."""


class StepThreads:
    """Runs calls in threads of their own, step by step.

    Threads are kept for the next call, for a while: glibc gives each new thread another arena
    of memory, and a thread per call grew the process by 100 MiB in 100 Whisper calls.

    Args:
        idle_s: How long a thread waits for its next call before it ends.
    """

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._idle: deque[SimpleQueue[_Call[Any]]] = deque()

    def stepwise(self, call: Callable[[Pause], T]) -> Generator[None, None, T]:
        """Yields wherever ``call`` calls the function it is given; returns what it returns.

        The call runs only while the generator is being stepped, so the stepping thread keeps
        its monopoly of the device. Thread-local settings (torch's inference mode) must be made
        inside the call. Closing the generator unwinds the call.

        Raises: whatever the call raises.
        """
        work = _Call(call)
        self._hand_over(work)
        try:
            work.advance()
            while not work.ended:
                yield
                work.advance()
            if work.failure is not None:
                raise work.failure
            value: T = work.value
            return value
        finally:
            work.abandon()

    def _hand_over(self, work: "_Call[Any]") -> None:
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(
                target=self._serve, args=(inbox,), name="stepwise", daemon=True
            ).start()
        inbox.put(work)

    def _serve(self, inbox: "SimpleQueue[_Call[Any]]") -> None:
        """A thread's life; it ends when it was idle for long and nobody has picked it meanwhile."""
        while True:
            try:
                work = inbox.get(timeout=self._idle_s)
            except Empty:
                try:
                    self._idle.remove(inbox)
                except ValueError:
                    continue
                return
            work.run(lambda: self._idle.append(inbox))
            del work


class _Call(Generic[T]):
    """A call in another thread; that one and the stepping one never run at the same time."""

    def __init__(self, call: Callable[[Pause], T]) -> None:
        self._call = call
        self._may_run = threading.Semaphore(0)
        self._rests = threading.Semaphore(0)
        self._abandoned = False
        self.ended = False
        self.failure: BaseException | None = None
        self.value: Any = None

    def run(self, done: Callable[[], None]) -> None:
        """In the call's thread; ``done`` is called before the stepping thread knows of the end."""
        try:
            self._wait_for_turn()
            self.value = self._call(self._pause)
        except AbandonedError:
            pass
        except BaseException as exc:  # noqa: BLE001 - raised again in the stepping thread
            self.failure = exc
        finally:
            self.ended = True
            done()
            self._rests.release()

    def _pause(self) -> None:
        self._rests.release()
        self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        self._may_run.acquire()
        if self._abandoned:
            raise AbandonedError

    def advance(self) -> None:
        """Lets the call run to its next pause or its end."""
        self._may_run.release()
        self._rests.acquire()

    def abandon(self) -> None:
        self._abandoned = True
        while not self.ended:
            self.advance()
