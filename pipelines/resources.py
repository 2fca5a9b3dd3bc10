"""What a step asks of the cluster: processors, memory, GPU, secrets, volumes. Ignored by a local run.

A graph is made for a cluster (`made_for`), as kfp's own words add to the pipeline that is being made: the graph's code
says what a step is, and not on which cluster.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from kfp import kubernetes
from kfp.dsl import PipelineTask

from components.image import STEP
from pipelines.cluster_objects import (
    DRIFT_KEY,
    GPU_NODES,
    RECORDINGS,
    RELEASE_FILES,
    RELEASE_FILES_VARIABLE,
    RUN_OF_POD,
    S3,
    S3_KEYS,
    SECRET,
    SETTINGS,
    STAGING_KEY,
    TRACKING,
    TRACKING_ACCOUNT,
    EnvironmentObject,
)
from pipelines.queues import queue_labels
from silencio.errors import ConfigError
from silencio.provenance import IMAGE


@dataclass(frozen=True)
class Resources:
    """Of one pod.

    Attributes:
        cpu: Cores.
        memory: As Kubernetes writes it.
        n_gpus: 0 asks for none.
        shared_memory: Size of /dev/shm, for loaders with worker processes.
    """

    cpu: str
    memory: str
    n_gpus: int = 0
    shared_memory: str | None = None


SMALL = Resources(cpu="1", memory="2G")
DECODE = Resources(cpu="1", memory="4G")
# A month of a reserve, ten devices of which each records one minute in ten.
WATCH = Resources(cpu="2", memory="4G")
EVALUATE = Resources(cpu="4", memory="8G")
TRAIN_SMALL = Resources(cpu="2", memory="6G")
# A training step of the Lite0, of a batch of 16, was measured to take 1.6 GiB; the ResNet 1.0, the others less.
TRAIN_CPU = Resources(cpu="2", memory="8G", shared_memory="2G")

# By kind of head; a kind that is not listed gets `TRAIN_GPU`.
TRAIN_GPU = Resources(cpu="8", memory="24G", n_gpus=1, shared_memory="8G")
TRAIN_BY_KIND = {
    "effnet_lora": Resources(cpu="8", memory="32G", n_gpus=1, shared_memory="16G"),
    "raw_cnn": Resources(cpu="8", memory="16G", n_gpus=1, shared_memory="8G"),
    # No GPU: a window of 5 s was measured to take 4 ms of one core, forward and back, and 63 ms in the Lite0.
    "texture": TRAIN_CPU,
}
# Presets whose recordings are few: they need no GPU, and less memory.
SMALL_PRESETS = frozenset({"demo", "instruments", "yamnet"})

CPU, GPU, NONE = "cpu", "gpu", "none"
PROFILES = (CPU, GPU, NONE)


@dataclass(frozen=True)
class Cluster:
    """For what a graph is compiled.

    Attributes:
        profile: Which resources steps ask for: `cpu`, `gpu` or `none`; empty: as the preset needs.
        claim: Recordings may lie on the volume claim, which steps that read them then mount.

    Raises:
        ConfigError: There is no such profile.
    """

    profile: str = ""
    claim: bool = True

    def __post_init__(self) -> None:
        if self.profile not in ("", *PROFILES):
            raise ConfigError(f"the resource profile {self.profile!r} is none: {', '.join(PROFILES)}")


_CLUSTER = ContextVar("cluster", default=Cluster())  # noqa: B039  # it is frozen


@contextlib.contextmanager
def made_for(cluster: Cluster) -> Iterator[None]:
    """While this holds, graphs that are made ask for what suits this cluster."""
    before = _CLUSTER.set(cluster)
    try:
        yield
    finally:
        _CLUSTER.reset(before)


def profile_of(preset: str) -> str:
    """`cpu` or `gpu`: what a preset is compiled for unless another profile is named."""
    return CPU if preset in SMALL_PRESETS else GPU


def for_head(kind: str, preset: str) -> Resources:
    """What the training step of a head asks for."""
    if (_CLUSTER.get().profile or profile_of(preset)) == GPU:
        return TRAIN_BY_KIND.get(kind, TRAIN_GPU)
    return TRAIN_SMALL if preset in SMALL_PRESETS else TRAIN_CPU


def for_teacher(preset: str) -> Resources:
    """What labelling recordings with all heads asks for."""
    if (_CLUSTER.get().profile or profile_of(preset)) == GPU:
        return TRAIN_GPU
    return EVALUATE if preset in SMALL_PRESETS else TRAIN_CPU


def request(task: PipelineTask, resources: Resources) -> PipelineTask:
    """Ask for processors, memory and, where wanted, a GPU on a GPU node; for nothing in the profile `none`."""
    for key, value in queue_labels().items():
        kubernetes.add_pod_label(task, key, value)
    if _CLUSTER.get().profile == NONE:
        return task
    task.set_cpu_request(resources.cpu).set_memory_request(resources.memory).set_memory_limit(resources.memory)
    if resources.n_gpus:
        task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(resources.n_gpus)
        kubernetes.add_node_selector(task, GPU_NODES.key, GPU_NODES.value)
        kubernetes.add_toleration(task, key=GPU_NODES.taint, operator="Exists", effect="NoSchedule")
    if resources.shared_memory:
        kubernetes.empty_dir_mount(
            task, "shared-memory", "/dev/shm", medium="Memory", size_limit=resources.shared_memory
        )
    return task


def with_image(task: PipelineTask) -> PipelineTask:
    """Let a step keep in which image it runs; `silencio check` holds that it is the image beside which this stands."""
    return task.set_env_variable(IMAGE, STEP["base_image"])


def with_tracking(task: PipelineTask) -> PipelineTask:
    """Give a step the address of the tracking server, and the key by which it finds the run there."""
    kubernetes.use_field_path_as_env(task, RUN_OF_POD.variable, RUN_OF_POD.path)
    return _with(task, TRACKING, TRACKING_ACCOUNT)


def with_recordings(task: PipelineTask) -> PipelineTask:
    """Give a step the volume with the recordings, where they may lie on one, and settings and secrets of its place."""
    if _CLUSTER.get().claim:
        kubernetes.mount_pvc(task, RECORDINGS.name, RECORDINGS.mount_path)
    return _with(task, SETTINGS, S3, S3_KEYS)


def with_release_files(task: PipelineTask) -> PipelineTask:
    """Give a step the volume from which the judge reads, wherever recordings lie."""
    kubernetes.mount_pvc(task, RELEASE_FILES.name, RELEASE_FILES.mount_path)
    return task.set_env_variable(RELEASE_FILES_VARIABLE, RELEASE_FILES.mount_path)


def with_webhook(task: PipelineTask) -> PipelineTask:
    """Give a step the secret by which whatever it sends is signed."""
    return _with(task, DRIFT_KEY)


def with_staging(task: PipelineTask) -> PipelineTask:
    """Give a step the key by which it asks the staging environment."""
    return _with(task, STAGING_KEY)


def _with(task: PipelineTask, *objects: EnvironmentObject) -> PipelineTask:
    """All are optional, and so are their keys: a step that lacks one says so, a pod that lacks one never starts."""
    for one in objects:
        use = kubernetes.use_secret_as_env if one.kind == SECRET else kubernetes.use_config_map_as_env
        use(task, one.name, one.environment, optional=True)
    return task
