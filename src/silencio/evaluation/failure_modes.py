"""Failure modes: how a model breaks when recordings get worse, and what it names where nothing is to be named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from silencio.audio import quantize
from silencio.data.backgrounds import MadeKind, made_noise
from silencio.data.calls import LabelledWaveform
from silencio.errors import DataError
from silencio.evaluation.degrade import Waveform, add_noise, amplify, low_pass, overdrive
from silencio.evaluation.failure_mode_metrics import (
    Change,
    Condition,
    NothingToName,
    Overlaid,
    condition,
    nothing_to_name,
    overlaid_pairs,
)
from silencio.evaluation.plain import plain
from silencio.evaluation.window_model import EvaluatedModel, FoldModels, WindowModel
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList

_MADE: tuple[MadeKind, ...] = ("pink", "brown", "rain")
_MADE_DBFS = -40.0

Recording = LabelledWaveform | tuple[str, str, Waveform]


class FailureModeConfig(BaseModel):
    """What is tried.

    Attributes:
        seed: Seed of the noise, and of which recordings are tried.
        max_recordings: Chosen by hash of their names, so that the cost is bounded.
        max_recording_s: Longest recording; of a longer one the beginning is tried.
        noise: Kinds of noise that are mixed in.
        noise_snr_db: Levels of the recording over the noise (`silencio.data.calls.gain_for_snr`).
        gain_db: A recording made louder or softer; what is beyond full scale is clipped.
        drive_db: A recording driven so far beyond full scale, and clipped: a recorder set too loud.
        microphone_hz: Nothing above: a cheap microphone or a telephone.
        quiet_dbfs: Level of noise that is as good as silence.
        background_s: Length of each made background and of silence; of a longer real one the beginning is taken.
        max_backgrounds: Real backgrounds, the first of those that are given.
        foreign: A source (as `--data`) whose animals are outside the class list; those that are inside are passed
            over. Empty: they are not tried.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    seed: int = Field(0, ge=0)
    max_recordings: int = Field(60, ge=1)
    max_recording_s: float = Field(20.0, gt=0)
    noise: tuple[Literal["white", "pink"], ...] = ("white", "pink")
    noise_snr_db: tuple[float, ...] = (20.0, 10.0, 0.0)
    gain_db: tuple[float, ...] = (-30.0, -20.0, 10.0)
    drive_db: tuple[float, ...] = (6.0, 12.0)
    microphone_hz: float = Field(8000.0, gt=0)
    quiet_dbfs: float = Field(-80.0, lt=0)
    background_s: float = Field(60.0, gt=0)
    max_backgrounds: int = Field(20, ge=1)
    foreign: str = ""


