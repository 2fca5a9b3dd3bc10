from pathlib import Path

import pytest
import timm
import torch

from silencio.errors import PretrainedWeightsError
from silencio.models.pretrained import lite0_package_weights, load_by_order, load_state


def backbone(name: str = "efficientnet_lite0") -> torch.nn.Module:
    return timm.create_model(name, pretrained=False, in_chans=1, num_classes=5)


def test_load_by_order__fills_every_tensor_but_the_classifier() -> None:
    net, weights = backbone(), lite0_package_weights()
    load_by_order(net, weights, "conv_stem.weight")
    own = {name: value for name, value in net.state_dict().items() if not name.startswith("classifier.")}
    for (name, value), given in list(zip(own.items(), weights.values(), strict=False))[1:]:
        assert torch.equal(value, given), name


def test_load_by_order__refuses_another_architecture() -> None:
    with pytest.raises(PretrainedWeightsError, match="do not fit|tensors"):
        load_by_order(backbone("efficientnet_b0"), lite0_package_weights(), "conv_stem.weight")


def test_load_state__runs_no_code_of_a_weights_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"module": torch.nn.Linear(1, 1)}, path)
    with pytest.raises(PretrainedWeightsError, match=r"weights\.pt"):
        load_state(path)


def test_load_state__refuses_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"not weights at all")
    with pytest.raises(PretrainedWeightsError, match=r"weights\.pt"):
        load_state(path)
