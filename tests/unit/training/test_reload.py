"""A head that was put away and taken out again says the same, bit by bit."""

from pathlib import Path

import numpy as np
import pytest
import torch

from silencio.config import RunConfig
from silencio.data.shards import ShardSet
from silencio.models.head import HeadContext
from silencio.models.heads.effnet_lora import EffNetLora
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
    shown = predict(module, ShardSet(tiny_data.development, config.features, "validation"))
    assert np.array_equal(shown.probabilities, trained.validation.probabilities)


def test_lora__learns_the_statistics_of_what_is_heard_and_leaves_the_pretrained_weights(
    tiny_data, tmp_path: Path
) -> None:
    head = {**HEADS["lora"], "epochs": 1, "batch_size": 6}
    config = RunConfig.model_validate(
        {**tiny_data.config.model_dump(mode="json"), "heads": {"lora": head}}, strict=False
    )
    fit_head("lora", config, tiny_data.development, tiny_data.classes, tmp_path)
    trained = TrainedHead.load(tmp_path).state
    context = HeadContext(config.features, len(tiny_data.classes))
    pretrained = EffNetLora.build(config.heads["lora"], context).state_dict()
    for kind, is_kept in (("running_mean", False), ("bn1.weight", True), ("conv_pw.base_layer.weight", True)):
        names = [name for name in trained if name.endswith(kind)]
        assert names
        assert all(torch.equal(trained[name], pretrained[name]) == is_kept for name in names), kind
