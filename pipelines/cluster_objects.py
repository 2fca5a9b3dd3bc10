"""What a cluster must provide: every object of Kubernetes that the pipelines read, and the commands that create them.

`pipelines.resources` gives them to the steps, `docs/cluster.md` is made of them, and a step that lacks one names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from silencio.provenance import CODE_VERSION
from silencio.registry.settings import RUN_KEY

CONFIG_MAP, SECRET = "configmap", "secret"
_PAGE = """# What a cluster must provide

Made of `pipelines/cluster_objects.py` by `silencio cluster`; a test holds this page against it. What serves is in
[deploying on a cluster](deploying.md).

The pipelines read these objects in the namespace in which their runs are (`kubeflow`, or a user's own). Config maps,
secrets and their keys are optional for Kubernetes, so that a pod starts without them; the step that needs one then ends
with a sentence that names the variable, the object and the key.

| object | key | variable of the step | what it is |
|---|---|---|---|
{rows}

Leave out of a command what you do not need:

<!-- not run: cluster -->
```bash
{commands}
```

The claim, by `kubectl -n NAMESPACE apply -f -`. Several pods read it at once and, where a cluster has several nodes, on
several of them: it needs the access mode `ReadOnlyMany` or `ReadWriteMany`, or all pods but those on one node stay
pending. Steps write nothing to it, except a cache that `silencio-settings` puts there, for which it is `ReadWriteMany`:

```yaml
{manifest}```

Where nothing that a run reads lies on it, it is not mounted and need not exist: `submit --data s3://…` sees that from
what it is given (recordings, `--previous`, `--champion`, files that the configuration names), and `--claim` and
`--no-claim` say otherwise, such as `--claim` for a cache on it. A compiled file that is uploaded in the UI mounts it,
since only the run knows its `data`: `silencio compile --no-claim --out DIR` writes files that do
not, but for presets that name weights on it.

The pipeline `release` needs what the judge needs, too, in the namespace of the InferenceService ([releasing on
KServe](releasing_kserve.md)); what is of a place is set in `manifests/release/kustomization.yaml`:

<!-- not run: cluster -->
```bash
kubectl apply -k manifests/release
```

## What steps ask for

{profiles}

Unless `--resources` of `submit` or of `compile --out DIR` says otherwise, the profile is `cpu` for {cpu_presets}
and `gpu` for {gpu_presets}. With `--resources none` no step asks for anything, and what the namespace
has by default holds (`LimitRange`). Cores are the least that a step gets, memory is also the most. A head of kind
`texture` never asks for a GPU: its network is two layers, and a reserve's recordings take minutes on two cores.

With `--queue lq-train` all steps wait in a queue of Kueue's until there is room for what they ask for
([queues](deploying.md#queues)).

## What else has to be true

The image that the pipelines name is one that the nodes can pull (`SILENCIO_TRAIN_IMAGE` when
compiling, `SILENCIO_MONITOR_IMAGE` for `drift`, or `submit --image`), and the MLflow server is one that pods reach by the address above. Where KFP is set up
to run no pod as root, the image needs a numeric `USER` that is not 0, and that user has to read the volume.
`silencio check` holds compiled pipelines against what KFP's backend takes.

Bundles and MLflow keep the image that ran and the commit that it holds. The image's name stands in the compiled graph
beside the image itself, and no parameter of the run changes either alone. The commit is baked in where the image is
built, by `make images` ([images](images.md)) or by hand:

<!-- not run: download -->
```bash
docker build -f images/Containerfile --target train --build-arg {code_version}=$(git rev-parse HEAD) -t NAME:TAG .
```

An image that was built without it claims none: what is kept is the version and `(commit unknown)`.
"""


@dataclass(frozen=True)
class Key:
    """One entry of a config map or a secret.

    Attributes:
        name: In the object.
        variable: The environment variable that a step reads.
        example: A value, for the command.
        meaning: What it is, and what holds where it is missing.
    """

    name: str
    variable: str
    example: str
    meaning: str


@dataclass(frozen=True)
class EnvironmentObject:
    """A config map or a secret, whose keys become environment variables of a step.

    Attributes:
        kind: `configmap` or `secret`, as kubectl calls it.
        name: In the namespace of the runs.
        keys: Its entries; all are optional.
    """

    kind: str
    name: str
    keys: tuple[Key, ...]

    @property
    def title(self) -> str:
        """How it is called in a sentence."""
        return f"{'config map' if self.kind == CONFIG_MAP else 'secret'} {self.name}"

    @property
    def command(self) -> str:
        """Creates it, with examples."""
        generic = " generic" if self.kind == SECRET else ""
        values = " ".join(f"--from-literal={key.name}={key.example}" for key in self.keys)
        return f"kubectl -n NAMESPACE create {self.kind}{generic} {self.name} {values}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables, by key."""
        return {key.name: key.variable for key in self.keys}


@dataclass(frozen=True)
class VolumeClaim:
    """A persistent volume claim.

    Attributes:
        name: In the namespace of the runs.
        mount_path: Where the steps see it.
        meaning: What lies there.
        manifest: Creates it, by `kubectl apply -f -`.
    """

    name: str
    mount_path: str
    meaning: str
    manifest: str


@dataclass(frozen=True)
class Role:
    """What accounts of pods may do.

    Attributes:
        name: In the namespace of the InferenceService.
        meaning: To whom it has to be bound.
    """

    name: str
    meaning: str


@dataclass(frozen=True)
class NodeLabel:
    """A label of nodes, and the taint that keeps others from them.

    Attributes:
        key: The label's key.
        value: The label's value.
        taint: A taint's key, which the steps tolerate.
        meaning: Which steps go there.
    """

    key: str
    value: str
    taint: str
    meaning: str

    @property
    def commands(self) -> tuple[str, ...]:
        """Label a node, and keep other pods from it."""
        return (
            f"kubectl label node NODE {self.key}={self.value}",
            f"kubectl taint node NODE {self.taint}=present:NoSchedule",
        )


@dataclass(frozen=True)
class PodField:
    """What a step's variable is read from: the pod itself, of which nobody need provide anything.

    Attributes:
        variable: The environment variable.
        path: In the pod's own description.
    """

    variable: str
    path: str


# Every pod of a run has the label (`backend/src/apiserver/template/v2_template.go`, `SetPodMetadataLabels`), and no
# cache key the variable: `backend/src/v2/cacheutils/cache.go` has the container's own environment, and this is added to
# the pod (`backend/src/v2/driver/k8s.go`, `extendPodSpecPatch`).
RUN_OF_POD = PodField(RUN_KEY, "metadata.labels['pipeline/runid']")
TRACKING = EnvironmentObject(
    CONFIG_MAP,
    "silencio-tracking",
    (
        Key("mlflow_tracking_uri", "MLFLOW_TRACKING_URI", "http://mlflow.silencio.svc:5000",
            "the MLflow server; `train` needs it, and ends before there is work to lose without"),
        Key("experiment", "SILENCIO_EXPERIMENT", "silencio",
            "under which MLflow lists the runs; `silencio` where it is missing"),
    ),
)  # fmt: skip
TRACKING_ACCOUNT = EnvironmentObject(
    SECRET,
    "silencio-tracking",
    (
        Key("username", "MLFLOW_TRACKING_USERNAME", "NAME", "for a server that wants an account"),
        Key("password", "MLFLOW_TRACKING_PASSWORD", "PASSWORD", "for a server that wants an account"),
    ),
)
SETTINGS = EnvironmentObject(
    CONFIG_MAP,
    "silencio-settings",
    (
        Key("cache", "SILENCIO_CACHE", "/data/cache",
            "a folder for recordings that come as packages and for encoders' files; the pod's own where it is missing"),
        Key("manifest_places", "SILENCIO_MANIFEST_PLACES", "/data,s3://BUCKET",
            "folders and `s3://` prefixes that manifests may name, with commas between them; where it is missing, a "
            "manifest in S3 may name its own bucket alone"),
    ),
)  # fmt: skip
S3 = EnvironmentObject(
    CONFIG_MAP,
    "silencio-s3",
    (
        Key("endpoint", "SILENCIO_S3_ENDPOINT", "s3.example.org:9000",
            "host and port of the S3 server; whatever reads an `s3://` place needs it"),
        Key("secure", "SILENCIO_S3_SECURE", "true", "`false` for a server without TLS; `true` where it is missing"),
        Key("region", "SILENCIO_S3_REGION", "eu-central-1", "of the buckets; the server names it where it is missing"),
    ),
)  # fmt: skip
S3_KEYS = EnvironmentObject(
    SECRET,
    "silencio-s3",
    (
        Key("accesskey", "SILENCIO_S3_ACCESS_KEY", "KEY", "for `s3://` places that are not public; both or none"),
        Key("secretkey", "SILENCIO_S3_SECRET_KEY", "SECRET", "for `s3://` places that are not public; both or none"),
    ),
)
STAGING_KEY = EnvironmentObject(
    SECRET,
    "silencio-staging",
    (Key("api_key", "SILENCIO_API_KEY", "KEY", "a key of the staging environment's, where it wants one"),),
)
DRIFT_KEY = EnvironmentObject(
    SECRET,
    "silencio-drift",
    (
        Key("webhook_secret", "SILENCIO_DRIFT_WEBHOOK_SECRET", "SECRET",
            "signs what the pipeline `drift` sends to its webhook; unsigned where it is missing"),
    ),
)  # fmt: skip
RECORDINGS = VolumeClaim(
    "silencio-recordings",
    "/data",
    "the recordings, where they lie on a volume: access mode `ReadOnlyMany`, or `ReadWriteMany` with a cache on it; "
    "pods that mount it stay pending without the claim",
    """apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: silencio-recordings}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 100Gi}}
""",
)
RELEASE_FILES = VolumeClaim(
    "silencio-release",
    "/release",
    "files of releases, in the InferenceService's namespace, where runs of `release` are as well: `stage` writes there "
    "what the judge reads; access mode `ReadWriteMany`; of `manifests/release`",
    "",
)
RELEASE_ROLE = Role(
    "silencio-release",
    "the Role of this name, which `manifests/release` binds to the judge's account and to the accounts of KFP's pods, "
    "`default-editor` and `pipeline-runner`; another account of theirs has to be bound, too",
)
GPU_NODES = NodeLabel(
    key="silencio.io/pool",
    value="gpu",
    taint="nvidia.com/gpu",
    meaning="training in the profile `gpu`; without such a node pods stay pending (`--resources cpu` needs none)",
)
# Folder from which the judge reads comparisons.
RELEASE_FILES_VARIABLE = "SILENCIO_RELEASE_FILES"
ENVIRONMENT = (TRACKING, TRACKING_ACCOUNT, SETTINGS, S3, S3_KEYS, STAGING_KEY, DRIFT_KEY)


def advice(sentence: str, namespace: str) -> list[str]:
    """Where on a cluster that belongs of which an error speaks, and the command that puts it there.

    Args:
        sentence: What was wrong, with the names of variables and places.
        namespace: Namespace of the pod.

    Returns:
        A line for each object; none where the error has another cause.
    """
    lines = []
    for one in ENVIRONMENT:
        for key in one.keys:
            if re.search(rf"\b{key.variable}\b", sentence):
                command = replace(one, keys=(key,)).command.replace("NAMESPACE", namespace, 1)
                lines.append(f"on a cluster, {key.variable} is key {key.name} of the {one.title}: {command}")
    if re.search(rf"(?<![\w/.-]){RECORDINGS.mount_path}(?![\w-])", sentence):
        lines.append(f"on a cluster, {RECORDINGS.mount_path} is the volume claim {RECORDINGS.name} of {namespace}")
    if re.search(rf"\b{RELEASE_FILES_VARIABLE}\b", sentence):
        lines.append(
            f"on a cluster, {RELEASE_FILES_VARIABLE} is the volume claim {RELEASE_FILES.name} of the "
            "InferenceService's namespace: kubectl apply -k manifests/release"
        )
    return [f"{line} (docs/cluster.md)" for line in lines]


def page() -> str:
    """docs/cluster.md, in Markdown."""
    from pipelines.profile_table import presets_of, profile_table  # kfp: no step needs it to name an object

    rows = [
        f"| {one.title.removesuffix(one.name)}`{one.name}` | `{key.name}` | `{key.variable}` | {key.meaning} |"
        for one in ENVIRONMENT
        for key in one.keys
    ]
    rows.append(f"| volume claim `{RECORDINGS.name}` | | mounted at `{RECORDINGS.mount_path}` | {RECORDINGS.meaning} |")
    rows.append(
        f"| volume claim `{RELEASE_FILES.name}` | | mounted at `{RELEASE_FILES.mount_path}`, "
        f"`{RELEASE_FILES_VARIABLE}` | {RELEASE_FILES.meaning} |"
    )
    rows.append(f"| role `{RELEASE_ROLE.name}` | | | {RELEASE_ROLE.meaning} |")
    rows.append(f"| nodes labelled `{GPU_NODES.key}={GPU_NODES.value}` | | | {GPU_NODES.meaning} |")
    commands = [*(one.command for one in ENVIRONMENT), *GPU_NODES.commands]
    return _PAGE.format(
        rows="\n".join(rows),
        commands="\n".join(commands),
        manifest=RECORDINGS.manifest,
        profiles=profile_table(),
        cpu_presets=presets_of("cpu"),
        gpu_presets=presets_of("gpu"),
        code_version=CODE_VERSION,
    )
