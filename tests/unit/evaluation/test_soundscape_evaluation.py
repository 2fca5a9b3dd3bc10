"""Animals that a model cannot name, out of another source."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.bundle.placeholder import PLACEHOLDER_CLASSES
from silencio.data.source import open_source
from silencio.evaluation.failure_modes import FailureModeConfig
from silencio.evaluation.soundscape_evaluation import foreign_calls
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList


def test_foreign_calls__are_of_species_that_the_model_cannot_name(tiny_source: Path) -> None:
    source = open_source(str(tiny_source))
    first, *others = source.classes
    # Under another code: two lists rarely share their codes.
    known = ClassList.of([first.model_copy(update={"code": "another"})])
    config = FailureModeConfig(foreign=str(tiny_source), max_recordings=500)
    calls = list(foreign_calls(config, known, FeatureSpec()))
    assert {one.code for one in calls} <= {one.code for one in others}
    assert calls
    assert all(one.waveform.any() for one in calls)


def test_foreign_calls__none_where_all_are_known(tiny_source: Path) -> None:
    config = FailureModeConfig(foreign=str(tiny_source))
    assert not list(foreign_calls(config, open_source(str(tiny_source)).classes, FeatureSpec()))


def test_foreign_calls__a_place_that_is_not_there_is_said(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    config = FailureModeConfig(foreign=str(tmp_path / "nowhere"))
    assert not list(foreign_calls(config, PLACEHOLDER_CLASSES, FeatureSpec()))
    assert "animals outside the class list are not tried" in caplog.text
