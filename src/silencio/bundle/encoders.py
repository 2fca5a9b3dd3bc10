"""Frozen embedding models that a bundle carries: each hears the same window in its own way.

A window's `waveform` is resampled to the encoder's rate, cut into its frames, and the frames' embeddings are averaged:
BirdNET takes 3 s at 48 kHz, YAMNet 0.96 s at 16 kHz. Encoders run where the graph runs, so that what travels between
the two servers is the waveform and not one copy of it an encoder.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from silencio.audio import cut_windows, dequantize, quantize, resample
from silencio.bundle.manifest import EMBEDDING, BundleManifest, EncoderEntry, GraphInput, sent_inputs
from silencio.errors import BundleIntegrityError, ConfigError

_Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Encoder:
    """One encoder, ready to run; several threads may run it at once.

    Args:
        directory: The bundle's folder.
        entry: What bundle.json says of it.
        sample_rate_hz: Of the windows.
        n_threads: Threads of its session.

    Raises:
        BundleIntegrityError: The file is no such model, or its outputs are others.
        ConfigError: What runs it is not installed.
    """

    def __init__(self, directory: Path, entry: EncoderEntry, sample_rate_hz: int, n_threads: int) -> None:
        self.entry = entry
        self._rate_hz = sample_rate_hz
        open_model = {"onnx": _onnx, "litert": _litert}[entry.runtime]
        self._run = open_model(directory / entry.file, n_threads)
        n_outputs = self._run(np.zeros((1, entry.frame_samples), np.float32)).shape[1]
        if n_outputs != entry.n_outputs:
            raise BundleIntegrityError(
                f"{entry.file} gives {n_outputs} numbers a frame, bundle.json says {entry.n_outputs}"
            )

    def embed(self, waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        """Embeddings of windows, each computed alone: a batch equals one by one.

        Args:
            waveform: int16, shape (n_windows, window_samples).

        Returns:
            float32, shape (n_windows, n_outputs).
        """
        embeddings = np.empty((len(waveform), self.entry.n_outputs), np.float32)
        for window, out in zip(waveform, embeddings, strict=True):
            out[:] = self._run(self.frames(window)).mean(axis=0)
        return embeddings

    def frames(self, window: NDArray[np.int16]) -> NDArray[np.float32]:
        """One window as the encoder hears it.

        Args:
            window: int16, shape (window_samples,).

        Returns:
            float32 within [-1, 1], shape (n_frames, frame_samples); the last one may end in silence.
        """
        entry = self.entry
        samples = quantize(resample(dequantize(window), self._rate_hz, entry.sample_rate_hz))
        return dequantize(cut_windows(samples, entry.frame_samples, entry.hop_samples, "zero"))


class Encoders:
    """All encoders of a bundle.

    Args:
        directory: The bundle's folder.
        manifest: Its bundle.json.
        n_threads: Threads of each session.

    Raises:
        BundleIntegrityError: A file is no such model, or the graph is fed an embedding that no encoder makes.
        ConfigError: What runs an encoder is not installed.
    """

    def __init__(self, directory: Path, manifest: BundleManifest, n_threads: int) -> None:
        self._spec = manifest.spec
        rate_hz = manifest.spec.sample_rate_hz
        self._encoders = {
            EMBEDDING + entry.name: Encoder(directory, entry, rate_hz, n_threads) for entry in manifest.encoders
        }
        for fed in manifest.inputs:
            if fed.name.startswith(EMBEDDING) and fed.name not in self._encoders:
                raise BundleIntegrityError(f"the graph is fed {fed.name}, and the bundle has no such encoder")

    def sent(self, inputs: tuple[GraphInput, ...]) -> tuple[GraphInput, ...]:
        """What is to be given in place of the graph's inputs."""
        return sent_inputs(inputs, self._spec)

    def embedded(self, features: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        """`features` with every embedding that their `waveform` has."""
        waveform = np.asarray(features["waveform"], np.int16)
        return {**features, **{name: encoder.embed(waveform) for name, encoder in self._encoders.items()}}


def _onnx(path: Path, n_threads: int) -> _Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own that share no public base
        raise BundleIntegrityError(f"{path.name} is not a graph that ONNX Runtime loads: {error}") from error
    name = session.get_inputs()[0].name

    def run(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {name: frames})[0], np.float32)

    return run


def _litert(path: Path, n_threads: int) -> _Run:
    """LiteRT's interpreter takes one frame at a time and one thread of ours at a time: it keeps its tensors."""
    try:
        interpreter_class: Any = importlib.import_module("ai_edge_litert.interpreter").Interpreter
    except ModuleNotFoundError as error:
        raise ConfigError(f"{path.name} runs in LiteRT, which is not installed: install silencio[litert]") from error
    try:
        interpreter = interpreter_class(model_path=str(path), num_threads=n_threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise BundleIntegrityError(f"{path.name} is not a model that LiteRT loads: {error}") from error
    lock = threading.Lock()
    asked: Mapping[str, Any] = interpreter.get_input_details()[0]
    told: Mapping[str, Any] = interpreter.get_output_details()[0]

    def run(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        answers = []
        with lock:
            for frame in frames:
                interpreter.set_tensor(asked["index"], frame.reshape(asked["shape"]))
                interpreter.invoke()
                answers.append(np.ravel(interpreter.get_tensor(told["index"])))
        return np.asarray(answers, np.float32)

    return run
