"""The record in a ConfigMap: one judge, each write seen, and never beyond what a ConfigMap holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serving.canary.kserve import ConfigMapStore
from serving.canary.kserve.lease import Lease
from serving.canary.kserve.store import MAX_RECORD_BYTES, compacted
from silencio.errors import LeaseHeldError, ReleaseError, ReleaseRefusedError, RouteError
from tests.serving.canary.kserve.controllers import SERVICES
from tests.serving.canary.kserve.stage import NAME, Stage, record
from tests.waiting import until

LEASES = "leases.coordination.k8s.io"
MAP = f"silencio-release-{NAME}"


class Clock:
    """The time of one judge."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def _store(stage: Stage, clock: Clock, renew_s: float = 1800.0) -> ConfigMapStore:
    """Of a process of its own; renewed by hand unless the test says otherwise."""
    cluster = stage.cluster()
    return ConfigMapStore(cluster, NAME, lease=Lease(cluster, MAP, renew_s=renew_s, now=clock))


def _lease(stage: Stage) -> dict[str, Any]:
    return stage.api.at(LEASES, MAP)["spec"]


def test_store__keeps_what_was_saved(knative: Stage) -> None:
    store = knative.store()
    assert store.load() is None
    with store.lease("judge") as token:
        first = store.save(record(), fencing_token=token)
        second = store.save(first.model_copy(update={"state": "dark"}), fencing_token=token)
    assert (first.version, second.version) == (1, 2)
    assert knative.store().load() == second


def test_store__touches_the_inference_service_never(knative: Stage) -> None:
    before = knative.service
    store = knative.store()
    with store.lease("judge") as token:
        store.save(record(), fencing_token=token)
    assert knative.service == before
    assert not any(resource == SERVICES for _, resource, _ in knative.api.log)


def test_lease__has_one_holder(knative: Stage) -> None:
    clock = Clock()
    with (
        _store(knative, clock).lease("first"),
        pytest.raises(LeaseHeldError, match=r"first_\w+ has the lease .* until 2026-11-30T06:01:15"),
        _store(knative, clock).lease("first"),  # of the same name: another process all the same
    ):
        pass


def test_lease__is_given_back_and_its_token_never(knative: Stage) -> None:
    clock, tokens = Clock(), []
    for _ in range(3):
        with _store(knative, clock).lease("judge") as token:
            tokens.append(token)
            assert _lease(knative)["leaseTransitions"] == token
            assert _lease(knative)["leaseDurationSeconds"] == 60
        assert _lease(knative)["holderIdentity"] == ""
    assert tokens == sorted(set(tokens))


def test_lease__of_a_killed_judge_runs_out(knative: Stage) -> None:
    clock = Clock()
    killed = _store(knative, clock)
    never_left = killed.lease("killed")
    never_left.__enter__()
    clock.advance(74)
    with pytest.raises(LeaseHeldError), _store(knative, clock).lease("next"):
        pass
    clock.advance(2)
    with _store(knative, clock).lease("next") as token:
        # It was not dead: it was slow. Nothing that it writes is taken any more.
        with pytest.raises(LeaseHeldError, match="could not be renewed for 60 s"):
            killed.save(record(), fencing_token=token - 1)
        knative.store().load()


def test_lease__is_renewed_while_it_is_held(knative: Stage) -> None:
    clock = Clock()
    with _store(knative, clock, renew_s=0.01).lease("judge"):
        before = _lease(knative)["renewTime"]
        clock.advance(20)
        until(lambda: _lease(knative)["renewTime"] != before, "the lease is never renewed")


@pytest.mark.parametrize("kind", [409, 500, "cut before", "cut after"])
def test_lease__outlives_a_renewal_that_failed(kind: int | str, knative: Stage) -> None:
    clock = Clock()
    cluster = knative.cluster()
    lease = Lease(cluster, MAP, renew_s=1800.0, now=clock)
    store = ConfigMapStore(cluster, NAME, lease=lease)
    with store.lease("judge") as token:
        clock.advance(20)
        knative.api.fail("update", LEASES, kind)
        lease.renew()
        clock.advance(20)
        lease.renew()
        clock.advance(59)
        store.save(record(), fencing_token=token)


def test_lease__that_somebody_took_is_noticed(knative: Stage) -> None:
    clock = Clock()
    cluster = knative.cluster()
    lease = Lease(cluster, MAP, renew_s=1800.0, now=clock)
    store = ConfigMapStore(cluster, NAME, lease=lease)
    with store.lease("judge") as token:
        _lease(knative)["holderIdentity"] = "thief"
        lease.renew()
        with pytest.raises(LeaseHeldError, match="thief has it"):
            store.save(record(), fencing_token=token)
    assert _lease(knative)["holderIdentity"] == "thief"


def test_lease__taken_by_two_at_once_is_held_by_one(knative: Stage) -> None:
    clock = Clock()
    with _store(knative, clock).lease("before"):
        pass
    other = _store(knative, clock).lease("other")
    knative.api.before_write = lambda: other.__enter__() and None
    with pytest.raises(LeaseHeldError, match="another judge took the lease"), _store(knative, clock).lease("judge"):
        pass


