import dataclasses
import threading

from auth_svc.identities import Session


class MemorySessionStore:
    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def add(self, session: Session) -> None:
        with self._lock:
            self._sessions[session.id] = session

    def get(self, session_id: str) -> Session | None:
        return self._sessions.get(session_id)

    def of_user(self, user_id: str) -> list[Session]:
        with self._lock:
            found = [s for s in self._sessions.values() if s.user_id == user_id]
        return sorted(found, key=lambda session: (session.created_at, session.id))

    def rotate(self, session_id: str, *, was: str, digest: str, expires_at: float) -> bool:
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None or session.digest != was:
                return False
            self._sessions[session_id] = dataclasses.replace(
                session, digest=digest, expires_at=expires_at
            )
            return True

    def end(self, session_id: str) -> bool:
        with self._lock:
            return self._sessions.pop(session_id, None) is not None

    def prune(self, now_s: float) -> int:
        with self._lock:
            over = [s.id for s in self._sessions.values() if s.expires_at <= now_s]
            for session_id in over:
                del self._sessions[session_id]
            return len(over)
