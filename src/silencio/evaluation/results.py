"""All metrics of an evaluated model, kept as one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from silencio.evaluation.calibration_error import CalibrationError
from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.slices import SliceMetrics
from silencio.storage import write_atomically

ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class Evaluation:
    """What was found on the test set, which serves evaluation only.

    Attributes:
        rows: Metrics by what they are of: the bundle first (`ensemble` or `student`), then each head, and the
            references `majority class` and `logistic regression on mean log-mel`. A student's teacher and the teacher's
            heads stand among them; a student is its bundle's only head, and has no second row.
        answers: The bundle's predictions of each recording: `recording_id`, `path`, `primary_label`, `predicted`,
            `probability`.
        comparisons: The bundle against teacher, heads, references and champion, paired by recording.
        slices: The bundle on parts of the test recordings.
        species: The bundle by species, the worst first (`silencio.evaluation.slices.species_table`).
        confusable: Pairs of species that validation takes for each other.
        calibration: On test recordings, `n_recordings` of them: `error_before` and `error_after` (ECE of the most
            probable species) with `error_before_interval` and `error_after_interval` (95 %), and the points of the
            reliability picture, `before` and `after` (`mean_probability`, `right_share`, `recordings_share`).
        curve: The precision-recall curve of all decisions together: `recall` and `precision`, and where the
            thresholds stand on it, `named_recall` and `named_precision`.
        soundscapes: Metrics of annotated soundscapes, and what was detected in them; empty where none were made.
        failure_modes: What becomes of the metrics under noise, overlap, gain and silence; empty where not measured.
        mislabelled: Whether wrong labels would be found among validation recordings, and which are suspected.
        champion: Version of the champion that was scored on the same; empty where there is none.
        champion_rows: Metrics of `champion` and of the bundle on the recordings on which the two were compared, which
            may be fewer than all; empty where there were none.
        bundle_row: Name of the row that is the bundle's.
        heads: By bundle among the rows, the heads that were trained for it, and whether each is inside; empty in files
            from before it was kept.
        test_set: Names the test recordings with their labels: metrics with the same one are of the same recordings.
            Empty in files from before it was kept.
        n_folds: Number of folds by which all recordings were evaluated, each by what was made without its fold
            (`cross_fit`); 0: the test recordings were held out.
    """

    rows: dict[str, Metrics]
    answers: list[dict[str, Any]]
    comparisons: list[Comparison] = field(default_factory=list)
    slices: list[SliceMetrics] = field(default_factory=list)
    species: list[dict[str, Any]] = field(default_factory=list)
    confusable: list[list[str]] = field(default_factory=list)
    calibration: dict[str, Any] = field(default_factory=dict)
    curve: dict[str, Any] = field(default_factory=dict)
    soundscapes: dict[str, Any] = field(default_factory=dict)
    failure_modes: dict[str, Any] = field(default_factory=dict)
    mislabelled: dict[str, Any] = field(default_factory=dict)
    champion: str = ""
    champion_rows: dict[str, Metrics] = field(default_factory=dict)
    bundle_row: str = ENSEMBLE
    heads: dict[str, dict[str, bool]] = field(default_factory=dict)
    test_set: str = ""
    n_folds: int = 0

    @property
    def metrics(self) -> Metrics:
        """The bundle's on the test recordings."""
        return self.rows[self.bundle_row]

    def save(self, path: Path) -> None:
        """Keep as JSON."""
        write_atomically(path, json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """The inverse of `save`; files of earlier versions are read too."""
        facts = _with_current_names(json.loads(path.read_text(encoding="utf-8")))
        for table in ("rows", "champion_rows"):
            facts[table] = {name: Metrics(**values) for name, values in facts.get(table, {}).items()}
        facts["comparisons"] = [Comparison.of(values) for values in facts["comparisons"]]
        facts["slices"] = [SliceMetrics.of(values) for values in facts["slices"]]
        for name in ("before", "after"):
            if name in facts["calibration"]:
                facts["calibration"][name] = _renamed(facts["calibration"][name], _OF_POINTS)
        return cls(**facts)

    @property
    def calibration_error(self) -> CalibrationError | None:
        """Of the most probable species; None where no interval was computed, as in files of earlier versions."""
        facts = self.calibration
        names = ("error_after", "error_after_interval", "n_recordings")
        if any(name not in facts for name in names):
            return None
        value, (low, high), n_recordings = (facts[name] for name in names)
        return CalibrationError(value, (low, high), n_recordings)


# Names that files of earlier versions have: at the top, in the sections below it, and in points of the reliability
# picture.
_AT_THE_TOP = {"judged": "bundle_row", "test_part": "test_set"}
_OF_SECTIONS = {"figure": "metric", "figures": "metrics", "told_apart": "separation_auc"}
_OF_POINTS = {"n": "recordings_share", "share": "right_share"}


def _with_current_names(facts: dict[str, Any]) -> dict[str, Any]:
    facts = {_AT_THE_TOP.get(name, name): value for name, value in facts.items()}
    sections = ("comparisons", "soundscapes", "failure_modes", "mislabelled")
    return facts | {name: _renamed(facts[name], _OF_SECTIONS) for name in sections if name in facts}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Mappings, in lists and mappings at any depth, with other names for some keys."""
    if isinstance(value, Mapping):
        return {names.get(name, name): _renamed(one, names) for name, one in value.items()}
    return [_renamed(one, names) for one in value] if isinstance(value, list) else value
