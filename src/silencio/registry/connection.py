"""The one door to MLflow: probed first whether anyone is there, and every refusal is one sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from sqlalchemy.exc import SQLAlchemyError

from silencio.errors import RegistryError
from silencio.network import is_loopback, proxy_of
from silencio.registry.settings import Tracking, shown

# Connecting and answering are each given so long: an unreachable server is known within ten seconds.
_PROBE_S = 4
_MAX_REASON = 400


def connect(tracking: Tracking | None = None) -> MlflowClient:
    """A client for the tracking server or file, after it was seen to answer.

    MLflow itself would try a file that it cannot open for a minute and a half.

    Raises:
        RegistryError: It does not answer, or the file cannot be written.
        ConfigError: MLFLOW_TRACKING_URI is no address of either.
    """
    tracking = tracking or Tracking()
    if tracking.database:
        _probe_file(tracking.database)
    else:
        _spare_loopback(tracking.uri)
        _probe_server(tracking.uri)
    with registry_errors(f"opening {shown(tracking.uri)}"):
        return MlflowClient(tracking.uri)


@contextmanager
def registry_errors(doing: str) -> Iterator[None]:
    """Whatever MLflow, its database or its artifact store raises, as one sentence.

    Raises:
        RegistryError: Instead of theirs.
    """
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise RegistryError(f"{doing} failed: {_first_of(error)}") from error


def _first_of(error: Exception) -> str:
    """Its first line; of a request that failed, the reason, which stands behind the request's address."""
    text = str(error).strip()
    if "Invalid Host header" in text:
        return "the server does not know the host name in MLFLOW_TRACKING_URI: start it with --allowed-hosts"
    if "failed with exception" not in text:
        return text.partition("\n")[0][:_MAX_REASON]
    reason = cause_of(error)
    return (
        f"the server answered with errors alone ({reason}): its log says why" if "error responses" in reason else reason
    )


def _spare_loopback(uri: str) -> None:
    """MLflow connects by requests, which would go through a proxy for this machine's own addresses."""
    host = urlsplit(uri).hostname
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if host and is_loopback(uri) and host not in spared.split(","):
        os.environ["no_proxy"] = ",".join(part for part in (spared, host) if part)


def _probe_server(uri: str) -> None:
    try:
        # MLflow's own request: with its credentials, certificates and proxies. It has no types.
        host = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
        response = http_request(  # type: ignore[no-untyped-call]
            host, "/health", "GET", max_retries=0, timeout=_PROBE_S, raise_on_status=False
        )
    except (MlflowException, OSError) as error:
        proxy = proxy_of(uri)
        by = f" through the proxy that the environment names, {proxy.shown}" if proxy else ""
        raise RegistryError(
            f"the MLflow server {shown(uri)} does not answer{by} ({cause_of(error)}){_ADVICE}"
        ) from error
    if response.status_code >= 500:
        raise RegistryError(f"the MLflow server {shown(uri)} is not well (HTTP {response.status_code}){_ADVICE}")


_ADVICE = ": start it, correct MLFLOW_TRACKING_URI, or unset it to keep runs in ./mlflow.db"


def _probe_file(path: Path) -> None:
    """Finds a missing folder, one that cannot be written, and a file that is no database."""
    try:
        with closing(sqlite3.connect(path, timeout=_PROBE_S)) as database:
            database.execute("PRAGMA schema_version").fetchone()
        reason = "" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "it is read-only"
    except sqlite3.Error as error:
        reason = str(error)
    if reason:
        raise RegistryError(
            f"MLflow's file {path} cannot be used ({reason}): set MLFLOW_TRACKING_URI to another file or to a server"
        )


def _within(error: BaseException) -> Iterator[BaseException]:
    return (argument for argument in error.args if isinstance(argument, BaseException))


def cause_of(error: BaseException) -> str:
    """The innermost reason, in the system's words: around it stand four layers of HTTP."""
    innermost = error
    while deeper := innermost.__cause__ or innermost.__context__ or next(_within(innermost), None):
        innermost = deeper
    if isinstance(innermost, TimeoutError):
        return f"no answer within {_PROBE_S} s"
    reason = getattr(innermost, "strerror", None) or str(innermost).partition("\n")[0]
    return str(reason)[:_MAX_REASON]
