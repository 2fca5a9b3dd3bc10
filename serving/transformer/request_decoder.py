"""From the recordings of one request to their features, within what one request may have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from serving.agreement import MOST_AUDIO_S
from serving.transformer.admission import ProbedRecording, allotted_s, too_long_together
from serving.transformer.feature_memory import FeatureShare
from serving.transformer.request.question import Priority
from silencio.decoding import RecordingFeatures
from silencio.errors import DecodeError

Decode = Callable[[ProbedRecording, float, Priority], Awaitable[RecordingFeatures]]


class RequestDecoder:
    """The recordings of one request.

    All of them are decoded beside each other, each no further than its headers say that it goes. One that goes on is
    decoded anew when the others are known, as far as the request's limit leaves room for it; one at a time, as batch
    work, so that headers that lie gain nothing.

    Args:
        probed: At least one.
        decode: Decodes one, up to so many seconds; more is a `DecodeError` of the kind `too_long`.
        max_bytes: What features of so many seconds take.
        share: Of the memory for features; nothing is in it.
    """

    def __init__(
        self,
        probed: Sequence[ProbedRecording],
        decode: Decode,
        max_bytes: Callable[[float], int],
        share: FeatureShare,
    ) -> None:
        self._probed = probed
        self._decode = decode
        self._max_bytes = max_bytes
        self._share = share
        self._total_s = 0.0

    async def run(self, priority: Priority) -> list[RecordingFeatures]:
        """Decode.

        Raises:
            TooLongError: They are longer together than one request may be.
            Overloaded: There is no room for so much now.
            DecodeError: As `decode` raises, but for `too_long`.
        """
        allotted = allotted_s(self._probed)
        await self._share.enter(sum(map(self._max_bytes, allotted)), priority)
        first = (self._first(*one, priority) for one in zip(self._probed, allotted, strict=True))
        found = await _all_or_none(list(first))
        features = [one for one in found if one is not None]
        longer = {i: await self._rest(self._probed[i], features) for i, one in enumerate(found) if one is None}
        self._share.resize(_n_bytes(features), self._share.priority)
        return [longer[i] if one is None else one for i, one in enumerate(found)]

    async def _first(
        self, recording: ProbedRecording, max_duration_s: float, priority: Priority
    ) -> RecordingFeatures | None:
        """None where it is longer."""
        try:
            features = await self._decode(recording, max_duration_s, priority)
        except DecodeError as error:
            if error.kind != "too_long" or max_duration_s >= MOST_AUDIO_S:
                raise
            features = None
        self._total_s += max_duration_s if features is None else features.duration_s
        if len(self._probed) > 1 and self._total_s > MOST_AUDIO_S:
            raise too_long_together(recording.field)
        return features

    async def _rest(self, recording: ProbedRecording, features: list[RecordingFeatures]) -> RecordingFeatures:
        """One that is longer than its headers say, with all that the others leave."""
        left_s = MOST_AUDIO_S - sum(one.duration_s for one in features)
        self._share.resize(_n_bytes(features) + self._max_bytes(left_s), "batch")
        try:
            found = await self._decode(recording, left_s, "batch")
        except DecodeError as error:
            if error.kind == "too_long" and len(self._probed) > 1:
                raise too_long_together(recording.field) from error
            raise
        features.append(found)
        return found


def _n_bytes(features: Sequence[RecordingFeatures]) -> int:
    return sum(one.n_bytes for one in features)


async def _all_or_none(
    waiting: Sequence[Coroutine[None, None, RecordingFeatures | None]],
) -> list[RecordingFeatures | None]:
    """All of them; where one fails, the others are not worked on any more."""
    tasks = [asyncio.ensure_future(one) for one in waiting]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for one in tasks:
            one.cancel()
