"""A release of what was registered: MLflow's versions as both bundles, and the judge who waits for a new challenger."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from silencio.errors import ConfigError, RegistryError, SilencioError
from silencio.release.record import ReleaseRecord

if TYPE_CHECKING:
    from pipelines.release_places import Place
    from silencio.registry.releases import Registered

CHAMPION = "champion"
# What KServe fetches a folder from; of other places MLflow alone has the key.
_SERVED_FROM = ("s3://", "gs://")


def with_registered(options: argparse.Namespace, place: Place) -> argparse.Namespace:
    """Options with the bundles that MLflow names, fetched and checked: the challenger, on a cluster the champion, too.

    Args:
        options: With `from_registry`; what is named beside it stays.
        place: Keeps the bundles among its releases' files.

    Raises:
        RegistryError: No version has the alias, or the server does not answer.
        ConfigError: KServe could not fetch a bundle from where MLflow keeps it.
    """
    folder = place.folder("registry")
    found = _named(options.from_registry)
    changes: dict[str, object] = {"challenger": _fetched(found, folder)}
    if options.isvc:
        champion = _named(CHAMPION)
        changes["champion"] = options.champion or str(_fetched(champion, folder))
        changes["champion_uri"] = options.champion_uri or bundle_uri(options.uri, champion)
        changes["challenger_uri"] = options.challenger_uri or bundle_uri(options.uri, found)
    return argparse.Namespace(**{**vars(options), **changes})


class NewChallengers:
    """Begins a release for each version that an alias comes to name, once.

    Args:
        options: Options of the judge: those of `start`, with `from_registry`.
        place: Where.
        begin: Begins a release.
        say: Called with what was begun, and with why a version is not offered.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        place: Place,
        begin: Callable[[Place, argparse.Namespace], ReleaseRecord],
        say: Callable[[str], None],
    ) -> None:
        self._options, self._place, self._begin, self._say = options, place, begin, say
        self._tried: set[str] = set()
        self._complaint = ""

    def look(self, last: ReleaseRecord | None) -> ReleaseRecord | None:
        """Begin a release, if there is a version that had none.

        Args:
            last: The last release, which has ended; None: there was none.

        Returns:
            What was begun; None: nothing.
        """
        from silencio.registry.releases import registered

        try:
            found = registered(self._options.from_registry)
        except RegistryError as error:
            self._complain(str(error))
            return None
        if found is None or found.release_id or found.manifest_sha256 in self._tried | _known(last):
            return None
        try:
            record = self._begin(self._place, with_registered(self._options, self._place))
        except SilencioError as error:
            # Not each half minute anew; another start of the judge tries it again.
            self._tried.add(found.manifest_sha256)
            self._say(f"version {found.number} ({found.bundle_version}) is not offered: {error}")
            return None
        self._say(f"release {record.release_id} of version {found.number} ({found.bundle_version}) begins")
        return record

    def _complain(self, why: str) -> None:
        if why != self._complaint:
            self._say(why)
        self._complaint = why


def _known(last: ReleaseRecord | None) -> set[str]:
    """Bundles that need no release: the last one's, which MLflow may not have heard of yet, and its champion."""
    return set() if last is None else {last.challenger.manifest_sha256, last.champion.manifest_sha256}


def _named(alias: str) -> Registered:
    from silencio.registry.releases import registered

    if (found := registered(alias)) is None:
        raise RegistryError(
            f"no version in MLflow has the alias {alias}: `silencio registry list` shows those there are"
        )
    return found


def _fetched(found: Registered, folder: Path) -> Path:
    from silencio.registry.models import fetch

    target = folder / found.manifest_sha256[:12]
    fetch(str(found.number), target)
    return target


def bundle_uri(pattern: str, found: Registered) -> str:
    """Where KServe fetches a version's bundle from.

    Args:
        pattern: Has `{version}` where the bundle's version stands; empty: where MLflow keeps it.
        found: The version.

    Raises:
        ConfigError: KServe could not fetch it from where MLflow keeps it.
    """
    if pattern:
        return pattern.replace("{version}", found.bundle_version)
    if found.source.startswith(_SERVED_FROM):
        return f"{found.source.rstrip('/')}/"
    raise ConfigError(
        f"KServe cannot fetch version {found.number} from {found.source}, where MLflow keeps it: upload bundles to "
        "where it can, and say --uri s3://BUCKET/{version}/"
    )
