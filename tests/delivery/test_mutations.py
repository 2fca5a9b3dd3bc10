"""Each check catches what it is there for: one thing in a good render is made wrong, and that check alone says so."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from delivery.checks import CHECKS, findings_of
from delivery.render import Object
from delivery.rendered import Rendered, name_of
from tests.delivery.overlays import delivered, golden_objects

Mutate = Callable[["Render"], None]


class Render:
    """A committed render in which things may be made wrong."""

    def __init__(self, name: str) -> None:
        found = delivered() if name == "argocd" else Rendered(golden_objects(name))
        self.objects, self.sources = list(found.objects), found.sources

    def one(self, kind: str, name: str = "") -> Object:
        """The object of this kind, and name where there are several."""
        (found,) = (one for one in self.objects if one["kind"] == kind and name in ("", name_of(one)))
        return found

    def brought(self, name: str, kind: str, called: str) -> Object:
        """An object of an overlay that an Application names."""
        objects = self.sources[f"manifests/overlays/{name}"]
        (found,) = (one for one in objects if one["kind"] == kind and name_of(one) == called)
        return found

    def bring(self, name: str, one: Object) -> None:
        """Let an overlay that an Application names have another object."""
        path = f"manifests/overlays/{name}"
        self.sources = {**self.sources, path: [*self.sources[path], one]}

    @property
    def production(self) -> Any:
        """The Application of production."""
        return self.one("Application", "silencio-production")

    def spec(self, kind: str, name: str = "") -> Any:
        """Its spec."""
        return self.one(kind, name)["spec"]

    @property
    def runtime(self) -> Any:
        """The containers that KServe runs: predictor and transformer."""
        return self.spec("ServingRuntime")["containers"]

    @property
    def predictor(self) -> Any:
        """The InferenceService's."""
        return self.spec("InferenceService")["predictor"]

    @property
    def auto(self) -> Any:
        """The container of the judge of releases."""
        return self.spec("Deployment", "silencio-release")["template"]["spec"]["containers"][0]

    @property
    def exporter(self) -> Any:
        """The container of the drift exporter."""
        return self.spec("Deployment", "silencio-drift")["template"]["spec"]["containers"][0]

    @property
    def dashboard(self) -> Any:
        """The container of the dashboard of recordings."""
        return self.spec("Deployment", "silencio-dashboard")["template"]["spec"]["containers"][0]

    @property
    def backup(self) -> Any:
        """The pod of the backup."""
        return self.spec("CronJob")["jobTemplate"]["spec"]["template"]["spec"]

    def told(self, file: str) -> Object:
        """The config map that has a file."""
        (found,) = (one for one in self.objects if one["kind"] == "ConfigMap" and file in one["data"])
        return found

    def rewrite(self, file: str, old: str, new: str) -> None:
        """Write something in a file of a config map anew."""
        data = self.told(file)["data"]
        assert old in data[file]
        data[file] = data[file].replace(old, new)

    def drop(self, kind: str, name: str = "") -> None:
        """Take an object out."""
        self.objects.remove(self.one(kind, name))

    def argument(self, i: int, old: str, new: str) -> None:
        """Write an argument of a server anew."""
        arguments = self.runtime[i]["args"]
        arguments[arguments.index(old)] = new


def _set(path: str, value: Any) -> Mutate:
    """In the attribute that is named first; whole numbers are places in lists."""

    def mutate(render: Render) -> None:
        first, *keys, last = path.split("/")
        place = getattr(render, first)
        for key in keys:
            place = place[int(key) if key.isdecimal() else key]
        place[int(last) if last.isdecimal() else last] = value

    return mutate


def _swap(render: Render) -> None:
    render.runtime.reverse()


def _two_ports(render: Render) -> None:
    render.runtime[0]["ports"] = [{"name": "predictor", "containerPort": 8085}]


def _grpc_opened(render: Render) -> None:
    render.spec("NetworkPolicy", "silencio-serve")["ingress"][0]["ports"].append({"protocol": "TCP", "port": 8086})


