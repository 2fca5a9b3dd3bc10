"""The bundle's graph in ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from silencio.bundle.manifest import GraphInput
from silencio.errors import BundleIntegrityError

OUTPUT = "probabilities"
# Windows a run: bounds memory, and keeps a call between the two servers under gRPC's 8 MiB (5 s: 0.5 MB a window).
MOST_WINDOWS = 8


class Graph:
    """`model.onnx`, ready to run.

    Args:
        path: The file.
        inputs: What bundle.json says of its inputs.
        n_threads: Threads of the session.

    Raises:
        BundleIntegrityError: It is no graph, or its inputs are others.
    """

    def __init__(self, path: Path, inputs: tuple[GraphInput, ...], n_threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own that share no public base
            raise BundleIntegrityError(f"{path.name} is not a graph that ONNX Runtime loads: {error}") from error
        self.inputs = inputs
        own = {node.name: tuple(node.shape[1:]) for node in self._session.get_inputs()}
        said = {entry.name: entry.shape for entry in inputs}
        if own != said:
            raise BundleIntegrityError(f"{path.name} takes {own}, bundle.json says {said}")

    @property
    def facts(self) -> dict[str, str]:
        """What export wrote into the graph itself: `spec_sha256`, `classes_sha256`, `codes` (a JSON list)."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def codes(self) -> list[str]:
        return list(json.loads(self.facts.get("codes", "[]")))

    @property
    def n_classes(self) -> int:
        return int(self._session.get_outputs()[0].shape[1])

    def run(self, features: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
        """Probabilities of windows.

        Args:
            features: At least the graph's inputs, each (n_windows, …).

        Returns:
            float32, shape (n_windows, n_classes).
        """
        feed = {entry.name: features[entry.name] for entry in self.inputs}
        n_windows = len(next(iter(feed.values())))
        parts = [
            self._session.run([OUTPUT], {name: value[i : i + MOST_WINDOWS] for name, value in feed.items()})[0]
            for i in range(0, n_windows, MOST_WINDOWS)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.n_classes), np.float32)
