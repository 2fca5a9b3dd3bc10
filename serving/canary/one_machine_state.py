"""The state folder of `silencio serve --canary`: what runs (written by serve) and what is wanted (by the release)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from serving.canary.interfaces import ArmName
from silencio.bundle.manifest import read_manifest
from silencio.errors import RouteError
from silencio.release.record import BundleIdentity
from silencio.storage import write_atomically

STATE_DIR = Path("out/serve")
MACHINE, WANTED = "machine.json", "wanted.json"

Condition = Literal["absent", "starting", "ready", "refused", "ended", "retired"]
_Kept = TypeVar("_Kept", bound=BaseModel)


class ArmState(BaseModel):
    """One arm's two servers.

    Attributes:
        condition: `ended`: a server of it ended by itself; `retired`: stopped, since it serves nobody any more.
        bundle: What it serves; None: nothing.
        url: The transformer's REST address.
        grpc_address: The transformer's gRPC address.
        predictor_url: The predictor's REST address, for its metrics.
        transformer_pid: None where none runs.
        predictor_pid: None where none runs.
        n_offer: The offer (`Wanted.n_offers`) by which it came to be so.
        reason: Why it is `refused` or `ended`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    condition: Condition = "absent"
    bundle: BundleIdentity | None = None
    url: str = ""
    grpc_address: str = ""
    predictor_url: str = ""
    transformer_pid: int | None = None
    predictor_pid: int | None = None
    n_offer: int = 0
    reason: str = ""

    @property
    def http_address(self) -> str:
        """HOST:PORT of the transformer's REST side."""
        return self.url.partition("://")[2]

    @property
    def is_running(self) -> bool:
        return self.condition == "ready"


class MachineState(BaseModel):
    """What runs: `machine.json`, written by `silencio serve` alone, whole, whenever something of it changes.

    Attributes:
        schema_version: The file's version.
        pid: The process of `silencio serve`.
        url: The public REST address.
        grpc_address: The public gRPC address, HOST:PORT.
        haproxy_pid: HAProxy's process.
        config_sha256: Digest of HAProxy's configuration as it was written.
        haproxy_metrics_url: Its metrics (`/metrics`), and what it counted of clients (`/units`).
        prometheus_url: Prometheus's address.
        prometheus_pid: None: it ended.
        prediction_log: Place of both arms' prediction log; empty: none is written.
        champion: The arm of `--bundle`.
        challenger: The arm of `--canary`, or of what was offered since.
        is_starting: The rest is what ran before: `silencio serve` starts again, and is not there yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    pid: int
    url: str
    grpc_address: str
    haproxy_pid: int
    config_sha256: str
    haproxy_metrics_url: str
    prometheus_url: str
    prometheus_pid: int | None
    prediction_log: str = ""
    champion: ArmState
    challenger: ArmState
    is_starting: bool = False

    def arm(self, name: ArmName) -> ArmState:
        return self.champion if name == "champion" else self.challenger

    @classmethod
    def load(cls, folder: Path) -> MachineState:
        """What runs by this folder.

        Raises:
            RouteError: There is none, or it cannot be read.
        """
        found = _load(cls, folder / MACHINE)
        if found is None:
            raise RouteError(
                f"no `silencio serve --canary` runs with the state folder {folder}: {MACHINE} is not there; start it, "
                "or name its folder by --state-dir"
            )
        return found

    @classmethod
    def load_started(cls, folder: Path) -> MachineState:
        """What runs by this folder, where all of it runs.

        Raises:
            RouteError: As `load`; or it is starting, so that nothing is known of it.
        """
        found = cls.load(folder)
        if found.is_starting:
            raise RouteError(f"`silencio serve` with the state folder {folder} is starting: try again when it is ready")
        return found

    def save(self, folder: Path) -> None:
        _save(self, folder / MACHINE)


class Wanted(BaseModel):
    """What a release wants of the machine: `wanted.json`, written by `HAProxyRoute` alone, read by `silencio serve`.

    Attributes:
        schema_version: The file's version.
        challenger: What is to be offered; None: what `--canary` says.
        n_offers: Grows with each offer: one that ended is started again.
        promoted: `manifest_sha256` of the challenger that was promoted: after a restart it serves all.
        retired: The arm whose servers are to be stopped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    challenger: BundleIdentity | None = None
    n_offers: int = 0
    promoted: str | None = None
    retired: ArmName | None = None

    @classmethod
    def load(cls, folder: Path) -> Wanted:
        """What is wanted; nothing where there is no file.

        Raises:
            RouteError: It cannot be read.
        """
        return _load(cls, folder / WANTED) or cls()

    def save(self, folder: Path) -> None:
        _save(self, folder / WANTED)


def identity_of(bundle: Path) -> BundleIdentity:
    """Which bundle a folder holds.

    Raises:
        BundleError: It is none.
    """
    manifest = read_manifest(bundle)
    place = str(bundle.resolve())
    return BundleIdentity(version=manifest.version, manifest_sha256=manifest.manifest_sha256, place=place)


def sha256_hex(content: bytes) -> str:
    """A digest as text."""
    return hashlib.sha256(content).hexdigest()


def _load(kind: type[_Kept], path: Path) -> _Kept | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise RouteError(f"{path} cannot be read ({type(error).__name__}): stop `silencio serve`, remove it") from error


def _save(kept: BaseModel, path: Path) -> None:
    write_atomically(path, kept.model_dump_json(indent=1) + "\n")
