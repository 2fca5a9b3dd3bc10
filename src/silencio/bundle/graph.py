"""The bundle's graph in ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from silencio.bundle.encoders import Encoders
from silencio.bundle.manifest import GraphInput
from silencio.errors import BundleIntegrityError, ConfigError

if TYPE_CHECKING:
    import onnxruntime

# Importing it starts a thread and opens files, which a process that is forked should not inherit: it is imported where
# it runs. Where it is not installed, the error comes at once all the same.
if find_spec("onnxruntime") is None:
    raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")

OUTPUT = "probabilities"
# Windows a run: bounds memory, and keeps a call between the two servers under gRPC's 8 MiB (5 s: 0.5 MB a window).
MAX_RUN_WINDOWS = 8
CPU = "cpu"
# By the name of the setting: ONNX Runtime's own name, and the package that has it. OpenVINO 1.24 was measured to give
# the probabilities of an fp32 graph (2e-7 off) a tenth faster, and other ones of our int8 graphs (0.2 to 0.5 off):
# parity refuses those.
PROVIDERS = {
    CPU: ("CPUExecutionProvider", "onnxruntime"),
    "openvino": ("OpenVINOExecutionProvider", "onnxruntime-openvino"),
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu[cuda,cudnn]"),
    "tensorrt": ("TensorrtExecutionProvider", "onnxruntime-gpu[cuda,cudnn] and tensorrt"),
}
_Provider = tuple[str, dict[str, str]]


class Graph:
    """`model.onnx` and the encoders that feed it, ready to run; several threads may run it at once.

    Args:
        path: Path of the file.
        inputs: Its inputs as bundle.json describes them.
        n_threads: Threads of the session.
        provider: What it runs on: `cpu`, `openvino`, `cuda` or `tensorrt`; encoders stay on the processor.
        encoders: Encoders by the name of the input that each makes of `waveform`.

    Attributes:
        inputs: What `run` is given: as given, with `waveform` in place of what encoders make of it.
        provider: What it runs on; a provider that does not run this graph is refused, never replaced.
        n_nodes: Nodes of the graph after optimisation.
        n_provider_nodes: Those of them that the provider runs; ONNX Runtime's own processor kernels run the rest.

    Raises:
        BundleIntegrityError: It is no graph, or its inputs are others.
        ConfigError: The provider is unknown, not installed, or does not run this graph.
    """

    def __init__(
        self,
        path: Path,
        inputs: tuple[GraphInput, ...],
        n_threads: int,
        provider: str = CPU,
        *,
        encoders: Encoders | None = None,
    ) -> None:
        self._path, self._n_threads = path, n_threads
        self._fed, self._encoders, self.provider = inputs, encoders, provider
        self.inputs = inputs if encoders is None else encoders.sent(inputs)
        self._session = _session(path, n_threads, provider)
        own = {node.name: tuple(node.shape[1:]) for node in self._session.get_inputs()}
        listed = {entry.name: entry.shape for entry in inputs}
        if own != listed:
            raise BundleIntegrityError(f"{path.name} takes {own}, bundle.json says {listed}")
        self.n_nodes, self.n_provider_nodes = _check_active(self._session, provider)

    def on(self, provider: str) -> Graph:
        """The same file on another provider.

        Raises:
            ConfigError: The provider is unknown, not installed, or does not run this graph.
        """
        if provider == self.provider:
            return self
        return Graph(self._path, self._fed, self._n_threads, provider, encoders=self._encoders)

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
            features: Features by name, at least `inputs`, each (n_windows, …).

        Returns:
            float32, shape (n_windows, n_classes).
        """
        if self._encoders is not None:
            features = self._encoders.embedded(features)
        feed = {entry.name: features[entry.name] for entry in self._fed}
        n_windows = len(next(iter(feed.values())))
        parts = [
            self._session.run([OUTPUT], {name: value[i : i + MAX_RUN_WINDOWS] for name, value in feed.items()})[0]
            for i in range(0, n_windows, MAX_RUN_WINDOWS)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.n_classes), np.float32)


def _session(path: Path, n_threads: int, provider: str) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    providers = _providers(provider, n_threads)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime raises classes of its own that share no public base
        if provider == CPU:
            raise BundleIntegrityError(f"{path.name} is not a graph that ONNX Runtime loads: {error}") from error
        text = " ".join(str(error).split())[:200]
        raise ConfigError(f"provider {provider} does not load {path.name} ({text}); choose another") from error


def _providers(provider: str, n_threads: int) -> list[_Provider]:
    """What ONNX Runtime is to use, most wanted first.

    Raises:
        ConfigError: It is unknown or not installed.
    """
    import onnxruntime

    if provider not in PROVIDERS:
        raise ConfigError(f"provider {provider!r} is none of {', '.join(PROVIDERS)}")
    name, package = PROVIDERS[provider]
    installed = onnxruntime.get_available_providers()
    if name not in installed:  # asked for all the same, it would be replaced by the processor with a warning
        raise ConfigError(
            f"provider {provider} is not in this installation of ONNX Runtime (it has {', '.join(installed)}); "
            f"install {package} in place of onnxruntime, or choose another provider"
        )
    if provider == CPU:
        return [(name, {})]
    if provider == "openvino":
        return [(name, {"device_type": "CPU", "num_of_threads": str(n_threads)})]
    onnxruntime.preload_dlls()  # CUDA and cuDNN out of their Python packages
    # TF32 keeps 10 bits of a number: no parity with what was exported.
    cuda = ("CUDAExecutionProvider", {"use_tf32": "0"})
    return [(name, {}), cuda] if provider == "tensorrt" else [cuda]


def _check_active(session: onnxruntime.InferenceSession, provider: str) -> tuple[int, int]:
    """How many nodes there are, and how many of them the provider runs.

    Raises:
        ConfigError: The provider is not the session's first, or runs nothing.
    """
    name = PROVIDERS[provider][0]
    first = session.get_providers()[0]
    if first != name:  # a library that it needs is missing, or there is no such device
        raise ConfigError(
            f"provider {provider} is installed but not active here (ONNX Runtime took {first}); check its device, "
            "driver and libraries, or choose another provider"
        )
    n_nodes: dict[str, int] = {}
    for part in session.get_provider_graph_assignment_info():
        n_nodes[part.ep_name] = n_nodes.get(part.ep_name, 0) + len(part.get_nodes())
    if not n_nodes.get(name):
        raise ConfigError(f"provider {provider} is active but runs no node of this graph; choose another provider")
    return sum(n_nodes.values()), n_nodes[name]
