"""Runs a few blocking jobs at a time in threads that never hold up the end of the process."""

from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from threading import Lock, Thread


def run_all(tasks: Iterable[Callable[[], None]], width: int, name: str) -> None:
    """Runs every task, ``width`` at a time, in order of their start; returns when all are done.

    After a failure no further task is begun, those that run are waited for, and the first
    failure is raised. Threads are daemons: the standard library's pool would be joined at exit.
    """
    waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
    count = 0
    for task in tasks:
        waiting.put(task)
        count += 1
    failures: list[BaseException] = []
    lock = Lock()

    def work() -> None:
        while not failures:
            try:
                task = waiting.get_nowait()
            except Empty:
                return
            try:
                task()
            except BaseException as exc:  # noqa: BLE001 - raised in the caller's thread
                with lock:
                    failures.append(exc)

    threads = [
        Thread(target=work, name=f"{name}-{number}", daemon=True)
        for number in range(min(width, count))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
