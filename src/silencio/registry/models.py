"""Versions of the registered model `silencio`, and which of them is challenger, champion or previous."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST, ErrorCode

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import MANIFEST, BundleManifest
from silencio.errors import BundleIntegrityError, RegistryError
from silencio.interpreter import silencio
from silencio.registry.benchmarks import Benchmarks, MeasuredBundle
from silencio.registry.connection import connect, registry_errors
from silencio.registry.flatten import metrics_of
from silencio.registry.record import BUNDLE
from silencio.registry.settings import MODEL, Tracking, shown
from silencio.settings import Settings
from silencio.storage import real_place, replace_folder, restore_folder

CHALLENGER, CHAMPION, PREVIOUS = "challenger", "champion", "previous"
# Why a version is, or was, the champion.
WITHOUT_RELEASE, BY_RELEASE = "promoted_without_release", "promoted_by_release"
_BENCHMARK, _BENCHMARK_MACHINE = "benchmark/", "benchmark_machine/"
_SHA256 = "manifest_sha256"
_MODEL_DESCRIPTION = (
    "Bundles of Silencio that passed their gates: from recordings to species. `champion` serves, `challenger` is the "
    "latest that may, `previous` was champion before."
)


@dataclass(frozen=True)
class Version:
    """One version of the model.

    Attributes:
        number: Counted by MLflow from 1.
        bundle_version: Version of its bundle.
        aliases: `challenger`, `champion`, `previous`, or none.
        registered: Time of the registration.
        run_id: The run that made it.
        metrics: Metrics of the test set (`test/macro_map`) and of benchmarks (`benchmark/p50_ms`).
        test_set: Names the test recordings that the metrics are of; empty where it was not kept.
    """

    number: int
    bundle_version: str
    aliases: tuple[str, ...]
    registered: datetime
    run_id: str
    metrics: dict[str, float]
    test_set: str = ""


def register_version(client: MlflowClient, run_id: str, manifest: BundleManifest) -> int:
    """Register the bundle among a run's artifacts; a bundle that has a version keeps it.

    The alias `challenger` goes to it unless a later version has an alias already.

    Raises:
        MlflowException: The server refused; see `connection.registry_errors`.
    """
    _ensure_model(client)
    known = client.search_model_versions(f"name = '{MODEL}' and tag.bundle_version = '{manifest.version}'")
    if known:
        first = min(known, key=lambda version: int(version.version))
        number = int(first.version)
        if first.run_id == run_id and first.tags.get(_SHA256) != manifest.manifest_sha256:
            # The step was started again with other metrics in the bundle, and has replaced the run's artifacts.
            for name, value in _tags(manifest).items():
                client.set_model_version_tag(MODEL, str(number), name, value)
    else:
        source = f"{client.get_run(run_id).info.artifact_uri}/{BUNDLE}"
        made = client.create_model_version(
            MODEL, source, run_id, _tags(manifest), await_creation_for=0, description=_description(manifest)
        )
        number = int(made.version)
    taken = [int(other) for other in client.get_registered_model(MODEL).aliases.values()]
    if number > max(taken, default=0):
        client.set_registered_model_alias(MODEL, CHALLENGER, str(number))
    return number


def versions() -> list[Version]:
    """All versions, the latest first.

    Raises:
        RegistryError: The server does not answer.
    """
    client = connect()
    with registry_errors("listing versions"):
        if not _model_exists(client):
            return []
        aliases: dict[int, list[str]] = {}
        for alias, number in client.get_registered_model(MODEL).aliases.items():
            aliases.setdefault(int(number), []).append(alias)
        found = [_version(one, aliases) for one in client.search_model_versions(f"name = '{MODEL}'")]
    return sorted(found, key=lambda version: -version.number)


def version_number(alias_or_version: str) -> int:
    """Number of the version that an alias stands for, or that is given as a number.

    Args:
        alias_or_version: `champion`, `challenger`, `previous`, or a number.

    Raises:
        RegistryError: No version has the alias or the number, or the server does not answer.
    """
    client = connect()
    with registry_errors(f"asking for {MODEL}@{alias_or_version}"):
        version = _resolve(client, alias_or_version)
    if version is None:
        raise no_version(alias_or_version)
    return int(version.version)


def no_version(alias: str) -> RegistryError:
    """The error where no version has an alias."""
    return RegistryError(
        f"no version of {MODEL} is called {alias!r} at {shown(Tracking().uri)}: `{silencio()} registry list` names "
        "versions and their aliases"
    )


def set_benchmarks(version: int, benchmarks: Benchmarks) -> list[str]:
    """Write the measurements that were made on a version's bundle on the version, and on which machine.

    A measurement is the tag `benchmark/<name>`, its machine and date `benchmark_machine/<name>`.

    Args:
        version: Number of the version.
        benchmarks: What was measured, on this bundle and perhaps on others.

    Returns:
        Names of the measurements.

    Raises:
        RegistryError: There is no such version, nothing was measured on its bundle, or the server does not answer.
    """
    client = connect()
    with registry_errors(f"writing benchmarks on version {version}"):
        tags = _existing(client, version).tags
        registered = MeasuredBundle(tags.get("bundle_version", ""), tags.get(_SHA256, ""))
        metrics = metrics_of(benchmarks.of_bundle(registered))
        for name, value in metrics.items():
            client.set_model_version_tag(MODEL, str(version), _BENCHMARK + name, repr(value))
            client.set_model_version_tag(MODEL, str(version), _BENCHMARK_MACHINE + name, benchmarks.machine)
    return list(metrics)


def promote(version: int, *, without_release: str) -> None:
    """Make a version the champion by hand; the former champion becomes `previous`. A champion stays what it is.

    Args:
        version: Number of the version.
        without_release: Why no release decided it: kept as the tag `promoted_without_release` of the version.

    Raises:
        RegistryError: No reason is given, there is no such version, or the server does not answer.
    """
    if not without_release.strip():
        raise RegistryError(
            "a version becomes champion by a release (`silencio release start`); promoting one by hand needs a reason, "
            "which is kept with it"
        )
    _promote(version, {WITHOUT_RELEASE: without_release.strip()})


def promote_by_release(version: int, release_id: str) -> None:
    """Make a version the champion because a release promoted it.

    Args:
        version: Number of the version.
        release_id: The release, kept as the tag `promoted_by_release` of the version.

    Raises:
        RegistryError: There is no such version, or the server does not answer.
    """
    _promote(version, {BY_RELEASE: release_id})


def _promote(version: int, tags: Mapping[str, str]) -> None:
    client = connect()
    with registry_errors(f"promoting version {version}"):
        _existing(client, version)
        aliases = {alias: int(number) for alias, number in client.get_registered_model(MODEL).aliases.items()}
        former = aliases.get(CHAMPION)
        if former == version:
            return
        # Before the alias: whoever finds a champion finds the reason, too.
        for name, value in tags.items():
            client.set_model_version_tag(MODEL, str(version), name, value)
        # In this order there is a champion at every moment.
        if former is not None:
            client.set_registered_model_alias(MODEL, PREVIOUS, str(former))
        client.set_registered_model_alias(MODEL, CHAMPION, str(version))
        if aliases.get(CHALLENGER) == version:
            client.delete_registered_model_alias(MODEL, CHALLENGER)


def fetch(alias_or_version: str, directory: Path) -> Path | None:
    """Download the bundle of a version, check it file by file, and check that it is the one that was registered.

    Where `SILENCIO_BUNDLE_KEY` is set, one of its keys has to have signed it.

    Args:
        alias_or_version: `champion`, `challenger`, `previous`, or a number.
        directory: Gets the bundle; may not exist, be empty, or hold an earlier bundle, which is replaced.

    Returns:
        `directory`; None where no version has the alias.

    Raises:
        RegistryError: There is no version of that number, it was not registered by Silencio, the folder holds something
            else, or the server does not answer.
        BundleIntegrityError: The artifact store no longer holds what was registered.
        BundleSignatureError: It has to be signed, and is not.
    """
    client = connect()
    directory = directory.absolute()
    restore_folder(directory)
    if directory.exists() and not (directory / MANIFEST).is_file() and any(directory.iterdir()):
        raise RegistryError(f"{directory} holds other things than a bundle: give an empty or a new folder")
    with registry_errors(f"fetching {MODEL}@{alias_or_version}"):
        version = _resolve(client, alias_or_version)
        if version is None:
            return None
        beside = real_place(directory).parent
        beside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=beside, prefix=".fetch-") as temporary:
            replace_folder(_download(version, Path(temporary), Settings().bundle_key), directory)
    return directory


def sign_version(number: int, private_key: Path, password: bytes | None = None) -> None:
    """Sign the bundle of a version, and put the signature beside it in the artifact store.

    Raises:
        RegistryError: There is no such version, it was not registered by Silencio, or the server does not answer.
        BundleIntegrityError: The artifact store no longer holds what was registered.
        ConfigError: The key cannot be used.
    """
    from silencio.bundle.signing import sign_bundle

    client = connect()
    with (
        registry_errors(f"signing version {number}"),
        tempfile.TemporaryDirectory(prefix="silencio-sign-") as temporary,
    ):
        version = _existing(client, number)
        signature = sign_bundle(_download(version, Path(temporary), None), private_key, password)
        client.log_artifact(version.run_id, str(signature), BUNDLE)


def _download(version: ModelVersion, folder: Path, public_keys: Path | None) -> Path:
    found = Path(download_artifacts(artifact_uri=version.source, dst_path=str(folder), tracking_uri=Tracking().uri))
    _verify_registered(Bundle(found, public_keys=public_keys).manifest, version)
    return found


def _verify_registered(manifest: BundleManifest, version: ModelVersion) -> None:
    """A bundle that agrees with itself may still be another one: whoever may write to the store may swap it."""
    registered = version.tags.get(_SHA256)
    if registered is None:
        raise RegistryError(
            f"version {version.version} of {MODEL} has no tag {_SHA256}: it was not registered by Silencio, and what "
            "its bundle must be is not known"
        )
    if manifest.manifest_sha256 == registered:
        return
    stored = {key: _tags(manifest)[key] for key in ("bundle_version", "spec_sha256", "classes_sha256", _SHA256)}
    differing = [
        f"{key} {value[:12]} there, {version.tags.get(key, 'none')[:12]} registered"
        for key, value in stored.items()
        if value != version.tags.get(key)
    ]
    raise BundleIntegrityError(
        f"the artifact store holds another bundle than version {version.version} of {MODEL} was registered with "
        f"({'; '.join(differing)}): put the registered one back at {version.source}, or promote another version"
    )


def _resolve(client: MlflowClient, alias_or_version: str) -> ModelVersion | None:
    if alias_or_version.isdecimal():
        return _existing(client, int(alias_or_version))
    if not _model_exists(client):
        return None
    number = client.get_registered_model(MODEL).aliases.get(alias_or_version)
    return client.get_model_version(MODEL, str(number)) if number is not None else None


def _existing(client: MlflowClient, number: int) -> ModelVersion:
    try:
        return client.get_model_version(MODEL, str(number))
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            raise
        raise RegistryError(
            f"{MODEL} has no version {number}: `{silencio()} registry list` names those it has"
        ) from error


def _model_exists(client: MlflowClient) -> bool:
    return bool(client.search_registered_models(f"name = '{MODEL}'"))


def _ensure_model(client: MlflowClient) -> None:
    try:
        if not _model_exists(client):
            client.create_registered_model(MODEL, description=_MODEL_DESCRIPTION)
        elif not client.get_registered_model(MODEL).description:
            client.update_registered_model(MODEL, _MODEL_DESCRIPTION)
    except MlflowException as error:  # another run was first
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise


def _description(manifest: BundleManifest) -> str:
    """What people read beside the version; programs have the tags."""
    test = manifest.metrics.get("test", {})
    metrics = [f"{name} {test[name]:.3f}" for name in ("top1", "macro_map") if isinstance(test.get(name), float)]
    test_set = f" (test set {manifest.test_set})" if manifest.test_set else ""
    heads = ", ".join(head.name for head in manifest.heads)
    words = [
        f"Bundle {manifest.version}: {heads}; {len(manifest.classes)} classes, {manifest.precision}.",
        f"On {test.get('n_recordings', 'the')} test recordings{test_set}: {', '.join(metrics)}." if metrics else "",
        f"Licence: {manifest.licences.get('verdict', 'unknown')}.",
    ]
    return " ".join(filter(None, words))


def _tags(manifest: BundleManifest) -> dict[str, str]:
    measured: dict[str, Any] = {
        part: manifest.metrics[part] for part in ("test", "benchmark") if part in manifest.metrics
    }
    metrics = {name: repr(value) for name, value in metrics_of(measured, depth=2).items()}
    return metrics | {
        "bundle_version": manifest.version,
        _SHA256: manifest.manifest_sha256,
        "spec_sha256": manifest.spec_sha256,
        "classes_sha256": manifest.classes_sha256,
        "parents": json.dumps(manifest.parents, sort_keys=True),
        **({"test_set": manifest.test_set} if manifest.test_set else {}),
    }


def _version(found: ModelVersion, aliases: Mapping[int, list[str]]) -> Version:
    number = int(found.version)
    return Version(
        number=number,
        bundle_version=found.tags.get("bundle_version", ""),
        aliases=tuple(sorted(aliases.get(number, []))),
        registered=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        run_id=found.run_id or "",
        metrics={name: float(text) for name, text in found.tags.items() if name.startswith(("test/", _BENCHMARK))},
        # Versions that were registered before have it under its former name.
        test_set=found.tags.get("test_set", found.tags.get("test_part", "")),
    )
