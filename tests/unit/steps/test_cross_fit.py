"""export, evaluate and the champion of `cross_fit`: all recordings, each by what was made without its fold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from silencio.bundle import Bundle
from silencio.bundle.manifest import PROBABILITY, REFERENCE
from silencio.data.frames import read_frame
from silencio.data.recordings import write_class_list
from silencio.data.shards import ShardSet
from silencio.errors import ParityError
from silencio.evaluation.champion import score_champion
from silencio.evaluation.comparisons import MAJORITY
from silencio.evaluation.references import majority_scores
from silencio.evaluation.results import Evaluation
from silencio.export.bundle import Origin, export_bundle
from silencio.export.fold_models import fold_models
from silencio.export.seal import seal_bundle
from silencio.steps.evaluate import Inputs, Outputs, run
from silencio.taxonomy import ClassList
from silencio.training.cross_fit import out_of_fold, out_of_fold_scores
from tests.unit.training.made_folds import N_FOLDS, CrossFitted, cross_fitted


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CrossFitted:
    return cross_fitted(tmp_path_factory.mktemp("folds"))


def export(made: CrossFitted, folder: Path, **changes: object) -> Path:
    origin = Origin(
        data=made.recordings.drop(columns=["secondary_labels"]),
        split_history=made.split_history,
        licences={"CC BY 4.0": len(made.recordings)},
        parents={"data_fingerprint": "0" * 64, "code_version": "test"},
    )
    given = {"heads": made.heads, "ensemble": made.ensemble, "decision_rule": made.decision_rule, **changes}
    export_bundle(
        given["heads"],  # type: ignore[arg-type]
        given["ensemble"],  # type: ignore[arg-type]
        given["decision_rule"],  # type: ignore[arg-type]
        made.shards,
        origin,
        made.config,
        made.classes,
        folder,
    )
    return folder


@pytest.fixture(scope="module")
def bundle(made: CrossFitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(made, tmp_path_factory.mktemp("bundle") / "bundle")


@pytest.fixture(scope="module")
def evaluation(made: CrossFitted, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("inputs")
    for head in made.heads:
        head.save(folder / head.name)
    made.ensemble.save(folder / "ensemble")
    made.decision_rule.save(folder / "rule")
    write_class_list(made.classes, folder / "classes")
    pd.DataFrame({"path": pd.Series([], dtype=str)}).to_parquet(folder / "soundscapes")
    inputs = Inputs(
        config=made.config,
        classes=folder / "classes",
        heads=[folder / head.name for head in made.heads],
        ensemble=folder / "ensemble",
        decision_rule=folder / "rule",
        candidate=bundle,
        soundscapes=folder / "soundscapes",
        development=made.shards,
        test=made.shards,
        champion=folder / "none",
    )
    run(inputs, Outputs(folder / "evaluation.json"))
    return Evaluation.load(folder / "evaluation.json")


def test_bundle__made_twice_is_equal_byte_by_byte(made: CrossFitted, bundle: Path, tmp_path: Path) -> None:
    again = export(made, tmp_path / "again")
    files = sorted(path.relative_to(bundle) for path in bundle.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for name in files:
        assert (bundle / name).read_bytes() == (again / name).read_bytes(), name


def test_bundle__has_the_weights_that_saw_everything(made: CrossFitted, tmp_path: Path) -> None:
    """The graph of a fold's heads is not what ships, however alike they are."""
    of_fold = [replace(head, state=head.folds[0].state) for head in made.heads]
    with pytest.raises(ParityError, match="does not hold the trained weights"):
        export(made, tmp_path / "bundle", heads=of_fold)


def test_reference__is_of_every_recording_without_its_fold(made: CrossFitted, bundle: Path) -> None:
    reference = read_frame(bundle / REFERENCE)
    assert set(reference["recording_id"]) == set(made.recordings["recording_id"])
    columns = [f"{PROBABILITY}{code}" for code in made.classes.codes]
    expected = out_of_fold(made.ensemble, made.decision_rule)
    assert reference["recording_id"].tolist() == [expected.recording_ids[place] for place in expected.recording]
    assert reference[columns].to_numpy() == pytest.approx(expected.probabilities, abs=1e-6)


