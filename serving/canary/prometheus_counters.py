"""Counters of both arms, raw and of one moment, from the Prometheus of `silencio serve --canary`.

No `rate` and no `increase`: these guess across gaps and restarts, and miss the first event of a new series.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from serving.canary.interfaces import ARMS, ArmName, Counters
from serving.canary.one_machine_state import MachineState
from serving.canary.prometheus_config import SERVERS_JOB, UNITS_JOB
from silencio.errors import CountsUnreadableError

# Of what HAProxy counted of visitors: fields of `ArmCounts`.
_COUNTED_BY_PROXY = (
    "requests",
    "failed_requests",
    "rejected_requests",
    "client_errors",
    "units",
    "failed_units",
    "rejected_units",
)
_PREFIX, _SUFFIX = "silencio_proxy_", "_total"
# Of what the servers counted: by the bounds of `PrometheusCounters`, in this order.
_SLOW_BY = ("slow_units", "beyond_limit_units")
# Batch requests wait by design.
_SLOW = "silencio_slow_sessions_total"
_ANSWERS = "silencio_answer_seconds_bucket"
_INTERACTIVE = 'priority="interactive"'
_MIN_REQUESTS = 500
_P95 = 0.95
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class _Sample:
    """One series at the moment that was asked for."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, kw_only=True)
