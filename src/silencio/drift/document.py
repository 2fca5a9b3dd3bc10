"""`drift.json`: what one day's look at the prediction log found, as pages, gauges and actions read it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Cause = Literal[
    "release",
    "client_or_pipeline",
    "microphone_or_site",
    "weather_and_noise",
    "season_or_species_mix",
    "model_decay",
    "unexplained",
]
# Of a site's day: `no_reference` before its reference period is complete, `not_enough` where every cell is too small.
Outcome = Literal["no_change", "changed", "not_enough", "no_reference"]
Certainty = Literal["confirmed", "likely", "suspected"]
Action = Literal["none", "look", "review", "retrain", "inspect_device", "roll_back"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignalChange(_Part):
    """One signal of one device, held against its reference.

    Attributes:
        signal: Name, as docs/monitoring.md lists them.
        device_id: Null where it is of the site as a whole.
        day_part: `dawn`, `day`, `dusk`, `night`, or `all`.
        n_recordings: Recordings of the current period.
        n_reference: Recordings of the reference.
        reference: Its value there.
        current: Its value now.
        effect: Current against reference, in `unit`.
        unit: `db`, `share`, `ratio`, `jsd` or `probability`.
        threshold: Effect from which it matters.
        p: Probability by the permutation test.
        q: After the correction for all signals and devices.
        alarm: Whether both `q` and `effect` are beyond their thresholds.
    """

    signal: str
    device_id: str | None
    day_part: str
    n_recordings: int
    n_reference: int
    reference: float
    current: float
    effect: float
    unit: Literal["db", "share", "ratio", "jsd", "probability"]
    threshold: float
    p: float
    q: float
    alarm: bool


class CauseFound(_Part):
    """A cause, with what speaks for it.

    Attributes:
        cause: By the table of docs/monitoring.md.
        certainty: How sure.
        since: First day of the unbroken run of days with this cause.
        n_days_of_four: Number of days with this cause, of the last four that were compared within two weeks: three
            make an alert.
        alert: Whether an alert is due.
        devices: Devices that have it; all of the site's where it is empty.
        devices_of_other_sound: Those of them whose sound it changes; a new key changes none.
        evidence: One sentence each, with values.
        action: What a person, or a policy, does.
    """

    cause: Cause
    certainty: Certainty
    since: date
    n_days_of_four: int
    alert: bool
    devices: tuple[str, ...] = ()
    devices_of_other_sound: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    action: Action = "look"


class ImportanceChange(_Part):
    """What predictions rest on, held against the reference; evidence beside a cause, and none of its own.

    Attributes:
        measure: The one of the three that moved furthest over its threshold; null where it was not looked at.
        value: By how much it moved, in octaves or as a share of the window's cells.
        threshold: Shift that matters: the policy's, or more where the reference's own windows stray further.
        beyond: Whether it moved as far as that.
        n_windows: Windows of the day that were explained, and as many of the reference.
        message: One sentence; why, where it was not looked at.
    """

    measure: Literal["centroid_octaves", "bandwidth_octaves", "half_share"] | None = None
    value: float | None = None
    threshold: float | None = None
    beyond: bool = False
    n_windows: int = 0
    message: str


class SiteVerdict(_Part):
    """What a site's day showed.

    Attributes:
        site_id: The site.
        outcome: In one word.
        message: One sentence.
        causes: First the one that matched first.
        signals: All that were compared, the largest effect over its threshold first.
        n_recordings: Recordings of the day.
        n_devices: That sent something.
        expected_precision: Mean calibrated probability of what was named.
        expected_precision_reference: The same of the reference.
        review_precision: Share of reviewed detections that were right, of days and devices as usual; null without any.
        review_interval: Its 95 % interval.
        review_expected: Mean calibrated probability of these same detections.
        n_reviews: Judgements behind it.
        detections_by_species: The twenty most frequent.
        importance: What predictions rest on; null in documents that were made before it was looked at.
    """

    site_id: str
    outcome: Outcome
    message: str
    causes: tuple[CauseFound, ...] = ()
    signals: tuple[SignalChange, ...] = ()
    n_recordings: int = 0
    n_devices: int = 0
    expected_precision: float | None = None
    expected_precision_reference: float | None = None
    review_precision: float | None = None
    review_interval: tuple[float, float] | None = None
    review_expected: float | None = None
    n_reviews: int = 0
    detections_by_species: dict[str, int] = {}
    importance: ImportanceChange | None = None


class DriftDocument(_Part):
    """One run over one day.

    Attributes:
        format: Version of this document.
        day: The day that was looked at, by the sites' local time.
        made_at: When.
        bundle_name: What answered most of the day's requests.
        bundle_version: Its version.
        policy_sha256: Hash of the thresholds.
        sites: By name.
    """

    format: Literal[1] = 1
    day: date
    made_at: datetime
    bundle_name: str
    bundle_version: str
    policy_sha256: str
    sites: tuple[SiteVerdict, ...]
