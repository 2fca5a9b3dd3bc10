"""The pipeline `drift`: one day of the prediction log is held against every site's reference. Daily, by `--cron`."""

from typing import Any, NamedTuple

from kfp import dsl

from components.drift import drift
from components.image import VERSION
from pipelines import resources

NAME = "drift"


class _Watched(NamedTuple):
    """What a run leaves."""

    day: str
    n_changed: int
    n_alerts: int


def drift_pipeline() -> Any:
    """Make the graph, which is one step."""

    @dsl.pipeline(  # type: ignore[untyped-decorator]
        name=f"silencio-{NAME}",
        display_name="Silencio: look for drift",
        description=f"A day of the prediction log to a verdict with its cause, pages and actions. Silencio {VERSION}.",
    )
    def pipeline(
        predictions: str,
        reports: str,
        day: str = "",
        policy: str = "",
        bundle: str = "",
        reviews: str = "",
        webhook: str = "",
        zone: str = "",
        run_key: str = "",
    ) -> _Watched:
        """Look at one day.

        Args:
            predictions: Folder or `s3://` prefix of the prediction log.
            reports: Folder or `s3://` prefix that keeps references and gets the day's verdict, pages and actions.
            day: The day to look at, as 2026-05-08; empty: the last one that is over.
            policy: YAML of the thresholds; empty: those that ship.
            bundle: Folder or `s3://` prefix of the bundle that answered, for label shift; empty: without.
            reviews: Folder or `s3://` prefix of people's judgements; empty: none.
            webhook: URL that alerts are sent to; empty: none.
            zone: Time zone of the sites, as Africa/Nairobi, which says what day is over; empty: UTC.
            run_key: The run's identity; nothing here needs it.
        """
        watched = drift(
            predictions=predictions,
            reports=reports,
            day=day,
            policy=policy,
            bundle=bundle,
            reviews=reviews,
            webhook=webhook,
            zone=zone,
        )
        # Rows are added to a day for as long as servers have some of it; and each run is of another day.
        watched.set_caching_options(False)
        resources.request(resources.with_webhook(resources.with_recordings(watched)), resources.WATCH)
        return _Watched(watched.outputs["day"], watched.outputs["n_changed"], watched.outputs["n_alerts"])

    return pipeline
