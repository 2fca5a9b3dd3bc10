import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from silencio.audio import WINDOW_STATISTICS
from silencio.bundle import Bundle, Scorer
from silencio.config.quantization import QuantizeConfig
from silencio.data.frames import read_frame
from silencio.data.shards import ShardSet
from silencio.errors import ModelError, ParityError
from silencio.evaluation.calibration import Calibration
from silencio.features import WindowStatistics
from silencio.models.head import HeadContext
from silencio.models.registry import head_class
from silencio.training.calibrate import calibrate_ensemble
from silencio.training.ensemble import fit_ensemble
from tests.conftest import TinyData, TinyEnsemble


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Path:
    return tiny_bundle


@pytest.fixture(scope="module")
def light(tiny_data: TinyData, tiny_ensemble: TinyEnsemble) -> TinyEnsemble:
    """The small head alone, whose export takes a second: the other's takes ten."""
    heads = [head for head in tiny_ensemble.heads if head.name == "raw_cnn"]
    ensemble = fit_ensemble(heads, tiny_data.recordings, tiny_data.config, tiny_data.classes)
    decision_rule = calibrate_ensemble(ensemble, tiny_data.recordings, tiny_data.config, tiny_data.classes)
    return TinyEnsemble(heads, ensemble, decision_rule)


def test_bundle__verifies_and_describes_itself(tiny_data, tiny_ensemble, bundle: Path) -> None:
    loaded = Bundle(bundle)
    loaded.verify()
    manifest = loaded.manifest
    assert manifest.classes == tiny_data.classes
    assert [entry.name for entry in manifest.inputs] == ["log_mel", "waveform"]
    assert [head.weight for head in manifest.heads] == tiny_ensemble.ensemble.weights
    assert list(manifest.thresholds) == list(tiny_data.classes.codes)
    assert manifest.calibration["kind"] == tiny_ensemble.decision_rule.calibration.kind
    assert manifest.verdict == {} and "test" not in manifest.metrics
    others = {"reference.parquet", "data.parquet", "split.parquet", "MODEL_CARD.md"}
    assert set(manifest.files) == {"model.onnx", "parity.npz", *others}


def test_graph__equals_the_trained_heads_calibrated(tiny_data, tiny_ensemble, bundle: Path) -> None:
    scorer = Scorer(Bundle(bundle))
    path = Path(tiny_data.recordings["path"][3])
    features = scorer.front_end(path).inputs
    expected = np.zeros((len(features["log_mel"]), len(tiny_data.classes)))
    for head, weight in zip(tiny_ensemble.heads, tiny_ensemble.ensemble.weights, strict=True):
        module = head.module(tiny_data.config.features, tiny_data.classes)
        with torch.inference_mode():
            used = [torch.from_numpy(features[name]) for name in module.input_names]
            expected += weight * module(*used).softmax(dim=1).numpy()
    expected = tiny_ensemble.decision_rule.calibration(expected)
    assert np.abs(scorer(path).probabilities - expected).max() < 1e-4


def test_graph__holds_the_calibration(tiny_data, light: TinyEnsemble, tmp_path: Path) -> None:
    curve = Calibration(kind="platt", scale=(0.5, 1.0, 2.0, 3.0), offset=(1.0, 0.0, -1.0, 0.5))
    decided = dataclasses.replace(light, decision_rule=light.decision_rule.model_copy(update={"calibration": curve}))
    scorer = Scorer(Bundle(decided.export(tiny_data, tmp_path / "bundle")))
    validation = ShardSet(tiny_data.development, tiny_data.config.features, "validation")
    shown = np.concatenate([scorer.graph.run(scorer.front_end.features(one).inputs) for one in validation])
    assert np.abs(shown - curve(light.ensemble.windows.probabilities)).max() < 1e-4
    assert np.abs(shown - light.ensemble.windows.probabilities).max() > 0.05


