"""MLflow as the platform runs it, on a PostgreSQL and an S3 server of this machine.

Command, arguments, environment and configuration are the committed render's, but for addresses and secrets.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from delivery.rendered import Rendered
from tests.delivery.overlays import golden_objects
from tests.s3 import S3Server
from tests.unit.registry.places import Server

# boto3 and what MLflow's accounts need: make extras.
PACKAGES = os.environ.get("SILENCIO_BOTO3", "")
DATABASE = "postgresql://mlflow@postgres.silencio-platform.svc/mlflow"


class PlatformServer(Server):
    """The platform's MLflow, on loopback.

    Args:
        folder: Where it works.
        database: Address of its database.
        s3: Where it keeps files.
        bucket: The bucket there.
        password: Of its administrator, at its first start.
    """

    def __init__(self, folder: Path, database: str, s3: S3Server, bucket: str, password: str) -> None:
        super().__init__(folder, database)
        self._s3, self._bucket, self._password = s3, bucket, password

    def command(self) -> list[str]:
        (container,) = (pod.containers[0] for pod in Rendered(golden_objects("platform")).pods if "mlflow" in pod.owner)
        (config,) = (
            one
            for one in golden_objects("platform")
            if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "mlflow"
        )
        file = self._folder / "basic_auth.ini"
        file.write_text(config["data"]["basic_auth.ini"].replace(DATABASE, str(self._backend)), encoding="utf-8")
        secrets = {
            "MLFLOW_AUTH_ADMIN_PASSWORD": self._password,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self._password,
            "AWS_ACCESS_KEY_ID": self._s3.access_key,
            "AWS_SECRET_ACCESS_KEY": self._s3.secret_key,
        }
        places = {
            "MLFLOW_AUTH_CONFIG_PATH": str(file),
            "MLFLOW_S3_ENDPOINT_URL": f"http://{self._s3.endpoint}",
            # As `make extras` names it, from the root of the clone: the server runs elsewhere.
            "PYTHONPATH": str(Path(PACKAGES).resolve()),
        }
        given = {one["name"]: one["value"] for one in container["env"] if "value" in one}
        assert set(places) - {"PYTHONPATH"} <= set(given)
        assert set(secrets) < {one["name"] for one in container["env"] if "valueFrom" in one}
        here = {
            f"--backend-store-uri={DATABASE}": f"--backend-store-uri={self._backend}",
            "--host=0.0.0.0": "--host=127.0.0.1",
            "--port=5000": f"--port={self.port}",
            "--workers=2": "--workers=1",
            "--artifacts-destination=s3://silencio-mlflow": f"--artifacts-destination=s3://{self._bucket}",
        }
        assert set(here) <= set(container["args"])
        arguments = [here.get(one, one) for one in container["args"]]
        variables = [f"{name}={value}" for name, value in {**given, **secrets, **places}.items()]
        return ["env", *variables, sys.executable, "-m", *container["command"], *arguments]
