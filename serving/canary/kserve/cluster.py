"""The Kubernetes API as far as a release needs it: one namespace, few objects, and errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import urllib3
from kubernetes import client, config

from silencio.errors import ReleaseRefusedError, RouteChangedError, RouteError

Object: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of object.

    Attributes:
        name: For people.
        group: API group; empty: the core's.
        version: Version of the group.
        plural: As in the path.
    """

    name: str
    group: str
    version: str
    plural: str

    @property
    def resource(self) -> str:
        """As a Role names it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


INFERENCE_SERVICE = Kind("InferenceService", "serving.kserve.io", "v1beta1", "inferenceservices")
REVISION = Kind("Revision", "serving.knative.dev", "v1", "revisions")
HTTP_ROUTE = Kind("HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes")
DEPLOYMENT = Kind("Deployment", "apps", "v1", "deployments")
LEASE = Kind("Lease", "coordination.k8s.io", "v1", "leases")
CONFIG_MAP = Kind("ConfigMap", "", "v1", "configmaps")
POD = Kind("Pod", "", "v1", "pods")

# To connect, and between two bytes of an answer. Floats in a pair: version 30 of the client ignores a bare float.
_REQUEST_TIMEOUT_S = (5.0, 30.0)
_UNPROCESSABLE = (400, 422)


class NotTakenError(RouteError):
    """The API server, or a webhook of KServe's, refuses the object as it would be."""


