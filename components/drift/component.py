"""drift: one day of the prediction log, held against the reference of every site."""

from typing import NamedTuple

from kfp import dsl

from components.image import MONITOR_STEP


@dsl.component(**MONITOR_STEP)
def drift(
    predictions: str,
    reports: str,
    day: str,
    policy: str,
    bundle: str,
    reviews: str,
    webhook: str,
    zone: str,
    page: dsl.Output[dsl.HTML],
) -> NamedTuple("Drift", [("day", str), ("n_changed", int), ("n_alerts", int)]):
    """Find out what has changed at each site, and name the cause: microphone, weather, season, release or model.

    Args:
        predictions: Folder or `s3://` prefix of the prediction log.
        reports: Folder or `s3://` prefix that keeps references and gets the day's verdict, pages and actions.
        day: The day to look at, as 2026-05-08; empty: the last one that is over.
        policy: YAML of the thresholds; empty: those that ship.
        bundle: Folder or `s3://` prefix of the bundle that answered, for label shift; empty: without.
        reviews: Folder or `s3://` prefix of people's judgements; empty: none.
        webhook: URL that alerts are sent to; empty: none.
        zone: Time zone of the sites, as Africa/Nairobi, which says what day is over; empty: UTC.
        page: The day's verdict, for a person.

    Returns:
        The day, at how many sites something has changed, and how many alerts are due.
    """
    from pathlib import Path

    from monitoring.steps import drift as step

    inputs = step.Inputs(
        predictions=predictions,
        reports=reports,
        day=day,
        policy=policy,
        bundle=bundle,
        reviews=reviews,
        webhook=webhook,
        zone=zone,
    )
    return step.run(inputs, step.Outputs(page=Path(page.path)))