def test_reference__is_validation_as_the_bundle_hears_it(tiny_data, bundle: Path) -> None:
    reference = read_frame(bundle / "reference.parquet")
    validation = tiny_data.recordings[tiny_data.recordings["split"] == "validation"]
    assert set(reference["recording_id"]) == set(validation["recording_id"])
    row = reference.iloc[-1]
    path = Path(validation.set_index("recording_id").at[row["recording_id"], "path"])
    scored = Scorer(Bundle(bundle))(path)
    assert row["start_s"] == scored.starts_s[-1]
    columns = [f"p_{code}" for code in tiny_data.classes.codes]
    assert np.allclose(row[columns].to_numpy(float), scored.probabilities[-1], atol=1e-5)
    front_end = Scorer(Bundle(bundle)).front_end
    measured = WindowStatistics(front_end.spec)(front_end.windows(front_end.waveform(path)))
    for name in WINDOW_STATISTICS:
        np.testing.assert_array_equal(row[name], measured[name][-1], err_msg=name)
    assert -60 < row["rms_db"] < 0 and row["clipped_share"] == 0


def test_graph__holds_no_adapter(bundle: Path) -> None:
    graph = onnx.load(bundle / "model.onnx").graph
    assert not [node.name for node in graph.node if "lora" in node.name.lower()]
    assert not [tensor.name for tensor in graph.initializer if "lora" in tensor.name.lower()]


def test_one_window__gives_what_it_gives_among_others(bundle: Path) -> None:
    scorer = Scorer(Bundle(bundle))
    windows = scorer.front_end.features(np.arange(16000 * 9, dtype=np.int16)).inputs
    together = scorer.graph.run(windows)
    alone = np.concatenate([scorer.graph.run({k: v[i : i + 1] for k, v in windows.items()}) for i in range(5)])
    assert np.abs(together - alone).max() < 1e-5


def test_untrained_weights__are_not_exported(tiny_data, light: TinyEnsemble, tmp_path: Path) -> None:
    # What an export that builds the net anew and forgets to load its weights would write.
    fresh = []
    for head in light.heads:
        torch.manual_seed(99)
        config = head.config
        module = head_class(config.kind).build(config, HeadContext(tiny_data.config.features, len(tiny_data.classes)))
        fresh.append(dataclasses.replace(head, state=module.state_dict()))
    with pytest.raises(ParityError, match="does not hold the trained weights"):
        light.export(tiny_data, tmp_path / "bundle", fresh)
    assert not (tmp_path / "bundle").exists()


def test_head_without_a_step__is_not_exported(tiny_data, tiny_ensemble, tmp_path: Path) -> None:
    idle = dataclasses.replace(tiny_ensemble.heads[0], n_steps=0)
    with pytest.raises(ModelError, match="never trained"):
        tiny_ensemble.export(tiny_data, tmp_path / "bundle", [idle, tiny_ensemble.heads[1]])


def test_inspect__accepts_it_in_a_process_of_its_own(bundle: Path) -> None:
    command = [sys.executable, "-m", "silencio", "bundle", "inspect", str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "effnet_lora" in done.stdout


def _is_int8(bundle: Bundle) -> bool:
    tensors = onnx.load(bundle.directory / "model.onnx").graph.initializer
    return any(tensor.data_type == onnx.TensorProto.INT8 for tensor in tensors)


def test_int8__is_released_only_where_it_is_kept(
    tiny_data: TinyData,
    light: TinyEnsemble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quantize = QuantizeConfig(enabled=True, max_map_loss=1.0, n_timed=10)
    config = tiny_data.config.model_copy(
        update={"export": tiny_data.config.export.model_copy(update={"quantize": quantize})}
    )
    data = dataclasses.replace(tiny_data, config=config)
    # The clock is taken out of it: whether int8 is faster on a net this small is luck.
    monkeypatch.setattr("silencio.export.quantize._median_ms", lambda *_: (2.0, 1.0))
    kept = Bundle(light.export(data, tmp_path / "kept"))
    kept.verify()
    assert kept.manifest.precision == "int8"
    assert _is_int8(kept)
    monkeypatch.setattr("silencio.export.quantize._median_ms", lambda *_: (1.0, 2.0))
    refused = Bundle(light.export(data, tmp_path / "refused"))
    assert refused.manifest.precision == "fp32"
    assert not _is_int8(refused)
    never_tried = Bundle(light.export(tiny_data, tmp_path / "never"))
    assert (refused.directory / "model.onnx").read_bytes() == (never_tried.directory / "model.onnx").read_bytes()
    assert {path.name for path in kept.directory.iterdir()} == {path.name for path in refused.directory.iterdir()}
