from pathlib import Path

import numpy as np
import pytest
import torch

from silencio.config import RunConfig
from silencio.data.shards import ShardSet
from silencio.training.loop import Trained, train_head
from tests.new_head import add_head


@pytest.fixture
def train(tiny_data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Train a linear head on the made-up reserve; its crops are the same whatever the size of a batch."""
    add_head(tmp_path, monkeypatch)

    def trained(**settings: object) -> Trained:
        values = {"kind": "loudness", "epochs": 3, "batch_size": 4, "learning_rate": 0.01, **settings}
        data = tiny_data.config.model_dump(mode="json")
        config = RunConfig.model_validate({**data, "heads": {"loudness": values}}, strict=False)
        return train_head(
            "loudness", config, ShardSet(tiny_data.development, config.features, "train"), tiny_data.classes
        )

    return trained


def weights(trained: Trained) -> torch.Tensor:
    return trained.module.head.classifier.weight.detach()


def test_accumulate__is_the_same_as_larger_batches(train) -> None:
    whole, parts = train(batch_size=4), train(batch_size=2, accumulate=2)
    assert whole.n_steps == parts.n_steps
    assert torch.allclose(weights(whole), weights(parts), atol=1e-5)
    assert np.allclose(whole.epoch_losses, parts.epoch_losses, atol=1e-4)


def test_ema__keeps_weights_between_the_first_and_the_last(train) -> None:
    # The average follows: a decay near 0 is the last step, a larger one lags behind it.
    last, quick, slow = (train(epochs=8, ema_decay=decay, warmup_share=0.0) for decay in (0.0, 1e-6, 0.9))
    assert torch.allclose(weights(last), weights(quick), atol=1e-4)
    assert not torch.allclose(weights(last), weights(slow), atol=1e-4)
    assert last.epoch_losses == slow.epoch_losses  # the average is not what is trained


def test_window_choice__reaches_the_crops(train) -> None:
    assert not torch.equal(weights(train(window_choice="loud")), weights(train(window_choice="random")))
