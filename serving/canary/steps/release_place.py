"""Where a release is, as a pipeline's parameter names it: an InferenceService, or one machine's state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.canary.interfaces import RecordStore, Route
from silencio.errors import ConfigError

KSERVE = "kserve:"
# Files of releases (the comparison) are where the judge runs: in a pod, a volume, which `stage` mounts as well.
FILES = "SILENCIO_RELEASE_FILES"


@dataclass(frozen=True, kw_only=True)
class ReleasePlace:
    """What steps need of it.

    Attributes:
        store: Keeps the record.
        route: The splitter.
    """

    store: RecordStore
    route: Route


def release_place(place: str) -> ReleasePlace:
    """Find it.

    Args:
        place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.

    Raises:
        ConfigError: It names neither.
        RouteError: No cluster is known here.
    """
    if not place:
        raise ConfigError(
            "place is empty: give kserve:NAMESPACE/NAME, or the state folder of `silencio serve --canary`"
        )
    if not place.startswith(KSERVE):
        from serving.canary.haproxy_route import HAProxyRoute
        from serving.canary.places import RELEASE_FOLDER
        from serving.canary.store import FileStore

        return ReleasePlace(store=FileStore(Path(place) / RELEASE_FOLDER), route=HAProxyRoute(Path(place)))
    namespace, _, service = place.removeprefix(KSERVE).partition("/")
    if not namespace or not service:
        raise ConfigError(f"place {place!r}: give {KSERVE}NAMESPACE/NAME")
    from serving.canary.kserve.cluster import Cluster
    from serving.canary.kserve.route import KServeRoute
    from serving.canary.kserve.store import ConfigMapStore

    cluster = Cluster.connect(namespace)
    return ReleasePlace(store=ConfigMapStore(cluster, service), route=KServeRoute(cluster, service))
