"""Dashboard `training`: what training steps use, and how old what is served is.

Metrics of a training itself (loss, accuracy by epoch) are in MLflow, which exports none to Prometheus.
"""

from __future__ import annotations

from monitoring.grafana.model import NAMESPACE, Dashboard, Panel, Query
from monitoring.grafana.selectors import OF_ENVIRONMENT, rate

# Kubeflow's pods of steps: their container is called main.
_STEPS = 'namespace="kubeflow",container="main"'
_STEP_PODS = 'namespace="kubeflow"'

TRAINING = Dashboard(
    name="training",
    title="training",
    description="What the pipelines' steps use, and how old what is served is. Losses and metrics of a run are in "
    "MLflow, which gives Prometheus none.",
    variables=(NAMESPACE,),
    since="now-7d",
    panels=(
        Panel(
            "Served for",
            "How long each bundle has been served; a bundle itself has no date.",
            "s",
            (
                Query(
                    f"time() - namespace_version:silencio_bundle_served:timestamp{{{OF_ENVIRONMENT}}}",
                    "{{namespace}} {{version}}",
                ),
            ),
            kind="stat",
            width=12,
        ),
        Panel(
            "Precision of what is served",
            "What reviewers found right, by site: the reason to train again.",
            "percentunit",
            (
                Query(
                    f"max by (namespace, site) (silencio_review_precision_ratio{{{OF_ENVIRONMENT}}})",
                    "{{namespace}} {{site}}",
                ),
            ),
            kind="stat",
            width=12,
        ),
        Panel(
            "Steps that run",
            "Containers of pipeline steps with a processor's time.",
            "short",
            (Query(f"count(container_memory_working_set_bytes{{{_STEPS}}})", "steps"),),
            minimum=0,
        ),
        Panel(
            "Processor of steps",
            "Cores that each step uses.",
            "short",
            (Query(rate("container_cpu_usage_seconds_total", _STEPS, "pod"), "{{pod}}"),),
            minimum=0,
        ),
        Panel(
            "Memory of steps",
            "Working set of each step: at its limit it is killed, and KFP tells `OOMKilled`.",
            "bytes",
            (Query(f"sum by (pod) (container_memory_working_set_bytes{{{_STEPS}}})", "{{pod}}"),),
            minimum=0,
        ),
        Panel(
            "Disk of steps",
            "Bytes a second that steps read and write.",
            "Bps",
            (
                Query(rate("container_fs_reads_bytes_total", _STEPS, "pod"), "{{pod}} read"),
                Query(rate("container_fs_writes_bytes_total", _STEPS, "pod"), "{{pod}} written"),
            ),
        ),
        Panel(
            "GPU of steps",
            "Use of the GPU that a step's pod has: low, while a processor is full, is a loader that is too slow.",
            "percent",
            (Query(f'DCGM_FI_DEV_GPU_UTIL{{job="gpu",{_STEP_PODS}}}', "{{pod}} GPU {{gpu}}"),),
            minimum=0,
            maximum=100,
        ),
        Panel(
            "Jobs that failed",
            "Jobs of ours that used up their tries: backups, and an environment's first bundle.",
            "short",
            (
                Query(
                    'sum(kube_job_failed{condition="true",namespace=~"$namespace|silencio-.+"})',
                    "failed",
                ),
            ),
            kind="stat",
        ),
        Panel(
            "Last backup",
            "Time since the platform (recordings, runs, bundles) was backed up.",
            "s",
            (
                Query(
                    "time() - max(kube_cronjob_status_last_successful_time"
                    '{namespace="silencio-platform",cronjob="backup"})',
                    "backup",
                ),
            ),
            kind="stat",
        ),
    ),
)
