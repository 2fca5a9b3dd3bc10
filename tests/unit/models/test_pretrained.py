from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from silencio.errors import PretrainedWeightsError
from silencio.models.pretrained import lite0_package_weights, load_backbone, load_state


def backbone(name: str = "efficientnet_lite0") -> torch.nn.Module:
    return timm.create_model(name, pretrained=False, in_chans=1, num_classes=5)


def test_load_backbone__fills_every_tensor_but_the_classifier() -> None:
    net, weights = backbone(), lite0_package_weights()
    load_backbone(net, weights, "conv_stem.weight")
    own = {name: value for name, value in net.state_dict().items() if not name.startswith("classifier.")}
    for (name, value), given in list(zip(own.items(), weights.values(), strict=False))[1:]:
        assert torch.equal(value, given), name


def test_load_backbone__refuses_another_architecture() -> None:
    with pytest.raises(PretrainedWeightsError, match="do not fit|tensors"):
        load_backbone(backbone("efficientnet_b0"), lite0_package_weights(), "conv_stem.weight")


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


def test_load_backbone__finds_tensors_by_name_in_any_order(tmp_path: Path) -> None:
    # As timm's hub has them: safetensors keeps no order of layers.
    theirs = timm.create_model("efficientnet_b0", pretrained=False)
    save_file(dict(sorted(theirs.state_dict().items(), reverse=True)), tmp_path / "b0.safetensors")
    net = backbone("efficientnet_b0")
    load_backbone(net, load_state(tmp_path / "b0.safetensors"), "conv_stem.weight")
    assert torch.equal(net.conv_head.weight, theirs.conv_head.weight)
    assert torch.equal(net.bn1.running_var, theirs.bn1.running_var)
    assert torch.equal(net.conv_stem.weight, theirs.conv_stem.weight.sum(dim=1, keepdim=True))


def test_load_state__refuses_a_broken_safetensors_file(tmp_path: Path) -> None:
    (tmp_path / "b0.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(PretrainedWeightsError, match=r"b0\.safetensors' is not a safetensors file"):
        load_state(tmp_path / "b0.safetensors")
