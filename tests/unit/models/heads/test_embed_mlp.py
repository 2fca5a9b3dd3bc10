"""embed_mlp takes each speed's part of an embedding by its shape, not by its loudness."""

from __future__ import annotations

import pytest
import torch

from silencio.encoders import EncoderSpec
from silencio.features import FeatureSpec
from silencio.models.head import HeadContext
from silencio.models.heads.embed_mlp import EmbedMlp, EmbedMlpConfig

ENCODER = EncoderSpec(
    name="chorus",
    runtime="onnx",
    sample_rate_hz=8_000,
    frame_samples=4_000,
    hop_samples=2_000,
    n_outputs=6,
    speeds=(1.0, 0.5),
)
EMBEDDINGS = torch.randn((5, 12), generator=torch.Generator().manual_seed(0))


def _head(**settings: object) -> EmbedMlp:
    torch.manual_seed(0)
    config = EmbedMlpConfig.model_validate({"encoder": "chorus", "widths": [8], **settings}, strict=False)
    return EmbedMlp.build(config, HeadContext(FeatureSpec(), n_classes=3, encoders={"chorus": ENCODER})).eval()


def test_head__hears_the_encoder_that_it_names() -> None:
    assert _head().input_names == ("embedding:chorus",)
    assert EmbedMlpConfig(encoder="chorus").encoder_names == ("chorus",)


def test_root__one_speed_louder_changes_nothing() -> None:
    head, louder = _head(normalize="root"), EMBEDDINGS.clone()
    louder[:, 6:] *= 9.0
    torch.testing.assert_close(head(louder), head(EMBEDDINGS), atol=1e-5, rtol=1e-4)
    assert (head(-EMBEDDINGS) - head(EMBEDDINGS)).abs().max() > 1e-3  # the sign counts


def test_none__the_embedding_is_heard_as_it_is() -> None:
    head = _head(normalize="none")
    assert (head(3.0 * EMBEDDINGS) - head(EMBEDDINGS)).abs().max() > 1e-3


def test_silence__is_a_number() -> None:
    assert torch.isfinite(_head()(torch.zeros((2, 12)))).all()


@pytest.mark.parametrize("widths", [[], [8], [16, 8]])
def test_widths__none_is_a_linear_classifier(widths: list[int]) -> None:
    linear = [module for module in _head(widths=widths).modules() if isinstance(module, torch.nn.Linear)]
    assert [layer.out_features for layer in linear] == [*widths, 3]
