import pytest

from autoscaler_svc.proxy.calls import API_VERSION, LONGEST_TARGET, Call, CallKind, parse_call
from autoscaler_svc.proxy.errors import RefusedError

ID = "0123456789abcdef" * 4
V = f"/v{API_VERSION}"


def parsed(method: str, path: str, query: str = "") -> Call:
    return parse_call(method, path.encode(), query.encode())


@pytest.mark.parametrize(
    ("method", "path", "query", "call"),
    [
        ("GET", "/_ping", "", Call(CallKind.PING, "", {})),
        ("GET", f"{V}/containers/json", "", Call(CallKind.LIST, "", {})),
        (
            "GET",
            f"{V}/containers/json",
            "all=1&limit=-1&size=0&trunc_cmd=0",
            Call(CallKind.LIST, "", {}),
        ),
        ("GET", f"{V}/containers/{ID}/json", "", Call(CallKind.INSPECT, ID, {})),
        (
            "POST",
            f"{V}/containers/create",
            "name=fleet-a-2",
            Call(CallKind.CREATE, "", {"name": "fleet-a-2"}),
        ),
        ("POST", f"{V}/containers/{ID}/start", "", Call(CallKind.START, ID, {})),
        ("POST", f"{V}/containers/{ID}/stop", "t=10", Call(CallKind.STOP, ID, {"t": "10"})),
        (
            "POST",
            f"{V}/containers/{ID}/kill",
            "signal=SIGTERM",
            Call(CallKind.KILL, ID, {"signal": "SIGTERM"}),
        ),
        (
            "DELETE",
            f"{V}/containers/{ID}",
            "v=False&link=False&force=True",
            Call(CallKind.REMOVE, ID, {"force": "True"}),
        ),
    ],
)
def test_call_of_an_autoscaler_is_recognised(
    method: str, path: str, query: str, call: Call
) -> None:
    assert parsed(method, path, query) == call


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{V}/../_ping"),
        ("GET", f"{V}/containers/../images/json"),
        ("GET", f"{V}/containers/json/../../images/json"),
        ("GET", f"{V}//containers/json"),
        ("GET", f"/{V}/containers/json"),
        ("GET", f"{V}/containers/json/"),
        ("GET", f"{V}/containers/./json"),
        ("GET", f"{V}/containers/json\n"),
        ("GET", f"{V}/containers/json\0"),
        ("GET", f"{V}/containers/json;x=1"),
        ("GET", f"{V}/containers/json#x"),
        ("GET", f"{V}\\containers\\json"),
        ("GET", f"{V}/CONTAINERS/json"),
        ("GET", f"http://engine{V}/containers/json"),
        ("GET", "/containers/json"),
        ("GET", "/v1.24/containers/json"),
        ("GET", f"{V}/_ping"),
        ("GET", ""),
        ("GET", "/"),
        ("GET", f"{V}/info"),
        ("GET", f"{V}/images/json"),
        ("GET", f"{V}/secrets"),
        ("GET", f"{V}/events"),
        ("GET", f"{V}/containers/{ID}/logs"),
        ("GET", f"{V}/containers/{ID}/archive"),
        ("GET", f"{V}/containers/{ID}/export"),
        ("POST", f"{V}/containers/{ID}/exec"),
        ("POST", f"{V}/containers/{ID}/attach"),
        ("POST", f"{V}/containers/{ID}/update"),
        ("POST", f"{V}/containers/{ID}/rename"),
        ("POST", f"{V}/containers/prune"),
        ("PUT", f"{V}/containers/{ID}/archive"),
        ("POST", f"{V}/images/create"),
        ("POST", f"{V}/build"),
        ("POST", f"{V}/volumes/create"),
        ("POST", f"{V}/networks/create"),
        ("DELETE", f"{V}/volumes/fleet_models"),
        # Right path, wrong verb.
        ("POST", "/_ping"),
        ("HEAD", "/_ping"),
        ("GET", f"{V}/containers/create"),
        ("get", f"{V}/containers/json"),
        ("GET", f"{V}/containers/{ID}/start"),
        ("POST", f"{V}/containers/{ID}"),
        # Ids that are not a whole id.
        ("DELETE", f"{V}/containers/{ID[:12]}"),
        ("DELETE", f"{V}/containers/{ID}0"),
        ("DELETE", f"{V}/containers/{ID.upper()}"),
        ("DELETE", f"{V}/containers/fleet-gateway-1"),
        ("POST", f"{V}/containers//start"),
    ],
)
def test_any_other_call_is_refused(method: str, path: str) -> None:
    with pytest.raises(RefusedError, match="is not a call that an autoscaler makes"):
        parsed(method, path)


@pytest.mark.parametrize(
    "path",
    [
        f"{V}/containers/%6ason",
        f"{V}/containers/..%2f..%2fimages/json",
        f"{V}/containers/{ID}%00/json",
        f"{V}/containers/json%0d%0aX: y",
        f"{V}/containers/jsoñ",
        f"{V}/containers/{'٣' * 64}/json",
    ],
)
def test_nothing_is_hidden_by_an_encoding(path: str) -> None:
    with pytest.raises(RefusedError, match="plain ASCII"):
        parsed("GET", path)


def test_query_is_not_encoded_either() -> None:
    with pytest.raises(RefusedError, match="plain ASCII"):
        parsed("POST", f"{V}/containers/create", "name=a%26b")


def test_target_that_is_too_long_is_refused() -> None:
    with pytest.raises(RefusedError, match="too long"):
        parsed("GET", "/" + "a" * LONGEST_TARGET)


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/containers/json", "filters={}"),
        ("GET", "/containers/json", "size=1"),
        ("GET", "/containers/json", "all=1&all=1"),
        ("GET", "/containers/json", "ALL=1"),
        ("GET", "/containers/json", "&"),
        ("POST", "/containers/create", "platform=linux"),
        ("POST", "/containers/create", "name=/a"),
        ("POST", "/containers/create", "name=../a"),
        ("POST", "/containers/create", "name="),
        ("POST", "/containers/create", "name=a\n"),
        ("POST", "/containers/create", "name=a&name=b"),
        ("POST", "/containers/create", "name=a;name=b"),
        ("POST", "/containers/create", "name=" + "a" * 129),
        ("POST", f"/containers/{ID}/stop", "t=-1"),
        ("POST", f"/containers/{ID}/stop", "t=9999"),
        ("POST", f"/containers/{ID}/stop", "signal=SIGSTOP"),
        ("POST", f"/containers/{ID}/kill", "signal=SIGSTOP"),
        ("POST", f"/containers/{ID}/kill", "signal=9"),
        ("POST", f"/containers/{ID}/start", "detachKeys=a"),
        ("DELETE", f"/containers/{ID}", "v=1"),
        ("DELETE", f"/containers/{ID}", "v=True"),
        ("DELETE", f"/containers/{ID}", "link=1"),
        ("DELETE", f"/containers/{ID}", "force=yes"),
        ("GET", f"/containers/{ID}/json", "size=1"),
    ],
)
def test_query_that_an_autoscaler_does_not_make_is_refused(
    method: str, path: str, query: str
) -> None:
    with pytest.raises(RefusedError, match=r"query|is not taken"):
        parsed(method, f"{V}{path}", query)


def test_only_what_changes_something_is_said_to() -> None:
    quiet = {kind for kind in CallKind if not Call(kind, "", {}).changes}
    assert quiet == {CallKind.PING, CallKind.LIST, CallKind.INSPECT}
