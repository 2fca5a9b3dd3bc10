"""A model that is cut says of its inner tensor what the whole one says, and nothing is kept that this does not need."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from silencio.encoders._litert_cut import cut_litert
from silencio.errors import ConfigError, PretrainedWeightsError
from tests.unit.encoders.made_litert import MadeLitert

WEIGHTS = np.random.default_rng(2).standard_normal((1, 64)).astype(np.float32)


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A classifier of 64 classes above an embedding of 64 numbers."""
    made = MadeLitert(96)
    embedding = made.plus("embedding", made.slice("first", 64), WEIGHTS)
    path = tmp_path / "official.tflite"
    path.write_bytes(made.content([made.plus("classes", embedding, np.full((1, 64), 7, np.float32))]))
    return path


def test_cut_litert__the_inner_tensor_becomes_the_output(official: Path, tmp_path: Path) -> None:
    cut_litert(official, tmp_path / "cut.tflite", lambda name, shape: name == "embedding")
    interpreter = Interpreter(model_path=str(tmp_path / "cut.tflite"))
    interpreter.allocate_tensors()
    (described,) = interpreter.get_output_details()
    samples = np.arange(96, dtype=np.float32)[None]
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], samples)
    interpreter.invoke()
    assert described["name"] == "embedding"
    np.testing.assert_array_equal(interpreter.get_tensor(described["index"]), samples[:, :64] + WEIGHTS)


def test_cut_litert__drops_operators_tensors_and_weights_above(official: Path, tmp_path: Path) -> None:
    cut_litert(official, tmp_path / "cut.tflite", lambda name, shape: name == "embedding")
    graphs = []
    for path in (official, tmp_path / "cut.tflite"):
        model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        graphs.append([len(model.subgraphs[0].operators), len(model.subgraphs[0].tensors), len(model.buffers)])
    assert graphs == [[3, 8, 5], [2, 6, 4]]


def test_cut_litert__weights_lie_at_multiples_of_sixteen_bytes(official: Path, tmp_path: Path) -> None:
    cut_litert(official, tmp_path / "cut.tflite", lambda name, shape: name == "embedding")
    assert (tmp_path / "cut.tflite").read_bytes().index(WEIGHTS.tobytes()) % 16 == 0


def test_cut_litert__a_model_without_such_a_tensor_is_one_sentence(official: Path, tmp_path: Path) -> None:
    with pytest.raises(PretrainedWeightsError, match="is not the model that is expected: it has no such embedding$"):
        cut_litert(official, tmp_path / "cut.tflite", lambda name, shape: False)


def test_cut_litert__without_litert_is_one_sentence(
    official: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.schema_py_generated", None)
    with pytest.raises(ConfigError, match=r"^official.tflite needs LiteRT, which is not installed: .*\[litert\]"):
        cut_litert(official, tmp_path / "cut.tflite", lambda name, shape: True)