def test_save__wants_the_lease(knative: Stage) -> None:
    with pytest.raises(LeaseHeldError, match="not held"):
        knative.store().save(record(), fencing_token=1)


def test_save__refuses_what_another_judge_wrote_since(knative: Stage) -> None:
    store = knative.store()
    with store.lease("judge") as token:
        saved = store.save(record(), fencing_token=token)
        store.save(saved, fencing_token=token)
        with pytest.raises(LeaseHeldError, match="version 2, 1 known"):
            store.save(saved, fencing_token=token)


def test_save__refuses_an_older_token(knative: Stage) -> None:
    store = knative.store()
    with store.lease("judge") as token:
        saved = store.save(record(), fencing_token=token)
        knative.api.at("configmaps", MAP)["data"]["fencing-token"] = str(token + 1)
        with pytest.raises(LeaseHeldError, match="a judge with token 2 wrote"):
            store.save(saved, fencing_token=token)


def test_save__notices_a_write_at_the_same_moment(knative: Stage) -> None:
    store = knative.store()
    with store.lease("judge") as token:
        saved = store.save(record(), fencing_token=token)
        knative.api.before_write = lambda: knative.api.put("configmaps", MAP, {"metadata": {}, "data": {}})
        with pytest.raises(LeaseHeldError, match="written by somebody else"):
            store.save(saved, fencing_token=token)


def test_save__refuses_a_second_release_beside_one_that_has_not_ended(knative: Stage) -> None:
    store = knative.store()
    with store.lease("judge") as token:
        saved = store.save(record(), fencing_token=token)
        with pytest.raises(ReleaseRefusedError, match=r"release-13 has not ended \(staged\)"):
            store.save(record(release_id="release-14"), fencing_token=token)
        store.save(saved.model_copy(update={"state": "aborted"}), fencing_token=token)
        assert store.save(record(release_id="release-14"), fencing_token=token).version == 3


def test_save__that_was_taken_and_whose_answer_was_lost_is_done(knative: Stage) -> None:
    store = knative.store()
    with store.lease("judge") as token:
        saved = store.save(record(), fencing_token=token)
        knative.api.fail("update", "configmaps", "cut after")
        assert store.save(saved, fencing_token=token) == knative.store().load()


def test_save__that_was_not_taken_can_be_done_again(knative: Stage) -> None:
    store = knative.store()
    with store.lease("judge") as token:
        saved = store.save(record(), fencing_token=token)
        for kind in ("cut before", 403, 500):
            knative.api.fail("update", "configmaps", kind)
            with pytest.raises(RouteError):
                store.save(saved, fencing_token=token)
        assert store.save(saved, fencing_token=token).version == 2


def _interval(i: int, step: int = 1, share: float = 0.05) -> dict[str, Any]:
    arm = {"requests": 10 + i % 7, "failed_requests": i % 2, "units": 3}
    return {
        "step": step,
        "share": share,
        "began_s": 60.0 * i,
        "ended_s": 60.0 * (i + 1),
        "champion": arm,
        "challenger": {**arm, "requests": i % 3},
        "simulated": False,
    }


def test_save__adds_old_intervals_up_before_the_configmap_is_full(knative: Stage) -> None:
    """Six days of looks each minute: 8,640 intervals, 2 MB as they are."""
    intervals = tuple(_interval(i, step=1 + i // 4_000, share=0.05 * (1 + i // 4_000)) for i in range(8_640))
    store = knative.store()
    with store.lease("judge") as token:
        saved = store.save(record(intervals=intervals), fencing_token=token)
    text = knative.api.at("configmaps", MAP)["data"]["record.json"]
    assert len(text.encode()) <= MAX_RECORD_BYTES < 1 << 20
    assert json.loads(text)["intervals"] == list(saved.intervals)
    assert saved.intervals[-200:] == intervals[-200:]
    for step in (1, 2, 3):
        for arm in ("champion", "challenger"):
            before = sum(one[arm]["requests"] for one in intervals if one["step"] == step)
            assert sum(one[arm]["requests"] for one in saved.intervals if one["step"] == step) == before
    for one, following in zip(saved.intervals, saved.intervals[1:], strict=False):
        assert one["ended_s"] == following["began_s"]


def test_compacted__adds_nothing_up_that_differs() -> None:
    """A test that counts by share would see another sum."""
    intervals = tuple(_interval(i, share=0.05 * (1 + i % 2)) for i in range(600))
    with pytest.raises(ReleaseError, match="longer looks"):
        compacted(record(intervals=intervals), max_bytes=10_000)


def test_compacted__leaves_alone_what_fits() -> None:
    small = record(intervals=tuple(_interval(i) for i in range(600)))
    assert compacted(small) is small


def test_load__refuses_what_is_no_record(knative: Stage) -> None:
    knative.api.put("configmaps", MAP, {"metadata": {}, "data": {"record.json": '{"release_id": 3}'}})
    with pytest.raises(ReleaseError, match=f"ConfigMap {MAP} holds no record"):
        knative.store().load()
