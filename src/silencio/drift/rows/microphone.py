"""Microphone or site: gain or spectrum of a device moved, its peers' did not, in (nearly) all parts of the day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from silencio.drift.document import SignalChange
from silencio.drift.rows.finding import Evidence, Finding, of_other_sound, sentence
from silencio.drift.signals import AGAINST_PEERS, FLOOR_BANDS
from silencio.drift.trial import size_in

# What a microphone changes in the quiet tenth of the frames too, where no animal is.
QUIET = ("floor_db", *FLOOR_BANDS)
# A device that is beyond half of its threshold goes along with the one that alarms.
_GOES_ALONG = 0.5
_OTHERS = ("level_db", "foreground_db", "rolloff_ratio", "silence_share", "clipped_share")


def row(evidence: Evidence, found: Sequence[Finding]) -> list[Finding]:
    """Devices that are apart from their peers; without peers, those that lost level or a band, or stay loud."""
    comparison = evidence.comparison
    left = [name for name in comparison.devices if name not in of_other_sound(found)]
    # Of days that no other device shares, or only one, there is nothing to be apart from.
    with_peers = {one.device_id for one in comparison.signals if one.signal.endswith(AGAINST_PEERS)}
    alarms = {name: (_apart if name in with_peers else _alone)(evidence, name) for name in left}
    devices = tuple(name for name, own in alarms.items() if own)
    common = evidence.policy.attribution.common_share * len(comparison.devices)
    if not devices or (with_peers and len(devices) >= common):
        return []
    return [
        Finding(
            cause="microphone_or_site",
            evidence=tuple(sentence(one) for name in devices for one in alarms[name][:4]),
            action="inspect_device",
            devices=devices,
            devices_of_other_sound=devices,
            max_certainty="confirmed" if with_peers.issuperset(devices) else "likely",
        )
    ]


def _apart(evidence: Evidence, device: str) -> list[SignalChange]:
    """Signals of a device that moved by themselves and against its peers, of these at least one of the quiet tenth."""
    comparison, limits = evidence.comparison, evidence.policy.attribution
    moved = []
    for name in (*QUIET, *_OTHERS):
        against, own = comparison.find(name + AGAINST_PEERS, device), comparison.find(name, device)
        if against is None or own is None or not against.alarm:
            continue
        common = own.effect - against.effect
        # Either it moved by itself, or it did not follow where all others went.
        moves = size_in(name, own.effect, own.threshold) >= 1.0 and own.effect * against.effect > 0
        stays = size_in(name, common, own.threshold) >= 1.0 and abs(against.effect) >= 0.8 * abs(common)
        if not (moves or stays) or abs(against.effect) < limits.min_share_of_common * abs(common):
            continue
        if _same_sign(evidence, device, name + AGAINST_PEERS, against.effect):
            moved.append(against)
    quiet = {name + AGAINST_PEERS for name in (*QUIET, "silence_share")}
    return moved if any(one.signal in quiet for one in moved) else []


def _alone(evidence: Evidence, device: str) -> list[SignalChange]:
    """Of two devices the one that moved alone; of one what fell, or rose with its signal-to-noise ratio kept."""
    comparison, limits = evidence.comparison, evidence.policy.attribution
    moved = [
        one
        for one in comparison.alarms((*QUIET, *_OTHERS), device)
        if _same_sign(evidence, device, one.signal, one.effect)
    ]
    if len(comparison.devices) > 1:
        moved = [one for one in moved if not _others_go_along(evidence, one)]
    else:
        ratio = comparison.find("snr_db", device)
        masked = ratio is not None and size_in(ratio.signal, ratio.effect, ratio.threshold) >= _GOES_ALONG
        # What lasted too long for weather yesterday is none today, whatever it was called between.
        lasts = (
            evidence.days_with("weather_and_noise", 10) >= limits.max_weather_days
            or evidence.days_with("microphone_or_site", 1) > 0
        )
        moved = [one for one in moved if lasts or not masked or one.effect < 0 or one.signal == "silence_share"]
    return moved if any(one.signal in (*QUIET, "silence_share") for one in moved) else []


def _others_go_along(evidence: Evidence, change: SignalChange) -> bool:
    others = [one for one in evidence.comparison.signals if one.signal == change.signal and one.device_id]
    return any(
        one.device_id != change.device_id
        and one.effect * change.effect > 0
        and size_in(one.signal, one.effect, one.threshold) >= _GOES_ALONG
        for one in others
    )


def _same_sign(evidence: Evidence, device: str, signal: str, effect: float) -> bool:
    parts = evidence.comparison.part_effects.get((device, signal))
    if parts is None or not len(parts):
        return False
    return bool(np.mean(parts * np.sign(effect) > 0) >= evidence.policy.attribution.min_parts_share)
