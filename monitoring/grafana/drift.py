"""Dashboard `drift`: what the daily run found, by site, and the quality of what is sent."""

from __future__ import annotations

from monitoring.grafana.model import NAMESPACE, SITE, Dashboard, Panel, Query
from monitoring.grafana.selectors import ALL_TRANSFORMERS, OF_SITE, mean, rate

_PRECISION = "max by (namespace, site) ({}{{{}}})"

DRIFT = Dashboard(
    name="drift",
    title="drift and data quality",
    description="What the daily run found at each site, whether precision holds, and the quality of the sound that is "
    "sent. The verdict's page has the evidence.",
    variables=(NAMESPACE, SITE),
    since="now-30d",
    panels=(
        Panel(
            "Causes of alerts",
            "1 where a cause held on three of four days.",
            "short",
            (
                Query(
                    f"max by (namespace, site, cause) (silencio_drift_alert{{{OF_SITE}}})",
                    "{{namespace}} {{site}} {{cause}}",
                ),
            ),
            width=12,
            minimum=0,
        ),
        Panel(
            "Causes of the day",
            "1 where the day's verdict found the cause; a day alone is no alert.",
            "short",
            (
                Query(
                    f"max by (namespace, site, cause) (silencio_drift_cause{{{OF_SITE}}})",
                    "{{namespace}} {{site}} {{cause}}",
                ),
            ),
            width=12,
            minimum=0,
        ),
        Panel(
            "Effects",
            "Largest effect of each signal over its devices, in units of its threshold: at 1 it matters.",
            "short",
            (
                Query(
                    f"topk(20, max by (namespace, site, signal) (silencio_drift_effect{{{OF_SITE}}}))",
                    "{{namespace}} {{site}} {{signal}}",
                ),
            ),
            width=12,
            limits=(1,),
        ),
        Panel(
            "Precision",
            "Expected (mean calibrated probability of what was named), its reference, and what reviewers found.",
            "percentunit",
            (
                Query(
                    _PRECISION.format("silencio_expected_precision_ratio", OF_SITE), "{{namespace}} {{site}} expected"
                ),
                Query(
                    _PRECISION.format("silencio_expected_precision_reference_ratio", OF_SITE),
                    "{{namespace}} {{site}} reference",
                ),
                Query(_PRECISION.format("silencio_review_precision_ratio", OF_SITE), "{{namespace}} {{site}} reviewed"),
            ),
            width=12,
            minimum=0,
            maximum=1,
        ),
        Panel(
            "What predictions rest on",
            "How far it has moved since the reference, over its threshold: at 1 it matters. Windows that were "
            "explained: 0 where the run was given no recordings or no bundle.",
            "short",
            (
                Query(
                    f"max by (namespace, site) (silencio_drift_importance_effect{{{OF_SITE}}})",
                    "{{namespace}} {{site}} moved",
                ),
                Query(
                    f"max by (namespace, site) (silencio_drift_importance_windows{{{OF_SITE}}})",
                    "{{namespace}} {{site}} windows",
                ),
            ),
            width=12,
            minimum=0,
            limits=(1,),
        ),
        Panel(
            "Last run",
            "Time since drift was computed for each site; above 26 hours it is stale.",
            "s",
            (
                Query(
                    f"time() - max by (namespace, site) (silencio_drift_last_run_timestamp_seconds{{{OF_SITE}}})",
                    "{{namespace}} {{site}}",
                ),
            ),
            kind="stat",
        ),
        Panel(
            "Recordings of the day",
            "Recordings that the last run looked at; a site without any is away.",
            "short",
            (Query(f"max by (namespace, site) (silencio_drift_recordings{{{OF_SITE}}})", "{{namespace}} {{site}}"),),
            kind="stat",
        ),
        Panel(
            "Reviews",
            "Judgements behind the reviewed precision; below 50 it calls nobody.",
            "short",
            (Query(f"max by (namespace, site) (silencio_reviews{{{OF_SITE}}})", "{{namespace}} {{site}}"),),
            kind="stat",
        ),
        Panel(
            "Recordings that cannot be decoded",
            "Recordings an hour, by kind: a step is another client or recorder.",
            "short",
            (Query(f"sum by (kind) (increase(silencio_decode_failures_total{{{ALL_TRANSFORMERS}}}[1h]))", "{{kind}}"),),
            minimum=0,
        ),
        Panel(
            "Clipped and silent",
            "Mean share of samples at full scale, and of frames below -60 dBFS.",
            "percentunit",
            (
                Query(mean("silencio_audio_clipped_ratio", ALL_TRANSFORMERS), "clipped"),
                Query(mean("silencio_audio_silence_ratio", ALL_TRANSFORMERS), "silent"),
            ),
            minimum=0,
        ),
        Panel(
            "Level",
            "Mean RMS level of windows in decibels of full scale, of all sites together.",
            "dB",
            (
                Query(
                    f"-{rate('silencio_audio_below_full_scale_decibels_total', ALL_TRANSFORMERS)} / "
                    f"{rate('silencio_audio_level_dbfs_count', ALL_TRANSFORMERS)}",
                    "level",
                ),
            ),
        ),
    ),
)
