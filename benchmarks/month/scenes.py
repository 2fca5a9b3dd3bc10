"""The sound that devices send: labelled animals over each device's own noise, disturbed as the plot has it."""

from __future__ import annotations

import io
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt
from scipy.signal.windows import tukey

from benchmarks.month.story import Condition, Part
from serving.simulate.recordings import RATE_HZ, Recording, samples_of
from silencio.errors import SourceError

DURATION_S = 5.0
_N = round(DURATION_S * RATE_HZ)
# An animal calls for so long, and leaves the rest to the device's own noise.
_N_CALL = round(2.0 * RATE_HZ)
# Of the noise of a device, before its own offset of up to 2 dB.
_FLOOR_DB = -52.0
_ANIMAL_DB = (-22.0, -14.0)
_ANIMAL_SHARE = 0.95
# The other microphone: deafer, and deaf to what is high.
_MICROPHONE_DB, _MICROPHONE_HZ = -9.0, 2_500.0
_RAIN_DB = -33.0
# Frequent in the usual season, and in the other one; all are there in both.
_N_USUAL, _N_OTHER = 4, 4
_FREQUENT_SHARE = 0.85


@dataclass(frozen=True)
class Scene:
    """One recording.

    Attributes:
        content: FLAC, 16 bits.
        code: The animal that is in it; empty where none is.
    """

    content: bytes
    code: str


class Scenes:
    """Makes recordings, the same ones for the same names.

    Args:
        recordings: Labelled recordings of animals.

    Raises:
        SourceError: They are of too few species for two seasons.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        by_code: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        for one in recordings:
            if one.code:
                by_code[one.code].append(samples_of(one))
        # By turns from the best-known one: of a species that has one recording a model has learned little, and in a
        # season of such species it is worse.
        codes = sorted(by_code, key=lambda code: (-len(by_code[code]), code))
        if len(codes) < _N_USUAL + _N_OTHER:
            raise SourceError(f"{len(codes)} species are recorded, and two seasons need {_N_USUAL + _N_OTHER}")
        self._calls: Mapping[str, Sequence[NDArray[np.float32]]] = by_code
        self.usual = tuple(codes[: 2 * _N_USUAL : 2])
        self.other = tuple(codes[1 : 2 * _N_OTHER : 2])

    def make(self, condition: Condition, device: str, part: Part, number: int) -> Scene:
        """One recording.

        Args:
            condition: What disturbs it.
            device: Device whose noise it has.
            part: Part of the day, which decides which species are frequent.
            number: Another one, another scene.
        """
        # The same scene whatever disturbs it: a broken model is given the very sounds that a sound one got.
        rng = np.random.default_rng([zlib.crc32(f"{device} {part}".encode()), number, 1])
        own = np.random.default_rng(zlib.crc32(device.encode()))
        samples = _pink(rng, 0.3 + 0.4 * own.random()) * _gain(_FLOOR_DB + own.uniform(-2.0, 2.0))
        code = self.code(condition, device, part, number)
        if code:
            samples = samples + self._animal(rng, code)
        if condition == "rain":
            samples = samples + _rain(rng)
        if condition == "microphone":
            low = butter(1, _MICROPHONE_HZ, fs=RATE_HZ, output="sos")
            samples = sosfilt(low, samples) * _gain(_MICROPHONE_DB)
        file = io.BytesIO()
        soundfile.write(file, np.clip(samples, -1.0, 1.0).astype(np.float32), RATE_HZ, "PCM_16", format="FLAC")
        return Scene(file.getvalue(), code)

    def code(self, condition: Condition, device: str, part: Part, number: int) -> str:
        """The animal of a recording; empty where none calls."""
        rng = np.random.default_rng([zlib.crc32(f"{device} {part}".encode()), number])
        if rng.random() > _ANIMAL_SHARE:
            return ""
        is_usual = rng.random() < _FREQUENT_SHARE
        codes = self.usual if is_usual == (condition != "season") else self.other
        # Other species are frequent in other parts of the day.
        order = np.random.default_rng(zlib.crc32(part.encode())).permutation(len(codes))
        weights = 1.0 / (2.0 + order)
        return codes[int(rng.choice(len(codes), p=weights / weights.sum()))]

    def _animal(self, rng: np.random.Generator, code: str) -> NDArray[np.float64]:
        """A call of it somewhere in the recording."""
        call = self._calls[code][int(rng.integers(len(self._calls[code])))]
        begin = int(rng.integers(max(1, len(call) - _N_CALL + 1)))
        cut = np.resize(call, max(_N_CALL, len(call)))[begin : begin + _N_CALL].astype(np.float64)
        cut *= tukey(_N_CALL, 0.1)
        peak = float(np.abs(cut).max()) or 1.0
        at = int(rng.integers(_N - _N_CALL))
        animal = np.zeros(_N)
        animal[at : at + _N_CALL] = cut / peak * _gain(float(rng.uniform(*_ANIMAL_DB)) + 6.0)
        return animal


def _gain(level_db: float) -> float:
    return float(10.0 ** (level_db / 20.0))


def _pink(rng: np.random.Generator, exponent: float) -> NDArray[np.float64]:
    """Noise of level 1 whose power falls with frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(_N))
    spectrum *= np.maximum(np.fft.rfftfreq(_N, 1 / RATE_HZ), 50.0) ** -exponent
    noise = np.fft.irfft(spectrum, _N)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def _rain(rng: np.random.Generator) -> NDArray[np.float64]:
    """Broadband noise, and drops upon the housing."""
    drops = np.zeros(_N)
    drops[rng.integers(0, _N, 300)] = rng.standard_normal(300)
    drops = sosfilt(butter(2, 3_000.0, fs=RATE_HZ, output="sos"), drops)
    both = _pink(rng, 0.15) + 0.5 * drops / np.sqrt(np.mean(drops**2))
    return np.asarray(both * _gain(_RAIN_DB))
