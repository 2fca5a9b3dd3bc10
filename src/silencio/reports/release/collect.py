"""From a release's record and looks to what its page says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter

from silencio.release.evidence import Interval
from silencio.release.policy import ReleasePolicy
from silencio.release.record import Event, ReleaseRecord
from silencio.reports.release.comparison_facts import WindowFacts
from silencio.reports.release.comparison_inputs import in_order
from silencio.reports.release.exposure import exposure_of
from silencio.reports.release.facts import BundleFacts, EventFacts, Headline, ReleaseFacts, RuleFacts, Unseen
from silencio.reports.release.inputs import Licences, ReleaseInputs
from silencio.reports.release.record_looks import looks_of
from silencio.reports.release.rule_facts import evidence_of, rules_of
from silencio.reports.release.words import STATES

MAX_WINDOWS = 10
_INTERVALS = TypeAdapter(list[Interval])


def collect(inputs: ReleaseInputs) -> ReleaseFacts:
    """Everything that is known of a release, as data.

    Args:
        inputs: The record and whatever evidence there is.

    Raises:
        ValueError: The record's policy, looks or intervals are not what this version writes.
    """
    record, policy = inputs.record, ReleasePolicy.model_validate(inputs.record.policy)
    looks = looks_of(record) if inputs.looks is None else inputs.looks
    rules = rules_of(looks, policy)
    intervals = intervals_of(record) if inputs.intervals is None else inputs.intervals
    exposure = exposure_of(intervals)
    words = STATES[record.state]
    return ReleaseFacts(
        written_at=inputs.written_at,
        headline=_headline(inputs, policy),
        why=_why(record),
        next=words.next,
        licence_change=_licence_change(inputs.licences),
        rules=rules,
        evidence=evidence_of(looks, policy, record.began_at),
        history=tuple(_event(one, record) for one in record.history),
        replay=inputs.replay,
        flips=inputs.flips,
        species=None if inputs.species is None else in_order(inputs.species),
        windows=_windows(inputs),
        exposure=exposure,
        unseen=(*_unseen_rules(rules), *_unseen_evidence(inputs, exposure.requests)),
        links=tuple(inputs.links),
    )


def intervals_of(record: ReleaseRecord) -> list[Interval]:
    """The record's intervals.

    Args:
        record: As it was saved.

    Raises:
        ValueError: They are not what this version writes.
    """
    return _INTERVALS.validate_python(list(record.intervals))


def since_start_s(at: str, began_at: str) -> float:
    """Seconds between two times, both ISO 8601 with their offset; never below 0."""
    return max(0.0, (datetime.fromisoformat(at) - datetime.fromisoformat(began_at)).total_seconds())


def _headline(inputs: ReleaseInputs, policy: ReleasePolicy) -> Headline:
    record = inputs.record
    latest = _began(record.history)
    intention = record.intention
    return Headline(
        release_id=record.release_id,
        champion=BundleFacts(**record.champion.model_dump(), licence=inputs.licences.champion),
        challenger=BundleFacts(**record.challenger.model_dump(), licence=inputs.licences.challenger),
        state=record.state,
        held_from=record.held_from,
        step=record.step,
        n_steps=len(policy.steps),
        share_percent=record.share_percent,
        since=latest.at if latest else record.step_began_at or record.began_at,
        by=latest.by if latest else record.by,
        began_at=record.began_at,
        began_by=record.by,
        has_ended=record.has_ended,
        decided_by=record.rule,
        under_way=None
        if intention is None
        else f"{STATES[intention.target].title}, {intention.share_percent:g} %: {intention.why or 'no reason written'}",
    )


def _began(history: Sequence[Event]) -> Event | None:
    """The event that brought the state and share that hold now; later ones (an approval) left them as they were."""
    found = None
    for one in reversed(history):
        if found is not None and (one.state, one.share_percent) != (found.state, found.share_percent):
            break
        found = one
    return found


def _why(record: ReleaseRecord) -> str:
    if record.why:
        return record.why
    return record.history[-1].why if record.history and record.history[-1].why else STATES[record.state].means


def _event(event: Event, record: ReleaseRecord) -> EventFacts:
    return EventFacts(**event.model_dump(), since_start_s=since_start_s(event.at, record.began_at))


def _licence_change(licences: Licences) -> str | None:
    if licences.champion == licences.challenger:
        return None
    return (
        f"What may be done with the challenger ({licences.challenger or 'unknown'}) is not what may be done with the "
        f"champion ({licences.champion or 'unknown'})."
    )


def _windows(inputs: ReleaseInputs) -> tuple[WindowFacts, ...]:
    return tuple(
        one.model_copy(update={"has_spectrogram": (one.recording, one.begin_s) in inputs.sounds})
        for one in inputs.windows[:MAX_WINDOWS]
    )


def _unseen_rules(rules: Sequence[RuleFacts]) -> list[Unseen]:
    unseen = []
    for one in rules:
        if not one.applies:
            continue
        if one.outcome in ("no_data", "error"):
            unseen.append(Unseen(what=one.rule, why=one.message))
        elif one.smallest_visible:
            unseen.append(
                Unseen(what=one.rule, why=f"Nothing smaller than {one.smallest_visible} would have been seen.")
            )
    return unseen


def _unseen_evidence(inputs: ReleaseInputs, n_requests: int) -> list[Unseen]:
    missing = dict(inputs.not_seen)
    reasons = {
        "labelled recordings": (inputs.replay is None, "No labelled recordings were replayed to both bundles."),
        "the same recordings": (inputs.species is None, "Answers of both bundles to the same sound were not compared."),
        "visitors": (n_requests == 0, "No visitor's request has been answered by the challenger."),
        "churn": (
            inputs.flips is not None and inputs.flips.churn_floor is None,
            "Two retrainings of the champion's own recipe were not compared, so negative flips have no floor.",
        ),
    }
    return [
        *(Unseen(what=what, why=why) for what, why in missing.items()),
        *(Unseen(what=what, why=why) for what, (is_so, why) in reasons.items() if is_so and what not in missing),
    ]
