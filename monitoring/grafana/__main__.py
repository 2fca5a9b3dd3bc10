"""Write the dashboards' JSON anew: `python -m monitoring.grafana`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from monitoring.grafana.boards import FOLDER, write


def main() -> None:
    """Write every dashboard's JSON."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.grafana", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the files (that of the committed ones)")
    sys.stdout.writelines(f"{path}\n" for path in write(parser.parse_args().out))


if __name__ == "__main__":
    main()
