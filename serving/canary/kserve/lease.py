"""One judge at a time: a coordination.k8s.io/v1 Lease, renewed by a thread while it is held."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from serving.canary.kserve.cluster import LEASE, Cluster, Object
from silencio.errors import LeaseHeldError, RouteChangedError, RouteError

DURATION_S = 60
RENEW_S = 20.0


def _now() -> datetime:
    return datetime.now(UTC)


class Lease:
    """The Lease of one service's releases. `leaseTransitions` grows with each holder and is the fencing token.

    Clocks of two processes may differ: a lease counts as over when its last renewal lies `duration_s` and a quarter back by
    the clock of whoever wants it. What a judge with a slow clock does nevertheless, `ConfigMapStore.save` refuses.

    Args:
        cluster: Where.
        name: Name of the Lease.
        duration_s: After how long without renewal it is over.
        renew_s: Between renewals.
        now: The time.
    """

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        *,
        duration_s: int = DURATION_S,
        renew_s: float = RENEW_S,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._cluster = cluster
        self._name = name
        self._duration_s = duration_s
        self._renew_s = renew_s
        self._now = now
        self._holder = ""
        self._token = 0
        self._renewed_at: datetime | None = None
        self._why_lost = ""

    @contextmanager
    def held(self, holder: str) -> Iterator[int]:
        """Hold it until the block ends; whoever is killed leaves it to the others after `duration_s`.

        Args:
            holder: Who: shown to whoever is refused. Two processes of one name are two holders.

        Yields:
            The fencing token.

        Raises:
            LeaseHeldError: Somebody else has it; who, and until when.
            RouteError: The cluster does not answer.
        """
        token = self._acquire(f"{holder}_{uuid.uuid4().hex[:8]}")
        stopped = threading.Event()
        thread = threading.Thread(target=self._keep, args=(stopped,), name="silencio-lease", daemon=True)
        thread.start()
        try:
            yield token
        finally:
            stopped.set()
            thread.join()
            self._release()

    def check(self, token: int) -> None:
        """Nothing, where this token is the one that is held, and the lease surely not over.

        Raises:
            LeaseHeldError: It is not.
        """
        if token != self._token or not self._holder:
            raise LeaseHeldError(f"the lease {self._name} is not held with token {token}: start the judge anew")
        if not self._why_lost and self._age(self._renewed_at) >= timedelta(seconds=self._duration_s):
            self._why_lost = f"it could not be renewed for {self._duration_s} s"
        if self._why_lost:
            raise LeaseHeldError(f"the lease {self._name} was lost: {self._why_lost}; another judge may be at work")

    def renew(self) -> None:
        """Say once more that it is held. A cluster that does not answer is asked again at the next time."""
        try:
            lease = self._cluster.get(LEASE, self._name)
            if lease["spec"].get("holderIdentity") != self._holder:
                self._why_lost = f"{lease['spec'].get('holderIdentity') or 'somebody'} has it"
                return
            at = self._now()
            self._cluster.replace(LEASE, _with(lease, renewTime=_micro(at)))
            self._renewed_at = at
        except RouteChangedError:
            return  # somebody wrote it: the next time tells who
        except RouteError:
            return

    def _acquire(self, holder: str) -> int:
        at = self._now()
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": self._duration_s,
            "acquireTime": _micro(at),
            "renewTime": _micro(at),
        }
        lease = self._cluster.find(LEASE, self._name)
        try:
            if lease is None:
                token = 1
                body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self._name}}
                self._cluster.create(LEASE, {**body, "spec": {**spec, "leaseTransitions": token}})
            else:
                self._refuse_if_held(lease)
                token = int(lease["spec"].get("leaseTransitions") or 0) + 1
                self._cluster.replace(LEASE, _with(lease, **spec, leaseTransitions=token))
        except RouteChangedError as error:
            raise LeaseHeldError(f"another judge took the lease {self._name} at this moment: {error}") from error
        self._holder, self._token, self._renewed_at, self._why_lost = holder, token, at, ""
        return token

    def _refuse_if_held(self, lease: Object) -> None:
        spec = lease["spec"]
        holder = spec.get("holderIdentity")
        if not holder or not spec.get("renewTime"):
            return
        renewed_at = datetime.fromisoformat(str(spec["renewTime"]))
        duration = timedelta(seconds=1.25 * int(spec.get("leaseDurationSeconds") or self._duration_s))
        if self._age(renewed_at) < duration:
            raise LeaseHeldError(
                f"another judge is at work: {holder} has the lease {self._name} until "
                f"{(renewed_at + duration).isoformat(timespec='seconds')} unless it renews it; stop it, or leave a "
                "request by `silencio release`"
            )

    def _release(self) -> None:
        """Let the next judge begin at once; one that cannot be told waits until the lease is over."""
        try:
            lease = self._cluster.get(LEASE, self._name)
            if lease["spec"].get("holderIdentity") == self._holder:
                # A token of its own is never given back: the next holder's is greater.
                self._cluster.replace(LEASE, _with(lease, holderIdentity="", renewTime=_micro(self._now())))
        except RouteError:
            pass
        self._holder = ""

    def _keep(self, stopped: threading.Event) -> None:
        while not stopped.wait(self._renew_s):
            self.renew()

    def _age(self, since: datetime | None) -> timedelta:
        return self._now() - since if since is not None else timedelta.max


def _with(lease: Object, **spec: object) -> Object:
    return {**lease, "spec": {**lease["spec"], **spec}}


def _micro(at: datetime) -> str:
    """As the API server reads a MicroTime: with six digits, also where they are 0."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