class Cluster:
    """One namespace of a cluster.

    Args:
        api: A client of the API server; `Cluster.connect` makes one.
        namespace: Where the InferenceService is.
        request_timeout_s: To connect, and between two bytes of an answer.
    """

    def __init__(
        self, api: client.ApiClient, namespace: str, *, request_timeout_s: tuple[float, float] = _REQUEST_TIMEOUT_S
    ) -> None:
        self.namespace = namespace
        self._api = api
        self._core = client.CoreV1Api(api)
        self._custom = client.CustomObjectsApi(api)
        self._timeout_s = request_timeout_s

    @classmethod
    def connect(cls, namespace: str) -> Cluster:
        """By the kubeconfig of whoever calls, or the service account of the pod.

        Raises:
            RouteError: There is neither.
        """
        settings = client.Configuration()
        try:
            config.load_config(client_configuration=settings)
        except config.ConfigException as error:
            raise RouteError(
                f"no cluster is known here: set KUBECONFIG, or run it in a pod with a service account ({error})"
            ) from error
        # A write that was lost on its way is looked at, not sent again: it might have been taken.
        settings.retries = urllib3.Retry(0)
        return cls(client.ApiClient(settings), namespace)

    def find(self, kind: Kind, name: str, *, namespace: str | None = None) -> Object | None:
        """The object; None: there is none, or its kind is not known to the cluster.

        Raises:
            RouteError: It cannot be read.
        """
        try:
            return self._call("get", kind, name, lambda: self._read(kind, name, namespace or self.namespace))
        except _NotFoundError:
            return None

    def get(self, kind: Kind, name: str) -> Object:
        """The object.

        Raises:
            RouteError: There is none, or it cannot be read.
        """
        if (found := self.find(kind, name)) is None:
            raise RouteError(
                f"there is no {kind.name} {name} in namespace {self.namespace}: name the one that serves by "
                "--isvc NAMESPACE/NAME"
            )
        return found

    def patch(self, kind: Kind, name: str, body: Object, *, dry_run: bool = False) -> Object:
        """Merge this into a custom object (RFC 7386): None deletes a field, a list replaces the list.

        Args:
            kind: What it is; not of the core.
            name: Its name.
            body: With `metadata.resourceVersion`, so that nothing is merged into what somebody else wrote.
            dry_run: Let the server and its webhooks judge it, strictly, and keep nothing.

        Raises:
            RouteChangedError: It was written since it was read.
            NotTakenError: The server or a webhook refuses it.
            RouteError: It was not taken, or nobody knows whether it was.
        """
        options = {"dry_run": "All", "field_validation": "Strict"} if dry_run else {}
        return self._call(
            "patch",
            kind,
            name,
            lambda: self._custom.patch_namespaced_custom_object(
                kind.group,
                kind.version,
                self.namespace,
                kind.plural,
                name,
                body,
                _request_timeout=self._timeout_s,
                **options,
            ),
        )

    def create(self, kind: Kind, body: Object) -> Object:
        """Create a ConfigMap or Lease.

        Raises:
            RouteChangedError: There is one of this name by now.
            RouteError: It was not taken, or nobody knows whether it was.
        """
        name = body["metadata"]["name"]
        if kind is CONFIG_MAP:
            return self._call("create", kind, name, lambda: self._write_config_map(name, body, is_new=True))
        return self._call(
            "create",
            kind,
            name,
            lambda: self._custom.create_namespaced_custom_object(
                kind.group, kind.version, self.namespace, kind.plural, body, _request_timeout=self._timeout_s
            ),
        )

    def replace(self, kind: Kind, body: Object) -> Object:
        """Write a ConfigMap or Lease whole, where it is as it was read (`metadata.resourceVersion`).

        Raises:
            RouteChangedError: It was written since.
            RouteError: It was not taken, or nobody knows whether it was.
        """
        name = body["metadata"]["name"]
        if kind is CONFIG_MAP:
            return self._call("update", kind, name, lambda: self._write_config_map(name, body, is_new=False))
        return self._call(
            "update",
            kind,
            name,
            lambda: self._custom.replace_namespaced_custom_object(
                kind.group, kind.version, self.namespace, kind.plural, name, body, _request_timeout=self._timeout_s
            ),
        )

    def pods(self, selector: str) -> list[Object]:
        """Pods by label selector.

        Raises:
            RouteError: They cannot be read.
        """
        found = self._call(
            "list",
            POD,
            selector,
            lambda: self._plain(
                self._core.list_namespaced_pod(
                    self.namespace, label_selector=selector, _request_timeout=self._timeout_s
                )
            ),
        )
        return list(found.get("items") or [])

    def _read(self, kind: Kind, name: str, namespace: str) -> Any:
        if kind is CONFIG_MAP:
            return self._plain(self._core.read_namespaced_config_map(name, namespace, _request_timeout=self._timeout_s))
        return self._custom.get_namespaced_custom_object(
            kind.group, kind.version, namespace, kind.plural, name, _request_timeout=self._timeout_s
        )

    def _write_config_map(self, name: str, body: Object, *, is_new: bool) -> Any:
        metadata = client.V1ObjectMeta(name=name, resource_version=body["metadata"].get("resourceVersion"))
        config_map = client.V1ConfigMap(metadata=metadata, data=body.get("data"))
        if is_new:
            written = self._core.create_namespaced_config_map(
                self.namespace, config_map, _request_timeout=self._timeout_s
            )
        else:
            written = self._core.replace_namespaced_config_map(
                name, self.namespace, config_map, _request_timeout=self._timeout_s
            )
        return self._plain(written)

    def _plain(self, model: object) -> Any:
        return self._api.sanitize_for_serialization(model)

    def _call(self, verb: str, kind: Kind, name: str, send: Callable[[], Any]) -> Object:
        what = f"{kind.name} {name}"
        try:
            answer: Object = send()
        except client.ApiException as error:
            raise self._meaning(error, verb, kind, what) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            lost = "it cannot be read now" if verb in ("get", "list") else "whether it was taken is not known"
            raise RouteError(
                f"the connection to the Kubernetes API was lost at {verb} of {what}: {lost}; the next look reads what "
                f"is there ({type(error).__name__})"
            ) from error
        return answer

    def _meaning(self, error: client.ApiException, verb: str, kind: Kind, what: str) -> RouteError:
        detail = _message(error)
        # A webhook that denies something answers 403 as well.
        if error.status in _UNPROCESSABLE or (error.status == 403 and "admission webhook" in detail):
            return NotTakenError(f"the cluster refuses the {what} as it would be: {detail}")
        if error.status == 403:
            return RouteError(
                f"this service account may not {verb} {kind.resource} in namespace {self.namespace}: apply "
                f"manifests/release/role.yaml ({detail})"
            )
        if error.status == 401:
            return RouteError(
                f"the Kubernetes API does not know who asks (401): renew the kubeconfig's token ({detail})"
            )
        if error.status == 404:
            return _NotFoundError(f"there is no {what} in namespace {self.namespace} ({detail})")
        if error.status == 409:
            return RouteChangedError(f"{what} was written by somebody else meanwhile: look at it again ({detail})")
        return RouteError(f"the Kubernetes API answers {error.status} to {verb} of {what}: try again later ({detail})")


class _NotFoundError(RouteError):
    """There is no such object."""


def refused_by(error: NotTakenError) -> ReleaseRefusedError:
    """The same, for what was only a question: nothing has been changed."""
    return ReleaseRefusedError(f"{error}; mend the InferenceService, or the bundle's place, and start again")


def _message(error: client.ApiException) -> str:
    """What the server's Status says, on one line."""
    try:
        text = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        text = error.reason
    return " ".join(str(text).split())
