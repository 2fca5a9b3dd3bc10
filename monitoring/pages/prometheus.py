"""Prometheus' HTTP API: what panels and the first page are drawn from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import yaml

from serving.client.trust import Trust, shows_certificate
from silencio.errors import ServingError

# A query that takes longer is given up by Prometheus itself, which then still answers; the client waits a little more.
_QUERY_TIMEOUT_S, _CLIENT_TIMEOUT_S = 10.0, 15.0
# Prometheus' own default, where its configuration cannot be read.
_DEFAULT_SCRAPE_S = 60.0
_UNITS_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")


class PrometheusUnreachableError(ServingError):
    """No answer of Prometheus came, or one that is none of its API."""


class QueryRefusedError(ServingError):
    """Prometheus answers, and does not take this query."""


@dataclass(frozen=True)
class Series:
    """One series of an answer.

    Attributes:
        labels: Its labels, with `__name__` where it has one.
        points: (Unix time in seconds, value), by time; an instant query gives one.
    """

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Alert:
    """An alert as Prometheus evaluates it; which are silenced only Alertmanager knows.

    Attributes:
        name: Its name, by which its runbook is called.
        state: `firing` or `pending`.
        labels: Its labels without the name.
        since: Since when its expression holds; None where only the series `ALERTS` tells of it.
        summary: One sentence.
        description: More.
    """

    name: str
    state: str
    labels: Mapping[str, str]
    since: datetime | None
    summary: str
    description: str


class Prometheus:
    """A client of one Prometheus; it goes through no proxy.

    Args:
        url: Its address, `http://HOST:PORT`, with a path where it stands behind one.

    Raises:
        ServingError: It is no address.
        ConfigError: The environment names certificates that cannot be used.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            parts = urlsplit(self.url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            _ = httpx.URL(self.url)
        except (ValueError, httpx.InvalidURL):
            is_address = False
        if not is_address:
            raise ServingError(f"{url!r} is no address of a Prometheus: http://HOST:PORT is needed")
        self._trust = Trust.of(self.url)
        verify = self._trust.context() if shows_certificate(self.url) else True
        self._client = httpx.Client(trust_env=False, timeout=_CLIENT_TIMEOUT_S, verify=verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def instant(self, expr: str, at: datetime) -> tuple[Series, ...]:
        """What a query finds at one moment.

        Raises:
            PrometheusUnreachableError: No answer.
            QueryRefusedError: It is no query, or takes too long.
        """
        data = self._data("query", query=expr, time=at.timestamp(), timeout=f"{_QUERY_TIMEOUT_S:g}s")
        return _series(data)

    def between(self, expr: str, begin: datetime, end: datetime, step_s: float) -> tuple[Series, ...]:
        """What a query finds over a stretch of time, at every step.

        Raises:
            PrometheusUnreachableError: No answer.
            QueryRefusedError: It is no query, or takes too long.
        """
        times = {"start": begin.timestamp(), "end": end.timestamp(), "step": step_s}
        return _series(self._data("query_range", query=expr, timeout=f"{_QUERY_TIMEOUT_S:g}s", **times))

    def alerts(self) -> tuple[Alert, ...]:
        """Those that fire or are pending now.

        Raises:
            PrometheusUnreachableError: No answer.
        """
        found = []
        for one in self._data("alerts")["alerts"]:
            labels, notes = dict(one["labels"]), one["annotations"]
            name = labels.pop("alertname", "")
            since = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", one["activeAt"]))
            found.append(
                Alert(name, one["state"], labels, since, notes.get("summary", ""), notes.get("description", ""))
            )
        return tuple(found)

    def alerts_at(self, at: datetime) -> tuple[Alert, ...]:
        """Those that fired or were pending at a moment in the past, of which the annotations are not kept.

        Raises:
            PrometheusUnreachableError: No answer.
        """
        found = []
        for one in self.instant("ALERTS", at):
            labels = {key: value for key, value in one.labels.items() if key not in ("__name__", "alertname")}
            state = labels.pop("alertstate", "firing")
            found.append(Alert(one.labels.get("alertname", ""), state, labels, None, "", ""))
        return tuple(found)

    def scrape_interval(self) -> timedelta:
        """How often it scrapes unless a job says otherwise.

        Raises:
            PrometheusUnreachableError: No answer.
        """
        try:
            config = yaml.safe_load(self._data("status/config")["yaml"])
            return timedelta(seconds=duration_s(str(config["global"]["scrape_interval"])))
        except (yaml.YAMLError, KeyError, TypeError, ValueError, QueryRefusedError):
            return timedelta(seconds=_DEFAULT_SCRAPE_S)

    def _data(self, path: str, **parameters: str | float) -> Any:
        try:
            answer = self._client.post(f"{self.url}/api/v1/{path}", data=parameters) if parameters else None
            answer = answer or self._client.get(f"{self.url}/api/v1/{path}")
            content = answer.json()
        except httpx.TransportError as error:
            raise PrometheusUnreachableError(f"Prometheus at {self._trust.explained(self.url, error)}") from error
        except ValueError as error:  # no JSON, or no text
            raise PrometheusUnreachableError(
                f"{self.url} answers {answer.status_code if answer else ''} and no JSON: is it a Prometheus?"
            ) from error
        if not isinstance(content, dict) or "status" not in content:
            raise PrometheusUnreachableError(f"{self.url} answers JSON of another shape: is it a Prometheus?")
        if content["status"] != "success":
            raise QueryRefusedError(f"{content.get('errorType', 'error')}: {content.get('error', 'without a reason')}")
        return content["data"]


def duration_s(text: str) -> float:
    """Seconds of a duration as Prometheus writes it, such as `1m30s`.

    Raises:
        ValueError: It is none.
    """
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration")
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


def _series(data: Any) -> tuple[Series, ...]:
    try:
        kind, result = data["resultType"], data["result"]
        if kind == "scalar":
            return (Series({}, (_point(result),)),)
        values = "values" if kind == "matrix" else "value"
        return tuple(
            Series(one["metric"], tuple(map(_point, one[values] if kind == "matrix" else [one[values]])))
            for one in result
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PrometheusUnreachableError(f"an answer of another shape than Prometheus' ({error})") from error


def _point(pair: Any) -> tuple[float, float]:
    at_s, value = pair
    return float(at_s), float(value)


def now() -> datetime:
    """This moment, UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
