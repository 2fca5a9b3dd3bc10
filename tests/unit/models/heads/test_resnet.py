import pytest
import torch

from silencio.config import resolve
from silencio.encoders import EncoderSpec
from silencio.errors import ConfigError
from silencio.features import FeatureSpec
from silencio.models.head import HeadContext
from silencio.models.heads.resnet import BandBoost, BandBoostConfig, ResNet, ResNetConfig, mel_centres_hz

SPEC = FeatureSpec()
EAR = EncoderSpec(
    name="ear", runtime="onnx", sample_rate_hz=16_000, frame_samples=16_000, hop_samples=16_000, n_outputs=6
)


def build(**settings: object) -> ResNet:
    torch.manual_seed(0)
    config = ResNetConfig.model_validate({"backbone": "resnet18", **settings}, strict=False)
    return ResNet.build(config, HeadContext(SPEC, n_classes=5, encoders={"ear": EAR}))


def boost(**settings: object) -> BandBoost:
    return BandBoost(BandBoostConfig.model_validate({"encoder": "ear", **settings}), SPEC, EAR.n_dimensions).eval()


def test_resnet50__has_the_layers_of_its_name() -> None:
    convolutions = [m for m in build(backbone="resnet50").modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 53  # 49 of the path and four shortcuts
    assert convolutions[0].in_channels == 1


def test_every_weight__is_trained() -> None:
    assert all(parameter.requires_grad for parameter in build(boost={"encoder": "ear"}).parameters())


def test_boost__hears_the_encoder_beside_the_log_mel() -> None:
    assert build().input_names == ("log_mel",)
    head = build(boost={"encoder": "ear"}).eval()
    assert head.input_names == ("log_mel", "embedding:ear")
    with torch.inference_mode():
        assert head(torch.randn(2, *SPEC.log_mel_shape), torch.randn(2, 6)).shape == (2, 5)


def test_boost__raises_its_band_by_its_gain_where_the_gate_is_open() -> None:
    layer = boost(low_hz=2000.0, high_hz=8000.0, gain_db=10.0)
    torch.nn.init.constant_(layer._gate.bias, 50.0)
    with torch.inference_mode():
        raised = layer(torch.zeros(1, *SPEC.log_mel_shape), torch.zeros(1, 6))[0, :, 0]
    centres_hz = mel_centres_hz(SPEC)
    inside = torch.from_numpy((centres_hz >= 2000) & (centres_hz <= 8000))
    assert torch.allclose(raised[inside] * SPEC.scale_db, torch.tensor(10.0))
    assert torch.all(raised[~inside] == 0)


def test_gate__is_learned_from_the_embedding() -> None:
    layer = boost().train()
    layer(torch.zeros(4, *SPEC.log_mel_shape), torch.randn(4, 6)).square().mean().backward()
    assert layer._gate.weight.grad is not None
    assert layer._gate.weight.grad.abs().sum() > 0


def test_mel_centres__are_the_frequencies_that_librosa_names() -> None:
    librosa = pytest.importorskip("librosa")
    wanted = librosa.mel_frequencies(SPEC.n_mels + 2, fmin=SPEC.f_min_hz, fmax=SPEC.f_max_hz)[1:-1]
    assert mel_centres_hz(SPEC) == pytest.approx(wanted)


def test_band_without_a_mel_row__is_refused() -> None:
    with pytest.raises(ConfigError, match="none of the 128 mel bands"):
        boost(low_hz=15_990.0, high_hz=15_995.0)


def test_configuration__adds_the_encoder_that_the_boost_names() -> None:
    config = resolve("{heads: {resnet: {boost: {encoder: yamnet}}}, supervisor: {}}")
    assert list(config.encoders) == ["yamnet"]
    assert config.heads["resnet"].encoder_names == ("yamnet",)
