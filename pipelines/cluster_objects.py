"""What a cluster must provide: every object of Kubernetes that the pipelines read, and the commands that create them.

`pipelines.resources` gives them to the steps, `docs/cluster.md` is made of them, and a step that lacks one names it.
"""

from __future__ import annotations

from dataclasses import dataclass

CONFIG_MAP, SECRET = "configmap", "secret"


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
class NodeLabel:
    """A label of nodes, and the taint that keeps others from them.

    Attributes:
        key: Of the label.
        value: Of the label.
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


TRACKING = EnvironmentObject(
    CONFIG_MAP,
    "silencio-tracking",
    (
        Key("mlflow_tracking_uri", "MLFLOW_TRACKING_URI", "http://mlflow.mlflow:5000",
            "the MLflow server; `train` needs it, and ends in its first step without"),
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
    ),
)  # fmt: skip
S3 = EnvironmentObject(
    CONFIG_MAP,
    "silencio-s3",
    (
        Key("endpoint", "SILENCIO_S3_ENDPOINT", "s3.example.org:9000",
            "host and port of the S3 server, without a scheme; AWS where it is missing"),
        Key("secure", "SILENCIO_S3_SECURE", "true", "`false` for a server without TLS"),
        Key("region", "SILENCIO_S3_REGION", "eu-central-1", "of the buckets, where the server has several"),
    ),
)  # fmt: skip
S3_KEYS = EnvironmentObject(
    SECRET,
    "silencio-s3",
    (
        Key("accesskey", "SILENCIO_S3_ACCESS_KEY", "KEY", "for places that begin with `s3://`"),
        Key("secretkey", "SILENCIO_S3_SECRET_KEY", "SECRET", "for places that begin with `s3://`"),
    ),
)
RECORDINGS = VolumeClaim(
    "silencio-recordings",
    "/data",
    "the recordings; without the claim pods stay pending",
    """apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: silencio-recordings}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 100Gi}}
""",
)
GPU_NODES = NodeLabel(
    key="silencio.io/pool",
    value="gpu",
    taint="nvidia.com/gpu",
    meaning="training, for presets that need a GPU; without such a node pods stay pending",
)
ENVIRONMENT = (TRACKING, TRACKING_ACCOUNT, SETTINGS, S3, S3_KEYS)


def object_of(variable: str) -> str:
    """Where a variable's value belongs on a cluster: `key K of config map N`; "" for one that no object gives."""
    for one in ENVIRONMENT:
        for key in one.keys:
            if key.variable == variable:
                return f"key {key.name} of the {one.title}"
    return ""
