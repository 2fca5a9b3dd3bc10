"""A frozen embedding model at work: it takes each window in its own way.

A window's `waveform` is resampled to the encoder's rate, cut into its frames, and the frames' embeddings are averaged:
BirdNET takes 3 s at 48 kHz, YAMNet 0.98 s at 16 kHz. Neither torch nor TensorFlow is needed.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from silencio.audio import dequantize, resample
from silencio.encoders.spec import EncoderSpec
from silencio.errors import BundleIntegrityError, ConfigError
from silencio.extras import install_command

_Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Encoder:
    """One encoder, ready to run; several threads may run it at once.

    Args:
        path: Path of the file.
        spec: What the encoder takes and gives.
        sample_rate_hz: Sample rate of the windows.
        n_threads: Threads of its session.

    Raises:
        BundleIntegrityError: The file is no such model, or its outputs are others.
        ConfigError: What runs it is not installed.
    """

    def __init__(self, path: Path, spec: EncoderSpec, sample_rate_hz: int, n_threads: int) -> None:
        self.spec = spec
        self._rate_hz = sample_rate_hz
        open_model = {"onnx": _onnx, "litert": _litert}[spec.runtime]
        self._run = open_model(path, spec, n_threads)
        n_outputs = self._run(np.zeros((1, spec.frame_samples), np.float32)).shape[1]
        if n_outputs != spec.n_outputs:
            raise BundleIntegrityError(f"{path.name} gives {n_outputs} numbers a frame, {spec.n_outputs} are expected")

    def embed(self, waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        """Embeddings of windows, each computed alone: a batch equals one by one.

        Args:
            waveform: int16, shape (n_windows, window_samples).

        Returns:
            float32, shape (n_windows, n_dimensions): the embeddings of all speeds, one after another.
        """
        embeddings = np.empty((len(waveform), self.spec.n_dimensions), np.float32)
        for window, out in zip(waveform, embeddings, strict=True):
            by_speed = [self._run(self.frames(window, speed)).mean(axis=0) for speed in self.spec.speeds]
            out[:] = np.concatenate(by_speed)
        return embeddings

    def frames(self, window: NDArray[np.int16], speed: float = 1.0) -> NDArray[np.float32]:
        """One window as the encoder takes it.

        Args:
            window: int16, shape (window_samples,).
            speed: Speed at which it is played: below 1 it lasts longer and sounds lower.

        Returns:
            float32 within [-1, 1], shape (n_frames, frame_samples); a window shorter than a frame ends in silence.
        """
        spec = self.spec
        samples = resample(dequantize(window), self._rate_hz, round(spec.sample_rate_hz / speed))
        samples = np.pad(samples, (0, max(0, spec.frame_samples - len(samples))))
        starts = frame_starts(len(samples), spec.frame_samples, spec.hop_samples)
        frames = np.stack([samples[start : start + spec.frame_samples] for start in starts])
        return np.clip(frames if spec.peak is None else _scaled(frames, spec.peak), -1.0, 1.0)


def frame_starts(n_samples: int, frame_samples: int, hop_samples: int) -> list[int]:
    """Where frames begin: as few as cover all samples at most `hop_samples` apart, evenly spread."""
    spare = max(0, n_samples - frame_samples)
    n_gaps = -(-spare // hop_samples)
    return [round(number * spare / n_gaps) for number in range(n_gaps + 1)] if n_gaps else [0]


def _scaled(frames: NDArray[np.float32], peak: float) -> NDArray[np.float32]:
    """Each frame without its mean and with that peak; silence stays silence."""
    frames = frames - frames.mean(axis=1, keepdims=True)
    found = np.abs(frames).max(axis=1, keepdims=True)
    return frames * (peak / np.where(found > 0, found, 1.0)).astype(np.float32)


def _chosen(outputs: Sequence[tuple[str, Sequence[object]]], spec: EncoderSpec, file_name: str) -> int:
    """Which output is the embedding, of names and shapes."""
    for index, (name, shape) in enumerate(outputs):
        if name == spec.output or (not spec.output and shape and shape[-1] == spec.n_outputs):
            return index
    if spec.output:
        raise BundleIntegrityError(f"{file_name} has no output {spec.output!r}")
    return 0  # its shape is not known beforehand


def _onnx(path: Path, spec: EncoderSpec, n_threads: int) -> _Run:
    import onnxruntime  # as in silencio.bundle.graph

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own that share no public base
        raise BundleIntegrityError(f"{path.name} is not a graph that ONNX Runtime loads: {error}") from error
    name = session.get_inputs()[0].name
    outputs = [(one.name, one.shape) for one in session.get_outputs()]
    wanted = outputs[_chosen(outputs, spec, path.name)][0]

    def run(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run([wanted], {name: frames})[0], np.float32)

    return run


def _litert(path: Path, spec: EncoderSpec, n_threads: int) -> _Run:
    """LiteRT's interpreter takes one frame at a time and one thread of ours at a time: it keeps its tensors."""
    try:
        interpreter_class: Any = importlib.import_module("ai_edge_litert.interpreter").Interpreter
    except ModuleNotFoundError as error:
        raise ConfigError(f"{path.name} runs in LiteRT, which is not installed: {install_command('litert')}") from error
    try:
        interpreter = interpreter_class(model_path=str(path), num_threads=n_threads)
        source: Mapping[str, Any] = interpreter.get_input_details()[0]
        if -1 in source["shape_signature"][-1:]:  # YAMNet takes any length
            interpreter.resize_tensor_input(source["index"], [*source["shape"][:-1], spec.frame_samples])
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise BundleIntegrityError(f"{path.name} is not a model that LiteRT loads: {error}") from error
    lock = threading.Lock()
    shape = interpreter.get_input_details()[0]["shape"]
    outputs: list[Mapping[str, Any]] = interpreter.get_output_details()
    target = outputs[_chosen([(one["name"], list(one["shape"])) for one in outputs], spec, path.name)]

    def run(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        answers = []
        with lock:
            for frame in frames:
                interpreter.set_tensor(source["index"], frame.reshape(shape))
                interpreter.invoke()
                # YAMNet answers in several rows where a frame is long enough for more than one of its own.
                answer = interpreter.get_tensor(target["index"])
                answers.append(answer.reshape(-1, answer.shape[-1]).mean(axis=0))
        return np.asarray(answers, np.float32)

    return run
