"""The figures on the test part, kept as one file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from silencio.evaluation.metrics import Metrics


@dataclass(frozen=True)
class Evaluation:
    """Figures on the test part.

    Attributes:
        rows: By what was judged: `ensemble`, each head, and the references `majority class` and
            `logistic regression on mean log-mel`.
        answers: What the ensemble said of each recording: `recording_id`, `path`, `primary_label`, `predicted`,
            `probability`.
    """

    rows: dict[str, Metrics]
    answers: list[dict[str, Any]]

    def save(self, path: Path) -> None:
        """Keep as JSON."""
        facts = {"rows": {name: metrics.to_dict() for name, metrics in self.rows.items()}, "answers": self.answers}
        path.write_text(json.dumps(facts, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """The inverse of `save`."""
        facts = json.loads(path.read_text(encoding="utf-8"))
        return cls({name: Metrics(**values) for name, values in facts["rows"].items()}, facts["answers"])


def results_table(evaluation: Evaluation) -> pd.DataFrame:
    """One row for each thing that was judged: macro mAP, top-1, and top-1 by taxon class."""
    return pd.DataFrame(
        [
            {
                "judged": name,
                "macro mAP": metrics.macro_map,
                "top-1": metrics.top1,
                **{taxon: figures["top1"] for taxon, figures in metrics.by_class.items()},
            }
            for name, metrics in evaluation.rows.items()
        ]
    )
