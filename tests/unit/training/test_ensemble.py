from dataclasses import replace

import numpy as np
import pytest

from silencio.config import StackingConfig
from silencio.data.leaks import recording_fingerprints
from silencio.errors import ModelError
from silencio.models.supervisors.meta_mlp import MetaMlpConfig
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.ensemble import FittedEnsemble, fit_ensemble


@pytest.fixture
def config(tiny_data):
    return tiny_data.config.model_copy(update={"stacking": StackingConfig()})


def saying(head: TrainedHead, name: str, wrong: int, tiny_data) -> TrainedHead:
    """The head, sure of the primary label except where the recording's number, by halves, is `wrong`."""
    shown = head.validation
    labels = tiny_data.recordings.set_index("recording_id")["primary_label"]
    truth = np.array([tiny_data.classes.index[labels[one]] for one in shown.recording_ids])
    n_classes = len(tiny_data.classes)
    each = np.full((len(truth), n_classes), 0.1 / (n_classes - 1))
    rows = np.arange(len(truth))
    each[rows, np.where(rows % 2 == wrong, (truth + 1) % n_classes, truth)] = 0.9
    probabilities = each[shown.recording].astype(np.float32)
    return replace(head, name=name, validation=WindowProbabilities(shown.recording_ids, shown.recording, probabilities))


def test_ensemble_that_is_no_better__gives_way_to_its_best_head(tiny_data, tiny_ensemble, config, tmp_path) -> None:
    good, bad = (saying(tiny_ensemble.heads[0], name, wrong, tiny_data) for name, wrong in (("good", -1), ("bad", 0)))
    fitted = fit_ensemble([bad, good], tiny_data.recordings, config, tiny_data.classes)
    assert fitted.heads == ["good"]
    assert fitted.weights == [1.0]
    assert np.array_equal(fitted.windows.probabilities, good.validation.probabilities)
    assert fitted.reason.startswith("the ensemble of bad, good is no better than good alone, which is taken: log-loss")
    fitted.save(tmp_path)
    assert FittedEnsemble.load(tmp_path).reason == fitted.reason


def test_keep_all_heads__keeps_them_and_says_so(tiny_data, tiny_ensemble) -> None:
    good, bad = (saying(tiny_ensemble.heads[0], name, wrong, tiny_data) for name, wrong in (("good", -1), ("bad", 0)))
    fitted = fit_ensemble([bad, good], tiny_data.recordings, tiny_data.config, tiny_data.classes)
    assert fitted.heads == ["bad", "good"]
    assert "is kept as configured, though no better than its best head, good" in fitted.reason


def test_supervisor__meta_mlp_is_fitted_and_restored(tiny_data, tiny_ensemble, tmp_path) -> None:
    config = tiny_data.config.model_copy(update={"supervisor": MetaMlpConfig(max_steps=3)})
    fitted = fit_ensemble(tiny_ensemble.heads, tiny_data.recordings, config, tiny_data.classes)
    fitted.save(tmp_path)
    shown = np.stack([head.validation.probabilities for head in tiny_ensemble.heads])
    assert FittedEnsemble.load(tmp_path).kind == "meta_mlp"
    assert np.array_equal(FittedEnsemble.load(tmp_path).module().combine(shown), fitted.windows.probabilities)


def test_predictions_on_what_a_head_was_trained_on__are_refused(tiny_data, tiny_ensemble) -> None:
    head = tiny_ensemble.heads[0]
    name = head.validation.recording_ids[1]
    used = tiny_data.recordings[tiny_data.recordings["recording_id"] == name].drop(columns="recording_id")
    # Known by its bytes: it may have had another name.
    leaked = replace(head, trained_on=recording_fingerprints(used.assign(recording_id="another name")))
    with pytest.raises(ModelError, match=f"{head.name} was trained on {name}"):
        fit_ensemble([leaked], tiny_data.recordings, tiny_data.config, tiny_data.classes)


def test_heads_of_different_recordings__are_refused(tiny_data, tiny_ensemble) -> None:
    one, two = tiny_ensemble.heads
    fewer = replace(two, validation=WindowProbabilities.concatenated([two.validation]), out_of_fold=one.validation)
    other = replace(
        fewer, out_of_fold=WindowProbabilities(["elsewhere"], np.array([0]), one.validation.probabilities[:1])
    )
    with pytest.raises(ModelError, match="were evaluated on different recordings"):
        fit_ensemble([one, other], tiny_data.recordings, tiny_data.config, tiny_data.classes)
