"""What the judge's loop needs of the world; one machine and KServe's two modes each have their own of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from silencio.release.evidence import ArmHealth
from silencio.release.record import ReleaseRecord

ArmName = Literal["champion", "challenger"]
ARMS: tuple[ArmName, ArmName] = ("champion", "challenger")


@dataclass(frozen=True, kw_only=True)
class RouteState:
    """What the route itself says, not what was asked of it.

    Attributes:
        share_percent: Share of new units that goes to the challenger.
        champion: `manifest_sha256` (KServe: of the spec that serves) behind the champion's arm.
        challenger: The same of the challenger's; None: there is none.
        generation: Changes with every edit of the object, whoever made it.
        is_settled: Whether what was asked last is what is routed.
        detail: For people: revision names, weights, why it is not settled.
    """

    share_percent: float
    champion: str
    challenger: str | None
    generation: str
    is_settled: bool
    detail: str = ""


class Route(Protocol):
    """The splitter before two arms. Every method may be called again: what holds already is left as it is."""

    def state(self) -> RouteState:
        """What is routed now.

        Raises:
            RouteError: It cannot be read.
        """

    def check(self, record: ReleaseRecord) -> None:
        """All refusals that can be known before anything changes.

        Raises:
            ReleaseRefusedError: One sentence with value and cure.
        """

    def offer(self, record: ReleaseRecord) -> None:
        """Have the challenger there and ready, with 0 % of visitors."""

    def set_share(self, percent: float, *, expected_generation: str) -> None:
        """Ask for a share; only where the object is as it was last seen.

        Raises:
            RouteChangedError: Somebody else changed it.
            RouteError: It was not taken.
        """

    def promote(self, record: ReleaseRecord) -> None:
        """Make the challenger what serves, the champion kept until `retire`."""

    def roll_back(self, record: ReleaseRecord) -> None:
        """All traffic to the champion, at once, whatever else is broken."""

    def retire(self, record: ReleaseRecord) -> None:
        """Take away the arm that serves nobody any more."""

    def health(self) -> Mapping[ArmName, ArmHealth]:
        """State of both arms' servers."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """Cumulative counters of one process at one time, as scraped.

    Attributes:
        values: By the name of a field of `silencio.release.evidence.ArmCounts`.
    """

    values: Mapping[str, float]


class CounterSource(Protocol):
    """Where counts come from: Prometheus."""

    def read(self, at_s: float) -> Mapping[ArmName, Mapping[str, Counters]]:
        """Counters by arm and instance, all of one moment.

        Raises:
            CountsUnreadableError: It does not answer, or what it says is no number, stale or empty for an arm that is
                up: no data, which is never 0.
        """

    def p95_s(self, at_s: float) -> float | None:
        """The bucket's bound that holds the champion's latency of the last 24 hours; None below 500 requests."""


class RecordStore(Protocol):
    """Keeps the record: a file on one machine, a ConfigMap on a cluster."""

    def lease(self, holder: str) -> AbstractContextManager[int]:
        """Be the only judge; the number grows with each holder.

        Raises:
            LeaseHeldError: Somebody else is; who, and until when.
        """

    def load(self) -> ReleaseRecord | None:
        """The last release, ended or not."""

    def save(self, record: ReleaseRecord, *, fencing_token: int) -> ReleaseRecord:
        """Write it whole; the returned one has the next `version`.

        Raises:
            LeaseHeldError: The lease was lost, or another one wrote since.
        """


class ModelRegistry(Protocol):
    """Aliases and tags of the versions in MLflow; a place without MLflow has one that does nothing."""

    def note(self, record: ReleaseRecord) -> None:
        """Tags `release/id`, `release/state`, `release/rule` and the page, on the challenger's version."""

    def move_champion(self, record: ReleaseRecord) -> None:
        """The alias `champion` to the challenger's version."""
