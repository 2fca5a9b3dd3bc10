"""A student beside its teacher: one table, and one row a model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from silencio.errors import DataError
from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation
from silencio.evaluation.teacher import compare_answers, with_teacher

N = 20


def _metrics(top1: float) -> Metrics:
    return Metrics(0.5, top1, N, 3, 0.8, 0.5, 0.9, 0.4, 0.7, 0.2)


def _answers(n_right: int) -> list[dict[str, str]]:
    return [
        {"recording_id": f"{number}.ogg", "primary_label": "a", "predicted": "a" if number < n_right else "b"}
        for number in range(N)
    ]


REFERENCE = {"majority class": _metrics(0.1)}
STUDENT = Evaluation(
    rows={"student": _metrics(0.7), **REFERENCE},
    answers=_answers(14),
    comparisons=[Comparison("majority class", "top1", 0.6, (0.4, 0.8), N)],
    bundle_row="student",
    heads={"student": {"student": True}},
)
TEACHER = Evaluation(
    rows={"ensemble": _metrics(0.9), "raw_cnn": _metrics(0.8), **REFERENCE},
    answers=_answers(18),
    heads={"ensemble": {"raw_cnn": True}},
)


def test_with_teacher__one_row_a_model_the_student_first() -> None:
    both = with_teacher(STUDENT, TEACHER, 100)
    assert [(name, row.top1) for name, row in both.rows.items()] == [
        ("student", 0.7),
        ("ensemble", 0.9),
        ("raw_cnn", 0.8),
        ("majority class", 0.1),
    ]
    assert both.metrics.top1 == 0.7
    assert both.heads == {"student": {"student": True}, "ensemble": {"raw_cnn": True}}


def test_with_teacher__what_distillation_lost_is_paired_by_recording() -> None:
    distilled, *others = with_teacher(STUDENT, TEACHER, 200).comparisons
    assert (distilled.other, distilled.metric, distilled.n_recordings) == ("ensemble", "top1", N)
    assert distilled.difference == pytest.approx(-0.2)
    assert distilled.interval[0] < -0.2 < distilled.interval[1] <= 0
    assert others == STUDENT.comparisons


def test_with_teacher__figures_on_other_recordings_are_refused() -> None:
    elsewhere = replace(TEACHER, answers=TEACHER.answers[1:])
    with pytest.raises(DataError, match="different test recordings"):
        with_teacher(STUDENT, elsewhere, 100)


def test_compare_answers__the_order_of_the_answers_is_nothing() -> None:
    assert compare_answers("x", _answers(14), _answers(14)[::-1], 100).interval == (0.0, 0.0)
