"""What a report is written from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.bundle.manifest import BundleManifest
from silencio.data.shards import ShardSet
from silencio.evaluation.costs import BundleCosts
from silencio.evaluation.gates import Verdict
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation
from silencio.evaluation.slices import SliceConfig
from silencio.evaluation.window_model import WindowModel
from silencio.reports.wording import species_name
from silencio.taxonomy import ClassList


@dataclass(frozen=True)
class ReportInputs:
    """A bundle with everything that is known of it.

    Attributes:
        manifest: Manifest of the bundle.
        evaluation: Evaluation of the bundle.
        verdict: The gates' verdict.
        slices: Bounds of the slices.
        data: The recordings that the bundle was made from (`data.parquet`); None where unknown.
        test: The test recordings, for pictures; None leaves the examples out.
        predict: The bundle's model, for its predictions over time; None leaves the examples out.
        score_windows: The same for single windows, int16 (n_windows, window_samples) to float32 (n_windows, n_classes);
            None leaves out what its predictions rest on.
        variants: Metrics of fp32 and int8 (`silencio.export.quantize.QuantizationReport`); None where not tried.
        mislabelled: `metrics` (`MislabelMetrics`) and `suspects` (rows of `suspects`); None where not looked for.
        costs: Speed and size of the bundle; None where not measured.
    """

    manifest: BundleManifest
    evaluation: Evaluation
    verdict: Verdict
    slices: SliceConfig
    data: pd.DataFrame | None = None
    test: ShardSet | None = None
    predict: WindowModel | None = None
    score_windows: Callable[[NDArray[np.int16]], NDArray[np.float32]] | None = None
    variants: Mapping[str, Any] | None = None
    mislabelled: Mapping[str, Any] | None = None
    costs: BundleCosts | None = None

    @property
    def classes(self) -> ClassList:
        return self.manifest.classes

    @property
    def metrics(self) -> Metrics:
        """The bundle's on the test recordings."""
        return self.evaluation.metrics

    @property
    def n_folds(self) -> int:
        """Folds by which all recordings were evaluated; 0: test recordings were held out."""
        return self.evaluation.n_folds

    @property
    def tested(self) -> str:
        """What recordings that were tested are called: with folds that are all of them."""
        return "recordings" if self.n_folds else "test recordings"

    def name(self, code: str) -> str:
        """The common name of a species."""
        return species_name(code, self.classes)
