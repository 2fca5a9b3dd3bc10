"""Memory and CPU time of both arms on a cluster: measured alike, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from serving.canary.interfaces import ArmName
from serving.canary.kserve.pod_usage import ArmUsage, PodUsage
from silencio.release.evidence import Evidence
from silencio.release.policy import ReleasePolicy
from silencio.release.rules import apply_rules
from tests.serving.canary.kserve.api_server import NAMESPACE
from tests.serving.canary.kserve.scripted_prometheus import ScriptedPrometheus, Series, answering
from tests.serving.canary.kserve.stage import Stage

MIB = float(1 << 20)
PODS: Mapping[ArmName, list[str]] = {"champion": ["old-a", "old-b"], "challenger": ["new-a"]}
KUBELETS, SERVERS = "container_memory_working_set_bytes", "process_resident_memory_bytes"
CPU, OWN_CPU, WINDOWS = "container_cpu_usage_seconds_total", "process_cpu_seconds_total", "silencio_batch_windows_sum"


@pytest.fixture
def prometheus() -> ScriptedPrometheus:
    return ScriptedPrometheus(lambda: 0.0)


@pytest.fixture
def usage(prometheus: ScriptedPrometheus) -> Iterator[PodUsage]:
    with ExitStack() as stack:
        yield PodUsage(url=stack.enter_context(answering(prometheus)), namespace=NAMESPACE)


def _by_pod(server: str = "", **values: float) -> Series:
    labels = {"server": server} if server else {}
    return [({"pod": name.replace("_", "-"), **labels}, value) for name, value in values.items()]


def test_usage__is_of_the_kubelets_where_they_know_both_arms(prometheus: ScriptedPrometheus, usage: PodUsage) -> None:
    """Memory a pod: an arm of two pods takes no more than one of one."""
    prometheus.extra = {
        KUBELETS: _by_pod(old_a=400 * MIB, old_b=200 * MIB, new_a=330 * MIB),
        SERVERS: _by_pod("transformer", old_a=MIB, old_b=MIB, new_a=MIB),
        CPU: _by_pod(old_a=10.0, old_b=20.0, new_a=15.0),
        WINDOWS: _by_pod("predictor", old_a=100.0, old_b=200.0, new_a=150.0),
    }
    assert usage.of(PODS, 0.0) == {
        "champion": ArmUsage(resident_bytes=300 * MIB, cpu_s=30.0, n_windows=300.0),
        "challenger": ArmUsage(resident_bytes=330 * MIB, cpu_s=15.0, n_windows=150.0),
    }


def test_usage__is_of_the_servers_where_a_kubelet_is_missing(prometheus: ScriptedPrometheus, usage: PodUsage) -> None:
    """The champion's by a kubelet and the challenger's by itself could not be compared."""
    both = [
        _by_pod(server, old_a=n * MIB, old_b=n * MIB, new_a=2 * n * MIB)
        for server, n in (("transformer", 100), ("predictor", 50))
    ]
    prometheus.extra = {
        KUBELETS: _by_pod(old_a=400 * MIB, old_b=400 * MIB),
        SERVERS: [*both[0], *both[1]],
        OWN_CPU: _by_pod("transformer", old_a=1.0, old_b=2.0, new_a=4.0),
    }
    found = usage.of(PODS, 0.0)
    assert {arm: one.resident_bytes for arm, one in found.items()} == {"champion": 150 * MIB, "challenger": 300 * MIB}
    assert {arm: one.cpu_s for arm, one in found.items()} == {"champion": 3.0, "challenger": 4.0}
    assert found["challenger"].n_windows is None, "no predictor is scraped"


def test_usage__of_unlike_servers_is_none(prometheus: ScriptedPrometheus, usage: PodUsage) -> None:
    prometheus.extra = {
        SERVERS: [
            *_by_pod("transformer", old_a=MIB, old_b=MIB, new_a=MIB),
            *_by_pod("predictor", new_a=MIB),
        ]
    }
    assert {one.resident_bytes for one in usage.of(PODS, 0.0).values()} == {None}


def test_usage__of_a_pod_that_is_not_known_yet_makes_no_sum(prometheus: ScriptedPrometheus, usage: PodUsage) -> None:
    """CPU seconds of one pod over windows of two would be half of what they are."""
    prometheus.extra = {
        CPU: _by_pod(old_a=10.0, new_a=15.0),
        WINDOWS: _by_pod("predictor", old_a=100.0, old_b=200.0, new_a=150.0),
    }
    found = usage.of(PODS, 0.0)
    assert (found["champion"].cpu_s, found["champion"].n_windows) == (None, 300.0)
    assert found["challenger"].cpu_s == 15.0


def test_health__is_known_without_prometheus(stage: Stage, prometheus: ScriptedPrometheus, usage: PodUsage) -> None:
    prometheus.is_silent = True
    stage.at(25)
    for one in stage.route(usage=usage).health().values():
        assert one.ready_s == 600.0
        assert (one.resident_bytes, one.cpu_s, one.n_windows) == (None, None, None)


@pytest.mark.parametrize(("factor", "outcome"), [(1.4, "pass"), (1.6, "fail")])
def test_rule_resources__is_decided_by_pods(
    factor: float, outcome: str, stage: Stage, prometheus: ScriptedPrometheus, usage: PodUsage
) -> None:
    stage.at(25)
    health = stage.route().health()
    assert _resources(health) == "no_data"
    arms = {group["labels"]["pod"]: group["labels"]["arm"] for group in _targets(stage)}
    prometheus.extra = {
        KUBELETS: [({"pod": pod}, 100 * MIB * (factor if arm == "challenger" else 1.0)) for pod, arm in arms.items()]
    }
    assert sorted(arms.values()) == ["challenger", "champion"]
    assert _resources(stage.route(usage=usage).health()) == outcome


def _targets(stage: Stage) -> list[dict[str, Any]]:
    for key in [key for key in stage.api.objects if key[0] == "pods"]:
        stage.api.objects[key]["status"]["podIP"] = "10.0.0.1"
    return stage.route().targets()


def _resources(health: Mapping[ArmName, Any]) -> str:
    evidence = Evidence(champion=health["champion"], challenger=health["challenger"])
    (found,) = [one for one in apply_rules(ReleasePolicy.shipped(), evidence) if one.rule == "resources"]
    return found.outcome
