"""All dashboards, and the text of their files."""

from __future__ import annotations

import json
from pathlib import Path

from monitoring.grafana.business import BUSINESS
from monitoring.grafana.drift import DRIFT
from monitoring.grafana.model import Dashboard, dashboard_json
from monitoring.grafana.predictions import PREDICTIONS_BOARD
from monitoring.grafana.release import RELEASE
from monitoring.grafana.resources import RESOURCES
from monitoring.grafana.service import SERVICE
from monitoring.grafana.training import TRAINING

FOLDER = Path(__file__).parent
DASHBOARDS: tuple[Dashboard, ...] = (SERVICE, PREDICTIONS_BOARD, RELEASE, DRIFT, TRAINING, BUSINESS, RESOURCES)


def text_of(dashboard: Dashboard) -> str:
    """A dashboard's file.

    Args:
        dashboard: A dashboard.
    """
    return json.dumps(dashboard_json(dashboard), indent=1) + "\n"


def write(folder: Path = FOLDER) -> list[Path]:
    """Write every dashboard's file.

    Args:
        folder: Where.

    Returns:
        The files.
    """
    paths = []
    for one in DASHBOARDS:
        path = folder / f"{one.name}.json"
        path.write_text(text_of(one), encoding="utf-8")
        paths.append(path)
    return paths
