"""docs/evaluation.md says what every figure, slice and gate means; a new one is not merged without its words."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from silencio.evaluation.calibration import KINDS
from silencio.evaluation.gates import GatePolicy
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.slices import SliceConfig, slice_masks
from silencio.evaluation.soundscape_metrics import SoundscapeMetrics
from silencio.taxonomy import ClassList, Species

DOCS = Path(__file__).parents[2] / "docs"
EVALUATION = (DOCS / "evaluation.md").read_text(encoding="utf-8")
SOUNDSCAPES = (DOCS / "soundscapes.md").read_text(encoding="utf-8")
SHIPPED = GatePolicy.shipped()


def _row(text: str, name: str) -> str:
    """The row of a table that says what a name means."""
    rows = [line for line in text.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]]
    assert rows, f"`{name}` has no row in the documentation: say there what it means"
    return rows[0]


def every_slice() -> list[str]:
    """The names of all slices, from recordings that are in all of them."""
    classes = ClassList.of([Species(code="a", scientific_name="", common_name="", class_name="Aves")])
    test = pd.DataFrame(
        {
            "primary_label": ["a"],
            "secondary_labels": [["b"]],
            "snr_db": [0.0],
            "author": ["new"],
            "site": ["new"],
            "recorded_at": ["2025-04-11T23:00:00"],
        }
    )
    training = pd.DataFrame({"primary_label": ["a"] * 3, "author": ["x", "y", "z"], "site": ["x", "y", "z"]})
    masks = slice_masks(test, training, [("a", "b")], classes, SliceConfig())
    assert all(np.all(mask) for mask in masks.values())
    return list(masks)


@pytest.mark.parametrize("name", [field.name for field in fields(Metrics)])
def test_figure__of_recordings_is_documented(name: str) -> None:
    meaning = _row(EVALUATION, name).split("|")[2]
    assert len(meaning.split()) >= 3


@pytest.mark.parametrize("name", every_slice())
def test_slice__is_documented(name: str) -> None:
    _row(EVALUATION, "taxon class" if name.startswith("taxon class ") else name)


@pytest.mark.parametrize("name", GatePolicy.model_fields)
def test_gate__is_documented(name: str) -> None:
    _row(EVALUATION, name)


@pytest.mark.parametrize("gate", ["minimum", "soundscape_minimum"])
def test_gate__the_figures_that_the_shipped_policy_asks_for_stand_in_its_row(gate: str) -> None:
    asked = getattr(SHIPPED, gate)
    assert asked
    for figure in asked:
        assert f"`{figure}`" in _row(EVALUATION, gate)


@pytest.mark.parametrize("gate", ["beats", "not_worse_than"])
def test_gate__the_references_that_the_shipped_policy_names_stand_in_its_row(gate: str) -> None:
    references = getattr(SHIPPED, gate)
    assert references
    for reference, figures in references.items():
        assert f"`{reference}`" in _row(EVALUATION, gate)
        for figure in figures:
            assert gate == "beats" or f"`{figure}`" in _row(EVALUATION, gate)


def test_numbers__in_the_text_are_those_of_the_configuration() -> None:
    config = SliceConfig()
    assert f"at most {config.rare_recordings} training recordings" in _row(EVALUATION, "rare species")
    assert f"below {config.low_snr_db:g} dB" in _row(EVALUATION, "low signal-to-noise ratio")
    assert f"{config.night_from_h} to {config.night_to_h} h" in _row(EVALUATION, "night")
    assert config.counts_from == 10 and "fewer than ten recordings" in EVALUATION


@pytest.mark.parametrize("kind", KINDS)
def test_calibration__every_kind_is_named(kind: str) -> None:
    assert f"`{kind}`" in EVALUATION


def test_soundscapes__their_figures_are_documented_on_their_page() -> None:
    counts = {"n_soundscapes", "n_rows", "n_species", "hours", "macro_map_interval"}
    for name in {field.name for field in fields(SoundscapeMetrics)} - counts:
        assert f"`{name}`" in SOUNDSCAPES, f"`{name}` is not in docs/soundscapes.md"
