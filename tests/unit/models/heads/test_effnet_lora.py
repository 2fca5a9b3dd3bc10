import pytest
import torch
from torch import nn

from silencio.errors import ConfigError, PretrainedWeightsError
from silencio.features import FeatureSpec
from silencio.models.head import HeadContext, loss_of
from silencio.models.heads.effnet_lora import EffNetLora, EffNetLoraConfig
from silencio.models.pretrained import lite0_package_weights

SPEC = FeatureSpec()


def build(**settings: object) -> EffNetLora:
    torch.manual_seed(0)
    return EffNetLora.build(EffNetLoraConfig.model_validate(settings, strict=False), HeadContext(SPEC, n_classes=5))


def stem_of(head: nn.Module) -> torch.Tensor:
    """The stem's weight that is in use: under an adapter, its trained copy."""
    named = dict(head.named_parameters())
    name = next(
        (n for n in named if n.endswith("conv_stem.modules_to_save.default.weight")),
        next((n for n in named if n.endswith("conv_stem.weight")), None),
    )
    assert name is not None
    return named[name]


def test_stem__hears_pretrained_colours_summed() -> None:
    pretrained = next(iter(lite0_package_weights().values()))
    assert torch.equal(stem_of(build()).detach(), pretrained.sum(dim=1, keepdim=True))


@pytest.mark.parametrize("adapt", ["lora", "full"])
def test_stem__is_trained(adapt: str) -> None:
    # A stem replaced for one channel and then frozen keeps random filters for ever.
    head = build(adapt=adapt).train()
    stem = stem_of(head)
    assert stem.requires_grad
    before = stem.detach().clone()
    optimizer = torch.optim.SGD([p for p in head.parameters() if p.requires_grad], lr=0.1)
    loss_of(head(torch.randn(2, 128, 64)), torch.eye(5)[:2], EffNetLoraConfig()).backward()
    optimizer.step()
    assert not torch.equal(stem.detach(), before)


def test_classifier__is_trained_in_full() -> None:
    trained = [name for name, p in build().named_parameters() if p.requires_grad and "classifier" in name]
    assert sorted(name.rsplit(".", 1)[1] for name in trained) == ["bias", "weight"]


def test_lora__leaves_the_pretrained_weights_alone() -> None:
    head = build()
    trained = {name for name, parameter in head.named_parameters() if parameter.requires_grad}
    assert trained
    assert all("lora_" in name or "modules_to_save" in name for name in trained)


def test_deployable__merges_the_updates_without_changing_the_numbers() -> None:
    head = build()
    for name, parameter in head.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    head.eval()
    x = torch.randn(3, 128, 64)
    merged = head.deployable().eval()
    with torch.inference_mode():
        difference = (head(x) - merged(x)).abs().max()
        assert difference < 1e-4 * head(x).abs().max()
    assert not any("lora" in name for name, _ in merged.named_parameters())


def test_lora_on_random_weights__is_refused() -> None:
    with pytest.raises(ValueError, match="low-rank updates of random weights learn nothing"):
        EffNetLoraConfig(adapt="lora", weights="none")


def test_package_weights_for_another_backbone__are_refused() -> None:
    with pytest.raises(ValueError, match="efficientnet_lite0 only"):
        EffNetLoraConfig(backbone="efficientnet_b3")


def test_missing_weights_file__is_named() -> None:
    with pytest.raises(PretrainedWeightsError, match=r"/nowhere/b0\.pt"):
        build(backbone="efficientnet_b0", weights="/nowhere/b0.pt")


@pytest.mark.parametrize(
    ("target", "rank", "shown"),
    [
        ("no_such_layer", 16, "target_modules='no_such_layer' matches no layer of efficientnet_lite0"),
        (r".*\.conv_dw", 5, r"blocks\.0\.0\.conv_dw, whose 32 groups do not divide rank=5"),
        # peft takes it, and refuses to merge when training is over.
        (r"blocks\.0\.0\.conv_dw", 32, "could not be merged"),
    ],
)
def test_targets_that_cannot_be_adapted__are_named(target: str, rank: int, shown: str) -> None:
    with pytest.raises(ConfigError, match=shown):
        build(target_modules=target, rank=rank)


def test_target_that_is_no_expression__is_named() -> None:
    with pytest.raises(ValueError, match="is no regular expression"):
        EffNetLoraConfig(target_modules="conv_pw(")
