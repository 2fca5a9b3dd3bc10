"""What a cluster has that no overlay renders, being secret or somebody else's: references may name it."""

from __future__ import annotations

# By secret, the keys that it has. docs/deploying.md says how they are made.
SECRETS: dict[str, tuple[str, ...]] = {
    "silencio-bundles": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "silencio-keys": ("keys",),
    "silencio-bundle-key": ("release.pub",),
    "silencio-prediction-log": ("SILENCIO_S3_ACCESS_KEY", "SILENCIO_S3_SECRET_KEY"),
    "silencio-drift-reader": ("SILENCIO_S3_ACCESS_KEY", "SILENCIO_S3_SECRET_KEY"),
    "silencio-dashboard": ("SILENCIO_S3_ACCESS_KEY", "SILENCIO_S3_SECRET_KEY"),
    # Of the platform.
    "silencio-postgres": ("password",),
    "silencio-store": ("s3.json",),
    "silencio-backup": (
        "repository",
        "password",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "s3_access_key",
        "s3_secret_key",
    ),
    # Of the monitoring.
    "silencio-alertmanager": ("url",),
    "silencio-grafana": ("admin_password",),
    # While a backup is restored.
    "silencio-restore": ("s3_access_key", "s3_secret_key"),
    "silencio-label-studio": ("database_password", "username", "password", "secret_key"),
    "silencio-mlflow": ("admin_password", "flask_secret_key", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
}
# KServe's own, where a release may read its version; Argo CD's; KFP's, where runs are.
NAMESPACES = ("kserve", "argocd", "kubeflow")
# Of KFP's pods, as KFP was set up.
SERVICE_ACCOUNTS = ("default-editor", "pipeline-runner")
# Metrics that are not our servers': of kubelets, cAdvisor, kube-state-metrics, exporters of nodes, probes and NVIDIA's
# GPUs, of any Python process, and Prometheus itself.
METRICS = (
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_DEV_POWER_USAGE",
    "container_cpu_cfs_throttled_seconds_total",
    "container_cpu_usage_seconds_total",
    "container_fs_reads_bytes_total",
    "container_fs_writes_bytes_total",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
    "kube_cronjob_status_last_successful_time",
    "kube_job_failed",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "node_cpu_seconds_total",
    "node_disk_read_bytes_total",
    "node_disk_written_bytes_total",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
    "node_network_receive_bytes_total",
    "node_network_transmit_bytes_total",
    "node_pressure_cpu_waiting_seconds_total",
    "node_pressure_io_waiting_seconds_total",
    "node_pressure_memory_waiting_seconds_total",
    "probe_ssl_earliest_cert_expiry",
    "probe_success",
    "process_start_time_seconds",
    "up",
)
# Objects that are in no namespace.
CLUSTER_KINDS = (
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterStorageContainer",
    "ClusterServingRuntime",
    "ResourceFlavor",
    "ClusterQueue",
    "WorkloadPriorityClass",
)
# By group of an API that is not Kubernetes' own, the chart that brings it, where an Application of ours names one.
CONTROLLERS = {"kueue.x-k8s.io": "kueue"}
# Groups that operators have brought before (docs/deploying.md); Prometheus's would be monitoring.coreos.com.
API_GROUPS = ("external-secrets.io", "serving.kserve.io")
