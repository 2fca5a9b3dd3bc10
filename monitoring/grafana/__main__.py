"""Write the dashboards' JSON anew: `python -m monitoring.grafana`."""

from __future__ import annotations

import sys

from monitoring.grafana.boards import write

if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in write())
