"""A head that was put away and taken out again says the same, bit by bit."""

from pathlib import Path

import numpy as np
import pytest
import torch

from silencio.config import RunConfig
from silencio.data.shards import ShardSet
from silencio.models.pretrained import lite0_package_weights
from silencio.training.checkpoint import TrainedHead
from silencio.training.fit import fit_head
from silencio.training.lightning_module import HeadModule
from silencio.training.loop import predict

HEADS = {
    "lora": {"kind": "effnet_lora", "rank": 4, "lora_dropout": 0.1},
    "full": {"kind": "effnet_lora", "adapt": "full", "ema_decay": 0.9},
    "resnet": {"kind": "resnet", "backbone": "resnet18", "loss": "focal"},
}


@pytest.mark.parametrize("name", HEADS)
def test_reload__is_bit_equal_after_training(name: str, tiny_data, tmp_path: Path) -> None:
    head = {**HEADS[name], "epochs": 1, "batch_size": 6}
    config = RunConfig.model_validate({**tiny_data.config.model_dump(mode="json"), "heads": {name: head}}, strict=False)
    fit_head(name, config, tiny_data.development, tiny_data.classes, tmp_path)
    trained = TrainedHead.load(tmp_path)
    assert trained.n_steps == 2
    # In the middle of other random numbers, as in another process.
    torch.manual_seed(99)
    module = HeadModule(trained.module(config.features, tiny_data.classes), trained.config, total_steps=0)
    said = predict(module, ShardSet(tiny_data.development, config.features, "validation"))
    assert np.array_equal(said.probabilities, trained.validation.probabilities)


def test_lora__is_trained_with_the_pretrained_statistics_of_its_batch_norms(tiny_data, tmp_path: Path) -> None:
    head = {**HEADS["lora"], "epochs": 1, "batch_size": 6}
    config = RunConfig.model_validate(
        {**tiny_data.config.model_dump(mode="json"), "heads": {"lora": head}}, strict=False
    )
    fit_head("lora", config, tiny_data.development, tiny_data.classes, tmp_path)
    trained = TrainedHead.load(tmp_path).state
    pretrained = lite0_package_weights()
    statistics = [name for name in trained if name.endswith(("running_mean", "running_var"))]
    in_the_package = [name for name in pretrained if name.endswith(("running_mean", "running_var"))]
    assert len(statistics) == len(in_the_package) == 98
    for ours, theirs in zip(statistics, in_the_package, strict=True):
        assert torch.equal(trained[ours], pretrained[theirs].to(trained[ours].dtype)), ours
