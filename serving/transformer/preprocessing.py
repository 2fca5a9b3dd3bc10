"""From a question to the features of its recordings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kserve.errors import InvalidInput
from kserve.logging import logger

from serving.server.protocol import MOST_AUDIO_S
from serving.transformer.feature_memory import FeatureShare
from serving.transformer.probing import ProbedRecording, TooLongError, max_windows, probe
from serving.transformer.request import GivenFeatures, Known, Question
from serving.transformer.request.predict_request import Priority
from serving.transformer.request.v1 import MOST_INSTANCES
from serving.transformer.request_decoder import RequestDecoder
from silencio.audio import MIN_AUDIO_S, window_starts_s
from silencio.bundle import Bundle
from silencio.decoding import DecodeJob, DecoderPool, RecordingFeatures, max_feature_bytes
from silencio.errors import DecodeError
from silencio.features import FrontEnd

# More is batch work, whatever its sender says.
_MOST_INTERACTIVE_S = 60.0
# Headers of less are read in a moment, without another thread.
_FEW_BYTES = 1 << 16


@dataclass(frozen=True)
class HeardRequest:
    """A request whose recordings are sound.

    Attributes:
        question: What was asked.
        recordings: What was heard, in order.
        request_id: Of the request.
        received_at: When it came.
        stage_s: Seconds by stage so far.
    """

    question: Question
    recordings: list[RecordingFeatures]
    request_id: str
    received_at: datetime
    stage_s: dict[str, float]

    @property
    def known(self) -> list[Known]:
        """What else is known of each recording."""
        features = self.question.features
        return [features.known] if features is not None else [one.known for one in self.question.recordings]

    @property
    def n_windows(self) -> int:
        """Of all recordings."""
        return sum(one.n_windows for one in self.recordings)

    @property
    def priority(self) -> Priority:
        """By what was found, whatever headers say."""
        return _priority(self.question, sum(one.duration_s for one in self.recordings))


class Hearing:
    """The processes that decode and featurize, for one bundle.

    Args:
        bundle: A verified one.
        n_processes: See `DecoderPool`.
        on_failure: Told the kind of what could not be decoded.

    Raises:
        ParityError: This machine computes other features than training did.
    """

    def __init__(self, bundle: Bundle, n_processes: int, on_failure: Callable[[str], None]) -> None:
        self._on_failure = on_failure
        self.spec = bundle.manifest.spec
        self.inputs = tuple(entry.name for entry in bundle.manifest.sent_inputs)
        self.most_windows = int(MOST_AUDIO_S / self.spec.hop_s)
        bundle.replay_features(FrontEnd(self.spec))
        self._decoders = DecoderPool(self.spec, n_processes, MOST_AUDIO_S)
        self._decoders.warm_up(
            [DecodeJob(clip.encoded, self.inputs, MIN_AUDIO_S, MOST_AUDIO_S) for clip in bundle.parity.clips]
        )

    def stop(self) -> None:
        """End the processes."""
        self._decoders.stop()

    @property
    def max_request_bytes(self) -> int:
        """What the features of the largest request take that is admitted."""
        return max_windows(self.spec.hop_s, MOST_INSTANCES) * self._max_bytes(0.0)  # a window

    async def hear(self, question: Question, share: FeatureShare) -> tuple[list[RecordingFeatures], dict[str, float]]:
        """Decode and featurize what came encoded; take over what came as features.

        Args:
            question: The request.
            share: Of the memory for features: it holds those that are returned.

        Returns:
            The recordings in their order, and seconds by stage: recordings of one request are heard beside each other,
            so a stage's time is what was waited for it.

        Raises:
            InvalidInput: A recording cannot be used; the message names its field.
            Overloaded: There is no room for so much now.
        """
        if question.features is not None:
            given = self._given(question.features)
            await share.enter(given.n_bytes, _priority(question, given.duration_s))
            return [given], {"decode": 0.0, "features": 0.0}
        begun_s = time.perf_counter()
        try:
            recordings = await self._decoded(question, share)
        except TooLongError:
            self._on_failure("too_long")
            raise
        waited_s = time.perf_counter() - begun_s
        features_s = min(waited_s, max(one.features_s for one in recordings))
        return recordings, {"decode": waited_s - features_s, "features": features_s}

    async def _decoded(self, question: Question, share: FeatureShare) -> list[RecordingFeatures]:
        if sum(len(one.content) for one in question.recordings) <= _FEW_BYTES:
            probed = probe(question.recordings)
        else:
            probed = await asyncio.to_thread(probe, question.recordings)
        priority = _priority(question, sum(one.claimed_s or 0.0 for one in probed))

        async def decode(one: ProbedRecording, max_duration_s: float, priority: Priority) -> RecordingFeatures:
            job = DecodeJob(one.encoded, self.inputs, MIN_AUDIO_S, max_duration_s, question.options.truncated)
            try:
                return await self._decoders.decode(job, priority)
            except DecodeError as error:
                if error.kind == "too_long" and max_duration_s < MOST_AUDIO_S:
                    raise  # than its headers say, not yet than is taken
                raise self._refusal(one, error) from error

        return await RequestDecoder(probed, decode, self._max_bytes, share).run(priority)

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


def _priority(question: Question, duration_s: float) -> Priority:
    """As asked for; long recordings are batch work."""
    return "batch" if duration_s > _MOST_INTERACTIVE_S else question.options.priority
