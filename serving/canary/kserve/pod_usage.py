"""Memory and CPU time of both arms' pods, as Prometheus has them: by the kubelets, or by the servers' own metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.canary.interfaces import ARMS, ArmName
from serving.canary.prometheus_counters import PrometheusCounters
from silencio.errors import CountsUnreadableError

# Not of a sidecar, which both arms have and no bundle decides.
_OURS = 'container=~"kserve-container|transformer-container"'
_OF_ARMS = 'arm=~"champion|challenger"'
_WINDOWS = "silencio_batch_windows_sum"

# By pod, and by server where the servers themselves say it.
_Values = Mapping[str, Mapping[str, float]]
Pods = Mapping[ArmName, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class ArmUsage:
    """What an arm's pods take.

    Attributes:
        resident_bytes: Mean over its pods, of which an arm may have more than the other; None: not known.
        cpu_s: CPU seconds of all of them since they began; None: not known.
        n_windows: Windows that they have scored since then; None: not known.
    """

    resident_bytes: float | None = None
    cpu_s: float | None = None
    n_windows: float | None = None


@dataclass(frozen=True, kw_only=True)
class PodUsage:
    """Reads it. Both arms are measured alike, or not at all: a kubelet counts what a server's own metrics leave out.

    Attributes:
        url: Prometheus's address.
        namespace: Namespace of the pods.
    """

    url: str
    namespace: str

    def of(self, pods: Pods, at_s: float) -> Mapping[ArmName, ArmUsage]:
        """What is known of each arm; nothing where Prometheus does not answer.

        Args:
            pods: Names of each arm's pods.
            at_s: The moment.
        """
        try:
            memory = self._alike(pods, "container_memory_working_set_bytes", "process_resident_memory_bytes", at_s)
            cpu = self._alike(pods, "container_cpu_usage_seconds_total", "process_cpu_seconds_total", at_s)
            windows = self._by_pod(pods, _WINDOWS, _OF_ARMS, at_s)
        except CountsUnreadableError:
            return {}
        found = {}
        for arm in ARMS:
            n_bytes, n_windows = _of_pods(memory, pods[arm]), _of_pods(windows, pods[arm])
            seconds = _of_pods(cpu, pods[arm])
            found[arm] = ArmUsage(
                resident_bytes=sum(n_bytes) / len(n_bytes) if n_bytes else None,
                # Of pods that are not all known the sum would be of fewer than the windows'.
                cpu_s=sum(seconds) if len(seconds) == len(pods[arm]) > 0 else None,
                n_windows=sum(n_windows) if len(n_windows) == len(pods[arm]) > 0 else None,
            )
        return found

    def _alike(self, pods: Pods, of_kubelets: str, of_servers: str, at_s: float) -> _Values:
        """By the kubelets where they know a pod of each arm; else by the same servers of each arm; else nothing."""
        arms = [names for names in pods.values() if names]
        for metric, labels in ((of_kubelets, _OURS), (of_servers, _OF_ARMS)):
            found = self._by_pod(pods, metric, labels, at_s)
            measured = {frozenset(found[name]) for names in arms for name in names if name in found}
            if len(measured) == 1 and all(any(name in found for name in names) for names in arms):
                return found
        return {}

    def _by_pod(self, pods: Pods, metric: str, labels: str, at_s: float) -> _Values:
        # Of what a pod's name may hold, a dot alone means something to a pattern.
        names = [name.replace(".", "[.]") for of_arm in pods.values() for name in of_arm]
        if not names:
            return {}
        ours = f'namespace="{self.namespace}",pod=~"{"|".join(names)}",{labels}'
        found: dict[str, dict[str, float]] = {}
        query = f"sum by (pod, server) ({metric}{{{ours}}})"
        for series, value in PrometheusCounters(url=self.url).query(query, at_s):
            found.setdefault(series["pod"], {})[series.get("server", "")] = value
        return found


def _of_pods(values: _Values, names: Sequence[str]) -> list[float]:
    return [sum(values[name].values()) for name in names if name in values]
