"""texture: a small network on statistics of a window's spectrum: how loud each band is, and how fast it flutters."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, ClassVar, Self

import torch
from pydantic import Field
from torch import nn

from silencio.errors import ModelError
from silencio.models.head import Head, HeadConfig, HeadContext

# In steps of 16-bit samples: what is weaker is their rounding. (Of full scale, the numbers would be so small that the
# exporter takes their sums for nothing.)
_MIN_POWER, _MIN_AMPLITUDE = 1.0, 0.03
# Far below that of any sound, and above the rounding of a stretch in which nothing moves.
_MIN_FLUTTER = 0.01
_MIN_MODULATION_FRAMES = 16
_MODULATION_GROWTH = 1.18


class TextureConfig(HeadConfig):
    """What texture is made of.

    Attributes:
        n_fft: Samples of a frame; frames overlap by half. At 32 kHz 256 are 8 ms: 125 Hz a band, 250 frames a second.
        n_bands: Bands whose flutter is measured; each joins as many of the spectrum's.
        modulation_s: Longest stretch whose flutter is one spectrum: as fine as its inverse, in Hz.
        widths: Widths of the hidden layers; none: a linear classifier.
        dropout: Dropout before every layer.
    """

    kind: str = "texture"
    epochs: int = Field(40, ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    crops_per_recording: float = Field(4.0, gt=0)
    n_fft: int = Field(256, ge=32, multiple_of=2)
    n_bands: int = Field(16, ge=1)
    modulation_s: float = Field(2.0, gt=0)
    widths: tuple[Annotated[int, Field(ge=1)], ...] = (512,)
    dropout: float = Field(0.3, ge=0, lt=1)


class Texture(Head[TextureConfig]):
    """Statistics of sound textures (McDermott & Simoncelli 2011), and a network on them.

    Of the level of each band of a spectrogram: mean, deviation and skewness over the window, and the mean power.
    Of the amplitude of wider bands: its modulation spectrum, in bands that grow with the frequency. Insects that
    sound alike to the mel heads differ in how fast their song is pulsed. All levels are relative to the window's own:
    how far away an animal is does not matter.

    Args:
        config: What it is made of.
        context: What it is made for.
    """

    input_names = ("waveform",)
    Config: ClassVar[type[HeadConfig]] = TextureConfig
    fourier: torch.Tensor
    modulation: torch.Tensor
    grouping: torch.Tensor

    def __init__(self, config: TextureConfig, context: HeadContext) -> None:
        super().__init__()
        self._hop, self._n_bins = config.n_fft // 2, config.n_fft // 2
        self._bins_per_band = self._n_bins // config.n_bands
        n_frames = context.features.window_samples // self._hop - 1
        wanted = round(config.modulation_s * context.features.sample_rate_hz / self._hop)
        self._half = min(wanted, n_frames) // 2
        if not self._bins_per_band or 2 * self._half < _MIN_MODULATION_FRAMES:
            raise ModelError(
                f"texture cannot take windows of {context.features.window_samples} samples with n_fft={config.n_fft}, "
                f"n_bands={config.n_bands} and modulation_s={config.modulation_s:g}: {n_frames} frames of "
                f"{self._n_bins} bands"
            )
        # They follow from the configuration: no part of what was learned.
        self.register_buffer("fourier", _fourier(config.n_fft), persistent=False)
        self.register_buffer("modulation", _fourier(2 * self._half), persistent=False)
        self.register_buffer("grouping", _growing_bands(self._half), persistent=False)
        previous = 4 * self._n_bins + config.n_bands * self.grouping.shape[1]
        layers: list[nn.Module] = [nn.BatchNorm1d(previous)]
        for width in config.widths:
            layers += [nn.Dropout(config.dropout), nn.Linear(previous, width), nn.BatchNorm1d(width), nn.ReLU()]
            previous = width
        self.layers = nn.Sequential(*layers, nn.Dropout(config.dropout))
        self.classifier = nn.Linear(previous, context.n_classes)
        self._n_bands = config.n_bands

    @classmethod
    def build(cls, config: TextureConfig, context: HeadContext) -> Self:
        return cls(config, context)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Int16 (batch, window_samples) to logits (batch, n_classes)."""
        logits: torch.Tensor = self.classifier(self.layers(self.statistics(inputs[0])))
        return logits

    @torch.no_grad()
    def statistics(self, waveform: torch.Tensor) -> torch.Tensor:
        """Int16 (batch, window_samples) to float32 (batch, n_statistics)."""
        with torch.autocast(waveform.device.type, enabled=False):  # in 16 bits a spectrum drowns in its rounding
            power = _power(waveform.to(torch.float32), self.fourier, self._hop)
            return torch.cat([_levels(power), self._flutter(power)], dim=1)

    def _flutter(self, power: torch.Tensor) -> torch.Tensor:
        """(batch, n_frames, n_bins) to logarithms of the modulation spectra (batch, n_bands * n_groups)."""
        in_bands = power[:, :, : self._n_bands * self._bins_per_band]
        bands = in_bands.sqrt().unflatten(2, (self._n_bands, -1)).mean(dim=3)  # type: ignore[no-untyped-call]
        n_blocks = bands.shape[1] // self._half
        blocks = bands[:, : n_blocks * self._half].unflatten(1, (n_blocks, -1))
        stretches = torch.cat([blocks[:, :-1], blocks[:, 1:]], dim=2).transpose(2, 3)
        relative = stretches / (stretches.mean(dim=3, keepdim=True) + _MIN_AMPLITUDE) - 1.0
        spectrum = relative @ self.modulation
        strength = (spectrum[..., : self._half].square() + spectrum[..., self._half :].square()).sqrt()
        return torch.log(strength.mean(dim=1) @ self.grouping + _MIN_FLUTTER).flatten(1)


