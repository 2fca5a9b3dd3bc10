"""Label Studio's container and the script of its database, as they are rendered."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from delivery.rendered import Rendered, name_of
from tests.delivery.overlays import golden_objects


def container_of(owner: str) -> Any:
    """The only container of a pod of the platform."""
    (pod,) = (one for one in Rendered(golden_objects("platform")).pods if one.owner == owner)
    (container,) = pod.containers
    return container


def run_script(address: str, folder: Path, password: str) -> subprocess.CompletedProcess[str]:
    """Run the Job's own command, but for the address.

    Args:
        address: Of MLflow's database; its password is this process's `PGPASSWORD`.
        folder: Takes the script.
        password: Of Label Studio's user, from then on.
    """
    container = container_of("Job label-studio-database")
    (config,) = (one for one in golden_objects("platform") if name_of(one) == "label-studio-database" and "data" in one)
    script = folder / "database.sql"
    script.write_text(config["data"]["database.sql"], encoding="utf-8")
    here = {
        "--dbname=postgresql://mlflow@postgres.silencio-platform.svc/mlflow": f"--dbname={address}",
        "--file=/etc/silencio/label-studio/database.sql": f"--file={script}",
    }
    assert set(here) < set(container["args"])
    words = [*container["command"], *(here.get(one, one) for one in container["args"])]
    environment = {
        "PATH": os.environ["PATH"],
        "PGPASSWORD": os.environ.get("PGPASSWORD", ""),
        "DATABASE_PASSWORD": password,
    }
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
