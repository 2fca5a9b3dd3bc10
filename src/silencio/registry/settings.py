"""Where runs are kept: read from the environment, like `silencio.settings`. Imports no MLflow."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from silencio.errors import ConfigError
from silencio.interpreter import script

MODEL = "silencio"
# Words that stand where the champion's bundle may: that of the registry, and none.
REGISTRY, NO_CHAMPION = "registry", "none"
# By it a step finds the MLflow run of its pipeline run: a parameter would be in the step's key, and a head that is
# taken up from another run would be trained again.
RUN_KEY = "SILENCIO_RUN_KEY"
_SQLITE = "sqlite:///"


def _tracking_uri() -> str:
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if not given:
        if "KFP_POD_NAME" in os.environ:
            raise ConfigError("MLFLOW_TRACKING_URI is not set: a pod keeps no file; give it the address of a server")
        given = f"{_SQLITE}mlflow.db"
    if given.startswith(("http://", "https://")):
        return given.rstrip("/")
    if given.startswith(_SQLITE) and unquote(given.removeprefix(_SQLITE)).strip("/"):
        # Absolute, so that a step with another working folder means the same file.
        return _SQLITE + quote(str(Path(unquote(given.removeprefix(_SQLITE))).absolute()))
    raise ConfigError(
        f"MLFLOW_TRACKING_URI={shown(given)!r}: give the address of an MLflow server (http://…) or a file "
        "(sqlite:///mlflow.db); other databases stand behind a server "
        f"({script('mlflow')} server --backend-store-uri …)"
    )


def run_key() -> str:
    """The pipeline run's key, as its steps are told it (`SILENCIO_RUN_KEY`); empty outside a pipeline."""
    return os.environ.get(RUN_KEY, "")


def shown(uri: str) -> str:
    """The address without a password, for messages."""
    return uri.replace(f":{urlsplit(uri).password}@", ":***@") if "@" in uri else uri


@dataclass(frozen=True)
class Tracking:
    """Where MLflow keeps runs and models.

    Attributes:
        uri: A server, or an SQLite file (`MLFLOW_TRACKING_URI`; default: MLflow's own, `mlflow.db` in the working
            folder, so that `mlflow server` there shows the runs).
        experiment: Experiment under which runs are listed (`SILENCIO_EXPERIMENT`; default `silencio`).
    """

    uri: str = field(default_factory=_tracking_uri)
    experiment: str = field(default_factory=lambda: os.environ.get("SILENCIO_EXPERIMENT") or "silencio")

    @property
    def database(self) -> Path | None:
        """The SQLite file; None where `uri` is a server."""
        return Path(unquote(self.uri.removeprefix(_SQLITE))) if self.uri.startswith(_SQLITE) else None
