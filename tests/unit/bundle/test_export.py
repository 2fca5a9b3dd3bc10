import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from silencio.bundle import Bundle, Scorer
from silencio.bundle.export import export_bundle
from silencio.errors import ModelError, ParityError
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation
from silencio.models.registry import head_class
from silencio.training.checkpoint import TrainedHead
from silencio.training.fit import fit_head
from silencio.training.fuse import Fusion

NOTHING = Metrics(0.5, 0.5, 4, 4)


@pytest.fixture(scope="module")
def heads(tiny_data, tmp_path_factory: pytest.TempPathFactory) -> list[TrainedHead]:
    trained = []
    for name in tiny_data.config.heads:
        directory = tmp_path_factory.mktemp("heads") / name
        fit_head(name, tiny_data.config, tiny_data.development, tiny_data.classes, directory)
        trained.append(TrainedHead.load(directory))
    return trained


def export(tiny_data, heads: list[TrainedHead], directory: Path) -> Path:
    names = [head.name for head in heads]
    export_bundle(
        heads,
        Fusion("weighted_average", names, [0.25, 0.75], NOTHING),
        Evaluation({"ensemble": NOTHING}, []),
        tiny_data.development,
        {"CC BY 4.0": 20},
        tiny_data.config,
        tiny_data.classes,
        {"data_fingerprint": "0" * 64, "code_version": "test"},
        directory,
    )
    return directory


@pytest.fixture(scope="module")
def bundle(tiny_data, heads, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_data, heads, tmp_path_factory.mktemp("export") / "bundle")


def test_bundle__verifies_and_describes_itself(tiny_data, bundle: Path) -> None:
    loaded = Bundle(bundle)
    loaded.verify()
    manifest = loaded.manifest
    assert manifest.classes == tiny_data.classes
    assert [entry.name for entry in manifest.inputs] == ["log_mel", "waveform"]
    assert [head.weight for head in manifest.heads] == [0.25, 0.75]
    assert manifest.parents["config_sha256"]
    assert set(manifest.files) == {"model.onnx", "parity.npz", "MODEL_CARD.md"}


def test_graph__equals_the_trained_heads(tiny_data, heads, bundle: Path) -> None:
    scorer = Scorer(Bundle(bundle))
    path = Path(tiny_data.recordings["path"][3])
    features = scorer.front_end(path).inputs
    expected = np.zeros((len(features["log_mel"]), len(tiny_data.classes)))
    for head, weight in zip(heads, [0.25, 0.75], strict=True):
        module = head.module(tiny_data.config.features, tiny_data.classes)
        with torch.inference_mode():
            expected += weight * module(torch.from_numpy(features[module.input_name])).softmax(dim=1).numpy()
    assert np.abs(scorer(path).probabilities - expected).max() < 1e-4


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


def test_untrained_weights__are_not_exported(tiny_data, heads, tmp_path: Path) -> None:
    # What an export that builds the net anew and forgets to load its weights would write.
    fresh = []
    for head in heads:
        torch.manual_seed(99)
        config = head.config
        module = head_class(config.kind).build(config, tiny_data.config.features, len(tiny_data.classes))
        fresh.append(dataclasses.replace(head, state=module.state_dict()))
    with pytest.raises(ParityError, match="does not hold the trained weights"):
        export(tiny_data, fresh, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_head_without_a_step__is_not_exported(tiny_data, heads, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="never trained"):
        export(tiny_data, [dataclasses.replace(heads[0], n_steps=0), heads[1]], tmp_path / "bundle")


def test_inspect__accepts_it_in_a_process_of_its_own(bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "silencio.bundle", "inspect", str(bundle)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "effnet_lora" in done.stdout
