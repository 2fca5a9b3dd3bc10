"""Dashboard `business`: visitors, sessions and species, as counters have them.

Species per session, spotting rates and accumulation are not here: they need each session's rows, and stand in the
operator's report. Prometheus has no label of a session, and shall not.
"""

from __future__ import annotations

from monitoring.grafana.model import NAMESPACE, SITE, Dashboard, Panel, Query
from monitoring.grafana.selectors import ALL_TRANSFORMERS, OF_SITE, ROUTES, ratio


def _increase(metric: str, window: str, selector: str = ALL_TRANSFORMERS) -> str:
    return f"sum(increase({metric}{{{selector}}}[{window}]))"


_SESSIONS = _increase("silencio_sessions_total", "1d")


def _by_session(metric: str, selector: str = ALL_TRANSFORMERS) -> str:
    return ratio(_increase(metric, "1d", selector), _SESSIONS)


BUSINESS = Dashboard(
    name="business",
    title="business",
    description="Visitors, sessions and species by day. Species per session and spotting rates need each session's "
    "rows and stand in the operator's monthly report.",
    variables=(NAMESPACE, SITE),
    since="now-30d",
    panels=(
        Panel(
            "Sessions, last day",
            "Sessions that began within a day, keys without one, and requests without either.",
            "short",
            (Query(_SESSIONS, "sessions"),),
            kind="stat",
        ),
        Panel(
            "Requests a session",
            "Predictions of the last day over its sessions.",
            "short",
            (
                Query(
                    _by_session("silencio_requests_total", f"{ALL_TRANSFORMERS},{ROUTES}"),
                    "requests",
                ),
            ),
            kind="stat",
        ),
        Panel(
            "Windows a session",
            "Windows of sound of the last day over its sessions.",
            "short",
            (
                Query(
                    _by_session("silencio_windows_total"),
                    "windows",
                ),
            ),
            kind="stat",
        ),
        Panel(
            "Sessions by hour",
            "Sessions that began within each hour before: when visitors are on the trails.",
            "short",
            (Query(_increase("silencio_sessions_total", "1h"), "sessions"),),
            width=12,
            minimum=0,
        ),
        Panel(
            "Sessions with a failure, last day",
            "Share of sessions in which a request failed or was rejected: visitors who saw a fault.",
            "percentunit",
            (
                Query(
                    _by_session("silencio_failed_sessions_total"),
                    "failed",
                ),
                Query(
                    _by_session("silencio_rejected_sessions_total"),
                    "rejected",
                ),
            ),
            width=12,
            minimum=0,
        ),
        Panel(
            "Species, last day",
            "The twenty species that were named in most windows of a day, as the service counts them, unreviewed.",
            "short",
            (
                Query(
                    f"topk(20, sum by (code) (increase(silencio_detections_total{{{ALL_TRANSFORMERS}}}[1d])))",
                    "{{code}}",
                ),
            ),
            kind="bargauge",
        ),
        Panel(
            "Detections of the day, by site",
            "The most frequent species at each site, of the last day that drift looked at.",
            "short",
            (
                Query(
                    f"topk(20, max by (namespace, site, code) (silencio_day_detections{{{OF_SITE}}}))",
                    "{{namespace}} {{site}} {{code}}",
                ),
            ),
            kind="bargauge",
        ),
        Panel(
            "Recordings of the day, by site",
            "Effort: a species that is named less where less was recorded is not rarer.",
            "short",
            (Query(f"max by (namespace, site) (silencio_drift_recordings{{{OF_SITE}}})", "{{namespace}} {{site}}"),),
            minimum=0,
        ),
    ),
)
