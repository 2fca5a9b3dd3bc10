"""From a question to the features of its recordings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime

from kserve.errors import InvalidInput
from kserve.logging import logger

from serving.agreement import MOST_AUDIO_S
from serving.transformer.request import EncodedRecording, GivenFeatures, Known, Question
from serving.transformer.request.question import Priority
from silencio.audio import MIN_AUDIO_S, Truncated, window_starts_s
from silencio.bundle import Bundle
from silencio.decoding import DecodeJob, DecoderPool, RecordingFeatures
from silencio.errors import DecodeError
from silencio.features import FrontEnd

# More is batch work, whatever its sender says.
_MOST_INTERACTIVE_S = 60.0


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
        """As asked for; long recordings are batch work."""
        is_long = sum(one.duration_s for one in self.recordings) > _MOST_INTERACTIVE_S
        return "batch" if is_long else self.question.options.priority


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
        self._decoders.warm_up([self._job(clip.encoded) for clip in bundle.parity.clips])

    def stop(self) -> None:
        """End the processes."""
        self._decoders.stop()

    async def hear(self, question: Question) -> tuple[list[RecordingFeatures], dict[str, float]]:
        """Decode and featurize what came encoded; take over what came as features.

        Returns:
            The recordings in their order, and seconds by stage: recordings of one request are heard beside each other,
            so a stage's time is what was waited for it.

        Raises:
            InvalidInput: A recording cannot be used; the message names its field.
        """
        if question.features is not None:
            return [self._given(question.features)], {"decode": 0.0, "features": 0.0}
        begun_s = time.perf_counter()
        recordings = list(
            await _all_or_none([self._hear(one, question.options.truncated) for one in question.recordings])
        )
        waited_s = time.perf_counter() - begun_s
        if len(recordings) > 1 and sum(one.duration_s for one in recordings) > MOST_AUDIO_S:
            raise InvalidInput(
                f"instances: the recordings are longer than {MOST_AUDIO_S:g} s together, the most that one request "
                "takes; send fewer at once"
            )
        features_s = min(waited_s, max(one.features_s for one in recordings))
        return recordings, {"decode": waited_s - features_s, "features": features_s}

    async def _hear(self, recording: EncodedRecording, truncated: Truncated) -> RecordingFeatures:
        encoded = recording.encoded()
        try:
            return await self._decoders.decode(self._job(encoded, truncated))
        except DecodeError as error:
            self._on_failure(error.kind)
            if error.__cause__ is not None:  # of the decoder's process, not of what it found
                logger.error("a recording of %d bytes: %s (%r)", len(encoded), error, error.__cause__)
            raise InvalidInput(f"{recording.field}: {error}") from error

    def _job(self, encoded: bytes, truncated: Truncated = "note") -> DecodeJob:
        return DecodeJob(encoded, self.inputs, MIN_AUDIO_S, MOST_AUDIO_S, truncated)

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


async def _all_or_none(waiting: list[Coroutine[None, None, RecordingFeatures]]) -> list[RecordingFeatures]:
    """All of them; where one fails, the others are not worked on any more."""
    tasks = [asyncio.ensure_future(one) for one in waiting]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for one in tasks:
            one.cancel()
