"""What a step asks of the cluster: processors, memory, GPU, secrets, volumes. Ignored by a local run."""

from __future__ import annotations

from dataclasses import dataclass

from kfp import kubernetes
from kfp.dsl import PipelineTask

from components.image import STEP
from pipelines.cluster_objects import (
    GPU_NODES,
    RECORDINGS,
    RUN_OF_POD,
    S3,
    S3_KEYS,
    SECRET,
    SETTINGS,
    TRACKING,
    TRACKING_ACCOUNT,
    EnvironmentObject,
)
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
JUDGE = Resources(cpu="4", memory="8G")
TRAIN_CPU = Resources(cpu="2", memory="6G")

# By kind of head; a kind that is not listed gets `TRAIN_GPU`.
TRAIN_GPU = Resources(cpu="8", memory="24G", n_gpus=1, shared_memory="8G")
TRAIN_BY_KIND = {
    "effnet_lora": Resources(cpu="8", memory="32G", n_gpus=1, shared_memory="16G"),
    "raw_cnn": Resources(cpu="8", memory="16G", n_gpus=1, shared_memory="8G"),
    "texture": Resources(cpu="8", memory="16G", n_gpus=1, shared_memory="8G"),
}
# Presets that are small enough for a cluster without GPUs.
CPU_PRESETS = frozenset({"demo", "instruments", "yamnet"})


def for_head(kind: str, preset: str) -> Resources:
    """What the training step of a head asks for."""
    return TRAIN_CPU if preset in CPU_PRESETS else TRAIN_BY_KIND.get(kind, TRAIN_GPU)


def for_teacher(preset: str) -> Resources:
    """What labelling recordings with all heads asks for."""
    return JUDGE if preset in CPU_PRESETS else TRAIN_GPU


def request(task: PipelineTask, resources: Resources) -> PipelineTask:
    """Ask for processors, memory and, where wanted, a GPU on a GPU node."""
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
    """Let a step keep in which image it runs; `pipelines check` holds that it is the image beside which this stands."""
    return task.set_env_variable(IMAGE, STEP["base_image"])


def with_tracking(task: PipelineTask) -> PipelineTask:
    """Give a step the address of the tracking server, and the key by which it finds the run there."""
    kubernetes.use_field_path_as_env(task, RUN_OF_POD.variable, RUN_OF_POD.path)
    return _with(task, TRACKING, TRACKING_ACCOUNT)


def with_recordings(task: PipelineTask) -> PipelineTask:
    """Give a step the volume with the recordings, and the settings and secrets of the place where it runs."""
    kubernetes.mount_pvc(task, RECORDINGS.name, RECORDINGS.mount_path)
    return _with(task, SETTINGS, S3, S3_KEYS)


def _with(task: PipelineTask, *objects: EnvironmentObject) -> PipelineTask:
    """All are optional, and so are their keys: a step that lacks one says so, a pod that lacks one never starts."""
    for one in objects:
        use = kubernetes.use_secret_as_env if one.kind == SECRET else kubernetes.use_config_map_as_env
        use(task, one.name, one.environment, optional=True)
    return task
