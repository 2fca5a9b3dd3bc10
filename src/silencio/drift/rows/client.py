"""Client or pipeline: recordings come in another format, rate or length, with another key, or cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from silencio.drift.rows.finding import Evidence, Finding, sentence
from silencio.drift.signals import CATEGORIES, CLOCK_FAULTS, DECODE_FAILURES

# A rotated key or a clock that jumps leaves the sound as it was.
_OF_SOUND = frozenset(CATEGORIES[kind].name for kind in ("format", "sample_rate", "duration"))
NAMES = (DECODE_FAILURES.name, CLOCK_FAULTS.name, *(signal.name for signal in CATEGORIES.values()))


def row(evidence: Evidence, found: Sequence[Finding]) -> list[Finding]:
    """Devices whose recordings come in another way."""
    comparison = evidence.comparison
    alarms = [one for one in comparison.signals if one.alarm and one.signal in NAMES and one.device_id]
    devices = tuple(sorted({one.device_id for one in alarms if one.device_id}))
    if not devices:
        return []
    kinds = [text for device in devices for text in comparison.categories.get(device, ())]
    return [
        Finding(
            cause="client_or_pipeline",
            evidence=(*kinds[:6], *(sentence(one) for one in alarms[:4])),
            action="look",
            devices=devices,
            devices_of_other_sound=tuple(
                sorted({one.device_id for one in alarms if one.device_id and one.signal in _OF_SOUND})
            ),
        )
    ]
