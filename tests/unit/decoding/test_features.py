"""What a decoder says of a recording, and what of it is believed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from silencio.audio import WINDOW_STATISTICS
from silencio.decoding import Answer, DecodeJob, max_feature_bytes
from silencio.decoding.features import begin, decode, recording_features
from silencio.decoding.pool import _max_answer_bytes
from silencio.errors import DecodeError, UntrustedAnswerError
from silencio.features import FeatureSpec, FrontEnd, WindowStatistics

SPEC = FeatureSpec()
BANDS = "statistic:noise_floor_bands_db"


def _encoded(duration_s: float) -> bytes:
    file = io.BytesIO()
    samples = 0.1 * np.random.default_rng(0).standard_normal(round(duration_s * 48_000))
    soundfile.write(file, samples, 48_000, format="FLAC")
    return file.getvalue()


def _job(duration_s: float, *inputs: str) -> DecodeJob:
    return DecodeJob(_encoded(duration_s), inputs or ("waveform", "log_mel"), 0.1, 60.0)


@pytest.fixture(autouse=True)
def _ready() -> None:
    begin(SPEC)


def test_features__are_the_front_ends() -> None:
    job = _job(12.0)
    features = recording_features(decode(job), job, SPEC)
    wanted = FrontEnd(SPEC)(job.encoded)
    assert features.starts_s == wanted.starts_s
    assert features.duration_s == 12.0
    assert list(features.inputs) == ["waveform", "log_mel"]
    for name, array in features.inputs.items():
        np.testing.assert_array_equal(array, wanted.inputs[name])
    statistics = WindowStatistics(SPEC)(np.asarray(wanted.inputs["waveform"], np.int16))
    assert features.statistics.keys() == statistics.keys()
    for name, values in statistics.items():
        np.testing.assert_array_equal(features.statistics[name], values)
    assert features.source
    assert (features.source.n_samples, features.source.sample_rate_hz, features.source.container) == (
        12 * 48_000,
        48_000,
        "FLAC",
    )


def test_source__is_named_by_its_bytes_and_by_its_sound_as_shards_have_it() -> None:
    """The same sound in another file: another recording, one waveform."""
    job = _job(3.0)
    samples, rate_hz = soundfile.read(io.BytesIO(job.encoded), dtype="int16")
    other = io.BytesIO()
    soundfile.write(other, samples, rate_hz, format="WAV")
    found = [recording_features(decode(one), one, SPEC).source for one in (job, replace(job, encoded=other.getvalue()))]
    sound = hashlib.sha256(FrontEnd(SPEC).waveform(job.encoded).data).hexdigest()
    assert [one.waveform_sha256 for one in found if one] == [sound, sound]
    assert [one.sha256 for one in found if one] == [
        hashlib.sha256(content).hexdigest() for content in (job.encoded, other.getvalue())
    ]


def test_features__that_the_graph_does_not_take_are_not_sent() -> None:
    job = _job(3.0, "log_mel")
    assert "waveform" not in decode(job).arrays
    assert list(recording_features(decode(job), job, SPEC).inputs) == ["log_mel"]


@pytest.mark.parametrize("inputs", [("log_mel",), ("waveform",)])
def test_statistics__are_the_same_whatever_the_graph_takes(inputs: tuple[str, ...]) -> None:
    job = _job(12.0, *inputs)
    found = recording_features(decode(job), job, SPEC).statistics
    assert sorted(found) == sorted(WINDOW_STATISTICS)
    for name, values in WindowStatistics(SPEC)(
        np.asarray(FrontEnd(SPEC)(job.encoded).inputs["waveform"], np.int16)
    ).items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_too_short__is_refused_with_its_length() -> None:
    with pytest.raises(DecodeError, match=r"0\.05 s long, at least 0\.1 s") as caught:
        decode(_job(0.05))
    assert caught.value.kind == "too_short"


@pytest.mark.parametrize("duration_s", [0.1, 5.0, 59.9, 60.0])
def test_limit__is_above_every_answer(duration_s: float) -> None:
    job = _job(duration_s)
    n_bytes = sum(array.nbytes for array in decode(job).arrays.values())
    assert n_bytes <= _max_answer_bytes(SPEC, job.max_duration_s)


def test_answer__of_more_than_was_asked_for_is_not_believed() -> None:
    """What is kept free for it is what so many seconds take."""
    job = _job(12.0)
    with pytest.raises(UntrustedAnswerError, match="windows are more than 6.5 s hold"):
        recording_features(decode(job), replace(job, max_duration_s=6.5), SPEC)


@pytest.mark.parametrize("duration_s", [0.1, 4.99, 5.0, 5.01, 59.9, 60.0])
@pytest.mark.parametrize("inputs", [("log_mel",), ("waveform",), ("waveform", "log_mel")])
def test_max_feature_bytes__is_what_a_recording_takes(duration_s: float, inputs: tuple[str, ...]) -> None:
    job = _job(duration_s, *inputs)
    features = recording_features(decode(job), job, SPEC)
    assert features.n_bytes == sum(one.nbytes for one in features.inputs.values()) + 192 * features.n_windows
    # Of a window more where a sample is won in resampling.
    spare = max_feature_bytes(SPEC, inputs, duration_s) - features.n_bytes
    assert spare in (0, features.n_bytes // features.n_windows)


@pytest.mark.parametrize(
    "falsify",
    [
        lambda answer: replace(answer, arrays={**answer.arrays, "log_mel": answer.arrays["log_mel"][:1]}),
        lambda answer: replace(answer, arrays={**answer.arrays, "log_mel": answer.arrays["log_mel"][:, :-1]}),
        lambda answer: replace(answer, arrays={**answer.arrays, "waveform": answer.arrays["waveform"].astype("f4")}),
        lambda answer: replace(answer, arrays={"starts_s": answer.arrays["starts_s"]}),
        lambda answer: replace(answer, arrays={name: array[:0] for name, array in answer.arrays.items()}),
        lambda answer: replace(answer, arrays={}),
        lambda answer: replace(answer, arrays={**answer.arrays, "statistic:key_name": answer.arrays["starts_s"]}),
        lambda answer: replace(answer, arrays={**answer.arrays, BANDS: answer.arrays[BANDS][:, :7]}),
        lambda answer: replace(answer, arrays={**answer.arrays, BANDS: answer.arrays["starts_s"]}),
        lambda answer: replace(answer, arrays={**answer.arrays, "statistic:flatness": answer.arrays[BANDS]}),
        lambda answer: replace(answer, facts={**answer.facts, "duration_s": -1.0}),
        lambda answer: replace(answer, facts={**answer.facts, "recorded_hz": "many"}),
        lambda answer: replace(answer, facts={**answer.facts, "sha256": "0" * 63}),
        lambda answer: replace(answer, facts={**answer.facts, "waveform_sha256": None}),
        lambda answer: replace(answer, facts={}),
    ],
)
def test_answer__of_another_shape_is_not_believed(falsify: Callable[[Answer], Answer]) -> None:
    job = _job(7.0)
    with pytest.raises(UntrustedAnswerError):
        recording_features(falsify(decode(job)), job, SPEC)
