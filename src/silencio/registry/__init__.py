"""MLflow: what a run was, and which bundle is the champion.

MLflow reads these variables when it is imported or called, so they are set before any module here imports it; what the
environment says already stays. MLflow would otherwise send usage data out, and ask a server that is gone for minutes.
"""

import os

_MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
for _name, _value in _MLFLOW.items():
    os.environ.setdefault(_name, _value)