@dataclass(frozen=True)
class FailureModes:
    """All of it.

    Attributes:
        clean: The recordings as they are.
        conditions: The same recordings, made worse in one way each.
        overlaid: Two at once; None where no two species are at hand.
        nothing_to_name: Silence, backgrounds, animals outside the class list.
        not_tried: What could not be tried, each with its reason.
    """

    clean: Condition
    conditions: tuple[Condition, ...]
    overlaid: Overlaid | None
    nothing_to_name: tuple[NothingToName, ...]
    not_tried: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not a number is null."""
        return dict(plain(asdict(self)))


def failure_modes(
    model: WindowModel,
    recordings: Iterable[Recording],
    spec: FeatureSpec,
    classes: ClassList,
    thresholds: NDArray[np.floating] | None = None,
    config: FailureModeConfig | None = None,
    *,
    backgrounds: Iterable[tuple[str, Waveform]] = (),
    foreign: Iterable[Recording] = (),
    folds: FoldModels | None = None,
) -> FailureModes:
    """Try everything on test recordings.

    Args:
        model: The model that is tried.
        recordings: (recording_id, code, int16 waveform at the spec's rate) of the test set.
        spec: How windows are cut.
        classes: What the columns mean.
        thresholds: Probability from which on a species counts as named, (n_classes,).
        config: What is tried.
        backgrounds: (name, int16 waveform) recorded where no animal of the class list is labelled.
        foreign: As `recordings`, of animals outside the class list.
        folds: Models that had not seen a recording, each for its own; where nothing is to be named, the first one.

    Raises:
        DataError: No recording has sound, one is of no class, or a foreign one is of a class.
        ModelError: The model's answer does not fit, or holds values that are no numbers.
    """
    config = config or FailureModeConfig()
    evaluated = EvaluatedModel(model, spec, classes, thresholds, folds)
    sample = draw_sample(recordings, spec, config)
    strange = draw_sample(foreign, spec, config)
    _check_codes(sample, strange, classes)
    clean, tops = condition(evaluated, "as recorded", sample)
    conditions = [
        condition(evaluated, name, sample, change, clean)[0] for name, change in degradations(spec, config).items()
    ]
    overlaid = overlaid_pairs(evaluated, sample)
    if folds is not None:
        evaluated = EvaluatedModel(folds.predict[0], spec, classes, folds.thresholds[0])
    nothing = [nothing_to_name(evaluated, name, sounds, tops) for name, sounds in made_sounds(spec, config).items()]
    not_tried = [] if overlaid else ["two recordings overlaid: only one species is at hand"]
    if 2 * config.microphone_hz >= spec.sample_rate_hz:
        not_tried.append(f"nothing above {config.microphone_hz:g} Hz: the feature spec's rate holds no more anyway")
    real = islice(backgrounds, config.max_backgrounds)
    given = {
        "real backgrounds": [_beginning(waveform, spec, config.background_s) for _, waveform in real],
        "animals outside the class list": [one.waveform for one in strange],
    }
    for name, waveforms in given.items():
        if waveforms:
            nothing.append(nothing_to_name(evaluated, name, waveforms, tops))
        else:
            not_tried.append(f"{name}: no recordings were given")
    return FailureModes(clean, tuple(conditions), overlaid, tuple(nothing), tuple(not_tried))


def draw_sample(
    recordings: Iterable[Recording], spec: FeatureSpec, config: FailureModeConfig
) -> list[LabelledWaveform]:
    """At most so many recordings as the configuration has, by hash of their names; silent ones are passed over."""

    def draw(recording: LabelledWaveform) -> bytes:
        return hashlib.sha256(f"{config.seed}:{recording.recording_id}".encode()).digest()

    sample: list[LabelledWaveform] = []
    for one in sorted((LabelledWaveform(*recording) for recording in recordings), key=draw):
        beginning = _beginning(one.waveform, spec, config.max_recording_s)
        if len(sample) < config.max_recordings and beginning.any():
            sample.append(one._replace(waveform=beginning))
    return sample


def degradations(spec: FeatureSpec, config: FailureModeConfig) -> dict[str, Change]:
    """By name, what is done to a recording: noise, gain, clipping, a cheap microphone."""
    changes: dict[str, Change] = {}
    for kind in config.noise:
        for snr_db in config.noise_snr_db:
            changes[f"{kind} noise at {snr_db:g} dB"] = _noise(kind, snr_db, spec.sample_rate_hz, config.seed)
    changes |= {f"gain {gain_db:+g} dB": _gain(gain_db) for gain_db in config.gain_db}
    changes |= {f"clipped {drive_db:g} dB": _drive(drive_db) for drive_db in config.drive_db}
    if 2 * config.microphone_hz < spec.sample_rate_hz:
        changes[f"nothing above {config.microphone_hz:g} Hz"] = lambda one: low_pass(
            one.waveform, spec.sample_rate_hz, config.microphone_hz
        )
    return changes


def made_sounds(spec: FeatureSpec, config: FailureModeConfig) -> dict[str, list[Waveform]]:
    """By name, sound without animals that needs no recordings."""
    n_samples = round(config.background_s * spec.sample_rate_hz)

    def noise(kind: Any, dbfs: float) -> Waveform:
        samples = made_noise(kind, n_samples, spec.sample_rate_hz, _rng(config.seed, kind, "background"))
        return quantize(samples * np.float32(10.0 ** (dbfs / 20.0)))

    return {
        "digital silence": [np.zeros(n_samples, np.int16)],
        f"noise at {config.quiet_dbfs:g} dBFS": [noise("white", config.quiet_dbfs)],
        **{f"made background: {kind}": [noise(kind, _MADE_DBFS)] for kind in _MADE},
    }


def _noise(kind: Literal["white", "pink"], snr_db: float, sample_rate_hz: int, seed: int) -> Change:
    # The same noise at every level, another one for every recording.
    return lambda one: add_noise(one.waveform, sample_rate_hz, kind, snr_db, _rng(seed, kind, one.recording_id))


def _gain(gain_db: float) -> Change:
    return lambda one: amplify(one.waveform, gain_db)


def _drive(drive_db: float) -> Change:
    return lambda one: overdrive(one.waveform, drive_db)


def _check_codes(sample: Sequence[LabelledWaveform], foreign: Sequence[LabelledWaveform], classes: ClassList) -> None:
    if not sample:
        raise DataError("failure modes need recordings with sound, and none was given")
    for one in sample:
        if one.code not in classes.index:
            raise DataError(f"recording {one.recording_id} is of {one.code!r}, which is no class of the model")
    for one in foreign:
        if one.code in classes.index:
            raise DataError(f"recording {one.recording_id} is of {one.code!r}, a class of the model: not a foreign one")


def _beginning(waveform: Waveform, spec: FeatureSpec, max_recording_s: float) -> Waveform:
    return np.asarray(waveform[: max(1, round(max_recording_s * spec.sample_rate_hz))])


def _rng(seed: int, *names: str) -> np.random.Generator:
    digest = hashlib.sha256(":".join([str(seed), *names]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
