"""Backgrounds: the sound where no labelled animal is, real or made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from silencio.audio import dequantize
from silencio.data.file_names import is_audio
from silencio.errors import AudioError, SourceError
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import escaped

Half = Literal["train", "test"]
MadeKind = Literal["pink", "brown", "rain"]

_LOWEST_HZ = 20.0
# The recorder itself, in every background, made or real: three steps of 16 bits, so that no band is empty and every
# level over a background is a number.
_RECORDER_DBFS = -80.0
_MADE_RECORDER_DB = -25.0
_DROPS_PER_S = 40.0
_DROP_S = 0.004
_KEPT_DECODED = 8


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError(f"{limits[0]:g} is above {limits[1]:g}: the lower limit comes first")
    return limits


Limits = Annotated[tuple[float, float], AfterValidator(_ascending)]


class BackgroundConfig(BaseModel):
    """What soundscapes are laid over.

    Attributes:
        real_share: Share of soundscapes over a real background, where the pool has any.
        made: Kinds of made noise: `pink` (1/f), `brown` (1/f^2, swelling as wind does), `rain` (pink with drops).
        made_dbfs: Level of made noise, between these (four real soundscapes: -42 to -24).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    real_share: float = Field(0.5, ge=0, le=1)
    made: tuple[MadeKind, ...] = Field(("pink", "brown", "rain"), min_length=1)
    made_dbfs: Limits = (-45.0, -30.0)


@dataclass(frozen=True)
class Background:
    """One background, drawn.

    Attributes:
        name: Name of the file, or the kind of noise.
        is_real: Recorded outside. It may hold animals that nobody labelled.
        samples: Length to float32 (n_samples,): the same sound however often it is asked for.
    """

    name: str
    is_real: bool
    samples: Callable[[int], NDArray[np.float32]]


def half_of(name: str) -> Half:
    """The half in which a real background is for good, by hash of its name without folder and audio suffix.

    So what is mixed into training never lies under a test soundscape, whatever files are added later.
    """
    return "test" if by_hash(name)[0] & 1 else "train"


def by_hash(name: str) -> bytes:
    """A key that sorts backgrounds as if shuffled, the same way for good: the first few are from all sites."""
    path = PurePosixPath(name)
    return hashlib.sha256(f"background:{path.stem if is_audio(name) else path.name}".encode()).digest()