def _canaries(*percents: int, **fields: Any) -> Mutate:
    def mutate(render: Render) -> None:
        render.spec("InferenceService")["canary"] = [
            {
                "trafficPercent": percent,
                "predictor": {**copy.deepcopy(render.predictor), "name": f"v{i}", **fields},
            }
            for i, percent in enumerate(percents)
        ]
        for one in render.spec("InferenceService")["canary"]:
            del one["predictor"]["maxReplicas"]

    return mutate


_OPTIONS, _WAVE = "argocd.argoproj.io/sync-options", "argocd.argoproj.io/sync-wave"


def _quota(render: Render, flavor: int, i: int, amount: str) -> None:
    flavors = render.spec("ClusterQueue")["resourceGroups"][0]["flavors"]
    flavors[flavor]["resources"][i]["nominalQuota"] = amount


_MONITOR: Object = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PodMonitor",
    "metadata": {"name": "silencio", "namespace": "silencio-production"},
}
_QUEUE = "kueue.x-k8s.io/queue-name"
_PLAIN_TAG = "registry.example.org/wildlife/predictor:0.1.0"
_PORTS = [{"protocol": "TCP", "port": 8090}]
# Check that catches it, render that is made wrong, and how.
MUTATIONS: dict[str, tuple[str, str, Mutate]] = {
    "object twice": ("unique", "production", lambda one: one.objects.append(one.one("ServingRuntime"))),
    "namespace that nobody makes": ("namespaces", "production", lambda one: one.drop("Namespace")),
    "namespace that is not restricted": (
        "namespaces",
        "local",
        lambda one: one.one("Namespace")["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/enforce": "baseline"}
        ),
    ),
    "field that there is not": ("kinds", "production", _set("predictor/minReplica", 2)),
    "number as text": (
        "kinds",
        "production",
        lambda one: one.spec("Deployment", "silencio-release").update(replicas="one"),
    ),
    "config map without the key": (
        "references",
        "production",
        lambda one: one.one("ConfigMap", "silencio-release-place")["data"].pop("service"),
    ),
    "claim that there is not": ("references", "production", lambda one: one.drop("PersistentVolumeClaim")),
    "secret that nobody makes": (
        "references",
        "staging",
        lambda one: one.spec("ServingRuntime")["volumes"][1]["secret"].update(secretName="silencio-kys"),
    ),
    "volume that the pod has not": ("references", "gpu", _set("runtime/1/volumeMounts/0/name", "temp")),
    "service account that there is not": ("accounts", "gpu", _set("predictor/serviceAccountName", "silencio-server")),
    "account whose secret nobody makes": (
        "accounts",
        "gpu",
        lambda one: one.one("ServiceAccount").update(secrets=[{"name": "silencio-bundle"}]),
    ),
    "job without its account": ("accounts", "staging", lambda one: one.drop("ServiceAccount", "silencio-bootstrap")),
    "job with a flag that there is not": (
        "arguments",
        "staging",
        lambda one: one.spec("Job")["template"]["spec"]["containers"][0]["args"].append("--once"),
    ),
    "role that there is not": ("accounts", "production", lambda one: one.drop("Role", "silencio-release")),
    "format that the runtime does not take": (
        "runtimes",
        "production",
        _set("predictor/model/modelFormat/version", "2"),
    ),
    "place whose end is open": (
        "bundles",
        "production",
        _set("predictor/model/storageUri", "s3://silencio-bundles/12"),
    ),
    "place that nobody put in": ("bundles", "production", _set("predictor/model/storageUri", "s3://BUNDLE/")),
    "bundle on a claim that there is not": (
        "bundles",
        "local",
        _set("predictor/model/storageUri", "pvc://bundles/demo/"),
    ),
    "bundle in S3 without keys": (
        "bundles",
        "production",
        lambda one: one.one("ServiceAccount", "silencio-serve").pop("secrets"),
    ),
    "predictor after transformer": ("complete", "production", _swap),
    "container without limit": ("complete", "production", lambda one: one.runtime[1]["resources"].pop("limits")),
    "judge without image": ("images complete", "production", lambda one: one.auto.pop("image")),
    "latest": ("images", "local", _set("runtime/0/image", "registry.example/silencio/predictor:latest")),
    "image without tag": ("images", "local", _set("runtime/1/image", "registry.example/silencio/transformer")),
    "image by tag in production": ("images", "production", _set("runtime/0/image", _PLAIN_TAG)),
    "image of the placeholder": (
        "images",
        "production",
        _set("runtime/0/image", f"registry.example/silencio/predictor@sha256:{'a' * 64}"),
    ),
    "bundle as an image by tag": (
        "images",
        "oci-bundle",
        _set("predictor/model/storageUri", "oci+native://registry.example.org/wildlife/bundle:12"),
    ),
    "root that may be written": (
        "security",
        "production",
        _set("runtime/0/securityContext/readOnlyRootFilesystem", False),
    ),
    "capabilities kept": ("security", "production", lambda one: one.auto["securityContext"].pop("capabilities")),
    "root as user": ("security", "production", _set("predictor/securityContext/runAsUser", 0)),
    "token that no role is for": ("security", "production", _set("predictor/automountServiceAccountToken", True)),
    "exporter with a flag that there is not": (
        "arguments",
        "production",
        lambda one: one.exporter["args"].append("--bucket=s3://silencio-drift/"),
    ),
    "exporter that listens on loopback": ("ports", "staging", _set("exporter/args/3", "--host=127.0.0.1")),
    "exporter at another port than is declared": ("ports probes", "staging", _set("exporter/args/4", "--port=9110")),
    "exporter without a probe": ("probes", "production", lambda one: one.exporter.pop("livenessProbe")),
    "exporter probed at a page that it has not": (
        "probes",
        "production",
        _set("exporter/readinessProbe/httpGet/path", "/health"),
    ),
    "exporter whose keys nobody makes": (
        "references",
        "staging",
        lambda one: one.spec("Deployment", "silencio-drift")["template"]["spec"]["volumes"][1]["secret"].update(
            secretName="silencio-drift-writer"
        ),
    ),
    "exporter with a token": (
        "security",
        "production",
        lambda one: one.spec("Deployment", "silencio-drift")["template"]["spec"].pop("automountServiceAccountToken"),
    ),
    "exporter that is kept from S3": (
        "addresses",
        "production",
        lambda one: one.spec("NetworkPolicy", "silencio-drift")["egress"].clear(),
    ),
    "exporter that nobody monitors": (
        "services",
        "watching",
        lambda one: one.spec("PodMonitor", "silencio-drift")["selector"]["matchLabels"].update(
            {"app.kubernetes.io/name": "silencio-drifts"}
        ),
    ),
    "dashboard that writes its root": (
        "security",
        "production",
        _set("dashboard/securityContext/readOnlyRootFilesystem", False),
    ),
    "dashboard by tag in production": (
        "images",
        "production",
        _set("dashboard/image", "registry.example.org/wildlife/monitor:0.1.0"),
    ),
    "dashboard opened to everybody": (
        "policies",
        "production",
        lambda one: one.spec("NetworkPolicy", "silencio-dashboard").update(ingress=[{"ports": [{"port": 8501}]}]),
    ),
    "dashboard of the placeholder's S3": (
        "addresses",
        "staging",
        _set("dashboard/env/0/value", "s3.silencio-platform.svc:9000"),
    ),
    "dashboard with a variable that nobody reads": (
        "arguments",
        "staging",
        _set("dashboard/env/1/name", "SILENCIO_S3_TLS"),
    ),
    "flag that no server takes": (
        "arguments",
        "production",
        lambda one: one.argument(1, "--decoders=2", "--decoder_processes=2"),
    ),
    "flag of the other server": ("arguments", "production", lambda one: one.runtime[0]["args"].append("--decoders=2")),
    "flag of the judge": ("arguments", "production", lambda one: one.auto["args"].append("--for-ever")),
    "value that no server can use": (
        "arguments",
        "production",
        lambda one: one.argument(0, "--n_workers=2", "--n_workers=many"),
    ),
    "variable that nobody reads": (
        "arguments",
        "production",
        _set("runtime/1/env/0/name", "SILENCIO_PREDICTIONS_LOG"),
    ),
    "keys outside the volume": (
        "files",
        "production",
        lambda one: one.argument(1, "--keys=/etc/silencio/keys/keys", "--keys=/etc/silencio/keys.csv"),
    ),
    "a key of bundles by another name than the secret's": (
        "files",
        "signed-bundles",
        lambda one: one.argument(
            0, "--bundle_key=/etc/silencio/bundle-key/release.pub", "--bundle_key=/etc/silencio/bundle-key/key.pub"
        ),
    ),
    "keys by another name than the secret's": (
        "files",
        "production",
        lambda one: one.argument(1, "--keys=/etc/silencio/keys/keys", "--keys=/etc/silencio/keys/keys.csv"),
    ),
    "port on which nobody listens": ("ports", "local", _set("runtime/0/ports/0/containerPort", 8081)),
    "predictor asked at another port": (
        "ports",
        "production",
        lambda one: one.argument(1, "--predictor_host=127.0.0.1:8086", "--predictor_host=127.0.0.1:8081"),
    ),
    "server that listens on loopback": (
        "ports",
        "production",
        lambda one: one.argument(1, "--host=0.0.0.0", "--host=127.0.0.1"),
    ),
    "two ports for Knative": ("ports probes", "canary-knative", _two_ports),
    "probe at the other server's port": ("probes", "production", _set("runtime/0/readinessProbe/httpGet/port", 8080)),
    "probe path that no server has": ("probes", "production", _set("runtime/1/livenessProbe/httpGet/path", "/healthz")),
    "probe of a port alone": ("probes", "production", _set("runtime/0/startupProbe", {"tcpSocket": {"port": 8085}})),
    "server without probe": ("probes", "production", lambda one: one.runtime[1].pop("readinessProbe")),
    "Service that selects nobody": (
        "services",
        "production",
        lambda one: one.spec("Service", "silencio-release").update(selector={"app": "release"}),
    ),
    "metrics at a port that there is not": (
        "services",
        "operator",
        lambda one: one.spec("PodMonitor")["podMetricsEndpoints"][0].update(port="http"),
    ),
    "policy that selects nobody": (
        "policies addresses",
        "production",
        lambda one: one.spec("NetworkPolicy", "silencio-release")["podSelector"]["matchLabels"].update({"app": "x"}),
    ),
    "policy that opens another port": (
        "policies",
        "production",
        lambda one: one.spec("NetworkPolicy", "silencio-serve")["ingress"][0].update(ports=_PORTS),
    ),
    "gRPC of the predictor opened": ("policies", "production", _grpc_opened),
    "everybody let in": (
        "policies",
        "production",
        lambda one: one.spec("NetworkPolicy", "silencio-serve")["ingress"][0].pop("from"),
    ),
    "nothing closed": ("policies", "production", lambda one: one.drop("NetworkPolicy", "silencio-default-deny")),
    "way to S3 closed": (
        "addresses",
        "production",
        lambda one: one.spec("NetworkPolicy", "silencio-serve")["egress"].clear(),
    ),
    "mail relay at another port than is open": (
        "notifications",
        "monitoring",
        lambda one: one.rewrite("alertmanager.yml", "smtp.example.org:587", "smtp.example.org:25"),
    ),
    "webhook at another port than is open": (
        "notifications",
        "monitoring",
        lambda one: one.rewrite("alertmanager.yml", "https://hooks.example.org", "http://hooks.example.org"),
    ),
    "one of a host's two webhooks at another port than is open": (
        "notifications",
        "monitoring",
        lambda one: one.rewrite(
            "alertmanager.yml", "- url: https:", "- url: http://hooks.example.org\n      - url: https:"
        ),
    ),
    "mail held to the webhook's port": (
        "notifications",
        "monitoring",
        lambda one: one.spec("NetworkPolicy", "alertmanager")["egress"][0]["ports"].pop(),
    ),
    "S3 at another port than is open": (
        "addresses",
        "staging",
        _set("runtime/1/env/1/value", "s3.silencio-platform.svc:9000"),
    ),
    "scraped Service of another namespace": (
        "addresses",
        "operator",
        lambda one: one.spec("ScrapeConfig", "silencio-release")["staticConfigs"][0].update(
            targets=["silencio-release.production.svc:9108"]
        ),
    ),
    "limits between which nothing scales": ("modes", "production", _set("predictor/maxReplicas", 8)),
    "mode that there is not": (
        "modes",
        "gpu",
        lambda one: one.one("InferenceService")["metadata"]["annotations"].update(
            {"serving.kserve.io/deploymentMode": "Serverless"}
        ),
    ),
    "field of the other mode": (
        "modes",
        "canary-knative",
        _set("predictor/deploymentStrategy", {"type": "RollingUpdate"}),
    ),
    "250 percent": ("canary", "canary-knative", _set("predictor/canaryTrafficPercent", 250)),
    "percent that the mode does not read": ("canary", "production", _set("predictor/canaryTrafficPercent", 5)),
    "120 percent together": ("canary", "production", _canaries(60, 60)),
    "canary without a pod": ("canary", "production", _canaries(5, minReplicas=0)),
    "canary with the champion's name": ("canary", "production", _canaries(5, name="initial")),
    "champion of which no canary can be made": (
        "canary",
        "production",
        lambda one: one.predictor["model"].pop("name"),
    ),
    "MLflow told of S3 at another port": (
        "addresses",
        "platform",
        lambda one: one.spec("Service", "s3")["ports"][0].update(port=9000),
    ),
    "database let in from everywhere": (
        "policies",
        "platform",
        lambda one: one.spec("NetworkPolicy", "postgres")["ingress"][0].pop("from"),
    ),
    "health of another program": (
        "probes",
        "platform",
        lambda one: one.spec("Deployment", "mlflow")["template"]["spec"]["containers"][0]["livenessProbe"][
            "httpGet"
        ].update(path="/healthy"),
    ),
    "password by another name than the secret's": (
        "files",
        "platform",
        lambda one: one.spec("StatefulSet", "postgres")["template"]["spec"]["containers"][0]["env"][2].update(
            value="/etc/silencio/postgres/pass"
        ),
    ),
    "accounts of the store outside the volume": (
        "files",
        "platform",
        lambda one: one.spec("StatefulSet", "s3")["template"]["spec"]["containers"][0]["args"].append(
            "-s3.config=/etc/seaweedfs/s3.json"
        ),
    ),
    "Label Studio told of a database at another port": (
        "addresses",
        "platform",
        lambda one: one.spec("Deployment", "label-studio")["template"]["spec"]["containers"][0]["env"][4].update(
            value="5433"
        ),
    ),
    "Label Studio without its volume": (
        "references",
        "platform",
        lambda one: one.drop("PersistentVolumeClaim", "label-studio"),
    ),
    "script of the database by another name": (
        "references",
        "platform",
        lambda one: one.drop("ConfigMap", "label-studio-database"),
    ),
    "claim template renamed": (
        "references",
        "platform",
        lambda one: one.spec("StatefulSet", "postgres")["volumeClaimTemplates"][0]["metadata"].update(name="db"),
    ),
    "dump into a file of the image": (
        "files",
        "platform",
        lambda one: one.backup["initContainers"][1]["args"].append("--file=/etc/postgres.sql"),
    ),
    "dump by another option": (
        "arguments",
        "platform",
        lambda one: one.backup["initContainers"][1]["args"].append("--dbnam=postgres"),
    ),
    "dump of a database elsewhere": (
        "addresses",
        "platform",
        lambda one: one.backup["initContainers"][1]["args"].append(
            "--dbname=postgresql://mlflow@db.silencio-platform.svc/"
        ),
    ),
    "copy from S3 at another port": (
        "addresses",
        "platform",
        lambda one: one.backup["initContainers"][2]["env"][3].update(value="http://s3.silencio-platform.svc:9000"),
    ),
    "backup's key that the secret has not": (
        "references",
        "platform",
        lambda one: one.backup["containers"][0]["env"][2]["valueFrom"]["secretKeyRef"].update(key="repo"),
    ),
    "volume that the backup has not": (
        "references",
        "platform",
        lambda one: one.backup["initContainers"][3]["volumeMounts"][0].update(name="work"),
    ),
    "step of the backup without limit": (
        "complete",
        "platform",
        lambda one: one.backup["initContainers"][0]["resources"].pop("limits"),
    ),
    "two backups at once": (
        "schedules",
        "platform",
        lambda one: one.spec("CronJob").update(concurrencyPolicy="Replace"),
    ),
    "backup that may hang": (
        "schedules",
        "platform",
        lambda one: one.spec("CronJob")["jobTemplate"]["spec"].pop("activeDeadlineSeconds"),
    ),
    "backup that warns of a night for ever": (
        "schedules",
        "platform",
        lambda one: one.spec("CronJob")["jobTemplate"]["spec"].pop("ttlSecondsAfterFinished"),
    ),
    "backup at a node's hour": ("schedules", "platform", lambda one: one.spec("CronJob").pop("timeZone")),
    "backup of a kind that there is not": (
        "kinds",
        "platform",
        lambda one: one.spec("CronJob").update(concurrency="Forbid"),
    ),
    "budget that blocks drains": (
        "disruption",
        "production",
        lambda one: one.spec("PodDisruptionBudget").update(minAvailable=3),
    ),
    "pods without a budget": ("disruption", "production", lambda one: one.drop("PodDisruptionBudget")),
    "killed while draining": ("drain", "production", _set("predictor/terminationGracePeriodSeconds", 20)),
    "no time left after the hook": ("drain", "production", _set("predictor/terminationGracePeriodSeconds", 60)),
    "metric that no server has": (
        "metric-names",
        "keda",
        _set(
            "predictor/autoScaling/metrics/0/external/metric/query",
            'sum(silencio_queued_windows{namespace="silencio-keda"})',
        ),
    ),
    "queue of every namespace": (
        "metric-names",
        "keda",
        _set("predictor/autoScaling/metrics/0/external/metric/query", "sum(silencio_queue_windows)"),
    ),
    "rule about a metric that no server has": (
        "metric-names",
        "monitoring",
        lambda one: one.rewrite("serving.yml", "silencio_requests_total", "silencio_request_total"),
    ),
    "alert about what no rule records": (
        "metric-names",
        "monitoring",
        lambda one: one.rewrite("serving.yml", "record: namespace_arm:silencio_pred", "record: namespace_arm:pred"),
    ),
    "alert about a metric that nobody has": (
        "metric-names",
        "monitoring",
        lambda one: one.rewrite("platform.yml", "kube_cronjob_status_last_", "kube_cronjob_last_"),
    ),
    "alert about a probe's metric that nobody has": (
        "metric-names",
        "monitoring",
        lambda one: one.rewrite("resources.yml", "probe_success", "probe_succeeded"),
    ),
    "panel about a GPU's metric that nobody has": (
        "metric-names",
        "monitoring",
        lambda one: one.rewrite("resources.json", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_TEMP"),
    ),
    "rule about a process's metric that nobody has": (
        "metric-names",
        "monitoring",
        lambda one: one.rewrite("serving.yml", "process_start_time_seconds", "process_began_seconds"),
    ),
    "panel about a metric that no server has": (
        "metric-names",
        "monitoring",
        lambda one: one.rewrite("service.json", "silencio_queue_windows", "silencio_queued_windows"),
    ),
    "monitoring's Service at another port": (
        "addresses",
        "monitoring",
        lambda one: one.rewrite(
            "prometheus.yml", "alertmanager.monitoring.svc:9093", "alertmanager.monitoring.svc:9094"
        ),
    ),
    "configuration of Grafana that is not there": (
        "references",
        "monitoring",
        lambda one: one.objects.remove(one.told("providers.yaml")),
    ),
    "Prometheus that may find nobody": (
        "accounts",
        "monitoring",
        lambda one: one.drop("ClusterRole", "silencio-prometheus"),
    ),
    "Prometheus that listens elsewhere": (
        "ports probes",
        "monitoring",
        lambda one: one.spec("StatefulSet", "prometheus")["template"]["spec"]["containers"][0]["args"].append(
            "--web.listen-address=0.0.0.0:9091"
        ),
    ),
    "endpoint without arm": (
        "arm-label",
        "operator",
        lambda one: one.spec("PodMonitor")["podMetricsEndpoints"][1].pop("relabelings"),
    ),
    "memory that comes back otherwise": (
        "quantities",
        "production",
        _set("runtime/0/resources/limits/memory", "2048Mi"),
    ),
    "processors that come back otherwise": ("quantities", "local", _set("runtime/0/resources/requests/cpu", "1.5")),
    "processors as a number": ("quantities kinds", "local", _set("runtime/0/resources/requests/cpu", 1)),
    "claim template that comes back otherwise": (
        "claim-templates",
        "monitoring",
        lambda one: one.spec("StatefulSet", "grafana")["volumeClaimTemplates"][0].pop("kind"),
    ),
    "claim that is pruned": (
        "kept",
        "production",
        lambda one: one.one("PersistentVolumeClaim")["metadata"]["annotations"].clear(),
    ),
    "namespace that is deleted": (
        "kept",
        "local",
        lambda one: one.one("Namespace")["metadata"]["annotations"].update({_OPTIONS: "Prune=false"}),
    ),
    "queue of a cluster queue that there is not": (
        "queues",
        "queues",
        lambda one: one.spec("LocalQueue").update(clusterQueue="cq-training"),
    ),
    "queue that its cluster queue lets nobody in from": (
        "queues",
        "queues",
        lambda one: one.spec("ClusterQueue")["namespaceSelector"]["matchExpressions"][0].update(values=["runs"]),
    ),
    "resource that a flavor lacks": (
        "queues",
        "queues",
        lambda one: one.spec("ClusterQueue")["resourceGroups"][0]["flavors"][0]["resources"].pop(),
    ),
    "flavor that there is not": ("queues quotas", "queues", lambda one: one.drop("ResourceFlavor", "gpu")),
    "priority that there is not": ("queues", "queues", lambda one: one.drop("WorkloadPriorityClass", "train-high")),
    "pod in a queue that there is not": (
        "queues",
        "production",
        lambda one: one.spec("Deployment", "silencio-release")["template"]["metadata"]["labels"].update(
            {_QUEUE: "lq-train"}
        ),
    ),
    "step that no quota holds": ("quotas", "queues", lambda one: _quota(one, 1, 1, "24Gi")),
    "GPU that no quota has": ("quotas", "queues", lambda one: _quota(one, 1, 2, "0")),
    "step whose nodes are no flavor's": (
        "quotas",
        "queues",
        lambda one: one.spec("ResourceFlavor", "gpu")["nodeLabels"].update({"silencio.io/pool": "a100"}),
    ),
    "step that the taint of its nodes keeps away": (
        "quotas",
        "queues",
        lambda one: one.spec("ResourceFlavor", "gpu")["nodeTaints"][0].update(key="reserved"),
    ),
    "queues before Kueue": (
        "waves",
        "argocd",
        lambda one: one.one("Application", "silencio-queues")["metadata"]["annotations"].update({_WAVE: "1"}),
    ),
    "project that there is not": ("projects", "argocd", _set("production/spec/project", "silencio-2")),
    "repository of others": (
        "projects",
        "argocd",
        _set("production/spec/source/repoURL", "https://git.example.org/fork.git"),
    ),
    "namespace that the project does not reach": (
        "projects",
        "argocd",
        lambda one: one.spec("AppProject", "silencio")["destinations"].pop(),
    ),
    "kind of the whole cluster": (
        "projects",
        "argocd",
        lambda one: one.spec("AppProject", "silencio")["clusterResourceWhitelist"].clear(),
    ),
    "environment before its stores": (
        "waves",
        "argocd",
        lambda one: one.production["metadata"]["annotations"].update({_WAVE: "1"}),
    ),
    "wave that is no number": (
        "waves",
        "argocd",
        lambda one: one.production["metadata"]["annotations"].update({_WAVE: "last"}),
    ),
    "server beside the store that it starts with": (
        "waves",
        "argocd",
        lambda one: one.brought("platform", "Deployment", "mlflow")["metadata"]["annotations"].clear(),
    ),
    "monitor for an operator that nothing brings": (
        "waves",
        "argocd",
        lambda one: one.bring("production", _MONITOR),
    ),
    "bundle that Git takes back": (
        "owned-fields",
        "argocd",
        lambda one: one.production["spec"]["ignoreDifferences"][0]["jsonPointers"].remove(
            "/spec/predictor/model/storageUri"
        ),
    ),
    "pods that Git cannot count": (
        "owned-fields",
        "argocd",
        lambda one: one.production["spec"]["ignoreDifferences"][0]["jsonPointers"].append(
            "/spec/predictor/minReplicas"
        ),
    ),
    "release taken back by each sync": (
        "owned-fields",
        "argocd",
        lambda one: one.production["spec"]["syncPolicy"]["syncOptions"].remove("RespectIgnoreDifferences=true"),
    ),
    "application that goes with a line of Git": (
        "applied",
        "argocd",
        lambda one: one.production["metadata"]["annotations"].pop(_OPTIONS),
    ),
    "application that nobody syncs": (
        "applied",
        "argocd",
        lambda one: one.production["spec"]["syncPolicy"].pop("automated"),
    ),
    "application that is given up": (
        "applied",
        "argocd",
        lambda one: one.production["spec"]["syncPolicy"]["retry"].update(limit=5),
    ),
    "application that a mended commit does not reach": (
        "applied",
        "argocd",
        lambda one: one.production["spec"]["syncPolicy"]["retry"].pop("refresh"),
    ),
}
# What is gone or unknown leaves nothing for others to look at either.
WIDER: dict[str, tuple[str, set[str], str, Mutate]] = {
    "transformer removed": ("complete", {"services", "policies"}, "production", lambda one: one.runtime.pop(1)),
    "predictor removed": (
        "complete",
        {"services", "policies", "ports"},
        "production",
        lambda one: one.runtime.pop(0),
    ),
    "runtime that there is not": (
        "runtimes",
        {"complete", "services", "policies", "disruption"},
        "production",
        _set("predictor/model/runtime", "silencio-bundles"),
    ),
    "command of nobody": (
        "arguments",
        {"ports", "probes", "disruption", "drain", "files", "policies"},
        "production",
        _set("runtime/1/command", ["python", "-m", "serving.transform"]),
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation__is_caught_by_the_check_for_it_alone(name: str) -> None:
    checks, overlay, mutate = MUTATIONS[name]
    render = Render(overlay)
    mutate(render)
    found = findings_of(Rendered(render.objects, render.sources))
    assert {one.check for one in found} == set(checks.split()), [str(one) for one in found]


@pytest.mark.parametrize("name", WIDER)
def test_mutation__that_takes_something_away_is_caught(name: str) -> None:
    check, others, overlay, mutate = WIDER[name]
    render = Render(overlay)
    mutate(render)
    found = {one.check for one in findings_of(Rendered(render.objects))}
    assert check in found and found <= {check, *others}, found


def test_checks__are_each_shown_to_catch_something() -> None:
    caught = {check for checks, *_ in MUTATIONS.values() for check in checks.split()}
    assert caught == set(CHECKS)
