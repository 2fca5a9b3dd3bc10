"""CNN14 in torch, by the parameter names of its official checkpoint.

A waveform becomes a log-mel of 64 bands (STFT as two convolutions, mel as a matrix: both are in the checkpoint), then
passes twelve convolutions in six blocks. The maximum and the mean over time, added, go through one layer: that is the
embedding. Kong et al. 2020, section II-A and table I.
"""

from __future__ import annotations

import itertools
import logging
import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, pad, relu

from silencio.errors import PretrainedWeightsError

_WINDOW_SAMPLES, _HOP_SAMPLES, _N_MELS = 1_024, 320, 64
_N_BINS = _WINDOW_SAMPLES // 2 + 1
_MIN_POWER = 1e-10
_COUNTER = "num_batches_tracked"  # that nothing reads after training
_CHANNELS = (64, 128, 256, 512, 1_024, 2_048)


class _Stft(nn.Module):
    """Power of a centred STFT: (batch, n_samples) to (batch, n_bins, n_frames); its window is in its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_real = nn.Conv1d(1, _N_BINS, _WINDOW_SAMPLES, _HOP_SAMPLES, bias=False)
        self.conv_imag = nn.Conv1d(1, _N_BINS, _WINDOW_SAMPLES, _HOP_SAMPLES, bias=False)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        margin = _WINDOW_SAMPLES // 2
        padded = pad(waveform[:, None], (margin, margin), mode="reflect")
        real: torch.Tensor = self.conv_real(padded)
        imaginary: torch.Tensor = self.conv_imag(padded)
        return real**2 + imaginary**2


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(n_out), nn.BatchNorm2d(n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))))


class Cnn14(nn.Module):
    """CNN14 up to its embedding.

    Args:
        channels: Channels of its blocks; the last is the length of its embedding.
    """

    def __init__(self, channels: Sequence[int] = _CHANNELS) -> None:
        super().__init__()
        self.spectrogram_extractor = nn.ModuleDict({"stft": _Stft()})
        self.logmel_extractor = nn.ParameterDict({"melW": nn.Parameter(torch.zeros(_N_BINS, _N_MELS))})
        self.bn0 = nn.BatchNorm2d(_N_MELS)
        for number, (n_in, n_out) in enumerate(itertools.pairwise([1, *channels]), start=1):
            self.add_module(f"conv_block{number}", _Block(n_in, n_out))
        self.n_blocks = len(channels)
        self.fc1 = nn.Linear(channels[-1], channels[-1])

    def log_mel(self, waveform: torch.Tensor) -> torch.Tensor:
        """In dB of power 1: (batch, n_samples) to (batch, 1, n_frames, 64)."""
        power: torch.Tensor = self.spectrogram_extractor["stft"](waveform)
        mel = power.transpose(1, 2) @ self.logmel_extractor["melW"]
        return 10.0 * torch.log10(mel.clamp(min=_MIN_POWER))[:, None]

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Embedding: (batch, n_samples) of 32 kHz within [-1, 1] to (batch, 2048)."""
        x = self.bn0(self.log_mel(waveform).transpose(1, 3)).transpose(1, 3)  # it normalises each band
        for number in range(1, self.n_blocks + 1):
            x = getattr(self, f"conv_block{number}")(x)
            x = avg_pool2d(x, 2) if number < self.n_blocks else x
        x = x.mean(dim=3)
        return relu(self.fc1(x.amax(dim=2) + x.mean(dim=2)))


def load(path: Path) -> Cnn14:
    """CNN14 with the weights of an official checkpoint; its classifier is left out.

    Raises:
        PretrainedWeightsError: It is no checkpoint of tensors, or one of another model.
    """
    named = f"{str(path)!r} is not a checkpoint of CNN14"
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
        # Not torch's own words: they advise the unsafe way to read it.
        raise PretrainedWeightsError(f"{named}: it cannot be read as tensors only") from error
    state = checkpoint.get("model") if isinstance(checkpoint, Mapping) else None
    if not isinstance(state, Mapping):
        raise PretrainedWeightsError(f"{named}: it has no 'model'")
    with torch.device("meta"):  # 80 million parameters are not drawn only to be replaced
        model = Cnn14()
    own = {name: value for name, value in model.state_dict().items() if not name.endswith(_COUNTER)}
    for name, value in own.items():
        shape = tuple(state[name].shape) if isinstance(state.get(name), torch.Tensor) else None
        if shape != tuple(value.shape):
            raise PretrainedWeightsError(f"{named}: {name} is {shape or 'missing'}, {tuple(value.shape)} is expected")
    counters = {name: torch.tensor(0) for name in model.state_dict() if name.endswith(_COUNTER)}
    model.load_state_dict({name: state[name] for name in own} | counters, assign=True)
    return model.eval().requires_grad_(False)


def export(model: Cnn14, frame_samples: int, path: Path) -> None:
    """Write a graph that takes any number of frames of that length."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            (torch.zeros(2, frame_samples),),
            dynamo=True,
            input_names=["waveform"],
            output_names=["embedding"],
            dynamic_shapes={"waveform": {0: torch.export.Dim("batch", min=1, max=64)}},
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise PretrainedWeightsError("torch.onnx.export returned no program")
    program.save(path)
