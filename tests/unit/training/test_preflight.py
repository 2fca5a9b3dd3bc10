from pathlib import Path

import pytest
import torch

from silencio.config import resolve
from silencio.errors import ConfigError
from silencio.models.pretrained import lite0_package_weights
from silencio.training.preflight import check_run


def complaint(heads: str, **others: str) -> str:
    more = "".join(f"{name}: {value}\n" for name, value in others.items())
    with pytest.raises(ConfigError) as caught:
        check_run(resolve(f"heads: {heads}\nsupervisor: {{}}\n{more}"))
    return str(caught.value)


def test_heads_that_can_be_trained__pass() -> None:
    before = torch.get_rng_state()
    check_run(resolve("{heads: {raw_cnn: {}, effnet_lora: {}, resnet: {backbone: resnet18}}, supervisor: {}}"))
    assert torch.equal(torch.get_rng_state(), before)


def test_encoder_without_weights__is_named() -> None:
    shown = complaint("{embed_mlp: {encoder: yamnet}}", encoders="{yamnet: {weights: /nowhere/yamnet.tflite}}")
    assert shown == "encoders.yamnet.weights='/nowhere/yamnet.tflite' is not a file"


def test_target_that_matches_nothing__is_named() -> None:
    shown = complaint("{ears: {kind: effnet_lora, target_modules: conv_pvv}}")
    assert shown == "heads.ears: target_modules='conv_pvv' matches no layer of efficientnet_lite0"


def test_rank_that_a_depthwise_layer_refuses__is_named() -> None:
    shown = complaint(r"{effnet_lora: {target_modules: '.*conv_dw', rank: 12}}")
    assert shown.startswith("heads.effnet_lora: target_modules='.*conv_dw' matches blocks.0.0.conv_dw, whose 32 groups")


def test_backbone_weights_of_another_backbone__do_not_fit(tmp_path: Path) -> None:
    torch.save(lite0_package_weights(), tmp_path / "lite0.pt")
    shown = complaint(f"{{effnet_lora: {{backbone: efficientnet_b0, weights: {tmp_path / 'lite0.pt'}}}}}")
    assert shown.startswith("heads.effnet_lora: the weights hold 296 tensors, the backbone has ")


def test_every_fault__is_said_at_once() -> None:
    shown = complaint("{effnet_lora: {weights: /nowhere/a.pt}, two: {kind: effnet_lora, weights: /nowhere/b.pt}}")
    assert "/nowhere/a.pt" in shown
    assert "/nowhere/b.pt" in shown


def test_window_that_is_too_short_for_a_head__is_named() -> None:
    shown = complaint(
        "{resnet: {backbone: resnet18}, raw_cnn: {kernel_size: 15}}",
        features="{window_s: 0.0001, hop_s: 0.0001, hop_length: 16, n_fft: 64, n_mels: 8}",
    )
    assert "heads.raw_cnn: cannot take windows of 0.0001 s as waveform" in shown


def test_encoder_that_no_head_hears__is_looked_for_too() -> None:
    # Recordings are shown to all that are configured.
    shown = complaint("{raw_cnn: {}}", encoders="{yamnet: {weights: /nowhere/yamnet.tflite}}")
    assert shown == "encoders.yamnet.weights='/nowhere/yamnet.tflite' is not a file"


def test_batches_of_one_window__are_refused_by_heads_whose_norms_need_two() -> None:
    nowhere = "{yamnet: {weights: /nowhere/yamnet.tflite}}"
    shown = complaint("{embed_mlp: {encoder: yamnet, batch_size: 1}, raw_cnn: {batch_size: 1}}", encoders=nowhere)
    assert "heads.embed_mlp: cannot be trained with batch_size=1: Expected more than 1 value per channel" in shown
    assert "heads.raw_cnn" not in shown
