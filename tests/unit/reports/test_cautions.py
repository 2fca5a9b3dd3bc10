"""Where not to trust a model: each sentence comes from a figure, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from silencio.evaluation.results import Evaluation
from silencio.reports.cautions import cautions, found_in_soundscapes
from silencio.reports.inputs import ReportInputs
from tests.unit.reports.conftest import failure_results, metrics, one_slice


def _with(inputs: ReportInputs, **changes: Any) -> list[str]:
    return cautions(replace(inputs, evaluation=replace(inputs.evaluation, **changes)))


def _flawless(evaluation: Evaluation) -> dict[str, Any]:
    many = {name: {"top1": 1.0, "macro_map": 1.0, "n_recordings": 20, "n_species": 2} for name in ("Aves", "Insecta")}
    return {
        "rows": {"ensemble": metrics(by_class=many, n_species=4)},
        "slices": [one_slice("rare species", 20, 0.6, (0.4, 0.8))],
        "species": [{**row, "top-1": 1.0} for row in evaluation.species],
        "calibration": {**evaluation.calibration, "error_after": 0.02},
        "failure_modes": {},
    }


def test_cautions__of_a_flawless_model_only_say_how_it_does_in_soundscapes(inputs: ReportInputs) -> None:
    (only,) = _with(inputs, **_flawless(inputs.evaluation))
    assert only.startswith("In soundscapes it detects 40\u202f% of the animals that call (40 species in rows of 2 s).")
    assert "24 times an hour over made backgrounds (8\u202fmin)" in only


def test_cautions__without_soundscapes_say_that_nothing_is_known(inputs: ReportInputs) -> None:
    first = _with(inputs, soundscapes={})[0]
    assert first.startswith("Only single recordings were tested")


def test_soundscapes__share_is_weighted_by_pairs(inputs: ReportInputs) -> None:
    assert found_in_soundscapes(inputs) == (0.4, 40)


def test_soundscapes__without_thresholds_nothing_is_named(inputs: ReportInputs) -> None:
    bins = [{**one, "recall": None} for one in inputs.evaluation.soundscapes["metrics"]["by_overlap"]]
    facts = {"metrics": {**inputs.evaluation.soundscapes["metrics"], "by_overlap": bins}}
    assert found_in_soundscapes(replace(inputs, evaluation=replace(inputs.evaluation, soundscapes=facts))) is None


def test_cautions__names_in_silence(inputs: ReportInputs) -> None:
    words = "It names a species in more than half of all windows of digital silence, where there is none."
    assert words in cautions(inputs)
    modes = failure_results()
    modes["nothing_to_name"][0]["windows_named"] = 0.4
    assert words not in _with(inputs, failure_modes=modes)


def test_cautions__kinds_with_too_few_recordings(inputs: ReportInputs) -> None:
    assert "Too few test recordings to say anything about birds (5); at least 10 are needed." in cautions(inputs)


def test_cautions__species_without_a_test_recording(inputs: ReportInputs) -> None:
    rows = {"ensemble": metrics(n_species=3)}
    assert "1\u202fspecies of 4 have no test recording at all." in _with(inputs, rows=rows)
    assert not any("no test recording" in one for one in cautions(inputs))


def test_cautions__species_that_were_never_right_the_best_tested_first(inputs: ReportInputs) -> None:
    shown = next(one for one in cautions(inputs) if "never named rightly" in one)
    assert shown.startswith("2\u202fspecies of 4 that were tested")
    assert "Gray-capped Flycatcher (2) and Jaguar (1)" in shown


def test_cautions__a_slice_only_where_it_counts_and_lies_clearly_below(inputs: ReportInputs) -> None:
    shown = [one for one in cautions(inputs) if "clearly below" in one]
    assert len(shown) == 1
    assert shown[0].startswith("Species with at most 3 training recordings: right at first guess in 10\u202f%")
    assert "(0 to 30\u202f%, 11\u202frecordings)" in shown[0]


def test_cautions__the_worst_of_bad_sound(inputs: ReportInputs) -> None:
    shown = next(one for one in cautions(inputs) if one.startswith("Bad sound"))
    assert "gain \N{MINUS SIGN}30 dB" in shown and "20\u202f% instead of 60\u202f%" in shown


def test_cautions__probabilities_that_are_off_and_in_which_direction(inputs: ReportInputs) -> None:
    assert any("off by 0.14 on average, mostly too low" in one for one in cautions(inputs))
    bins = [{"mean_probability": 0.9, "right_share": 0.4, "recordings_share": 1.0}]
    calibration = {**inputs.evaluation.calibration, "after": bins}
    assert any("mostly too high" in one for one in _with(inputs, calibration=calibration))
