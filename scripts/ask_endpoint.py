"""Serve a run's bundle on loopback, send it recordings that it was never trained on, and show the verdict."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from silencio.command import command, exit_with
from silencio.console import Console
from silencio.detections import RecordingDocument
from silencio.interpreter import silencio

_N_LISTED = 3


@command
def main() -> int:
    """Returns 0 when every recording was answered."""
    from serving.client import Client
    from serving.local import local_servers

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the --out of a training run")
    parser.add_argument("--max-recordings", type=int, default=40, help="how many test recordings to send")
    options = parser.parse_args()
    console = Console()
    answers = json.loads((options.run / "evaluation.json").read_text(encoding="utf-8"))["answers"][
        : options.max_recordings
    ]
    table = Table("test recording", "is", "the endpoint predicts", "then", title="Over HTTP")
    n_first = n_listed = 0
    with local_servers(options.run / "bundle") as servers, Client(servers.url) as client:
        console.print(f"both servers are ready at {servers.url}")
        for row in answers:
            ranked = _ranked(client.predict(Path(row["path"]).read_bytes(), top_k="all"))[:_N_LISTED]
            codes = [code for code, _, _ in ranked]
            n_first += codes[0] == row["primary_label"]
            n_listed += row["primary_label"] in codes
            first, *others = (f"{name} {probability:.2f}" for _, name, probability in ranked)
            answer_cell = Text(first, style="green" if codes[0] == row["primary_label"] else "")
            table.add_row(row["recording_id"], row["primary_label"], answer_cell, ", ".join(others))
    console.print(table)
    console.print(
        f"Rightly first: {n_first} of {len(answers)} recordings that it was not trained on; among the first "
        f"{_N_LISTED}: {n_listed}."
    )
    for line in _verdict(options.run / "verdict.json"):
        console.print(line, soft_wrap=True, markup=False)
    console.print(f"Serve it yourself: {silencio()} serve --bundle {options.run / 'bundle'}", soft_wrap=True)
    return 0


def _ranked(answer: RecordingDocument) -> list[tuple[str, str, float]]:
    """Code, name and mean probability over the windows, as recordings are scored, the most probable first."""
    probabilities: dict[tuple[str, str], list[float]] = defaultdict(list)
    for window in answer.windows:
        for species in window.species:
            probabilities[species.code, species.common_name].append(species.probability)
    means = [(code, name, sum(each) / len(answer.windows)) for (code, name), each in probabilities.items()]
    return sorted(means, key=lambda one: -one[2])


def _verdict(path: Path) -> list[str]:
    """The gates' verdict: each refusal in a line of its own, and what they did not decide."""
    verdict = json.loads(path.read_text(encoding="utf-8"))
    undecided = [reason for reason in verdict["reasons"] if reason["passed"] and not reason["decides"]]
    notes = ["Not decided:", *(f"- {reason['message']}" for reason in undecided)] if undecided else []
    if verdict["passed"]:
        return ["The gates passed it.", *notes]
    failed_gates = [f"- {reason['message']}" for reason in verdict["reasons"] if not reason["passed"]]
    why = "A dozen test recordings are few: docs/demo.md says what a pass would take."
    return ["The gates refused it, so it is not registered as challenger:", *failed_gates, *notes, why]


if __name__ == "__main__":
    exit_with(main)
