"""Counters of both arms as their own servers count them: on a cluster, where no proxy of ours stands before them.

Prometheus has to put the target label `arm` on what it scrapes (manifests/release): where a bundle is tried against
itself, both arms have the same `version`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from serving.canary.interfaces import ARMS, ArmName, Counters
from serving.canary.prometheus_counters import PrometheusCounters
from serving.metrics.routes import PREDICT_ROUTES
from silencio.errors import CountsUnreadableError

_REQUESTS, _ANSWERS = "silencio_requests_total", "silencio_answer_seconds_bucket"
_UNITS = {
    "silencio_sessions_total": "units",
    "silencio_failed_sessions_total": "failed_units",
    "silencio_rejected_sessions_total": "rejected_units",
}
_SLOW = "silencio_slow_sessions_total"
_REJECTED = frozenset({"413", "429", "503"})
# Nobody's and no bundle's: a look at what is taken, keys, routes; a client that left.
_NOT_COUNTED = frozenset({"204", "401", "404", "405", "408", "499"})
# By arm, instance and field of `ArmCounts`.
_Values = dict[ArmName, dict[str, dict[str, float]]]
_MIN_REQUESTS, _P95 = 500, 0.95


@dataclass(frozen=True, kw_only=True)
class ServerCounters(PrometheusCounters):
    """Reads what the transformers of both arms counted.

    Attributes:
        selector: Labels that both arms' targets have beside `arm`, as PromQL has them: `namespace="wildlife"`.
    """

    selector: str = ""

    def read(self, at_s: float) -> Mapping[ArmName, Mapping[str, Counters]]:
        """Counters by arm and instance, of those that are up."""
        ours = self._ours('arm=~"champion|challenger"')
        up: dict[ArmName, set[str]] = {arm: set() for arm in ARMS}
        for sample in self._query(f"max by (arm, instance) (up{{{ours}}})", at_s):
            for arm in ARMS:
                if sample.value == 1 and sample.labels.get("arm") == arm:
                    up[arm].add(sample.labels["instance"])
        if not up["champion"]:
            raise CountsUnreadableError(
                f'Prometheus at {self.url} reaches no server with arm="champion" ({ours}): the target label is '
                "missing, or none is up"
            )
        values: _Values = {arm: {instance: {} for instance in up[arm]} for arm in ARMS}
        self._add_requests(values, ours, at_s)
        for metric, field in _UNITS.items():
            self._add(values, f"sum by (arm, instance) ({metric}{{{ours}}})", field, at_s)
        for bound_s, field in ((self.slow_bound_s, "slow_units"), (self.limit_s, "beyond_limit_units")):
            if bound_s is not None:
                labels = f'{ours},priority="interactive",beyond_s="{_text_of(bound_s)}"'
                self._add(values, f"sum by (arm, instance) ({_SLOW}{{{labels}}})", field, at_s)
        return {arm: {instance: Counters(values=counted) for instance, counted in values[arm].items()} for arm in ARMS}

    def p95_s(self, at_s: float) -> float | None:
        """The bucket's bound that holds the champion's p95 of 24 hours; None below 500 requests."""
        ours = self._ours('arm="champion"') + ',priority="interactive"'
        samples = self._query(f"sum by (le) (increase({_ANSWERS}{{{ours}}}[24h]))", at_s)
        bounds = {float(one.labels["le"]): one.value for one in samples}
        n_requests = bounds.get(math.inf, 0.0)
        if n_requests < _MIN_REQUESTS:
            return None
        finite = sorted(bound for bound in bounds if math.isfinite(bound))
        return next((bound for bound in finite if bounds[bound] >= _P95 * n_requests), finite[-1])

    def _ours(self, arm: str) -> str:
        return f"{arm},{self.selector}" if self.selector else arm

    def _add_requests(self, values: _Values, ours: str, at_s: float) -> None:
        routes = "|".join(route.replace("{", "\\\\{").replace("}", "\\\\}") for route in PREDICT_ROUTES)
        labels = f'{ours},route=~"{routes}"'
        for sample in self._query(f"sum by (arm, instance, status) ({_REQUESTS}{{{labels}}})", at_s):
            own = _of(values, sample.labels)
            for field in _counted_as(sample.labels.get("status", "")):
                own[field] = own.get(field, 0.0) + sample.value

    def _add(self, values: _Values, query: str, field: str, at_s: float) -> None:
        for sample in self._query(query, at_s):
            own = _of(values, sample.labels)
            own[field] = own.get(field, 0.0) + sample.value
        for arm in ARMS:
            for instance, own in values[arm].items():
                if field not in own:
                    raise CountsUnreadableError(
                        f"Prometheus at {self.url} has no {field} of {instance} ({arm}), which is up: no data is "
                        "never 0"
                    )


def _of(values: _Values, labels: Mapping[str, str]) -> dict[str, float]:
    """An instance's counts; of one that is not up, a place that nobody reads."""
    for arm in ARMS:
        if labels.get("arm") == arm:
            return values[arm].get(labels.get("instance", ""), {})
    return {}


def _counted_as(status: str) -> tuple[str, ...]:
    if status in _NOT_COUNTED:
        return ()
    fields = ["requests"]
    if status.startswith("5"):
        fields.append("failed_requests")
    if status in _REJECTED:
        fields.append("rejected_requests")
    elif status.startswith("4"):
        fields.append("client_errors")
    return tuple(fields)


def _text_of(bound_s: float) -> str:
    """As the servers label their bounds (Go's shortest form with a fraction)."""
    return f"{bound_s:g}" if not float(bound_s).is_integer() else f"{bound_s:.1f}"
