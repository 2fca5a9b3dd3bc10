"""Where a release is: one machine, or an InferenceService, with MLflow where there is one."""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from serving.canary.clock import SystemClock
from serving.canary.interfaces import ModelRegistry, RecordStore, Route
from serving.canary.places import (
    RELEASE_FOLDER,
    MachineCounts,
    machine_bundles,
    machine_staging,
    record_of_route,
    traffic_between,
)
from serving.canary.requests import RequestBox
from serving.canary.store import FileStore
from serving.canary.world import World
from serving.simulate.recordings import recordings_of
from silencio.bundle.manifest import BundleManifest, read_manifest
from silencio.errors import RegistryError, ReleaseError
from silencio.extras import install_command
from silencio.release.plan import Traffic
from silencio.release.record import BundleIdentity, ReleaseRecord


class Place(Protocol):
    """What the commands need of it."""

    @property
    def store(self) -> RecordStore: ...

    @property
    def route(self) -> Route: ...

    @property
    def requests(self) -> RequestBox: ...

    def world(self, **others: Any) -> World:
        """All that the judge touches."""

    def bundles(self, options: argparse.Namespace) -> tuple[BundleIdentity, BundleIdentity]:
        """Champion and challenger."""

    def manifests(
        self, options: argparse.Namespace, champion: BundleIdentity, challenger: BundleIdentity
    ) -> tuple[BundleManifest, BundleManifest] | None:
        """Of both bundles; None: they cannot be read here."""

    def traffic(self) -> Traffic:
        """As it is now."""

    def folder(self, release_id: str) -> Path:
        """Of a release's files."""

    def earlier_releases(self) -> list[ReleaseRecord]:
        """All that is known."""

    def record_of_route(self) -> ReleaseRecord:
        """As much of a record as a rollback needs."""


class OneMachine:
    """The release of a `silencio serve --canary` on this machine.

    Args:
        folder: Its state folder.
        recordings: What simulated users play; None: sounds made up here.
    """

    def __init__(self, folder: Path, recordings: Path | None = None) -> None:
        from serving.canary.haproxy_route import HAProxyRoute

        self._folder, self._recordings = folder, recordings
        self.store = FileStore(folder / RELEASE_FOLDER)
        self.requests = self.store
        self.route = HAProxyRoute(folder)
        self._counts = MachineCounts(folder=folder, store=self.store)

    def world(self, **others: Any) -> World:
        """All that the judge touches."""
        ports: dict[str, Any] = {
            "route": self.route,
            "counts": self._counts,
            "store": self.store,
            "registry": registry_of(self.folder),
            "requests": self.requests,
            "staging": machine_staging(
                self._folder,
                self.store,
                recordings_of(self._recordings),
                on_message=others.get("on_message", lambda message: None),
            ),
            "clock": SystemClock(),
        }
        return World(**{**ports, **others})

    def bundles(self, options: argparse.Namespace) -> tuple[BundleIdentity, BundleIdentity]:
        """What runs as champion, and what is offered."""
        return machine_bundles(self._folder, options.challenger)

    def manifests(
        self, options: argparse.Namespace, champion: BundleIdentity, challenger: BundleIdentity
    ) -> tuple[BundleManifest, BundleManifest] | None:
        """From the folders that are served here."""
        return read_manifest(Path(champion.place)), read_manifest(Path(challenger.place))

    def traffic(self) -> Traffic:
        """What Prometheus has counted."""
        return traffic_between(self._counts, time.time())

    def folder(self, release_id: str) -> Path:
        """Of a release's files."""
        return self.store.of_release(release_id)

    def earlier_releases(self) -> list[ReleaseRecord]:
        """All that were."""
        return self.store.earlier()

    def record_of_route(self) -> ReleaseRecord:
        """Where the record cannot be read."""
        return record_of_route(self._folder)


def place_of(options: argparse.Namespace) -> Place:
    """Where the command's options say.

    Raises:
        ConfigError: They do not say it whole.
    """
    if options.isvc:
        from pipelines.release_kserve import KServePlace

        return KServePlace(options)
    return OneMachine(options.state_dir, getattr(options, "recordings", None))


def registry_of(folder: Callable[[str], Path]) -> ModelRegistry:
    """MLflow where this machine knows one: by MLFLOW_TRACKING_URI, or `mlflow.db` in the working folder."""
    is_known = os.environ.get("MLFLOW_TRACKING_URI") or Path("mlflow.db").is_file()
    if not is_known:
        return NoRegistry()
    if importlib.util.find_spec("mlflow") is None:
        return MissingRegistry()
    from serving.canary.page import html_of
    from silencio.registry.releases import MlflowReleases

    return MlflowReleases(lambda record: html_of(record, folder(record.release_id)))


def earlier_of(place: Place, release_id: str) -> ReleaseRecord:
    """A release by its id.

    Raises:
        ReleaseError: There was none.
    """
    known = {record.release_id: record for record in place.earlier_releases()}
    if release_id not in known:
        raise ReleaseError(f"there is no release {release_id!r}: there are {', '.join(known) or 'none'}")
    return known[release_id]


class MissingRegistry:
    """MLflow is used here, and not installed where this runs: what is to be done there stays outstanding."""

    def note(self, record: ReleaseRecord) -> None:
        """Raises `RegistryError`."""
        self._refuse()

    def move_champion(self, record: ReleaseRecord) -> None:
        """Raises `RegistryError`."""
        self._refuse()

    def _refuse(self) -> None:
        raise RegistryError(
            f"MLflow keeps versions here, and mlflow is not installed where this runs: {install_command('train')}"
        )


class NoRegistry:
    """A place without MLflow: the record alone says what happened."""

    def note(self, record: ReleaseRecord) -> None:
        """There is nothing to write to."""

    def move_champion(self, record: ReleaseRecord) -> None:
        """There is no alias to move."""
