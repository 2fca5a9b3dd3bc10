"""A container is read as the server itself would read it."""

from __future__ import annotations

import pytest

from delivery.kserve_pods import QUEUE_PROXY
from delivery.rendered import Rendered, matches
from delivery.servers import server_of
from serving.settings.page import UNUSED_SDK_OPTIONS
from tests.delivery.overlays import NAMES, golden_objects

TRANSFORMER = ["python", "-m", "serving.transformer"]
PREDICTOR = ["python", "-m", "serving.predictor"]


def test_server__listens_where_its_arguments_say() -> None:
    server = server_of({"command": PREDICTOR, "args": ["--http_port=8085", "--grpc_port", "8086"]})
    assert (server.module, server.ports, server.faults) == ("serving.predictor", {"http": 8085, "grpc": 8086}, ())


def test_server__takes_what_arguments_leave_out_from_its_environment() -> None:
    environment = [{"name": "SILENCIO_HTTP_PORT", "value": "8085"}, {"name": "SILENCIO_ENABLE_GRPC", "value": "false"}]
    assert server_of({"command": PREDICTOR, "env": environment}).ports == {"http": 8085}
    assert server_of({"command": PREDICTOR, "args": ["--http_port=1"], "env": environment}).ports == {"http": 1}


def test_server__is_read_without_the_environment_of_whoever_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_HTTP_PORT", "9999")
    assert server_of({"command": PREDICTOR, "args": ["--grpc_port=7"]}).ports == {"http": 8080, "grpc": 7}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--http_prt=8080"], "--http_prt=8080"),
        (["--http_por=8080"], "--http_por=8080"),
        (["--http_port=80800"], "80800"),
        (["--decoders=0"], "--decoders 0"),
        (["--most_requests=5"], "--max_concurrent_requests"),
    ],
    ids=["misspelt", "shortened", "no port", "out of range", "renamed"],
)
def test_server__refuses_what_its_own_command_refuses(arguments: list[str], fault: str) -> None:
    (found,) = server_of({"command": TRANSFORMER, "args": arguments}).faults
    assert fault in found


@pytest.mark.parametrize("name", UNUSED_SDK_OPTIONS)
def test_server__refuses_options_of_the_sdk_that_change_nothing(name: str) -> None:
    assert server_of({"command": TRANSFORMER, "args": [f"--{name}=1"]}).faults


def test_server__refuses_a_variable_that_is_set_to_nothing() -> None:
    (fault,) = server_of({"command": TRANSFORMER, "env": [{"name": "SILENCIO_KEYS", "value": ""}]}).faults
    assert "set to nothing" in fault


@pytest.mark.parametrize(
    "command", [[], ["sh", "-c", "python -m serving.transformer"], ["python", "-m", "http.server"]]
)
def test_server__of_another_command_is_none(command: list[str]) -> None:
    assert server_of({"command": command}).module == ""


def test_arguments__are_taken_by_the_servers_own_parsers() -> None:
    from serving.server.start import argument_parser

    pods = [pod for name in NAMES for pod in Rendered(golden_objects(name)).pods if pod.owner.startswith("Inference")]
    for one in (container for pod in pods for container in pod.containers):
        settings = server_of(one).settings
        assert settings is not None
        options = argument_parser(one["command"][2], "", type(settings)).parse_args(one["args"])
        assert int(options.http_port) == settings.http_port, "read alike here and there"


def test_pod__has_the_names_that_kserve_puts_in() -> None:
    (pod,) = Rendered(golden_objects("local")).pods
    assert all("--model_name=silencio" in one["args"] for one in pod.containers)
    assert pod.labels["app"] == "isvc.silencio-predictor"
    mounted = [{mount["mountPath"] for mount in one["volumeMounts"]} for one in pod.containers]
    assert all("/mnt/models" in one for one in mounted)


def test_pod__of_knative_has_its_proxy_before_it() -> None:
    (pod,) = Rendered(golden_objects("canary-knative")).pods
    assert ("user-port", 8080) in pod.ports and ("queue-port", 8012) in pod.ports
    assert QUEUE_PROXY not in [one["name"] for one in pod.containers]


def test_pod__of_a_canary_is_one_more() -> None:
    objects = golden_objects("production")
    service = next(one for one in objects if one["kind"] == "InferenceService")
    service["spec"]["canary"] = [{"trafficPercent": 5, "predictor": {"name": "v2", "minReplicas": 1}}]
    pods = [pod for pod in Rendered(objects).pods if pod.owner.startswith("InferenceService")]
    assert [(pod.labels["app"], pod.n_replicas) for pod in pods] == [
        ("isvc.silencio-initial-predictor", 3),
        ("isvc.silencio-v2-predictor", 1),
    ]


@pytest.mark.parametrize(
    ("expression", "is_matched"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, True),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, False),
        ({"key": "b", "operator": "NotIn", "values": ["1"]}, True),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "a", "operator": "DoesNotExist"}, False),
    ],
)
def test_selector__matches_as_kubernetes_does(expression: dict[str, object], is_matched: bool) -> None:
    assert matches({"matchExpressions": [expression]}, {"a": "1"}) is is_matched
    assert matches({}, {"a": "1"}) and not matches({"matchLabels": {"a": "2"}}, {"a": "1"})
