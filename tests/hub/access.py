"""Who may read what, answered with the hub's own statuses, codes and sentences."""

from aiohttp import web

from tests.hub.repo import HubRepo


def hub_error(status: int, code: str | None, message: str, **headers: str) -> web.Response:
    """The hub's error: the client decides by X-Error-Code and X-Error-Message."""
    found = {"X-Error-Message": message, **{k.replace("_", "-"): v for k, v in headers.items()}}
    if code is not None:
        found["X-Error-Code"] = code
    return web.json_response({"error": message}, status=status, headers=found)


def not_found(token: str | None) -> web.Response:
    """An unknown repository, or a private one that must look unknown.

    The real hub leaves the code out for anonymous callers and the client guesses it from the https
    address; over plain http it needs the code.
    """
    if token is None:
        return hub_error(401, "RepoNotFound", "Invalid username or password.")
    return hub_error(404, "RepoNotFound", "Repository not found")


def bearer_token(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def refuse_token(token: str | None, known: frozenset[str]) -> web.Response | None:
    """A token that the hub never gave out is refused everywhere, for public files too."""
    if token is None or token in known:
        return None
    return hub_error(401, None, "Invalid credentials in Authorization header")


def refuse_reading(repo: HubRepo, token: str | None, *, files: bool) -> web.Response | None:
    """Answer the refusal, or None where the repository (its files, if asked) may be read."""
    if repo.private and token not in repo.allowed:
        return not_found(token)
    if repo.disabled and files:
        return hub_error(403, None, "Access to this resource is disabled.")
    if not repo.gated or not files or token in repo.allowed:
        return None
    noun = repo.kind.value.removesuffix("s")
    if token is None:
        message = (
            f"Access to {noun} {repo.id} is restricted. You must have access to it and be"
            " authenticated to access it. Please log in."
        )
        return hub_error(401, "GatedRepo", message, WWW_Authenticate="Bearer")
    message = (
        f"Access to {noun} {repo.id} is restricted and you are not in the authorized list."
        f" Visit https://huggingface.co/{repo.id} to ask for access."
    )
    return hub_error(403, "GatedRepo", message)
