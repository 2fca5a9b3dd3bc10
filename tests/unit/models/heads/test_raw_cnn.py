import torch

from silencio.features import FeatureSpec
from silencio.models.head import HeadContext
from silencio.models.heads.raw_cnn import RawCnn, RawCnnConfig

SPEC = FeatureSpec()


def build() -> RawCnn:
    torch.manual_seed(0)
    return RawCnn.build(RawCnnConfig(), HeadContext(SPEC, n_classes=5)).eval()


def test_layers__are_those_of_the_mission() -> None:
    convolutions = [m for m in build().modules() if isinstance(m, torch.nn.Conv1d)]
    assert [c.out_channels for c in convolutions] == [16, 32, 64, 128]
    assert [c.kernel_size[0] for c in convolutions] == [15] * 4
    assert [c.stride[0] for c in convolutions] == [4, 2, 2, 2]


def test_loudness__does_not_change_the_answer() -> None:
    waveform = torch.randint(-8000, 8000, (2, SPEC.window_samples), dtype=torch.int16)
    with torch.inference_mode():
        loud, soft = build()(waveform), build()(waveform // 4)
    assert (loud - soft).abs().max() < 0.05


def test_silence__is_finite() -> None:
    with torch.inference_mode():
        assert torch.isfinite(build()(torch.zeros(1, SPEC.window_samples, dtype=torch.int16))).all()
