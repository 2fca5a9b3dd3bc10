"""What people ask of a judge on a cluster: kept in order in a ConfigMap, under the Role that ships."""

from __future__ import annotations

from serving.canary.kserve.requests import ConfigMapRequests
from serving.canary.requests import Command, Request
from tests.serving.canary.kserve.stage import NAME, Stage


def _request(command: Command, second: int) -> Request:
    return Request(command=command, by="ana", release_id="r1", written_at=f"2026-11-30T07:00:{second:02}+00:00")


def test_requests__are_kept_in_order_until_they_are_done(knative: Stage) -> None:
    box = ConfigMapRequests(knative.cluster(), NAME)
    assert box.pending() == []
    pause, abort = _request("pause", 1), _request("abort", 2)
    box.put(abort)
    box.put(pause)
    assert ConfigMapRequests(knative.cluster(), NAME).pending() == [pause, abort]
    box.remove(pause)
    box.remove(pause)
    assert box.pending() == [abort]


def test_requests__of_two_people_are_both_kept(knative: Stage) -> None:
    first, second = (ConfigMapRequests(knative.cluster(), NAME) for _ in range(2))
    first.put(_request("pause", 1))
    second.put(_request("resume", 2))
    assert [one.command for one in first.pending()] == ["pause", "resume"]
