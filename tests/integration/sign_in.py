"""The first admin's way into a fleet that wants credentials."""

import httpx


def sign_in(url: str, password: str) -> dict[str, str]:
    """The headers of who is signed in."""
    body = {"username": "admin", "password": password.strip()}
    answer = httpx.post(f"{url}/auth/login", json=body, timeout=30)
    assert answer.is_success, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']['access_token']}"}
