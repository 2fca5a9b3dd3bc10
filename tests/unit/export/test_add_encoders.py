"""An encoder is one file; what a head took of it in training is what the bundle's graph takes of it in service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from silencio.bundle import Bundle, Scorer
from silencio.config import RunConfig, resolve
from silencio.data.embeddings import open_encoders
from silencio.data.shards import ShardSet, write_shard
from silencio.errors import BundleError
from silencio.export.add_encoders import add_encoders
from silencio.training.calibrate import calibrate_ensemble
from silencio.training.checkpoint import TrainedHead
from silencio.training.ensemble import fit_ensemble
from silencio.training.fit import fit_head
from tests.conftest import TinyData, TinyEnsemble
from tests.new_encoder import chorus
from tests.tiny_reserve import TINY

HEADS = """
heads:
  effnet_lora: null
  embed_mlp: {encoder: chorus, epochs: 3, widths: [8], batch_size: 4}
  resnet: {backbone: resnet18, epochs: 1, batch_size: 4, boost: {encoder: chorus, low_hz: 2000.0, high_hz: 4000.0}}
"""


@dataclass(frozen=True)
class Encoded:
    """The made-up reserve, with heads of which two take an encoder."""

    data: TinyData
    heads: list[TrainedHead]
    bundle: Path

    @property
    def config(self) -> RunConfig:
        return self.data.config


@pytest.fixture(scope="module")
def encoded(tiny_data: TinyData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoded]:
    folder = tmp_path_factory.mktemp("encoded")
    with chorus(folder) as weights:
        config = resolve(
            TINY, over=HEADS, overrides=[f"encoders.chorus.weights={weights}", "encoders.chorus.speeds=[1.0, 0.5]"]
        )
        recordings = tiny_data.recordings[tiny_data.recordings["split"] != "test"]
        write_shard(recordings, config.features, folder / "shard", open_encoders(config.encoders, config.features))
        data = replace(tiny_data, config=config, development=[folder / "shard"])
        heads = []
        for name in config.heads:
            fit_head(name, config, data.development, data.classes, folder / name)
            heads.append(TrainedHead.load(folder / name))
        ensemble = fit_ensemble(heads, recordings, config, data.classes)
        decision_rule = calibrate_ensemble(ensemble, recordings, config, data.classes)
        yield Encoded(data, heads, TinyEnsemble(heads, ensemble, decision_rule).export(data, folder / "bundle"))


def test_bundle__carries_the_encoder_and_asks_for_sound_alone(encoded: Encoded) -> None:
    bundle = Bundle(encoded.bundle)
    (entry,) = bundle.manifest.encoders
    assert (entry.name, entry.file, entry.speeds) == ("chorus", "encoders/chorus.onnx", (1.0, 0.5))
    assert "encoders/chorus.onnx" in bundle.manifest.files
    assert [fed.name for fed in bundle.manifest.sent_inputs] == ["log_mel", "waveform"]
    assert {fed.name: fed.shape for fed in bundle.manifest.inputs}["embedding:chorus"] == (12,)
    bundle.verify()


def test_bundle__says_the_licence_that_follows_from_the_encoder(encoded: Encoded) -> None:
    licences = Bundle(encoded.bundle).manifest.licences
    assert licences["weights"]["Chorus (encoder)"] == "CC BY-NC 4.0"
    assert licences["non_commercial"] is True


def test_graph__hears_in_service_what_heads_heard_in_training(encoded: Encoded) -> None:
    scorer = Scorer(Bundle(encoded.bundle))
    validation = ShardSet(encoded.data.development, encoded.config.features, "validation")
    graph = scorer.graph
    for index, path in enumerate(validation.table["path"]):
        kept = validation.inputs(index, scorer.front_end)
        live = scorer.front_end(Path(path)).inputs
        np.testing.assert_allclose(
            graph._encoders.embedded(live)["embedding:chorus"], kept["embedding:chorus"], atol=1e-5
        )


def test_embed_mlp__alone_takes_any_number_of_windows(encoded: Encoded, tmp_path: Path) -> None:
    data = replace(
        encoded.data, config=resolve(encoded.config.to_yaml(), overrides=["heads.raw_cnn=null", "heads.resnet=null"])
    )
    head = next(head for head in encoded.heads if head.name == "embed_mlp")
    ensemble = fit_ensemble([head], data.recordings, data.config, data.classes)
    decision_rule = calibrate_ensemble(ensemble, data.recordings, data.config, data.classes)
    graph = Bundle(TinyEnsemble([head], ensemble, decision_rule).export(data, tmp_path / "bundle")).graph()
    windows = (3_000 * np.random.default_rng(1).standard_normal((5, 32_000))).astype(np.int16)
    together = graph.run({"waveform": windows})
    one_by_one = np.concatenate([graph.run({"waveform": windows[i : i + 1]}) for i in range(5)])
    np.testing.assert_allclose(together, one_by_one, atol=1e-6)
    assert np.ptp(together, axis=0).max() > 1e-4


def test_add_encoders__other_weights_than_training_heard(encoded: Encoded, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    used = [head.encoders for head in encoded.heads]
    with chorus(tmp_path / "weights") as weights:
        content = bytearray(weights.read_bytes())
        content[-5] ^= 1
        weights.write_bytes(bytes(content))
        config = resolve(TINY, over=HEADS, overrides=[f"encoders.chorus.weights={weights}"])
        with pytest.raises(BundleError, match="the weights of chorus here .* are not those that training used"):
            add_encoders(used, config.encoders, config.features, tmp_path)