def test_evaluation__is_of_all_recordings_by_what_was_made_without_them(
    made: CrossFitted, evaluation: Evaluation
) -> None:
    assert evaluation.n_folds == N_FOLDS
    assert evaluation.metrics.n_recordings == len(made.recordings)
    scores = out_of_fold_scores(made.ensemble, made.decision_rule)
    predicted = [made.classes.codes[place] for place in scores.scores.argmax(axis=1)]
    assert [(one["recording_id"], one["predicted"]) for one in evaluation.answers] == list(
        zip(scores.recording_ids, predicted, strict=True)
    )
    assert evaluation.soundscapes["metrics"]["n_soundscapes"] >= N_FOLDS
    assert evaluation.failure_modes["clean"]["n_recordings"] == made.config.evaluation.failure_modes.max_recordings


def test_references__are_fitted_without_the_fold(made: CrossFitted, evaluation: Evaluation) -> None:
    every = ShardSet(made.shards, made.config.features)
    right = 0
    for number in range(N_FOLDS):
        own = (every.table["fold"] == number).to_numpy()
        best = majority_scores(every.subset(~own), int(own.sum()), made.classes).argmax(axis=1)
        truth = [made.classes.index[code] for code in every.table.loc[own, "primary_label"]]
        right += int((best == truth).sum())
    assert evaluation.rows[MAJORITY].top1 == pytest.approx(right / len(every))


def test_fold_models__say_of_a_recording_what_its_fold_did(made: CrossFitted) -> None:
    fold_of = dict(zip(made.assignment["recording_id"], made.assignment["fold"], strict=True))
    models = fold_models(made.heads, made.ensemble, made.decision_rule, fold_of, made.config, made.classes)
    every = ShardSet(made.shards, made.config.features)
    expected = out_of_fold(made.ensemble, made.decision_rule)
    for index, name in enumerate(every.table["recording_id"]):
        found = models.predict[models.fold_of[name]](every.waveform(index))
        assert found == pytest.approx(expected.of([name]).probabilities, abs=1e-5)
        others = [model(every.waveform(index)) for place, model in enumerate(models.predict) if place != fold_of[name]]
        assert not any(np.allclose(one, found, atol=1e-5) for one in others)


# Across versions


def test_champion__is_compared_by_what_it_predicted_out_of_fold(
    made: CrossFitted, bundle: Path, tmp_path: Path
) -> None:
    metrics = {"n_folds": N_FOLDS}
    sealed = tmp_path / "sealed"
    seal_bundle(bundle, metrics, {"passed": True, "gates": []}, sealed)
    assert Bundle(sealed).manifest.n_folds == N_FOLDS
    table = made.recordings.copy()
    # Known by its bytes under another name; known by nothing: it came later; of a species that the champion lacks.
    table.loc[0, "recording_id"] = "another name.ogg"
    table.loc[1, ["recording_id", "sha256", "decoded_sha256"]] = ["new.ogg", "new", "new"]
    fewer = ClassList.of(one for one in made.classes if one.code != table.loc[2, "primary_label"])
    scored = score_champion(sealed, table, made.classes)
    assert scored.fair.tolist() == [place != 1 for place in range(len(table))]
    expected = out_of_fold_scores(made.ensemble, made.decision_rule)
    order = [expected.recording_ids.index(name) for name in made.recordings["recording_id"]]
    assert scored.scores[scored.fair] == pytest.approx(expected.scores[order][scored.fair], abs=1e-6)
    by_fewer = score_champion(sealed, table, fewer)
    assert by_fewer.scores.shape == (len(table), len(made.classes) - 1)
    assert by_fewer.known is not None and by_fewer.known.all()