class PrometheusCounters:
    """Reads what HAProxy counted (failures, rejections, units) and what the servers did (slow units).

    Attributes:
        url: Prometheus's address.
        slow_bound_s: Bound beyond which a unit is slow; None: none is counted.
        limit_s: Bound beyond which a unit is beyond the policy's limit; None: none is counted.
        max_age_s: A reading that is older is stale.
        instances: HOST:PORT of what runs now; for minutes after a restart Prometheus answers with what ran before, too.
            None: whatever it answers with.
    """

    url: str
    slow_bound_s: float | None = None
    limit_s: float | None = None
    max_age_s: float = 30.0
    instances: frozenset[str] | None = None

    @classmethod
    def of_machine(cls, folder: Path, **bounds: float | None) -> PrometheusCounters:
        """That of the `silencio serve` whose state folder this is.

        Raises:
            RouteError: None runs.
        """
        machine = MachineState.load(folder)
        arms = (machine.champion, machine.challenger)
        urls = (machine.haproxy_metrics_url, *(url for arm in arms for url in (arm.url, arm.predictor_url) if url))
        instances = frozenset(urlsplit(url).netloc for url in urls)
        return cls(url=machine.prometheus_url, instances=instances, **bounds)  # type: ignore[arg-type]

    def read(self, at_s: float) -> Mapping[ArmName, Mapping[str, Counters]]:
        """Counters by arm and instance. An arm's server that is down is not among them; HAProxy always is."""
        proxies = [one for one in self._targets(UNITS_JOB, at_s) if one.value == 1]
        if len(proxies) != 1:
            raise CountsUnreadableError(f"Prometheus at {self.url} reaches {len(proxies)} HAProxy, not one")
        found: dict[ArmName, dict[str, Counters]] = {}
        of_proxy = self._of_proxy(at_s)
        slow = self._of_servers(at_s)
        servers = [one.labels for one in self._targets(SERVERS_JOB, at_s) if one.value == 1]
        for arm in ARMS:
            found[arm] = {proxies[0].labels["instance"]: Counters(values=of_proxy[arm])}
            for labels in servers:
                if labels.get("arm") == arm and labels.get("server") == "transformer":
                    counted = slow.get(labels["instance"], {})
                    found[arm][labels["instance"]] = Counters(
                        values={name: counted.get(name, 0.0) for name in _SLOW_BY}
                    )
        return found

    def p95_s(self, at_s: float) -> float | None:
        """Of the champion that runs now, over 24 hours, from a request's last byte to its computed answer."""
        ours = f'job="{SERVERS_JOB}",arm="champion"'
        since = f"increase({_ANSWERS}{{{ours},{_INTERACTIVE}}}[24h]) and on (instance) up{{{ours}}} == 1"
        bounds = {float(one.labels["le"]): one.value for one in self._query(f"sum by (le) ({since})", at_s)}
        n_requests = bounds.get(math.inf, 0.0)
        if n_requests < _MIN_REQUESTS:
            return None
        finite = sorted(bound for bound in bounds if math.isfinite(bound))
        return next((bound for bound in finite if bounds[bound] >= _P95 * n_requests), finite[-1])

    def query(self, text: str, at_s: float) -> Sequence[tuple[Mapping[str, str], float]]:
        """Labels and value of each series that a query finds at a moment.

        Raises:
            CountsUnreadableError: It is not answered, or a value is no count.
        """
        return [(one.labels, one.value) for one in self._query(text, at_s)]

    def _of_proxy(self, at_s: float) -> Mapping[ArmName, Mapping[str, float]]:
        query = f'{{__name__=~"{_PREFIX}.*{_SUFFIX}",job="{UNITS_JOB}",traffic="visitors"}}'
        values: dict[ArmName, dict[str, float]] = {arm: {} for arm in ARMS}
        for sample in self._running(query, at_s):
            for arm in ARMS:
                if sample.labels.get("arm") == arm:
                    name = sample.labels["__name__"].removeprefix(_PREFIX).removesuffix(_SUFFIX)
                    values[arm][name] = sample.value
        for arm in ARMS:
            if missing := [name for name in _COUNTED_BY_PROXY if name not in values[arm]]:
                raise CountsUnreadableError(f"Prometheus at {self.url} has no {', '.join(missing)} of the {arm}")
        return {arm: {name: values[arm][name] for name in _COUNTED_BY_PROXY} for arm in ARMS}

    def _of_servers(self, at_s: float) -> Mapping[str, Mapping[str, float]]:
        """By instance; a bound that is none of the servers' is no count of 0."""
        samples = self._query(f'{_SLOW}{{job="{SERVERS_JOB}",{_INTERACTIVE}}}', at_s)
        known = {float(sample.labels["beyond_s"]) for sample in samples}
        found: dict[str, dict[str, float]] = {}
        for name, bound_s in zip(_SLOW_BY, (self.slow_bound_s, self.limit_s), strict=True):
            if known and bound_s is not None and bound_s not in known:
                raise CountsUnreadableError(
                    f"no server counts units beyond {bound_s:g} s: choose one of {sorted(known)} as bound"
                )
            for sample in samples:
                if float(sample.labels["beyond_s"]) == bound_s:
                    own = found.setdefault(sample.labels["instance"], {})
                    own[name] = own.get(name, 0.0) + sample.value
        return found

    def _targets(self, job: str, at_s: float) -> Sequence[_Sample]:
        """`up` of each target, none of it stale."""
        for sample in self._running(f'timestamp(up{{job="{job}"}})', at_s):
            age_s = at_s - sample.value
            if age_s > self.max_age_s:
                raise CountsUnreadableError(
                    f"Prometheus at {self.url} read {sample.labels.get('instance')} {age_s:.0f} s ago, more than "
                    f"{self.max_age_s:g} s: its counts are stale"
                )
        return self._running(f'up{{job="{job}"}}', at_s)

    def _running(self, text: str, at_s: float) -> Sequence[_Sample]:
        """Answers about what runs now."""
        found = self._query(text, at_s)
        return [one for one in found if self.instances is None or one.labels.get("instance") in self.instances]

    def _query(self, text: str, at_s: float) -> Sequence[_Sample]:
        """Raises `CountsUnreadableError` where it is not answered, or a value is no count."""
        try:
            answer = httpx.get(
                f"{self.url}/api/v1/query", params={"query": text, "time": at_s}, trust_env=False, timeout=_TIMEOUT_S
            )
            return list(self._samples(answer.raise_for_status().json()))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise CountsUnreadableError(f"Prometheus at {self.url} does not answer {text}: {error}") from error

    def _samples(self, answer: dict[str, object]) -> Iterator[_Sample]:
        data = answer["data"]
        if not isinstance(data, dict) or data.get("resultType") != "vector":
            raise ValueError("no vector")
        for one in data["result"]:
            sample = _Sample(one["metric"], float(one["value"][1]))
            if not (math.isfinite(sample.value) and sample.value >= 0):
                raise CountsUnreadableError(f"Prometheus at {self.url} says {sample.value} of {dict(sample.labels)}")
            yield sample
