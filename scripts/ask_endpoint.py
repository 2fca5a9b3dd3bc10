"""Serve a run's bundle on loopback and ask it about recordings that it was never trained on."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.table import Table

from silencio.command import command, exit_with
from silencio.console import Console


@command
def main() -> int:
    """Returns 0 when every recording was answered."""
    from serving.client import Client
    from serving.local import local_servers

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the --out of a training run")
    parser.add_argument("--most", type=int, default=8, help="how many test recordings to send")
    options = parser.parse_args()
    console = Console()
    answers = json.loads((options.run / "evaluation.json").read_text(encoding="utf-8"))["answers"][: options.most]
    table = Table("test recording", "is", "the endpoint says", "probability", title="Asked over HTTP")
    with local_servers(options.run / "bundle") as servers, Client(servers.url) as client:
        console.print(f"both servers are ready at {servers.url}")
        for row in answers:
            best = client.predict(Path(row["path"]).read_bytes(), top_k=1).windows[0].species[0]
            table.add_row(row["recording_id"], row["primary_label"], best.common_name, f"{best.probability:.2f}")
    console.print(table)
    console.print(
        f"Serve it yourself: {sys.executable} -m serving up --bundle {options.run / 'bundle'}", soft_wrap=True
    )
    return 0


if __name__ == "__main__":
    exit_with(main)
