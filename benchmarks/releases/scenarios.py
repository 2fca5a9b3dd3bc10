"""All releases of the proof: who is offered, what happens meanwhile, and how it has to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.releases import disturbances
from benchmarks.releases.disturbances import Disturbance
from serving.canary.interfaces import ArmName


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One release.

    Attributes:
        name: Its unit's name; the part before the first dash is the letter of issue 15.
        what: In words.
        challenger: Name of its bundle in `challengers`.
        champion: Name of the bundle that serves before.
        ends: State in which it ends.
        rule: Rule that has to have decided it; None: none.
        reason: Words of its reason.
        disturbance: What happens while it goes on.
        has_visitors: Whether anybody comes.
        requests_per_session: Requests that a visitor sends by one session.
        loud_every: One request in so many is at full scale, which some bundles fail, or answer slowly.
        failing: Arms that are bad.
        rate_per_s: That visitors keep to; 0: as fast as they are answered.
        needs_mlflow: Whether versions are registered in an MLflow.
        has_log_mel_clients: Whether clients have sent features, as the prediction log has it.
    """

    name: str
    what: str
    challenger: str
    champion: str = "champion"
    ends: str
    rule: str | None = None
    reason: str = ""
    disturbance: Disturbance | None = None
    has_visitors: bool = True
    requests_per_session: int = 3
    loud_every: int = 0
    failing: Sequence[ArmName] = ()
    rate_per_s: float = 0.0
    needs_mlflow: bool = False
    has_log_mel_clients: bool = False


def _of_failures(number: int) -> Scenario:
    return Scenario(
        name=f"d-{number}",
        what="1 request in 20 fails",
        challenger="failing",
        ends="rolled_back",
        rule="errors",
        requests_per_session=1,
        loud_every=20,
        failing=("challenger",),
    )


def _equal(number: int) -> Scenario:
    return Scenario(
        name=f"i-{number}", what="the same bundle under another manifest", challenger=f"again-{number}", ends="promoted"
    )


SCENARIOS: Sequence[Scenario] = (
    Scenario(
        name="b",
        what="classes shuffled",
        challenger="shuffled",
        ends="refused",
        rule="replay",
    ),
    _of_failures(0),
    Scenario(
        name="c",
        what="200 ms slower for what visitors send",
        challenger="slow-for-visitors",
        ends="rolled_back",
        rule="slow",
        requests_per_session=1,
        loud_every=1,
    ),
    Scenario(
        name="f",
        what="better overall, worse by .3 on 50 recordings of Amphibia",
        challenger="worse-on-amphibia",
        ends="refused",
        rule="replay",
        reason="taxon class Amphibia",
    ),
    Scenario(
        name="h",
        what="another feature specification, with clients that send log_mel",
        champion="champion-of-features",
        challenger="other-spec",
        ends="refused",
        rule="classes",
        reason="breaking",
        has_log_mel_clients=True,
    ),
    Scenario(
        name="j-none",
        what="nobody comes",
        challenger="another-seed",
        ends="held",
        reason="0 requests of the challenger",
        has_visitors=False,
    ),
    Scenario(
        name="k-killed",
        what="Prometheus killed",
        challenger="another-seed",
        ends="held",
        reason="no counts",
        disturbance=disturbances.prometheus_killed,
    ),
    Scenario(
        name="k-nan",
        what="counts are NaN",
        challenger="another-seed",
        ends="held",
        reason="no counts",
        disturbance=disturbances.prometheus_reads_no_numbers,
    ),
    Scenario(
        name="k-stale",
        what="counts are stale",
        challenger="another-seed",
        ends="held",
        reason="no counts",
        disturbance=disturbances.prometheus_reads_no_more,
    ),
    Scenario(
        name="l",
        what="both arms fail 1 request in 4",
        champion="failing",
        challenger="failing-too",
        ends="held",
        rule="errors",
        reason="Both fail",
        loud_every=4,
        failing=("champion", "challenger"),
    ),
    Scenario(
        name="p",
        what="one failure, then champion, challenger and judge start again",
        challenger="failing",
        ends="rolled_back",
        failing=("challenger",),
        disturbance=disturbances.restarted,
    ),
    Scenario(
        name="c-always",
        what="200 ms slower for all",
        challenger="slow",
        ends="refused",
        rule="slow",
    ),
    Scenario(
        name="m",
        what="challenger killed at 25 %, as for want of memory",
        challenger="another-seed",
        ends="rolled_back",
        rule="reachability",
        failing=("challenger",),
        disturbance=disturbances.challenger_out_of_memory,
    ),
    Scenario(
        name="j-stops",
        what="nobody comes any more at 25 %",
        challenger="another-seed",
        ends="held",
        reason="requests of the challenger",
        disturbance=disturbances.no_more_visitors_at_25_percent,
    ),
    Scenario(
        name="e",
        what="judge killed between intention, patch and alias",
        challenger="another-seed",
        ends="promoted",
        disturbance=disturbances.auto_killed,
        needs_mlflow=True,
    ),
    Scenario(
        name="a",
        what="another seed, 50 requests/s",
        challenger="another-seed",
        ends="promoted",
        rate_per_s=50.0,
    ),
    Scenario(
        name="g",
        what="two species more",
        challenger="two-more-species",
        ends="promoted",
    ),
    *(_of_failures(number) for number in range(1, 5)),
    *(_equal(number) for number in range(10)),
)
