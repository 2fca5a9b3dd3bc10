"""From a parsed request to the features of its recordings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from kserve.errors import InvalidInput
from kserve.logging import logger

from serving.server.protocol import MAX_AUDIO_S, Priority
from serving.transformer.feature_memory import FeatureReservation
from serving.transformer.probing import ProbedRecording, TooLongError, max_windows, probe
from serving.transformer.request import GivenFeatures, ParsedRequest
from serving.transformer.request.v1 import MAX_INSTANCES
from serving.transformer.request_decoder import RequestDecoder
from silencio.audio import MIN_AUDIO_S, window_starts_s
from silencio.bundle import Bundle
from silencio.decoding import DecodeJob, DecoderPool, RecordingFeatures, max_feature_bytes
from silencio.errors import DecodeError
from silencio.features import FrontEnd, WindowStatistics

# More is batch work, whatever its sender says.
_MAX_INTERACTIVE_S = 60.0
# Headers of less are read in a moment, without another thread.
_FEW_BYTES = 1 << 16


@dataclass(frozen=True)
class PreprocessedRequest:
    """A request with the features of its recordings.

    Attributes:
        parsed: The request.
        recordings: Features of its recordings, in their order.
        request_id: The server's own name for the request.
        received_at: When the request came.
        decode_s: Seconds until all were decoded, without those of features: recordings are decoded beside each other.
        features_s: Seconds of features, of the recording that took longest.
    """

    parsed: ParsedRequest
    recordings: list[RecordingFeatures]
    request_id: str
    received_at: datetime
    decode_s: float
    features_s: float

    @property
    def n_windows(self) -> int:
        """Windows of all recordings."""
        return sum(one.n_windows for one in self.recordings)

    @property
    def priority(self) -> Priority:
        """Interactive or batch by the decoded length, whatever headers say."""
        return _priority(self.parsed, sum(one.duration_s for one in self.recordings))


class Preprocessor:
    """The processes that decode and featurize, for one bundle.

    Args:
        bundle: A verified one.
        n_processes: Processes that decode, as `DecoderPool` takes them.
        on_failure: Called with the kind of `DecodeError` of a recording that cannot be decoded.

    Raises:
        ParityError: This machine computes other features than training did.
    """

    def __init__(self, bundle: Bundle, n_processes: int, on_failure: Callable[[str], None]) -> None:
        self._on_failure = on_failure
        self.spec = bundle.manifest.spec
        self.inputs = tuple(entry.name for entry in bundle.manifest.sent_inputs)
        self.max_windows = int(MAX_AUDIO_S / self.spec.hop_s)
        bundle.replay_features(FrontEnd(self.spec))
        self._statistics = WindowStatistics(self.spec)
        self._decoders = DecoderPool(self.spec, n_processes, MAX_AUDIO_S)
        self._decoders.warm_up(
            [DecodeJob(clip.encoded, self.inputs, MIN_AUDIO_S, MAX_AUDIO_S) for clip in bundle.parity.clips]
        )

    def stop(self) -> None:
        """End the processes."""
        self._decoders.stop()

    @property
    def max_request_bytes(self) -> int:
        """Bytes that the features of the largest admitted request take."""
        return max_windows(self.spec.hop_s, MAX_INSTANCES) * self._max_bytes(0.0)  # a window

    async def preprocess(
        self, parsed: ParsedRequest, reservation: FeatureReservation, *, request_id: str, received_at: datetime
    ) -> PreprocessedRequest:
        """Decode and featurize what came encoded; take over what came as features.

        Args:
            parsed: The request.
            reservation: The request's part of the memory for features: it holds those that are returned.
            request_id: The server's own name for the request.
            received_at: When the request came.

        Raises:
            InvalidInput: A recording cannot be used; the message names its field.
            Overloaded: There is no room for so much now.
        """
        if parsed.features is not None:
            given = self._given(parsed.features)
            await reservation.enter(given.n_bytes, _priority(parsed, given.duration_s))
            # In a thread: other requests would wait for what takes long with many windows.
            statistics = await asyncio.to_thread(self._statistics.of_log_mel, parsed.features.log_mel)
            given = replace(given, statistics=statistics)
            return PreprocessedRequest(parsed, [given], request_id, received_at, decode_s=0.0, features_s=0.0)
        begun_s = time.perf_counter()
        try:
            recordings = await self._decode(parsed, reservation)
        except TooLongError:
            self._on_failure("too_long")
            raise
        waited_s = time.perf_counter() - begun_s
        features_s = min(waited_s, max(one.features_s for one in recordings))
        return PreprocessedRequest(
            parsed, recordings, request_id, received_at, decode_s=waited_s - features_s, features_s=features_s
        )

    async def _decode(self, parsed: ParsedRequest, reservation: FeatureReservation) -> list[RecordingFeatures]:
        if sum(len(one.content) for one in parsed.recordings) <= _FEW_BYTES:
            probed = probe(parsed.recordings)
        else:
            probed = await asyncio.to_thread(probe, parsed.recordings)
        priority = _priority(parsed, sum(one.claimed_s or 0.0 for one in probed))

        async def decode(one: ProbedRecording, max_duration_s: float, priority: Priority) -> RecordingFeatures:
            job = DecodeJob(one.encoded, self.inputs, MIN_AUDIO_S, max_duration_s, parsed.options.truncated)
            try:
                return await self._decoders.decode(job, priority)
            except DecodeError as error:
                if error.kind == "too_long" and max_duration_s < MAX_AUDIO_S:
                    raise  # than its headers say, not yet than is taken
                raise self._refusal(one, error) from error

        return await RequestDecoder(probed, decode, self._max_bytes, reservation).run(priority)

    def _refusal(self, recording: ProbedRecording, error: DecodeError) -> InvalidInput:
        self._on_failure(error.kind)
        if error.__cause__ is not None:  # of the decoder's process, not of what it found
            logger.error("a recording of %d bytes: %s (%r)", len(recording.encoded), error, error.__cause__)
        return InvalidInput(f"{recording.field}: {error}")

    def _max_bytes(self, duration_s: float) -> int:
        return max_feature_bytes(self.spec, self.inputs, duration_s)

    def _given(self, features: GivenFeatures) -> RecordingFeatures:
        spec, n_windows = self.spec, len(features.log_mel)
        n_samples = spec.window_samples + (n_windows - 1) * spec.hop_samples
        return RecordingFeatures(
            starts_s=window_starts_s(n_samples, spec, spec.sample_rate_hz),
            duration_s=n_samples / spec.sample_rate_hz,
            inputs={"log_mel": features.log_mel},
            statistics={},
            source=None,
            decode_s=0.0,
            features_s=0.0,
        )


def _priority(parsed: ParsedRequest, duration_s: float) -> Priority:
    """The request's own option; long recordings are batch work."""
    return "batch" if duration_s > _MAX_INTERACTIVE_S else parsed.options.priority
