"""What MLflow keeps of releases: tags and the page on the challenger's version, the alias `champion` after the bake."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from silencio.errors import RegistryError
from silencio.registry.connection import connect, registry_errors
from silencio.registry.models import promote_by_release
from silencio.registry.settings import MODEL
from silencio.release.record import ReleaseRecord

RELEASE_ID, RELEASE_STATE, RELEASE_RULE = "release/id", "release/state", "release/rule"


@dataclass(frozen=True)
class Registered:
    """A version that an alias names, as far as a release asks for it.

    Attributes:
        number: Counted by MLflow from 1.
        bundle_version: Version of its bundle.
        manifest_sha256: Hash of its manifest.
        source: Where MLflow keeps the bundle.
        release_id: The release that it had; empty: none.
    """

    number: int
    bundle_version: str
    manifest_sha256: str
    source: str
    release_id: str


def registered(alias: str) -> Registered | None:
    """The version that has an alias; None: none has.

    Raises:
        RegistryError: The server does not answer.
    """
    client = connect()
    with registry_errors(f"looking for {MODEL}@{alias}"):
        if not client.search_registered_models(f"name = '{MODEL}'"):
            return None
        number = client.get_registered_model(MODEL).aliases.get(alias)
        if number is None:
            return None
        found = client.get_model_version(MODEL, str(number))
    return Registered(
        number=int(found.version),
        bundle_version=found.tags.get("bundle_version", ""),
        manifest_sha256=found.tags.get("manifest_sha256", ""),
        source=str(found.source),
        release_id=found.tags.get(RELEASE_ID, ""),
    )


class MlflowReleases:
    """Notes releases in MLflow. Every call may be made again.

    Args:
        page: Makes the release's page, as HTML; None: no page is kept.
    """

    def __init__(self, page: Callable[[ReleaseRecord], str] | None = None) -> None:
        self._page = page

    def note(self, record: ReleaseRecord) -> None:
        """Tags `release/id`, `release/state`, `release/rule` on the challenger's version, and the page in its run.

        A challenger that was never registered has no version to note anything on.

        Raises:
            RegistryError: The server does not answer.
        """
        client = connect()
        with registry_errors(f"noting release {record.release_id}"):
            version = _version_of(client, record)
            if version is None:
                return
            tags = {RELEASE_ID: record.release_id, RELEASE_STATE: record.state, RELEASE_RULE: record.rule or ""}
            for name, value in tags.items():
                client.set_model_version_tag(MODEL, str(version.version), name, value)
            if not version.run_id:
                return
            folder = f"release/{record.release_id}"
            client.log_text(version.run_id, json.dumps(verdict_facts(record), indent=1), f"{folder}/verdict.json")
            if self._page is not None:
                client.log_text(version.run_id, self._page(record), f"{folder}/report.html")

    def move_champion(self, record: ReleaseRecord) -> None:
        """The alias `champion` to the challenger's version.

        Raises:
            RegistryError: The server does not answer, or no version is the challenger's bundle.
        """
        client = connect()
        with registry_errors(f"moving the champion for release {record.release_id}"):
            version = _version_of(client, record)
        if version is None:
            raise RegistryError(
                f"no version of {MODEL} is bundle {record.challenger.version} "
                f"(manifest_sha256 {record.challenger.manifest_sha256[:12]}), which serves now: register it"
            )
        promote_by_release(int(version.version), record.release_id)


def verdict_facts(record: ReleaseRecord) -> dict[str, object]:
    """What a release came to, as JSON has it: the state with its reason, every rule's last verdict, the history."""
    return {
        "schema_version": 1,
        "release_id": record.release_id,
        "state": record.state,
        "rule": record.rule,
        "why": record.why,
        "champion": record.champion.model_dump(),
        "challenger": record.challenger.model_dump(),
        "verdicts": list(record.verdicts),
        "history": [event.model_dump() for event in record.history],
    }


def _version_of(client: MlflowClient, record: ReleaseRecord) -> ModelVersion | None:
    """The latest version with these very files."""
    where = f"name = '{MODEL}' and tag.manifest_sha256 = '{record.challenger.manifest_sha256}'"
    found = client.search_model_versions(where)
    return max(found, key=lambda version: int(version.version), default=None)
