"""Dashboard `service`: whether visitors are served, and whether the objectives hold."""

from __future__ import annotations

from monitoring.grafana.model import ARM, NAMESPACE, Dashboard, Panel, Query
from monitoring.grafana.selectors import (
    FAILED,
    OF_ENVIRONMENT,
    PREDICTIONS,
    PREDICTOR,
    REFUSED,
    SERVED,
    TRANSFORMER,
    mean,
    quantile,
    rate,
    ratio,
)

_FAILED_SHARE = "namespace:silencio_failed_predictions:ratio_increase"
_SLOW_SHARE = "namespace:silencio_slow_answers:ratio_increase"


def _burn(recorded: str, budget: float) -> tuple[Query, ...]:
    return tuple(
        Query(f"{recorded}{window}{{{OF_ENVIRONMENT}}} / {budget:g}", f"{{{{namespace}}}} {window}")
        for window in ("1h", "6h", "3d")
    )


SERVICE = Dashboard(
    name="service",
    title="service",
    description="Whether visitors are served, whether the objectives hold, and where time or requests are lost.",
    variables=(NAMESPACE, ARM),
    panels=(
        Panel(
            "Available, last hour",
            "Share of predictions of the last hour that did not fail; the objective is 99.5 %.",
            "percentunit",
            (Query(f"1 - {_FAILED_SHARE}1h{{{OF_ENVIRONMENT}}}", "{{namespace}}"),),
            kind="stat",
        ),
        Panel(
            "Within a second, last hour",
            "Share of interactive answers of the last hour that took at most a second; the objective is 95 %.",
            "percentunit",
            (Query(f"1 - {_SLOW_SHARE}1h{{{OF_ENVIRONMENT}}}", "{{namespace}}"),),
            kind="stat",
        ),
        Panel(
            "Alerts that fire",
            "Alerts of Silencio that fire now, by severity; 0 of none.",
            "short",
            (
                Query(
                    'sum by (severity) (ALERTS{alertstate="firing",alertname=~"Silencio.+"}) or vector(0)',
                    "{{severity}}",
                ),
            ),
            kind="stat",
        ),
        Panel(
            "Failure budget",
            "How many times faster than allowed the month's budget of failures is used up. Pages: 14.4 over an hour, "
            "6 over six; a ticket: 1 over three days.",
            "short",
            _burn(_FAILED_SHARE, 0.005),
            limits=(1, 6, 14.4),
            minimum=0,
        ),
        Panel(
            "Latency budget",
            "The same of answers that took more than a second, of which 5 % are allowed.",
            "short",
            _burn(_SLOW_SHARE, 0.05),
            limits=(1, 6, 14.4),
            minimum=0,
        ),
        Panel(
            "Servers that answer",
            "Servers that Prometheus scrapes with success, by container and arm.",
            "short",
            (Query(f"sum by (container, arm) (up{{{SERVED}}})", "{{arm}} {{container}}"),),
            minimum=0,
        ),
        Panel(
            "Predictions",
            "Visitors' predictions a second, by arm and by how they ended.",
            "reqps",
            (Query(rate("silencio_requests_total", PREDICTIONS, "arm, status") + " > 0", "{{arm}} {{status}}"),),
            is_stacked=True,
            minimum=0,
        ),
        Panel(
            "Failed predictions",
            "Share of predictions that ended with 5xx, INTERNAL or UNAVAILABLE.",
            "percentunit",
            (
                Query(
                    ratio(
                        rate("silencio_requests_total", FAILED, "arm"),
                        rate("silencio_requests_total", PREDICTIONS, "arm"),
                    ),
                    "{{arm}}",
                ),
            ),
            minimum=0,
        ),
        Panel(
            "Refused requests",
            "Requests a second that were refused, by status: 400 form, 401 key, 413 length, 429 quota; 499 left.",
            "reqps",
            (Query(rate("silencio_requests_total", REFUSED, "status"), "{{status}}"),),
            minimum=0,
        ),
        Panel(
            "Time to the answer",
            "From a request's head to the end of its answer, upload included: half, 95 and 99 of 100 are faster.",
            "s",
            tuple(
                Query(quantile(share, "silencio_request_seconds", PREDICTIONS, "arm"), f"{{{{arm}}}} p{share * 100:g}")
                for share in (0.5, 0.95, 0.99)
            ),
            limits=(1,),
            minimum=0,
        ),
        Panel(
            "Time of the service alone",
            "From a request's last byte to its computed answer, by priority: 95 of 100 answers are faster.",
            "s",
            (Query(quantile(0.95, "silencio_answer_seconds", TRANSFORMER, "priority"), "{{priority}}"),),
            limits=(1,),
            minimum=0,
        ),
        Panel(
            "Stages",
            "Mean time of each stage: decode, features, predictor, names (transformer); queue, graph (predictor).",
            "s",
            (Query(mean("silencio_stage_seconds", SERVED, "stage"), "{{stage}}"),),
            minimum=0,
        ),
        Panel(
            "Windows that wait",
            "Windows before the graph; a hundred of them for ten minutes are an alert.",
            "short",
            (Query(f"sum by (arm) (silencio_queue_windows{{{PREDICTOR}}})", "{{arm}}"),),
            minimum=0,
        ),
        Panel(
            "Decoders that failed",
            "Recordings a second that could not be decoded, by kind: crash, timeout and memory end a process.",
            "ops",
            (Query(rate("silencio_decode_failures_total", TRANSFORMER, "kind"), "{{kind}}"),),
            minimum=0,
        ),
        Panel(
            "Prediction log",
            "Rows a second that were kept, and those that were not.",
            "ops",
            (
                Query(rate("silencio_prediction_log_written_total", TRANSFORMER), "written"),
                Query(rate("silencio_prediction_log_dropped_total", TRANSFORMER, "reason"), "dropped: {{reason}}"),
            ),
            minimum=0,
        ),
        Panel(
            "Reached from outside",
            "1 where the probe has a good answer at the public address.",
            "short",
            (Query('probe_success{job="probe"}', "{{instance}}"),),
            kind="stat",
            width=12,
            words={"0": "away", "1": "reached"},
        ),
        Panel(
            "Certificate",
            "Time until the certificate at the public address ends; below 14 days there is an alert.",
            "s",
            (Query('min by (instance) (probe_ssl_earliest_cert_expiry{job="probe"}) - time()', "{{instance}}"),),
            kind="stat",
            width=12,
        ),
    ),
)
