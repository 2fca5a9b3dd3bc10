"""What has to be known of an offer after a restart, in a ConfigMap of its own: never on the InferenceService.

Its annotations and labels are copied to the pods of both arms: a note there would make a new revision, or restart them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.canary.kserve.cluster import CONFIG_MAP, Cluster, Object
from silencio.errors import RouteError

_KEY = "offer.json"


class Offer(BaseModel):
    """An offer as it was made.

    Attributes:
        release: Value of the release's label.
        champion: Predictor that served, as it stood: it is written back after a rollback in Knative mode.
        champion_revision: Its revision in Knative mode.
        champion_pods: Digest of what its pods are made of.
        challenger_pods: The same of the challenger, as the cluster keeps it; None: not seen yet.
        metadata: Digest of the InferenceService's labels and annotations.
        restarts: Restarts of the champion's containers before, by pod and container.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    champion: Object
    champion_revision: str | None = None
    champion_pods: str
    challenger_pods: str | None = None
    metadata: str
    restarts: dict[str, int] = Field(default_factory=dict)


class OfferNote:
    """The ConfigMap `silencio-release-<service>-offer`.

    Args:
        cluster: Where.
        service: Name of the InferenceService.
    """

    def __init__(self, cluster: Cluster, service: str) -> None:
        self._cluster = cluster
        self.name = f"silencio-release-{service}-offer"

    def load(self) -> Offer | None:
        """The offer that is out; None: there is none.

        Raises:
            RouteError: It cannot be read, or is none of ours.
        """
        config_map = self._cluster.find(CONFIG_MAP, self.name)
        text = ((config_map or {}).get("data") or {}).get(_KEY)
        if not text:
            return None
        try:
            return Offer.model_validate_json(text)
        except ValidationError as error:
            raise RouteError(
                f"ConfigMap {self.name} is no offer of this version of Silencio: look at the InferenceService, set its "
                f"traffic by hand, and delete the ConfigMap ({error.error_count()} faults)"
            ) from error

    def write(self, offer: Offer | None) -> None:
        """Keep it; None: the offer is over."""
        config_map = self._cluster.find(CONFIG_MAP, self.name)
        text = offer.model_dump_json() if offer is not None else ""
        if config_map is None:
            if offer is not None:
                self._cluster.create(CONFIG_MAP, {"metadata": {"name": self.name}, "data": {_KEY: text}})
        elif (config_map.get("data") or {}).get(_KEY, "") != text:
            version = config_map["metadata"]["resourceVersion"]
            metadata = {"name": self.name, "resourceVersion": version}
            self._cluster.replace(CONFIG_MAP, {"metadata": metadata, "data": {_KEY: text}})
