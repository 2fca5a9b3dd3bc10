"""The record of releases in a ConfigMap, under a Lease. Never on the InferenceService, whose notes restart its pods."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from pydantic import ValidationError

from serving.canary.kserve.cluster import CONFIG_MAP, Cluster, Object
from serving.canary.kserve.lease import Lease
from silencio.errors import LeaseHeldError, ReleaseError, ReleaseRefusedError, RouteChangedError, RouteError
from silencio.release.record import ReleaseRecord

_RECORD, _TOKEN = "record.json", "fencing-token"
# A ConfigMap holds 1 MiB in all, and the API server takes 1.5 MiB: some room is left for what others add to it.
MAX_RECORD_BYTES = 900 << 10
# These stay as they are: the last hours, look by look.
_RECENT = 200
_COUNTED = ("champion", "challenger")


class ConfigMapStore:
    """The `RecordStore` of a cluster: ConfigMap and Lease `silencio-release-<service>`.

    Args:
        cluster: Where.
        service: Name of the InferenceService.
        lease: Another lease than the usual one.
    """

    def __init__(self, cluster: Cluster, service: str, *, lease: Lease | None = None) -> None:
        self._cluster = cluster
        self.name = f"silencio-release-{service}"
        self._lease = lease or Lease(cluster, self.name)

    def lease(self, holder: str) -> AbstractContextManager[int]:
        """Be the only judge until the block ends.

        Raises:
            LeaseHeldError: Somebody else is; who, and until when.
        """
        return self._lease.held(holder)

    def load(self) -> ReleaseRecord | None:
        """The last release, ended or not; None: there was none.

        Raises:
            RouteError: The cluster does not answer.
            ReleaseError: The ConfigMap is none of ours.
        """
        found = self._cluster.find(CONFIG_MAP, self.name)
        return _record_in(found, self.name)

    def save(self, record: ReleaseRecord, *, fencing_token: int) -> ReleaseRecord:
        """Write it whole, where nobody else wrote since it was read.

        Old intervals of one step and share are added up where the record would grow beyond a ConfigMap: tests that
        count by share see the same sums.

        Raises:
            LeaseHeldError: The lease was lost, or another one wrote since.
            ReleaseRefusedError: Another release has not ended.
            ReleaseError: It is too large even so.
            RouteError: The cluster does not answer; whether it was written is seen at the next look.
        """
        self._lease.check(fencing_token)
        config_map = self._cluster.find(CONFIG_MAP, self.name)
        former = _record_in(config_map, self.name)
        self._refuse(former, record, config_map, fencing_token)
        written = compacted(record.model_copy(update={"version": (former.version if former else 0) + 1}))
        data = {_RECORD: written.model_dump_json(), _TOKEN: str(fencing_token)}
        try:
            if config_map is None:
                self._cluster.create(CONFIG_MAP, {"metadata": {"name": self.name}, "data": data})
            else:
                metadata = {"name": self.name, "resourceVersion": config_map["metadata"]["resourceVersion"]}
                self._cluster.replace(CONFIG_MAP, {"metadata": metadata, "data": data})
        except RouteChangedError as error:
            raise LeaseHeldError(f"ConfigMap {self.name} was written by somebody else: {error}") from error
        except RouteError:
            # Taken, perhaps, and the answer lost: then it is there as it was sent.
            if self.load() != written:
                raise
        return written

    def _refuse(
        self, former: ReleaseRecord | None, record: ReleaseRecord, config_map: Object | None, token: int
    ) -> None:
        last = int(((config_map or {}).get("data") or {}).get(_TOKEN) or 0)
        if last > token:
            raise LeaseHeldError(
                f"a judge with token {last} wrote ConfigMap {self.name}, this one has {token}: stop it"
            )
        if former is None:
            return
        if former.release_id == record.release_id and former.version != record.version:
            raise LeaseHeldError(
                f"release {record.release_id} was written by somebody else: version {former.version}, "
                f"{record.version} known"
            )
        if former.release_id != record.release_id and not former.has_ended:
            raise ReleaseRefusedError(
                f"release {former.release_id} has not ended ({former.state}): end it by `silencio release abort`, or "
                "start the new one with --supersede"
            )


def compacted(record: ReleaseRecord, max_bytes: int = MAX_RECORD_BYTES) -> ReleaseRecord:
    """The record, with old intervals added up in pairs until it fits.

    Args:
        record: Any.
        max_bytes: Most bytes of its JSON.

    Raises:
        ReleaseError: It does not fit even so.
    """
    while (n_bytes := len(record.model_dump_json().encode())) > max_bytes:
        old, recent = record.intervals[:-_RECENT], record.intervals[-_RECENT:]
        merged = _in_pairs(old)
        if len(merged) == len(old):
            raise ReleaseError(
                f"the record of release {record.release_id} has {n_bytes} bytes, and a ConfigMap takes {max_bytes}: "
                "start a release with longer looks (look_every_s), or with fewer steps"
            )
        record = record.model_copy(update={"intervals": (*merged, *recent)})
    return record


def _in_pairs(intervals: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    merged: list[dict[str, Any]] = []
    i = 0
    while i < len(intervals):
        if i + 1 < len(intervals) and _may_be_added(intervals[i], intervals[i + 1]):
            merged.append(_added(intervals[i], intervals[i + 1]))
            i += 2
        else:
            merged.append(intervals[i])
            i += 1
    return merged


def _may_be_added(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(first.get(key) == second.get(key) for key in ("step", "share", "simulated"))


def _added(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    counts = {
        arm: {key: first[arm].get(key, 0) + second[arm].get(key, 0) for key in {**first[arm], **second[arm]}}
        for arm in _COUNTED
    }
    return {**first, "ended_s": second["ended_s"], **counts}


def _record_in(config_map: Object | None, name: str) -> ReleaseRecord | None:
    text = ((config_map or {}).get("data") or {}).get(_RECORD)
    if not text:
        return None
    try:
        return ReleaseRecord.model_validate_json(text)
    except ValidationError as error:
        raise ReleaseError(
            f"ConfigMap {name} holds no record of a release of this version of Silencio: keep a copy, look at the "
            f"InferenceService's traffic, and delete it ({error.error_count()} faults)"
        ) from error
