"""A student beside the ensemble that it was distilled from, on the same recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from silencio.errors import DataError
from silencio.evaluation.bootstrap import Bootstrap, interval
from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.results import Evaluation

Answers = Sequence[Mapping[str, Any]]


def with_teacher(student: Evaluation, teacher: Evaluation, n_resamples: int) -> Evaluation:
    """The student's evaluation with rows for its teacher and the teacher's heads, and the difference in top-1.

    Args:
        student: Evaluation of the student's bundle.
        teacher: Evaluation of the bundle of its teacher.
        n_resamples: Number of bootstrap resamples.

    Raises:
        DataError: The two were evaluated on different recordings.
    """
    difference = compare_answers(teacher.bundle_row, student.answers, teacher.answers, n_resamples)
    own = {student.bundle_row: student.metrics}
    return replace(
        student,
        # References stand in both, with the same metrics: they are fitted on the same recordings.
        rows={**own, **{name: row for name, row in teacher.rows.items() if name not in student.rows}, **student.rows},
        comparisons=[difference, *student.comparisons],
        heads={**student.heads, **teacher.heads},
    )


def compare_answers(other: str, ours: Answers, theirs: Answers, n_resamples: int) -> Comparison:
    """Top-1 of two bundles by what they answered, paired by recording.

    Args:
        other: Name of the model whose answers `theirs` are.
        ours: `recording_id`, `primary_label` and `predicted` of each recording.
        theirs: Their answers on the same recordings.
        n_resamples: Number of bootstrap resamples.

    Raises:
        DataError: They are answers on different recordings.
    """
    right = [{one["recording_id"]: one["predicted"] == one["primary_label"] for one in some} for some in (ours, theirs)]
    if right[0].keys() != right[1].keys():
        raise DataError("the bundles were evaluated on different test recordings: run evaluate again for both")
    gain = np.array([float(right[0][name]) - float(right[1][name]) for name in sorted(right[0])])
    drawn = Bootstrap(len(gain), n_resamples).mean(gain)
    return Comparison(other, "top1", float(gain.mean()), interval(drawn), len(gain))
