import threading

from auth_svc.lockout import Attempts


class MemoryAttemptStore:
    def __init__(self) -> None:
        self._attempts: dict[str, Attempts] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Attempts | None:
        return self._attempts.get(name)

    def put(self, name: str, attempts: Attempts, *, was: Attempts | None) -> bool:
        with self._lock:
            if self._attempts.get(name) != was:
                return False
            self._attempts[name] = attempts
            return True

    def clear(self, name: str) -> None:
        with self._lock:
            self._attempts.pop(name, None)

    def prune(self, before_s: float) -> int:
        with self._lock:
            old = [name for name, a in self._attempts.items() if a.last_at < before_s]
            for name in old:
                del self._attempts[name]
            return len(old)
