"""What the presets promise in their headers, beyond that they resolve (`test_config.py`)."""

from __future__ import annotations

import pytest

from silencio.config import preset_names, preset_text, resolve
from silencio.encoders.registry import encoder_spec
from silencio.errors import PretrainedWeightsError
from silencio.features import FeatureSpec
from silencio.models.head import HeadContext
from silencio.models.registry import head_class

GPU = {"birdclef"}


def test_reserve__has_every_kind_of_input() -> None:
    config = resolve(preset_text("reserve"))
    assert [head.kind for head in config.heads.values()] == ["effnet_lora", "resnet", "raw_cnn", "embed_mlp"]
    assert encoder_spec("birdnet", config.encoders["birdnet"]).speeds == (1.0, 0.5)


def test_reserve__runs_without_birdnet_as_its_header_says() -> None:
    assert "--set heads.embed_mlp=null" in preset_text("reserve").replace("\n# ", " ")
    config = resolve(preset_text("reserve"), overrides=["heads.embed_mlp=null"])
    assert not config.encoders  # each that is configured is asked about every window


@pytest.mark.parametrize("name", sorted(set(preset_names()) - GPU))
def test_presets__for_two_cores_ask_for_no_gpu_and_for_no_weights_of_the_user(name: str) -> None:
    for head in resolve(preset_text(name)).heads.values():
        assert head.precision == "32-true"
        assert getattr(head, "weights", "package") == "package"


def test_birdclef__is_for_gpus() -> None:
    config = resolve(preset_text("birdclef"))
    usual = type(config.heads["resnet"])(kind="resnet").batch_size
    assert {head.precision for name, head in config.heads.items() if name != "embed_mlp"} == {"bf16-mixed"}
    assert config.heads["effnet_lora"].batch_size == config.heads["resnet"].batch_size == 10 * usual


def test_birdclef__without_its_weights_is_one_sentence() -> None:
    head = resolve(preset_text("birdclef")).heads["effnet_lora"]
    with pytest.raises(PretrainedWeightsError, match=r"efficientnet_b3\.safetensors' is not a file"):
        head_class(head.kind).build(head, HeadContext(FeatureSpec(), 3))


def test_yamnet__takes_its_weights_from_a_file() -> None:
    config = resolve(preset_text("yamnet"), overrides=["encoders.yamnet.weights=/somewhere/yamnet.tflite"])
    assert config.encoders["yamnet"].weights == "/somewhere/yamnet.tflite"
    assert [head.kind for head in config.heads.values()] == ["embed_mlp"]
