"""Dashboard `predictions`: what the model names, how sure it is, and the sound that it is given."""

from __future__ import annotations

from monitoring.grafana.model import ARM, NAMESPACE, Dashboard, Panel, Query
from monitoring.grafana.selectors import TRANSFORMER, mean, quantile, rate, ratio

_TOP = "silencio_top_probability"
_LEVEL = rate("silencio_audio_below_full_scale_decibels_total", TRANSFORMER, "arm")

PREDICTIONS_BOARD = Dashboard(
    name="predictions",
    title="predictions",
    description="What the model names, how sure it is of it, and the sound that it is given.",
    variables=(NAMESPACE, ARM),
    panels=(
        Panel(
            "Windows",
            "Windows of sound that were answered, a second.",
            "ops",
            (Query(rate("silencio_windows_total", TRANSFORMER, "arm"), "{{arm}}"),),
            minimum=0,
        ),
        Panel(
            "Named in a window",
            "Species that were named, over windows: below its usual value fewer animals are found, or active.",
            "short",
            (
                Query(
                    f"{rate('silencio_detections_total', TRANSFORMER, 'arm')} / "
                    f"{rate('silencio_windows_total', TRANSFORMER, 'arm')}",
                    "{{arm}}",
                ),
            ),
            minimum=0,
        ),
        Panel(
            "Species, last hour",
            "The twenty species that were named in most windows of the last hour.",
            "short",
            (Query(f"topk(20, sum by (code) (increase(silencio_detections_total{{{TRANSFORMER}}}[1h])))", "{{code}}"),),
            kind="bargauge",
        ),
        Panel(
            "Probability of the most probable",
            "A tenth, half and nine tenths of windows lie below: a fall of all three is less confidence.",
            "percentunit",
            tuple(Query(quantile(share, _TOP, TRANSFORMER), f"p{share * 100:g}") for share in (0.1, 0.5, 0.9)),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Mean probability",
            "Mean of the most probable species' probability, by arm.",
            "percentunit",
            (Query(mean(_TOP, TRANSFORMER, "arm"), "{{arm}}"),),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Unsure windows",
            "Share of windows whose most probable species has at most .3.",
            "percentunit",
            (
                Query(
                    ratio(
                        rate(f"{_TOP}_bucket", f'{TRANSFORMER},le="0.3"', "arm"),
                        rate(f"{_TOP}_count", TRANSFORMER, "arm"),
                    ),
                    "{{arm}}",
                ),
            ),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Level",
            "Mean RMS level of windows in decibels of full scale.",
            "dB",
            (Query(f"-{_LEVEL} / {rate('silencio_audio_level_dbfs_count', TRANSFORMER, 'arm')}", "{{arm}}"),),
        ),
        Panel(
            "Signal over noise",
            "Half of windows lie below: the loudest over the quietest tenth of a window.",
            "dB",
            (Query(quantile(0.5, "silencio_audio_snr_decibels", TRANSFORMER, "arm"), "{{arm}}"),),
        ),
        Panel(
            "Clipped and silent",
            "Mean share of a window's samples at full scale, and of its frames below -60 dBFS.",
            "percentunit",
            (
                Query(mean("silencio_audio_clipped_ratio", TRANSFORMER), "clipped"),
                Query(mean("silencio_audio_silence_ratio", TRANSFORMER), "silent"),
            ),
            minimum=0,
        ),
    ),
)
