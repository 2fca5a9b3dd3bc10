"""Thresholds and probabilities: what is named, and whether a probability matches the share that is right."""

from __future__ import annotations

from silencio.reports.curves import precision_recall, reliability
from silencio.reports.document import Section, figure, prose, side_by_side
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Markup, join
from silencio.reports.wording import between, count, decimals, percent

_FITTED = "Both were fitted on validation recordings; here stand test recordings."
_FITTED_BY_FOLDS = "Here stand all recordings, each by a calibration and thresholds that were fitted without its part."


def decisions(inputs: ReportInputs) -> Section | None:
    """The precision-recall curve and the reliability picture."""
    curve, calibration = inputs.evaluation.curve, inputs.evaluation.calibration
    pictures: list[Markup] = []
    if curve:
        caption = (
            f"What is named at the thresholds: {percent(curve['named_precision'])} of the names are right, "
            f"{percent(curve['named_recall'])} of what is there is named. The point may lie off the curve: a species "
            "is named as soon as one window passes, the curve ranks whole recordings."
        )
        pictures.append(figure(precision_recall(curve), caption))
    if calibration:
        caption = (
            "On the dashed line a probability is the share that is right. The average distance is "
            f"{decimals(calibration['error_before'])} before calibration and {decimals(calibration['error_after'])} "
            f"after{_sure(inputs)}. The larger a point, the more of the "
            f"{count(inputs.metrics.n_recordings, 'recording')} it holds; a small one is mostly chance."
        )
        pictures.append(figure(reliability(calibration), caption))
    if not pictures:
        return None
    kind = inputs.manifest.calibration.get("kind", "none").replace("_", " ")
    intro = (
        "A species is named where its probability reaches its own threshold. Probabilities went through a calibration "
        f"({kind}). {_FITTED_BY_FOLDS if inputs.n_folds else _FITTED}"
    )
    return Section("decisions", "Naming and probabilities", join(prose(intro), side_by_side(*pictures)))


def _sure(inputs: ReportInputs) -> str:
    error = inputs.evaluation.calibration_error
    return "" if error is None else f" (95 % interval {between(error.interval, decimals)})"
