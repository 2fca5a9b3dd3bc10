"""What is taken for what."""

from __future__ import annotations

import re
from dataclasses import replace

from silencio.reports.inputs import ReportInputs
from silencio.reports.sections.confusions import confusions


def _rows(html: str, caption: str) -> list[list[str]]:
    table = html[html.index(caption) :]
    table = table[: table.index("</table>")]
    cells = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr.*?</tr>", table))
    return [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in cells]


def _html(inputs: ReportInputs) -> str:
    section = confusions(inputs)
    assert section
    return section.body


def test_confusions__the_most_frequent_first_with_how_many_of_how_many(inputs: ReportInputs) -> None:
    assert _rows(_html(inputs), "most frequent wrong answers")[1:] == [
        ["Gray-capped Flycatcher", "Great Kiskadee", "2 of 2", "yes"],
        ["Jaguar", "Gray-capped Flycatcher", "1 of 1", ""],
    ]


def test_confusions__the_matrix_has_rows_of_what_is_and_columns_of_what_is_said(inputs: ReportInputs) -> None:
    rows = _rows(_html(inputs), "Row: what it is")
    assert rows[0] == ["is", "1", "2", "3", "other"]
    assert rows[1:] == [
        ["1 Jaguar", "", "1", "", ""],
        ["2 Gray-capped Flycatcher", "", "", "2", ""],
        ["3 Great Kiskadee", "", "", "3", ""],
    ]


def test_confusions__names_given_too_often(inputs: ReportInputs) -> None:
    assert _rows(_html(inputs), "Named too often")[1:] == [["Great Kiskadee", "5", "3", "3 of 5 (60\u202f%)"]]


def test_confusions__of_a_model_without_errors_there_are_none(inputs: ReportInputs) -> None:
    answers = [{**one, "predicted": one["primary_label"]} for one in inputs.evaluation.answers]
    assert confusions(replace(inputs, evaluation=replace(inputs.evaluation, answers=answers))) is None
