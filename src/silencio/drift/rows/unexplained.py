"""Unexplained: what alarms and belongs to no cause that was found."""

from __future__ import annotations

from collections.abc import Sequence

from silencio.drift.document import SignalChange
from silencio.drift.rows import client
from silencio.drift.rows.finding import Evidence, Finding, all_devices_changed, has, of_other_sound, sentence
from silencio.drift.signals import AGAINST_PEERS, EMPTY, INPUTS, MIX, PRECISION, REVIEW, SCORE

_SOUND = frozenset(one.name for one in INPUTS)
_OUTPUTS = frozenset(one.name for one in (EMPTY, MIX, SCORE, PRECISION, REVIEW))


def row(evidence: Evidence, found: Sequence[Finding]) -> list[Finding]:
    """What is left after all other rows."""
    # A device that is apart from peers which moved has not moved itself.
    left = [
        one
        for one in evidence.comparison.signals
        if one.alarm and not one.signal.endswith(AGAINST_PEERS) and not _is_explained(one, found)
    ]
    if all_devices_changed(evidence, found):
        left = [one for one in left if one.device_id is not None or one.signal == REVIEW.name]
    if not left:
        return []
    return [
        Finding(
            cause="unexplained",
            evidence=tuple(sentence(one) for one in left[:5]),
            action="look",
            devices=tuple(sorted({one.device_id for one in left if one.device_id})),
            max_certainty="suspected",
        )
    ]


def _is_explained(change: SignalChange, found: Sequence[Finding]) -> bool:
    if change.device_id in of_other_sound(found) or change.signal in client.NAMES:
        return True
    common = any(has(found, cause) for cause in ("weather_and_noise", "season_or_species_mix"))
    if change.signal in _SOUND:
        return common
    return change.signal in _OUTPUTS and (common or has(found, "model_decay"))
