"""What a container may be created as: exactly what one of the fleet's own replicas is.

The body has to equal the clone of a template, in every key and value; only the replica's id and
number, its threads and its GPU are the caller's to choose. And the template itself has to be
harmless: a fleet whose own containers bind host paths is not multiplied.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from autoscaler_svc.container_clone import (
    CONFIG_KEYS,
    GPU_LABEL,
    HOST_KEYS,
    NUMBER_LABEL,
    REPLICA_ID,
    REPLICA_LABEL,
    SERVICE_LABEL,
    SETTABLE,
    Identity,
    clone_body,
    clone_name,
)
from autoscaler_svc.proxy.errors import RefusedError

_TOP_KEYS = frozenset({"Image", "Env", "Labels", "HostConfig", "NetworkingConfig", *CONFIG_KEYS})
_HOST_KEYS = frozenset(HOST_KEYS)
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_SECURITY_OPTIONS = frozenset({"no-new-privileges", "no-new-privileges:true"})
_SHARED_MODES = re.compile(r"(host|container:.*|none|bridge|default)?")


def check_create(
    body: object, name: str | None, template: Mapping[str, Any], images: Iterable[str]
) -> Identity:
    """Passes what is a clone of the template; who it is, which is all that was the caller's choice.

    Args:
        body: The parsed body of the request.
        name: The name that is asked for.
        template: The inspection of the fleet's own container of the service.
        images: Names and ids of the image that the template runs.

    Raises: RefusedError: naming the key that is wrong.
    """
    _check_template(template)
    if not isinstance(body, dict):
        raise RefusedError("the body is not an object")
    _check_keys(body)
    image = body.get("Image")
    if not isinstance(image, str) or image not in set(images):
        raise RefusedError(f"Image: {_short(image)} is not the template's")
    labels, env = body.get("Labels"), _variables(body.get("Env"))
    if not isinstance(labels, dict):
        raise RefusedError("Labels is missing")
    identity = _identity(labels, env, _variables(template["Config"].get("Env") or []))
    wanted = clone_body(template, image, identity)
    wanted_env = _variables(wanted["Env"])
    _compare("Env.", wanted_env, env)
    _compare("", {**wanted, "Env": None}, {**body, "Env": None})
    if name != clone_name(template, identity.number):
        raise RefusedError(f"the name must be {clone_name(template, identity.number)}")
    return identity


def service_of(body: object) -> str:
    """The service whose template the body has to equal.

    Raises: RefusedError: it names none.
    """
    labels = body.get("Labels") if isinstance(body, dict) else None
    service = labels.get(SERVICE_LABEL) if isinstance(labels, dict) else None
    if not isinstance(service, str):
        raise RefusedError(f"Labels.{SERVICE_LABEL} is missing")
    return service


def _check_keys(body: Mapping[str, Any]) -> None:
    """Go reads keys in any case, so one in another case is as unknown as any other."""
    for key in body:
        if key not in _TOP_KEYS:
            raise RefusedError(f"{_short(key)} is not a key that replicas have")
    host = body.get("HostConfig")
    if not isinstance(host, dict):
        raise RefusedError("HostConfig is missing")
    for key in host:
        if key not in _HOST_KEYS:
            raise RefusedError(f"HostConfig.{_short(key)} is not a key that replicas have")


def _variables(env: object) -> dict[str, str]:
    """Each entry by its variable's name, as it stands there."""
    if not isinstance(env, list):
        raise RefusedError("Env is missing")
    found: dict[str, str] = {}
    for entry in env:
        if not isinstance(entry, str):
            raise RefusedError(f"Env: {_short(entry)} is no text")
        name = entry.partition("=")[0]
        if name in found:
            raise RefusedError(f"Env: {_short(name)} stands twice")
        found[name] = entry
    return found


def _identity(
    labels: Mapping[str, Any], env: Mapping[str, str], template: Mapping[str, str]
) -> Identity:
    number, replica_id = labels.get(NUMBER_LABEL), labels.get(REPLICA_LABEL)
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise RefusedError(f"Labels.{NUMBER_LABEL} is not a number")
    if not isinstance(replica_id, str) or not REPLICA_ID.fullmatch(replica_id):
        raise RefusedError(f"Labels.{REPLICA_LABEL} is not a replica's id")
    own: dict[str, str] = {}
    for name, pattern in SETTABLE.items():
        entry = env.get(name)
        if entry is None or _is_the_templates(entry, template.get(name), labels):
            continue
        value = entry.partition("=")[2]
        if not pattern.fullmatch(value):
            raise RefusedError(f"Env: {name}={_short(value)} is not taken")
        own[name] = value
    return Identity(int(number), replica_id, own)


def _is_the_templates(entry: str, inherited: str | None, labels: Mapping[str, Any]) -> bool:
    """Whether a variable came with the template and is nobody's choice.

    With a GPU asked for, one that says something may be the choice of the same value; one that is
    there and empty, as compose makes of what is not set, says nothing.
    """
    if entry != inherited:
        return False
    return GPU_LABEL not in labels or entry.partition("=")[2] == ""


def _compare(path: str, wanted: object, given: object) -> None:
    """Raises: RefusedError: at the first difference, with its path."""
    if isinstance(wanted, dict) and isinstance(given, dict):
        for key in given:
            if key not in wanted:
                raise RefusedError(f"{path}{_short(key)} is not in the template")
        for key, value in wanted.items():
            if key not in given:
                raise RefusedError(f"{path}{key} is missing; the template has it")
            _compare(f"{path}{key}.", value, given[key])
    elif isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
        for index, (ours, theirs) in enumerate(zip(wanted, given, strict=True)):
            _compare(f"{path}{index}.", ours, theirs)
    elif type(wanted) is not type(given) or wanted != given:
        raise RefusedError(f"{path.rstrip('.')}: {_short(given)} is not what the template has")


def _check_template(template: Mapping[str, Any]) -> None:
    """Raises: RefusedError: the fleet's own container may do what no clone may."""
    host = template["HostConfig"]
    for key in ("Privileged", "CapAdd", "Devices", "VolumesFrom", "Sysctls", "UsernsMode"):
        if host.get(key):
            raise RefusedError(f"the template has HostConfig.{key}; it is not multiplied")
    for key in ("PidMode", "UTSMode", "CgroupParent"):
        if host.get(key):
            raise RefusedError(f"the template has HostConfig.{key}; it is not multiplied")
    if host.get("IpcMode") not in (None, "", "private"):
        raise RefusedError("the template shares its IpcMode; it is not multiplied")
    if _SHARED_MODES.fullmatch(host.get("NetworkMode") or ""):
        raise RefusedError("the template is on no network of the project; it is not multiplied")
    for option in host.get("SecurityOpt") or ():
        if option not in _SECURITY_OPTIONS:
            raise RefusedError(f"the template has SecurityOpt {option}; it is not multiplied")
    _check_mounts(host)


def _check_mounts(host: Mapping[str, Any]) -> None:
    for mount in host.get("Mounts") or ():
        kind, source = mount.get("Type"), mount.get("Source", "")
        driver = (mount.get("VolumeOptions") or {}).get("DriverConfig")
        if kind == "tmpfs":
            continue
        if kind != "volume" or driver or not _VOLUME_NAME.fullmatch(source):
            raise RefusedError(f"the template mounts {kind} {_short(source)}; no clone may")
    for bind in host.get("Binds") or ():
        if not _VOLUME_NAME.fullmatch(bind.partition(":")[0]):
            raise RefusedError(f"the template binds {_short(bind)}; no clone may")


def _short(value: object) -> str:
    return repr(value)[:120]
