"""What Prometheus is told of the arms' pods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from serving.canary.kserve.targets import PATH, serve_targets
from silencio.errors import RouteError
from tests.serving.canary.kserve.stage import NAME, Stage
from tests.waiting import HANG_S


def _with_addresses(stage: Stage, pattern: str = "10.0.0.{}") -> None:
    pods = sorted(key for key in stage.api.objects if key[0] == "pods")
    for i, key in enumerate(pods):
        stage.api.objects[key]["status"]["podIP"] = pattern.format(i)


def _arms(stage: Stage) -> list[str]:
    _with_addresses(stage)
    return sorted(group["labels"]["arm"] for group in stage.route().targets())


def test_targets__follow_the_release(stage: Stage) -> None:
    assert _arms(stage) == ["champion"]
    stage.at(25)
    assert _arms(stage) == ["challenger", "champion"]
    stage.baking()
    stage.retire()
    # Its pods still carry the release's label, and are the champion's: the next challenger is another.
    assert set(_arms(stage)) == {"champion"}


def test_targets__are_told_apart_in_the_bake(standard: Stage) -> None:
    standard.baking()
    assert _arms(standard) == ["challenger", "champion"]


def test_targets__have_what_the_counts_are_selected_by(stage: Stage) -> None:
    _with_addresses(stage)
    (group,) = stage.route().targets()
    assert group["targets"] == ["10.0.0.0:8080"]
    assert {key: group["labels"][key] for key in ("namespace", "isvc")} == {"namespace": "production", "isvc": NAME}


def _with_ports(stage: Stage, transformer: list[str], predictor: list[str]) -> None:
    containers = [
        {"name": "kserve-container", "args": predictor},
        {"name": "transformer-container", "command": ["python", "-m", "serving.transformer", *transformer]},
    ]
    for key in [key for key in stage.api.objects if key[0] == "pods"]:
        stage.api.objects[key]["spec"] = {"containers": containers}


def test_targets__have_the_predictor_where_it_has_a_port_of_its_own(knative: Stage) -> None:
    """Windows are counted by it alone, and half of a pod's memory is its."""
    _with_addresses(knative)
    _with_ports(knative, [], ["--http_port", "8090"])
    ports = {one["labels"]["server"]: one["targets"][0] for one in knative.route().targets()}
    assert ports == {"transformer": "10.0.0.0:8080", "predictor": "10.0.0.0:8090"}
    _with_ports(knative, ["--http_port=8081"], ["--http_port=8080"])
    ports = {one["labels"]["server"]: one["targets"][0] for one in knative.route().targets()}
    assert ports == {"transformer": "10.0.0.0:8081", "predictor": "10.0.0.0:8080"}
    _with_ports(knative, [], [])
    assert [one["labels"]["server"] for one in knative.route().targets()] == ["transformer"]


def test_targets__bracket_ipv6(stage: Stage) -> None:
    _with_addresses(stage, "fd00::{}")
    assert stage.route().targets()[0]["targets"] == ["[fd00::0]:8080"]


def test_targets__leave_out_pods_without_address(stage: Stage) -> None:
    assert stage.route().targets() == []


@contextmanager
def _served(stage: Stage) -> Iterator[str]:
    server = serve_targets(stage.route().targets, 0, "127.0.0.1")
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_serve_targets__answers_as_prometheus_reads(stage: Stage) -> None:
    _with_addresses(stage)
    with _served(stage) as url:
        answer = httpx.get(url + PATH, timeout=HANG_S, trust_env=False)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == stage.route().targets()
        assert httpx.get(url, timeout=HANG_S, trust_env=False).status_code == 404


def test_serve_targets__says_nothing_where_the_cluster_is_silent(stage: Stage) -> None:
    """An empty list would end the scraping of all pods; Prometheus keeps what it has at any other status than 200."""
    stage.api.fail("list", "pods", 503)
    with _served(stage) as url:
        assert httpx.get(url + PATH, timeout=HANG_S, trust_env=False).status_code == 503


def test_targets__cannot_be_listed(stage: Stage) -> None:
    stage.api.fail("list", "pods", 403)
    try:
        stage.route().targets()
    except RouteError as error:
        assert "may not list pods" in str(error)
    else:
        raise AssertionError("nothing was raised")
