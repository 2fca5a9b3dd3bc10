"""What a release's page says, as data: `release.json`, of which the HTML is one rendering and shows nothing else."""

from __future__ import annotations

from typing import Literal

from silencio.release.record import State
from silencio.release.verdict import Consequence, Outcome
from silencio.reports.release.comparison_facts import Bounds, Fact, FlipFacts, ReplayFacts, SpeciesFacts, WindowFacts


class BundleFacts(Fact):
    """A bundle that takes part.

    Attributes:
        version: The bundle's version.
        manifest_sha256: Hash of its manifest.
        place: Folder or URI that it is served from.
        licence: What may be done with it; None: unknown.
    """

    version: str
    manifest_sha256: str
    place: str
    licence: str | None = None


class Headline(Fact):
    """Where the release stands.

    Attributes:
        release_id: The release's id.
        champion: What served before.
        challenger: What is offered.
        state: The record's state.
        held_from: State to go on from, where it is held.
        step: Place of the step in the policy's list.
        n_steps: Steps of the policy.
        share_percent: Share of new sessions that the challenger gets, as last confirmed.
        since: When it came to this state and share, ISO 8601.
        by: Who brought it there: a person's name, or the release process's.
        began_at: When the release began, ISO 8601.
        began_by: Who began it.
        has_ended: Whether nothing more follows by itself.
        decided_by: Name of the rule that decided the last change; None: no rule did.
        under_way: What is being done at this moment, not confirmed yet; None: nothing.
    """

    release_id: str
    champion: BundleFacts
    challenger: BundleFacts
    state: State
    held_from: State | None
    step: int
    n_steps: int
    share_percent: float
    since: str
    by: str
    began_at: str
    began_by: str
    has_ended: bool
    decided_by: str | None
    under_way: str | None


class RuleFacts(Fact):
    """One rule as it found things when it was evaluated last.

    Attributes:
        rule: Name of the rule, as in the policy.
        outcome: What it found; `no_data` also where it was never evaluated.
        message: One sentence with values and bounds.
        consequence: What its `fail` leads to.
        n: Units of the challenger that it saw.
        champion: Metric of the champion.
        challenger: Metric of the challenger.
        ratio: Challenger over champion, or their difference, as the message says.
        interval: Bounds of `ratio`.
        e_value: Evidence against "not worse"; values above 1e300 stand as 1e300.
        threshold: E, or value of the metric, from which on the rule fails.
        alpha: Its share of the release's false rollbacks.
        tolerance: Ratio, or mean, up to which nothing counts as worse.
        limit: Absolute limit beside it.
        smallest_visible: The smallest effect that it could have seen by now, in words.
        must_have_data: Whether a step waits for it.
        dry_run: Whether it is shown only.
        both_fail: Whether the champion is beyond its own limit too, so that nothing is found of the bundle.
        applies: Whether the policy asks it at this step; where it does not, nothing follows from it.
        evaluated_at: Time of the look that this is of, ISO 8601; None: it was never evaluated.
    """

    rule: str
    outcome: Outcome
    message: str
    consequence: Consequence
    n: int = 0
    champion: float | None = None
    challenger: float | None = None
    ratio: float | None = None
    interval: Bounds | None = None
    e_value: float | None = None
    threshold: float | None = None
    alpha: float | None = None
    tolerance: float | None = None
    limit: float | None = None
    smallest_visible: str | None = None
    must_have_data: bool = False
    dry_run: bool = False
    both_fail: bool = False
    applies: bool = True
    evaluated_at: str | None = None


class EvidencePoint(Fact):
    """Evidence of one rule at one look.

    Attributes:
        since_start_s: Seconds since the release began.
        e_value: Its E; values above 1e300 stand as 1e300.
    """

    since_start_s: float
    e_value: float


class EvidenceSeries(Fact):
    """Evidence of one sequential rule over the release.

    Attributes:
        rule: Name of the rule.
        alpha: Its share of the release's false rollbacks; None: the policy gives it none.
        line: 1/alpha: from here on the rule fails; None: unknown.
        points: In order of time; of many looks close together the one with the largest E stands for all.
    """

    rule: str
    alpha: float | None
    line: float | None
    points: tuple[EvidencePoint, ...]


class EventFacts(Fact):
    """One line of the history.

    Attributes:
        at: ISO 8601.
        since_start_s: Seconds since the release began.
        state: State from then on.
        share_percent: Share from then on.
        why: One sentence.
        by: Who did it.
    """

    at: str
    since_start_s: float
    state: State
    share_percent: float
    why: str
    by: str


class ArmFacts(Fact):
    """What one arm answered.

    Attributes:
        requests: Predict requests.
        failed_requests: Those of them, answered by 5xx or by nothing.
        units: Sessions, and requests without one.
        failed_units: Units with a failed request.
        slow_units: Units with a request beyond the release's bound for slow.
        rejected_units: Units with a rejected request.
    """

    requests: int = 0
    failed_requests: int = 0
    units: int = 0
    failed_units: int = 0
    slow_units: int = 0
    rejected_units: int = 0


class ExposureRow(Fact):
    """One step of the release.

    Attributes:
        step: Place of the step in the policy's list.
        share_percent: The challenger's share.
        is_simulated: Whether these were simulated users, before any visitor.
        duration_s: Seconds of it that count.
        champion: What the champion answered.
        challenger: What the challenger answered.
    """

    step: int
    share_percent: float
    is_simulated: bool
    duration_s: float
    champion: ArmFacts
    challenger: ArmFacts


class Exposure(Fact):
    """What visitors met of the challenger; simulated users are in `rows` and not in the sums.

    Attributes:
        requests: Visitors' requests that the challenger answered.
        units: Visitors' sessions, and requests without one, that it answered.
        failed_requests: Those of them, failed.
        expected_failures: How many would have failed at the champion's rate in the same steps.
        rows: Step by step.
    """

    requests: int
    units: int
    failed_requests: int
    expected_failures: float
    rows: tuple[ExposureRow, ...]


class Unseen(Fact):
    """What this release could not see.

    Attributes:
        what: A rule's name, or a kind of evidence.
        why: One sentence: why nothing was seen, or the smallest effect that would have been.
    """

    what: str
    why: str


class Link(Fact):
    """A place with more.

    Attributes:
        name: What is there.
        address: URL or path.
    """

    name: str
    address: str


class ReleaseFacts(Fact):
    """Everything on a release's page.

    Attributes:
        schema_version: Grows when a field changes its meaning or goes; new fields do not change it.
        written_at: ISO 8601, UTC.
        headline: Where the release stands.
        why: One sentence: why it stands there.
        next: One sentence: what follows, or what a person can do.
        licence_change: One sentence where licences allow other things of the challenger than of the champion.
        rules: Every rule of the policy.
        evidence: Evidence of the sequential rules over time.
        history: All that happened.
        replay: None: nothing was replayed.
        flips: None: nothing was replayed.
        species: None: the bundles' answers were not compared.
        windows: At most ten, the largest disagreement first.
        exposure: What visitors met.
        unseen: What could not be seen.
        links: Places with more.
    """

    schema_version: Literal[1] = 1
    written_at: str
    headline: Headline
    why: str
    next: str
    licence_change: str | None
    rules: tuple[RuleFacts, ...]
    evidence: tuple[EvidenceSeries, ...]
    history: tuple[EventFacts, ...]
    replay: ReplayFacts | None
    flips: FlipFacts | None
    species: SpeciesFacts | None
    windows: tuple[WindowFacts, ...]
    exposure: Exposure
    unseen: tuple[Unseen, ...]
    links: tuple[Link, ...]
