import dataclasses
import threading

from auth_svc.identities import ApiKey


class MemoryKeyStore:
    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._lock = threading.Lock()

    def add(self, key: ApiKey) -> None:
        with self._lock:
            self._keys[key.id] = key

    def get(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    def by_digest(self, digest: str) -> ApiKey | None:
        with self._lock:
            return next((k for k in self._keys.values() if k.digest == digest), None)

    def of_user(self, user_id: str) -> list[ApiKey]:
        with self._lock:
            found = [key for key in self._keys.values() if key.user_id == user_id]
        return sorted(found, key=lambda key: (key.created_at, key.id))

    def delete(self, key_id: str) -> bool:
        with self._lock:
            return self._keys.pop(key_id, None) is not None

    def note_use(self, key_id: str, at_s: float) -> None:
        with self._lock:
            if key_id in self._keys:
                self._keys[key_id] = dataclasses.replace(self._keys[key_id], last_used_at=at_s)
