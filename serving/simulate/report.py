"""The report of a simulation: counts, times, species, and what must never happen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from serving.simulate.simulated_client import Outcome
from silencio.console import Console

_PERCENTILES = (50, 95, 99)
_SHOWN = 10


@dataclass(frozen=True)
class Report:
    """The report of one simulation.

    Attributes:
        simulation: The simulation's name.
        outcomes: What came of every request.
        took_s: Seconds from begin to end.
        label_counts: Recordings of each label in the data; empty where there are no labels.
    """

    simulation: str
    outcomes: Sequence[Outcome]
    took_s: float
    label_counts: Mapping[str, int]

    @property
    def faults(self) -> list[str]:
        """What must never happen and did; that nobody answered at all is one of them."""
        seen = Counter(f"{one.what}: {one.fault}" for one in self.outcomes if one.fault)
        found = [text if n == 1 else f"{text} ({n} times)" for text, n in seen.most_common()]
        return found if any(one.status for one in self.outcomes) else [*found, "the server answered nothing at all"]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {
            "simulation": self.simulation,
            "took_s": round(self.took_s, 3),
            "n_requests": len(self.outcomes),
            "statuses": _counted(str(one.status or "none") for one in self.outcomes),
            "errors": _counted(one.error for one in self.outcomes if one.error),
            "latency_ms": self._latencies_ms(),
            "by_kind": self._by_kind(),
            "n_windows": sum(len(one.top_species) for one in self.outcomes),
            "named": [
                {"code": code, "common_name": name, "n_windows": n, "mean_probability": round(mean, 4)}
                for code, name, n, mean in self._species()
            ],
            "labels": self._labels(),
            "faults": self.faults,
        }

    def print(self, console: Console) -> None:
        """Print the report for people."""
        facts = self.to_dict()
        console.print(_by_kind_table(f"{self.simulation}: {facts['n_requests']} requests", facts["by_kind"]))
        latency = ", ".join(f"{name} {value:.0f} ms" for name, value in facts["latency_ms"].items())
        console.print(f"answered within {latency or 'nothing'}; {facts['n_windows']} windows in {self.took_s:.1f} s")
        for title, counts in (("statuses", facts["statuses"]), ("errors", facts["errors"])):
            listed = ", ".join(f"{name}: {n}" for name, n in counts.items()) or "none"
            console.print(f"{title}: {listed}")
        if facts["named"]:
            console.print(_species_table(facts["named"]))
        if facts["labels"]:
            console.print(_labels_table(facts["labels"]))
        for fault in self.faults:
            console.print(f"must never happen: {fault}", style="red")

    def _latencies_ms(self, what: str | None = None) -> dict[str, float]:
        """Percentiles of answers with windows: a refusal is quick and no measure."""
        answered = [1e3 * one.latency_s for one in self.outcomes if one.is_answered and what in (None, one.what)]
        if not answered:
            return {}
        values = np.percentile(answered, _PERCENTILES)
        return {f"p{p}": round(float(value), 1) for p, value in zip(_PERCENTILES, values, strict=True)}

    def _by_kind(self) -> dict[str, dict[str, Any]]:
        return {
            what: {
                "statuses": _counted(str(one.status or one.error) for one in self.outcomes if one.what == what),
                "latency_ms": self._latencies_ms(what),
            }
            for what in sorted({one.what for one in self.outcomes})
        }

    def _species(self) -> list[tuple[str, str, int, float]]:
        probabilities: dict[tuple[str, str], list[float]] = defaultdict(list)
        for one in self.outcomes:
            for code, name, probability in one.top_species:
                probabilities[code, name].append(probability)
        ordered = sorted(probabilities.items(), key=lambda item: (-len(item[1]), item[0]))
        return [(code, name, len(values), float(np.mean(values))) for (code, name), values in ordered]

    def _labels(self) -> list[dict[str, Any]]:
        """The labels that were sent: in how many recordings of each it was the most probable of some window."""
        found: dict[str, list[bool]] = defaultdict(list)
        for one in self.outcomes:
            if one.code and one.is_answered:
                found[one.code].append(any(code == one.code for code, _, _ in one.top_species))
        return [
            {"code": code, "n_in_data": n, "n_sent": len(found[code]), "named_share": float(np.mean(found[code]))}
            for code, n in self.label_counts.items()
            if code in found
        ]


def _counted(values: Any) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _by_kind_table(title: str, kinds: Mapping[str, Mapping[str, Any]]) -> Table:
    table = _table(title, "sent", "answers", *(f"p{p} ms" for p in _PERCENTILES))
    for what, facts in kinds.items():
        answers = ", ".join(f"{status}: {n}" for status, n in facts["statuses"].items())
        table.add_row(Text(what), Text(answers), *(_cell(facts["latency_ms"], f"p{p}") for p in _PERCENTILES))
    return table


def _cell(values: Mapping[str, float], name: str) -> str:
    return f"{values[name]:.0f}" if name in values else ""


def _species_table(named: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("most probable, by window", "code", "species", "windows", "mean probability")
    for one in named[:_SHOWN]:
        table.add_row(one["code"], Text(one["common_name"]), str(one["n_windows"]), f"{one['mean_probability']:.2f}")
    return table


def _labels_table(labels: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("labels", "code", "recordings in the data", "sent", "named in some window")
    for one in labels:
        table.add_row(one["code"], str(one["n_in_data"]), str(one["n_sent"]), f"{100 * one['named_share']:.0f} %")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i < 2 else "right")
    return table