def _power(samples: torch.Tensor, fourier: torch.Tensor, hop: int) -> torch.Tensor:
    """(batch, n_samples) to (batch, n_frames, n_bins): two halves of a frame at a time, as products of matrices.

    A convolution would be the same; but convolutions of a bundle become 8-bit, and a spectrum must not.
    """
    n_blocks = samples.shape[1] // hop
    blocks = samples[:, : n_blocks * hop].unflatten(1, (n_blocks, hop))  # type: ignore[no-untyped-call]
    parts: torch.Tensor = blocks[:, :-1] @ fourier[:hop] + blocks[:, 1:] @ fourier[hop:]
    return parts[..., :hop].square() + parts[..., hop:].square()


def _levels(power: torch.Tensor) -> torch.Tensor:
    """(batch, n_frames, n_bins) to what each bin's level is like over time (batch, 4 * n_bins), in dB."""
    level = 10.0 * torch.log10(power + _MIN_POWER)
    own = level.mean(dim=(1, 2), keepdim=True)
    mean = level.mean(dim=1, keepdim=True)
    from_mean = level - mean
    deviation = from_mean.square().mean(dim=1).sqrt()
    skewness = (from_mean * from_mean.square()).mean(dim=1) / (deviation * deviation.square() + 1e-3)
    loudness = 10.0 * torch.log10(power.mean(dim=1) + _MIN_POWER)
    return torch.cat([(mean - own).squeeze(1), deviation, skewness, loudness - own.squeeze(1)], dim=1)


def _fourier(n_samples: int) -> torch.Tensor:
    """Hann-windowed cosines, then sines, of all frequencies above zero: (n_samples, n_samples)."""
    time = torch.arange(n_samples, dtype=torch.float64) / n_samples
    frequency = torch.arange(1, n_samples // 2 + 1, dtype=torch.float64)
    phase = 2.0 * math.pi * time[:, None] * frequency
    window = torch.hann_window(n_samples, dtype=torch.float64)[:, None]
    return (torch.cat([torch.cos(phase), torch.sin(phase)], dim=1) * window).to(torch.float32)


def _growing_bands(n_frequencies: int) -> torch.Tensor:
    """Means over bands that grow with the frequency: (n_frequencies, n_groups)."""
    edges = [0]
    while edges[-1] < n_frequencies:
        edges.append(min(n_frequencies, max(edges[-1] + 1, round((edges[-1] + 1) * _MODULATION_GROWTH) - 1)))
    bands = torch.zeros((n_frequencies, len(edges) - 1))
    for number, (begin, end) in enumerate(pairwise(edges)):
        bands[begin:end, number] = 1.0 / (end - begin)
    return bands