class BackgroundPool:
    """The real backgrounds of one half, with made noise beside them.

    Args:
        sample_rate_hz: Sample rate of all that is drawn.
        real: Name to what reads its waveform, int16 (n_samples,) at that rate; those of the other half are left out.
        half: `train` for augmentation, `test` for what a model is tested on.
    """

    def __init__(
        self,
        sample_rate_hz: int,
        real: Mapping[str, Callable[[], NDArray[np.int16]]] | None = None,
        half: Half = "test",
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.half = half
        self._real = {name: read for name, read in sorted((real or {}).items()) if half_of(name) == half}

    @classmethod
    def of_folder(cls, folder: Path, spec: FeatureSpec, half: Half = "test") -> BackgroundPool:
        """The audio files of a folder, such as `train_soundscapes/`; where there is none, made noise alone.

        Raises:
            SourceError: When drawn: a file that cannot be decoded.
        """
        front_end = FrontEnd(spec)

        @lru_cache(maxsize=_KEPT_DECODED)
        def read(path: Path) -> NDArray[np.int16]:
            try:
                return front_end.waveform(path)
            except AudioError as error:
                raise SourceError(f"the background {path} cannot be used: {error}; take it away") from error

        files = sorted(path for path in folder.glob("*") if is_audio(path.name))
        return cls(spec.sample_rate_hz, {escaped(path.stem): partial(read, path) for path in files}, half)

    @classmethod
    def of_waveforms(
        cls, waveforms: Iterable[tuple[str, NDArray[np.int16]]], sample_rate_hz: int, half: Half = "test"
    ) -> BackgroundPool:
        """Waveforms that are at hand or mapped from disk, int16 (n_samples,), each with its name."""
        return cls(sample_rate_hz, {name: partial(np.asarray, waveform) for name, waveform in waveforms}, half)

    @property
    def real_names(self) -> Sequence[str]:
        """The real backgrounds of this half."""
        return tuple(self._real)

    def waveforms(self) -> Iterator[tuple[str, NDArray[np.int16]]]:
        """The real backgrounds of this half, as (name, int16 (n_samples,)), one after another as they are asked for.

        In the order of their hashes: the first few are from all sites.
        """
        return ((name, self._real[name]()) for name in sorted(self._real, key=by_hash))

    def draw(self, config: BackgroundConfig, rng: np.random.Generator) -> Background:
        """One background, with the recorder's own noise at -80 dBFS; a real one shorter than asked for is repeated."""
        is_real = rng.random() < config.real_share and bool(self._real)
        made_dbfs = float(rng.uniform(*config.made_dbfs))
        kind = config.made[int(rng.integers(len(config.made)))]
        seed = int(rng.integers(2**63))
        if is_real:
            names = self.real_names
            name = names[int(rng.integers(len(names)))]
            return Background(name, True, lambda n_samples: self._recorded(name, n_samples, seed))
        return Background(kind, False, lambda n_samples: self._made(kind, made_dbfs, n_samples, seed))

    def _recorded(self, name: str, n_samples: int, seed: int) -> NDArray[np.float32]:
        rng = np.random.default_rng(seed)
        waveform = self._real[name]()
        start = int(rng.integers(len(waveform)))
        if len(waveform) > n_samples:
            start %= len(waveform) - n_samples + 1
            cut = waveform[start : start + n_samples]
        else:
            cut = np.resize(np.roll(waveform, -start), n_samples)
        return dequantize(np.asarray(cut)) + _white(n_samples, _RECORDER_DBFS, rng)

    def _made(self, kind: MadeKind, dbfs: float, n_samples: int, seed: int) -> NDArray[np.float32]:
        rng = np.random.default_rng(seed)
        noise = made_noise(kind, n_samples, self.sample_rate_hz, rng) * np.float32(10.0 ** (dbfs / 20.0))
        return noise + _white(n_samples, max(_RECORDER_DBFS, dbfs + _MADE_RECORDER_DB), rng)


def made_noise(
    kind: Literal["white"] | MadeKind, n_samples: int, sample_rate_hz: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise of mean square 1: float32, (n_samples,)."""
    if kind == "white":
        noise = rng.standard_normal(n_samples, dtype=np.float32)
    elif kind == "brown":
        noise = _coloured(n_samples, sample_rate_hz, 2.0, rng) * _gusts(n_samples, sample_rate_hz, rng)
    else:
        noise = _coloured(n_samples, sample_rate_hz, 1.0, rng)
    if kind == "rain":
        noise = noise + 2.0 * _unit(_drops(n_samples, sample_rate_hz, rng))
    return _unit(noise)


def _coloured(n_samples: int, sample_rate_hz: int, exponent: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """White noise whose power is brought to 1 / f ** exponent above 20 Hz and to nothing below."""
    n_fft = scipy.fft.next_fast_len(n_samples, real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(n_fft, dtype=np.float32), workers=1)
    frequencies_hz = scipy.fft.rfftfreq(n_fft, 1.0 / sample_rate_hz)
    shape = np.maximum(frequencies_hz, _LOWEST_HZ) ** (-exponent / 2.0)
    shape[frequencies_hz < _LOWEST_HZ] = 0.0
    coloured = scipy.fft.irfft(spectrum * shape.astype(np.float32), n_fft, overwrite_x=True, workers=1)
    return _unit(np.asarray(coloured[:n_samples], np.float32))


def _gusts(n_samples: int, sample_rate_hz: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A factor that swells and falls by about 6 dB within seconds."""
    seconds = np.arange(n_samples // sample_rate_hz + 3)
    knots_db = 6.0 * rng.standard_normal(len(seconds))
    return np.asarray(10.0 ** (np.interp(np.arange(n_samples) / sample_rate_hz, seconds, knots_db) / 20.0), np.float32)


def _drops(n_samples: int, sample_rate_hz: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Clicks at random times: bursts of white noise that die away within milliseconds."""
    decay = np.exp(-np.arange(round(5 * _DROP_S * sample_rate_hz)) / (_DROP_S * sample_rate_hz))
    drops = np.zeros(n_samples + len(decay), np.float32)
    n_drops = 1 + int(rng.poisson(_DROPS_PER_S * n_samples / sample_rate_hz))
    for start, loudness in zip(rng.integers(n_samples, size=n_drops), rng.exponential(size=n_drops), strict=True):
        drops[start : start + len(decay)] += loudness * decay * rng.standard_normal(len(decay))
    return drops[:n_samples]


def _white(n_samples: int, dbfs: float, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal(n_samples, dtype=np.float32) * np.float32(10.0 ** (dbfs / 20.0))


def _unit(noise: NDArray[np.float32]) -> NDArray[np.float32]:
    level = np.sqrt(np.mean(np.square(noise), dtype=np.float64))
    return np.asarray(noise / level if level > 0 else noise, np.float32)
