"""Jobs: what runs at a time of day, and ends."""

from __future__ import annotations

from collections.abc import Iterator

from delivery.rendered import Rendered, title


def schedules(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """What runs by the clock names its time zone, runs one at a time, is ended where it hangs, and goes in time."""
    for one in rendered.of_kind("CronJob"):
        spec = one["spec"]
        if not spec.get("timeZone"):
            yield title(one), "names no timeZone: its hour would be the node's"
        if spec.get("concurrencyPolicy", "Allow") != "Forbid":
            yield title(one), f"has the concurrencyPolicy {spec.get('concurrencyPolicy', 'Allow')}, not Forbid"
        if not spec["jobTemplate"]["spec"].get("activeDeadlineSeconds"):
            yield title(one), "has no activeDeadlineSeconds: one that hangs would be the last one"
        if not spec["jobTemplate"]["spec"].get("ttlSecondsAfterFinished"):
            yield title(one), "has no ttlSecondsAfterFinished: one that failed would warn until somebody deletes it"
