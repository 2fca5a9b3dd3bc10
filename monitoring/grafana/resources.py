"""Dashboard `resources`: processor, memory, disk, network and GPU, and what a larger batch brings."""

from __future__ import annotations

from monitoring.grafana.model import ARM, NAMESPACE, NODE, Dashboard, Panel, Query
from monitoring.grafana.selectors import CONTAINERS, DISKS, NODES, OF_ENVIRONMENT, PREDICTOR, SERVED, mean, rate, ratio

_BATCH = "silencio_batch_windows"
_WIRES = f'{NODES},device!="lo"'
_GPUS = 'job="gpu"'
_PODS = f'{OF_ENVIRONMENT},pod=~"silencio-.+"'

RESOURCES = Dashboard(
    name="resources",
    title="resources",
    description="Processor, memory, disk, network and GPU of containers and nodes, and what a larger batch brings.",
    variables=(NAMESPACE, ARM, NODE),
    panels=(
        Panel(
            "Processor of containers",
            "Cores that each container uses.",
            "short",
            (Query(rate("container_cpu_usage_seconds_total", CONTAINERS, "pod, container"), "{{pod}} {{container}}"),),
            minimum=0,
        ),
        Panel(
            "Throttled",
            "Seconds a second that a container waited for a processor because of its limit.",
            "short",
            (
                Query(
                    rate("container_cpu_cfs_throttled_seconds_total", CONTAINERS, "pod, container"),
                    "{{pod}} {{container}}",
                ),
            ),
            minimum=0,
        ),
        Panel(
            "Memory of containers",
            "Working set: what counts against the limit.",
            "bytes",
            (
                Query(
                    f"sum by (pod, container) (container_memory_working_set_bytes{{{CONTAINERS}}})",
                    "{{pod}} {{container}}",
                ),
            ),
            minimum=0,
        ),
        Panel(
            "Disk of containers",
            "Bytes a second that containers read and write.",
            "Bps",
            (
                Query(rate("container_fs_reads_bytes_total", CONTAINERS, "pod"), "{{pod}} read"),
                Query(rate("container_fs_writes_bytes_total", CONTAINERS, "pod"), "{{pod}} written"),
            ),
            minimum=0,
        ),
        Panel(
            "Network of pods",
            "Bytes a second that pods receive (recordings) and send.",
            "Bps",
            (
                Query(rate("container_network_receive_bytes_total", _PODS, "pod"), "{{pod}} received"),
                Query(rate("container_network_transmit_bytes_total", _PODS, "pod"), "{{pod}} sent"),
            ),
            minimum=0,
        ),
        Panel(
            "Decoded sound",
            "Bytes of decoded sound that the transformer holds or has promised, and its limit.",
            "bytes",
            (
                Query(f"sum by (arm) (silencio_feature_bytes{{{SERVED}}})", "{{arm}} held"),
                Query(f"sum by (arm) (silencio_feature_bytes_limit{{{SERVED}}})", "{{arm}} limit"),
            ),
            minimum=0,
        ),
        Panel(
            "Windows in a run",
            "Mean number of windows in one run of the graph; full batches are throughput, and wait.",
            "short",
            (Query(mean(_BATCH, PREDICTOR, "arm"), "{{arm}}"),),
            minimum=0,
        ),
        Panel(
            "Throughput of the graph",
            "Windows in a second of the graph's own time, against the batch beside it: whether larger batches pay.",
            "ops",
            (
                Query(
                    ratio(
                        rate(f"{_BATCH}_sum", PREDICTOR, "arm"),
                        rate("silencio_stage_seconds_sum", f'{PREDICTOR},stage="graph"', "arm"),
                    ),
                    "{{arm}}",
                ),
            ),
            minimum=0,
        ),
        Panel(
            "Runs by size",
            "Runs of the graph within an hour with at most so many windows.",
            "short",
            (Query(f"sum by (le) (increase({_BATCH}_bucket{{{PREDICTOR}}}[1h]))", "{{le}}"),),
            kind="bargauge",
        ),
        Panel(
            "Processor of nodes",
            "Share of all processors' time that is not idle.",
            "percentunit",
            (
                Query(
                    f'1 - avg by (instance) (rate(node_cpu_seconds_total{{{NODES},mode="idle"}}[$__rate_interval]))',
                    "{{instance}}",
                ),
            ),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Memory of nodes",
            "Share that is not available to a new process.",
            "percentunit",
            (
                Query(
                    f"1 - node_memory_MemAvailable_bytes{{{NODES}}} / node_memory_MemTotal_bytes{{{NODES}}}",
                    "{{instance}}",
                ),
            ),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Pressure",
            "Share of time in which some process waited for processor, disk or memory.",
            "percentunit",
            (
                Query(rate("node_pressure_cpu_waiting_seconds_total", NODES, "instance"), "{{instance}} processor"),
                Query(rate("node_pressure_io_waiting_seconds_total", NODES, "instance"), "{{instance}} disk"),
                Query(rate("node_pressure_memory_waiting_seconds_total", NODES, "instance"), "{{instance}} memory"),
            ),
            minimum=0,
        ),
        Panel(
            "Disks of nodes",
            "Bytes a second.",
            "Bps",
            (
                Query(rate("node_disk_read_bytes_total", NODES, "instance"), "{{instance}} read"),
                Query(rate("node_disk_written_bytes_total", NODES, "instance"), "{{instance}} written"),
            ),
            minimum=0,
        ),
        Panel(
            "Network of nodes",
            "Bytes a second, without the loopback.",
            "Bps",
            (
                Query(
                    rate("node_network_receive_bytes_total", _WIRES, "instance"),
                    "{{instance}} received",
                ),
                Query(rate("node_network_transmit_bytes_total", _WIRES, "instance"), "{{instance}} sent"),
            ),
            minimum=0,
        ),
        Panel(
            "Room on disks",
            "Share of each file system that is left; below 10 % there is an alert.",
            "percentunit",
            (
                Query(
                    f"node_filesystem_avail_bytes{{{DISKS}}} / node_filesystem_size_bytes{{{DISKS}}}",
                    "{{instance}} {{mountpoint}}",
                ),
            ),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Room on volumes",
            "Share of each claim that is left; below 15 % there is an alert.",
            "percentunit",
            (
                Query(
                    'kubelet_volume_stats_available_bytes{namespace=~"$namespace|silencio-.+|monitoring"} / '
                    'kubelet_volume_stats_capacity_bytes{namespace=~"$namespace|silencio-.+|monitoring"}',
                    "{{namespace}} {{persistentvolumeclaim}}",
                ),
            ),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "GPU",
            "Use of each GPU.",
            "percent",
            (Query('DCGM_FI_DEV_GPU_UTIL{job="gpu"}', "{{Hostname}} {{gpu}}"),),
            minimum=0,
            maximum=100,
        ),
        Panel(
            "Memory of GPUs",
            "Share that is used; above 95 % there is an alert.",
            "percentunit",
            (
                Query(
                    f"DCGM_FI_DEV_FB_USED{{{_GPUS}}} / "
                    f"(DCGM_FI_DEV_FB_USED{{{_GPUS}}} + DCGM_FI_DEV_FB_FREE{{{_GPUS}}})",
                    "{{Hostname}} {{gpu}}",
                ),
            ),
            limits=(0.95,),
            minimum=0,
            maximum=1,
        ),
        Panel(
            "Temperature of GPUs",
            "Above its limit a GPU slows itself down.",
            "celsius",
            (Query('DCGM_FI_DEV_GPU_TEMP{job="gpu"}', "{{Hostname}} {{gpu}}"),),
        ),
        Panel(
            "Power of GPUs",
            "Watts.",
            "watt",
            (Query('DCGM_FI_DEV_POWER_USAGE{job="gpu"}', "{{Hostname}} {{gpu}}"),),
            minimum=0,
        ),
    ),
)
