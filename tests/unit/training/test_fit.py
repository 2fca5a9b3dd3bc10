from pathlib import Path

import numpy as np
import pytest
import torch

from silencio.config import RunConfig
from silencio.errors import ModelError
from silencio.training.checkpoint import TrainedHead
from silencio.training.fit import fit_head


def small(config: RunConfig, **settings: object) -> RunConfig:
    head = config.heads["raw_cnn"].model_copy(update=settings)
    return config.model_copy(update={"heads": {"raw_cnn": head}})


@pytest.fixture(scope="module")
def fitted(tiny_data, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, Path]:
    # Mixed recordings keep the loss up whatever is learned.
    plain = tiny_data.config.heads["raw_cnn"].augment.model_copy(update={"mixup_probability": 0.0})
    config = small(tiny_data.config, epochs=12, crops_per_recording=3.0, augment=plain, learning_rate=0.01)
    directory = tmp_path_factory.mktemp("head")
    fit_head("raw_cnn", config, tiny_data.development, tiny_data.classes, directory)
    return config, directory


def test_training__learns_the_pitch(tiny_data, fitted) -> None:
    losses = TrainedHead.load(fitted[1]).epoch_losses
    assert len(losses) == 12
    assert np.mean(losses[-3:]) < 0.7 * losses[0]


def test_same_seed__gives_the_same_head(tiny_data, tmp_path: Path) -> None:
    config = small(tiny_data.config, epochs=1)
    states = []
    for name in ("a", "b"):
        fit_head("raw_cnn", config, tiny_data.development, tiny_data.classes, tmp_path / name)
        states.append(TrainedHead.load(tmp_path / name).state)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_validation__is_of_validation_recordings_only(tiny_data, fitted) -> None:
    head = TrainedHead.load(fitted[1])
    recordings = tiny_data.recordings
    wanted = sorted(recordings.loc[recordings["split"] == "validation", "recording_id"])
    assert head.validation.recording_ids == wanted
    assert np.allclose(head.validation.probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_head_of_other_features__is_refused(tiny_data, fitted) -> None:
    other = fitted[0].features.model_copy(update={"f_min_hz": 60.0})
    with pytest.raises(ModelError, match="feature spec"):
        TrainedHead.load(fitted[1]).module(other, tiny_data.classes)


def test_divergence__is_said(tiny_data, tmp_path: Path) -> None:
    config = small(tiny_data.config, epochs=2, learning_rate=1e30, clip_norm=1e30)
    with pytest.raises(ModelError, match="diverged"):
        fit_head("raw_cnn", config, tiny_data.development, tiny_data.classes, tmp_path)
    assert not list(tmp_path.iterdir())
