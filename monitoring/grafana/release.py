"""Dashboard `release`: which bundle has which visitors, and how both arms do."""

from __future__ import annotations

from monitoring.grafana.model import ARM, NAMESPACE, Dashboard, Panel, Query
from monitoring.grafana.selectors import OF_ENVIRONMENT, PREDICTIONS, TRANSFORMER, mean, quantile, rate

_SESSIONS = rate("silencio_sessions_total", TRANSFORMER, "arm")

RELEASE = Dashboard(
    name="release",
    title="release",
    description="Which bundle has which visitors, what its judge decided, and how both arms do.",
    variables=(NAMESPACE, ARM),
    since="now-7d",
    panels=(
        Panel(
            "State",
            "The state that each release is in; held waits for a person.",
            "short",
            (
                Query(
                    f"max by (namespace, release, state) (silencio_release_state{{{OF_ENVIRONMENT}}}) == 1",
                    "{{namespace}} {{release}} {{state}}",
                ),
            ),
            width=12,
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Share of the challenger",
            "Share of new sessions that the challenger has.",
            "percentunit",
            (
                Query(
                    f"max by (namespace, release) (silencio_release_share{{{OF_ENVIRONMENT}}})",
                    "{{namespace}} {{release}}",
                ),
            ),
            width=12,
            minimum=0,
            maximum=1,
        ),
        Panel(
            "What is served",
            "Bundles by arm, with the feature specification that their clients' numbers depend on.",
            "short",
            (
                Query(
                    "count by (namespace, arm, name, version, spec_sha256, precision) "
                    f"(silencio_bundle_info{{{TRANSFORMER}}})"
                ),
            ),
            kind="table",
            width=24,
        ),
        Panel(
            "Predictions",
            "Visitors' predictions a second, by arm.",
            "reqps",
            (Query(rate("silencio_requests_total", PREDICTIONS, "arm"), "{{arm}}"),),
            minimum=0,
        ),
        Panel(
            "Sessions that failed",
            "Share of sessions with a request that ended with 5xx, by arm: the judge counts sessions, not requests.",
            "percentunit",
            (Query(f"{rate('silencio_failed_sessions_total', TRANSFORMER, 'arm')} / {_SESSIONS}", "{{arm}}"),),
            minimum=0,
        ),
        Panel(
            "Sessions that were rejected",
            "Share of sessions with a request that was answered by 413, 429 or 503, by arm.",
            "percentunit",
            (Query(f"{rate('silencio_rejected_sessions_total', TRANSFORMER, 'arm')} / {_SESSIONS}", "{{arm}}"),),
            minimum=0,
        ),
        Panel(
            "Time of the service, by arm",
            "95 of 100 answers are faster, from a request's last byte on.",
            "s",
            (Query(quantile(0.95, "silencio_answer_seconds", TRANSFORMER, "arm"), "{{arm}}"),),
            minimum=0,
        ),
        Panel(
            "Probability, by arm",
            "Mean probability of the most probable species: arms that differ disagree on the same reserve.",
            "percentunit",
            (Query(mean("silencio_top_probability", TRANSFORMER, "arm"), "{{arm}}"),),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Requests that are no visitor's",
            "Copies for a challenger in the dark and simulated users, a second, by status.",
            "reqps",
            (Query(rate("silencio_marked_requests_total", TRANSFORMER, "traffic, status"), "{{traffic}} {{status}}"),),
            minimum=0,
        ),
    ),
)
