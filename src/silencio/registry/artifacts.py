"""Whether a run's files can be written: a server that answers may have no place for them."""

from __future__ import annotations

import contextlib
import json

from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from silencio.errors import RegistryError
from silencio.registry.connection import cause_of
from silencio.registry.settings import Tracking, shown

PROBE = "written-by-open-run.txt"
_MAX_WORDS = 300
_PROBE_S = 30
_STORE = (
    "; its own log says why. Where files lie on S3, boto3 is needed beside the server, and AWS_ACCESS_KEY_ID, "
    "AWS_SECRET_ACCESS_KEY and MLFLOW_S3_ENDPOINT_URL in the server's environment (docs/tracking.md)"
)


def check_artifact_store(client: MlflowClient, tracking: Tracking, run_id: str) -> None:
    """Write a small file into the run and delete it: what `register` would meet after hours is met now.

    A store that lets nobody delete keeps the file.

    Raises:
        RegistryError: Nothing can be written.
    """
    uri = str(client.get_run(run_id).info.artifact_uri)
    try:
        client.log_text(run_id, "The files of this run can be written.\n", PROBE)
    except ImportError as error:
        raise RegistryError(
            f"{shown(tracking.uri)} leaves it to its clients to write files to {uri}, and {error.name} is not "
            "installed here: start the server with --artifacts-destination"
        ) from error
    except Exception as error:  # each kind of store has a library of its own, with errors of its own
        answer, advice = _answer_of(tracking, uri)
        reason = answer or f"{uri}: {cause_of(error)}"
        raise RegistryError(f"{shown(tracking.uri)} takes no files for the run: {reason}{advice}") from error
    # What its library raises where deleting is not allowed is its own, too.
    with contextlib.suppress(Exception):
        repository = get_artifact_repository(uri, tracking_uri=tracking.uri)
        repository.delete_artifacts(PROBE)  # type: ignore[no-untyped-call]


def _answer_of(tracking: Tracking, uri: str) -> tuple[str, str]:
    """The server's own answer to a file, and what to do: MLflow's client keeps its last error alone."""
    if tracking.database or not uri.startswith("mlflow-artifacts:"):
        return "", ""
    with contextlib.suppress(Exception):  # it went away meanwhile: the first error says so
        place = get_artifact_repository(uri, tracking_uri=tracking.uri).artifact_uri
        response = http_request(  # type: ignore[no-untyped-call]
            get_default_host_creds(place),  # type: ignore[no-untyped-call]
            f"/{PROBE}",
            "PUT",
            data=b"The files of this run can be written.\n",
            max_retries=0,
            timeout=_PROBE_S,
            raise_on_status=False,
        )
        if response.status_code >= 400:
            advice = _STORE if response.status_code >= 500 else ""
            return f"it answers HTTP {response.status_code} ({_words(response.text)})", advice
    return "", ""


def _words(text: str) -> str:
    """MLflow explains itself in JSON, a proxy before it in whatever it likes."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["message"])
    return " ".join(text.split())[:_MAX_WORDS] or "it says no more"
