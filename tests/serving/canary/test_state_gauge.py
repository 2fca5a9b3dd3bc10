"""`silencio_release_state{release,state}`: one state is 1, and alerts on `held` need no look at the record."""

from __future__ import annotations

from typing import get_args

import httpx
from prometheus_client import CollectorRegistry

from serving.canary.state_gauge import release_gauge, serve_gauge
from silencio.network import free_ports
from silencio.release.record import BundleIdentity, ReleaseRecord, State
from tests.waiting import HANG_S


def _record(state: State, share_percent: float = 0.0, release_id: str = "r1") -> ReleaseRecord:
    bundle = BundleIdentity(version="1", manifest_sha256="a" * 64, place="b")
    return ReleaseRecord(
        release_id=release_id,
        champion=bundle,
        challenger=bundle,
        policy={},
        state=state,
        share_percent=share_percent,
        began_at="2026-11-30T07:00:00Z",
    )


def _states(registry: CollectorRegistry, release: str = "r1") -> dict[str, float | None]:
    def value(state: str) -> float | None:
        return registry.get_sample_value("silencio_release_state", {"release": release, "state": state})

    return {state: value(state) for state in get_args(State)}


def test_gauge__has_every_state_and_exactly_the_present_one_is_1() -> None:
    registry = CollectorRegistry()
    show = release_gauge(registry)
    for state in ("staged", "step", "held", "step", "rolled_back"):
        show(_record(state))
        assert _states(registry) == {one: float(one == state) for one in get_args(State)}


def test_gauge__share_is_a_share_and_not_percent() -> None:
    registry = CollectorRegistry()
    release_gauge(registry)(_record("step", 25.0))
    assert registry.get_sample_value("silencio_release_share", {"release": "r1"}) == 0.25


def test_gauge__a_later_release_leaves_the_earlier_ones_end_as_it_was() -> None:
    registry = CollectorRegistry()
    show = release_gauge(registry)
    show(_record("rolled_back"))
    show(_record("dark", release_id="r2"))
    assert _states(registry)["rolled_back"] == _states(registry, "r2")["dark"] == 1.0
    assert _states(registry)["dark"] == _states(registry, "r2")["rolled_back"] == 0.0


def test_gauge__is_served_at_metrics_on_loopback() -> None:
    (port,) = free_ports(1)
    serve_gauge(port)(_record("held", 10.0, "r7"))
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=HANG_S).text
    assert 'silencio_release_state{release="r7",state="held"} 1.0' in text
    assert 'silencio_release_state{release="r7",state="step"} 0.0' in text
