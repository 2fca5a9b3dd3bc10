"""A request is decoded within what one request may have, whatever the headers of its recordings say."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from serving.server.errors import Overloaded
from serving.server.protocol import Priority
from serving.transformer.feature_memory import FeatureMemory, FeatureReservation
from serving.transformer.preprocessing import Preprocessor
from serving.transformer.probing import ProbedRecording, TooLongError, allotted_s, max_windows, probe
from serving.transformer.request import EncodedRecording, GivenFeatures, ParsedRequest
from serving.transformer.request_decoder import RequestDecoder
from silencio.audio import BAND_STATISTICS, SPECTRAL_STATISTICS
from silencio.decoding import RecordingFeatures, max_feature_bytes
from silencio.errors import DecodeError
from silencio.features import FeatureSpec, WindowStatistics
from tests.recorder_files import with_mp3_frames_again

LIMIT_S = 600.0
SPEC = FeatureSpec()
TOGETHER = "the recordings are longer than 600 s together, the most that one request takes; send fewer at once"


def _flac(duration_s: float, rate_hz: int = 8_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(round(duration_s * rate_hz)), rate_hz, format="FLAC")
    return file.getvalue()


def _recordings(*contents: bytes) -> list[EncodedRecording]:
    return [EncodedRecording(f"instances[{i}].audio.b64", one) for i, one in enumerate(contents)]


def test_probe__says_how_long_each_is() -> None:
    flac = _flac(7.0)
    probed = probe(_recordings(flac, b"what is this?"))
    assert [one.claimed_s for one in probed] == [7.0, None]
    assert [one.encoded for one in probed] == [flac, b"what is this?"]


def test_probe__refuses_what_is_too_long_by_its_headers() -> None:
    with pytest.raises(TooLongError) as alone:
        probe(_recordings(_flac(601.0)))
    assert str(alone.value) == "instances[0].audio.b64: the audio is longer than 600 s, the most that is taken"
    with pytest.raises(TooLongError) as together:
        probe(_recordings(_flac(301.0), _flac(301.0)))
    assert str(together.value) == f"instances: {TOGETHER}"
    with pytest.raises(TooLongError) as tensor:
        probe([EncodedRecording(f"inputs.audio[{i}]", _flac(301.0)) for i in range(2)])
    assert str(tensor.value) == f"inputs.audio: {TOGETHER}"


def test_probe__takes_what_is_as_long_as_may_be() -> None:
    assert len(probe(_recordings(*[_flac(300.0)] * 2))) == 2
    assert len(probe(_recordings(*[_flac(9.375)] * 64))) == 64


def _mp3(n_samples: int, rate_hz: int) -> bytes:
    frame_samples = 576 if rate_hz < 32_000 else 1152
    n_times = n_samples // frame_samples - 40
    file = io.BytesIO()
    soundfile.write(file, np.zeros(n_samples - n_times * frame_samples), rate_hz, format="MP3")
    return with_mp3_frames_again(file.getvalue(), n_times)


@pytest.mark.parametrize("n_recordings", [1, 7, 10, 64])
@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
def test_probe__takes_ten_minutes_of_mp3_whatever_its_encoder_put_around_them(rate_hz: int, n_recordings: int) -> None:
    """The lower the rate, the longer the delay, the padding and the frame that counts the others."""
    recordings = _recordings(*[_mp3(600 * rate_hz // n_recordings, rate_hz)] * n_recordings)
    claimed_s = sum(one.claimed_s or 0.0 for one in probe(recordings))
    assert 600.0 < claimed_s < 600.0 + 0.25 * n_recordings
    with pytest.raises(TooLongError):
        probe(_recordings(*[_mp3(601 * rate_hz, rate_hz)]))


class _Decoders:
    """Decode recordings that are really so long; like a decoder's process, stop at the limit of the job.

    Args:
        real_s: By the first byte of a recording.
    """

    def __init__(self, real_s: Sequence[float]) -> None:
        self.real_s = real_s
        self.jobs = list[tuple[int, float, Priority]]()
        self.n_ended = self.n_running = self.n_cancelled = 0
        self.decoded_s = 0.0

    async def decode(self, recording: ProbedRecording, max_duration_s: float, priority: Priority) -> RecordingFeatures:
        number = recording.encoded[0]
        self.jobs.append((number, max_duration_s, priority))
        self.n_running += 1
        try:
            # The later, the more others have ended.
            for _ in range(3 + 3 * number):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        finally:
            self.n_running -= 1
        self.n_ended += 1
        real_s = self.real_s[number]
        self.decoded_s += min(real_s, max_duration_s)
        if real_s > max_duration_s:
            raise DecodeError("the audio is longer", "too_long")
        n_windows = max_feature_bytes(SPEC, ["log_mel"], real_s) // max_feature_bytes(SPEC, ["log_mel"], 1.0)
        inputs = {"log_mel": np.broadcast_to(np.float32(0), (n_windows, *SPEC.log_mel_shape))}
        return RecordingFeatures([5.0 * i for i in range(n_windows)], real_s, dict(inputs), {}, None, 0.0, 0.0)


def _max_bytes(duration_s: float) -> int:
    return max_feature_bytes(SPEC, ["log_mel"], duration_s)


def _decode(
    claimed_s: Sequence[float | None], real_s: Sequence[float], memory: FeatureMemory | None = None
) -> tuple[_Decoders, list[float] | Exception]:
    decoders = _Decoders(real_s)
    probed = [ProbedRecording(f"instances[{i}].audio.b64", bytes([i]), claimed) for i, claimed in enumerate(claimed_s)]
    memory = memory or FeatureMemory(512 << 20, 1)

    async def run() -> list[float] | Exception:
        with FeatureReservation(memory) as share:
            try:
                features = await RequestDecoder(probed, decoders.decode, _max_bytes, share).run("interactive")
            except (TooLongError, DecodeError, Overloaded) as error:
                return error
            assert share.n_bytes == sum(one.n_bytes for one in features)
            return [one.duration_s for one in features]

    outcome = asyncio.run(run())
    assert memory.n_bytes == 0
    assert decoders.n_running == 0
    return decoders, outcome


def test_decode__headers_that_are_right_cost_one_job_each() -> None:
    decoders, durations_s = _decode([5.0, 60.0, 7.0], [5.0, 60.0, 7.0])
    assert durations_s == [5.0, 60.0, 7.0]
    assert [(number, priority) for number, _, priority in decoders.jobs] == [(i, "interactive") for i in range(3)]
    assert all(max_s < 61.0 for _, max_s, _ in decoders.jobs)


def test_decode__a_recording_that_is_longer_than_its_headers_say_is_decoded_as_batch_work() -> None:
    decoders, durations_s = _decode([5.0, 1.0, None], [5.0, 90.0, 300.0])
    assert durations_s == [5.0, 90.0, 300.0]
    assert [one for one in decoders.jobs[3:] if one[2] != "batch"] == []


def test_decode__a_single_recording_whose_length_nobody_says_may_take_the_whole_limit() -> None:
    decoders, durations_s = _decode([None], [500.0])
    assert durations_s == [500.0]
    assert decoders.jobs == [(0, 60.0, "interactive"), (0, LIMIT_S, "batch")]


@pytest.mark.parametrize(
    "claimed_s",
    [
        pytest.param([1.0] * 64, id="all say a second"),
        pytest.param([None] * 64, id="none says anything"),
        pytest.param([9.0] * 64, id="all say as much as may be"),
        pytest.param([0.0, None] * 32, id="half and half"),
    ],
)
def test_decode__headers_that_lie_gain_nothing(claimed_s: list[float | None]) -> None:
    decoders, error = _decode(claimed_s, [600.0] * 64)
    assert isinstance(error, TooLongError)
    assert str(error) == f"instances: {TOGETHER}"
    # Those that run in this moment are counted as if they ended.
    assert decoders.decoded_s < 2.5 * LIMIT_S
    assert all(max_s < 61.0 for _, max_s, _ in decoders.jobs)


def test_decode__the_rest_is_cancelled_as_soon_as_the_sum_is_too_much() -> None:
    decoders, error = _decode([9.5] * 64, [600.0] * 64)
    assert isinstance(error, TooLongError)
    # 61 that are each known to be more than ten seconds long are too much; three were still being worked on.
    assert (decoders.n_ended, decoders.n_cancelled) == (61, 3)


def test_decode__two_that_are_both_longer_get_what_they_need_within_the_limit() -> None:
    _, durations_s = _decode([1.0, 1.0, 5.0], [100.0, 480.0, 5.0])
    assert durations_s == [100.0, 480.0, 5.0]
    _, error = _decode([1.0, 1.0, 5.0], [115.0, 481.0, 5.0])
    assert isinstance(error, TooLongError)


def test_decode__no_room_for_the_rest_of_a_liar_is_503_and_not_a_wait() -> None:
    """Two that each held a part and waited for more would wait for each other."""
    memory = FeatureMemory(_max_bytes(300.0), 1)
    _, error = _decode([1.0], [500.0], memory)
    assert isinstance(error, Overloaded)
    assert "longer than its headers say" in error.reason
    assert memory.n_bytes == 0


def test_decode__a_wrong_recording_ends_the_others() -> None:
    async def wrong(recording: ProbedRecording, max_duration_s: float, priority: Priority) -> RecordingFeatures:
        if recording.encoded == b"\0":
            raise DecodeError("not audio", "not_audio")
        return await decoders.decode(recording, max_duration_s, priority)

    decoders = _Decoders([5.0] * 3)
    probed = [ProbedRecording(f"instances[{i}].audio.b64", bytes([i]), 5.0) for i in range(3)]
    memory = FeatureMemory(512 << 20, 1)

    async def run() -> None:
        with FeatureReservation(memory) as share, pytest.raises(DecodeError, match="not audio"):
            await RequestDecoder(probed, wrong, _max_bytes, share).run("interactive")

    asyncio.run(run())
    assert (decoders.n_ended, decoders.n_running, memory.n_bytes) == (0, 0, 0)


@pytest.mark.parametrize("hop_s", [0.5, 5.0])
@pytest.mark.parametrize("n_recordings", [1, 2, 7, 63, 64])
@pytest.mark.parametrize("known", [True, False])
def test_largest_request__fits_into_what_is_kept_for_it(hop_s: float, n_recordings: int, known: bool) -> None:
    spec = FeatureSpec(hop_s=hop_s)
    claimed_s = 600.0 / n_recordings + 0.3 if known else None
    probed = [ProbedRecording("", b"", claimed_s)] * n_recordings
    needed = sum(max_feature_bytes(spec, ["log_mel"], one) for one in allotted_s(probed))
    assert needed <= max_windows(spec.hop_s, 64) * max_feature_bytes(spec, ["log_mel"], 0.0)


def test_ten_minutes__take_what_the_page_says() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operating.md").read_text(encoding="utf-8")
    n_mib = max_feature_bytes(SPEC, ["waveform", "log_mel"], LIMIT_S - 1) / 2**20
    assert f"ten minutes are {n_mib:.0f} MiB for a graph of waveforms" in " ".join(page.split())


@pytest.mark.parametrize(("n_windows", "priority"), [(3, "interactive"), (13, "batch")])
def test_features__that_a_device_computed_count_too(n_windows: int, priority: Priority) -> None:
    preprocessor = Preprocessor.__new__(Preprocessor)  # no decoder has a part in it
    preprocessor.spec = SPEC
    preprocessor._statistics = WindowStatistics(SPEC)
    parsed = ParsedRequest(features=GivenFeatures(np.zeros((n_windows, *SPEC.log_mel_shape), np.float32)))
    memory = FeatureMemory(512 << 20, 1)

    async def run() -> None:
        with FeatureReservation(memory) as share:
            request = await preprocessor.preprocess(parsed, share, request_id="a", received_at=datetime.now(UTC))
            (features,) = request.recordings
            assert memory.n_bytes == features.n_bytes >= parsed.features.log_mel.nbytes  # type: ignore[union-attr]
            # Of what it sent, all that can be measured without the waveform.
            assert set(features.statistics) == {*SPECTRAL_STATISTICS, *BAND_STATISTICS}
            assert {len(values) for values in features.statistics.values()} == {n_windows}
            assert share.priority == request.priority == priority

    asyncio.run(run())
    assert memory.n_bytes == 0


def test_features__that_a_device_computed_are_measured_once_there_is_room_and_beside_the_event_loop() -> None:
    preprocessor = Preprocessor.__new__(Preprocessor)
    preprocessor.spec = SPEC
    memory = FeatureMemory(512 << 20, 1)
    measured: list[tuple[bool, bool]] = []

    class Watched(WindowStatistics):
        def of_log_mel(self, log_mel: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
            measured.append((memory.n_bytes > 0, threading.current_thread() is threading.main_thread()))
            return super().of_log_mel(log_mel)

    preprocessor._statistics = Watched(SPEC)
    parsed = ParsedRequest(features=GivenFeatures(np.zeros((1, *SPEC.log_mel_shape), np.float32)))

    async def run() -> None:
        with FeatureReservation(memory) as share:
            await preprocessor.preprocess(parsed, share, request_id="a", received_at=datetime.now(UTC))

    asyncio.run(run())
    assert measured == [(True, False)]
