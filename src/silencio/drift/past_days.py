"""Days before the one that is looked at, as far as they tell anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from silencio.drift.document import SiteVerdict


def compared_days(history: Mapping[date, SiteVerdict], day: date, max_age_days: int) -> list[date]:
    """Days before this one on which something was compared, the newest first.

    A site that records every second day has as many of them in four weeks as another one in two: rules count these days
    and not those of the calendar.

    Args:
        history: Verdicts of the site on days before.
        day: The day that is looked at.
        max_age_days: How far back they are looked for.
    """
    before = (day - timedelta(days=back) for back in range(1, max_age_days + 1))
    return [one for one in before if one in history and history[one].outcome in ("changed", "no_change")]
