"""What people ask of a release on a cluster: entries of a ConfigMap beside the record, done at the next look."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from serving.canary.kserve.cluster import CONFIG_MAP, Cluster
from serving.canary.requests import Request
from silencio.errors import ReleaseError, RouteChangedError, RouteError

# Two people, or a person and the judge, who write at the same moment.
_MAX_CONFLICTS = 10


class ConfigMapRequests:
    """The `RequestBox` of a cluster: ConfigMap `silencio-release-<service>-requests`.

    Args:
        cluster: Where.
        service: Name of the InferenceService.
    """

    def __init__(self, cluster: Cluster, service: str) -> None:
        self._cluster = cluster
        self.name = f"silencio-release-{service}-requests"

    def put(self, request: Request) -> None:
        """Leave a request.

        Raises:
            RouteError: The cluster does not answer.
        """
        stamp = "".join(one for one in request.written_at if one.isalnum())
        name = f"{stamp}-{uuid.uuid4().hex[:8]}.json"
        self._change(lambda data: {**data, name: request.model_dump_json()})

    def pending(self) -> Sequence[Request]:
        """Those that are not done yet, the first first.

        Raises:
            ReleaseError: An entry is none.
            RouteError: The cluster does not answer.
        """
        return [request for _, request in self._entries(self._data()[0])]

    def remove(self, request: Request) -> None:
        """It was done.

        Raises:
            RouteError: The cluster does not answer.
        """

        def without(data: dict[str, str]) -> dict[str, str]:
            done = {name for name, found in self._entries(data) if found == request}
            return {name: text for name, text in data.items() if name not in done}

        self._change(without)

    def _entries(self, data: dict[str, str]) -> list[tuple[str, Request]]:
        try:
            return [(name, Request.model_validate_json(text)) for name, text in sorted(data.items())]
        except ValidationError as error:
            raise ReleaseError(f"ConfigMap {self.name} has an entry that is no request: delete it ({error})") from error

    def _data(self) -> tuple[dict[str, str], str | None]:
        found = self._cluster.find(CONFIG_MAP, self.name)
        if found is None:
            return {}, None
        return dict(found.get("data") or {}), str(found["metadata"]["resourceVersion"])

    def _change(self, changed: Any) -> None:
        for _ in range(_MAX_CONFLICTS):
            data, version = self._data()
            after = changed(data)
            if after == data:
                return
            metadata = {"name": self.name, **({"resourceVersion": version} if version else {})}
            body = {"metadata": metadata, "data": after}
            try:
                write = self._cluster.create if version is None else self._cluster.replace
                write(CONFIG_MAP, body)
                return
            except RouteChangedError:
                continue
        raise RouteError(f"ConfigMap {self.name} was written {_MAX_CONFLICTS} times by others: try again")
