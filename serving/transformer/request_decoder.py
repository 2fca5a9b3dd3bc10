"""From the recordings of one request to their features, within what one request may have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from serving.server.protocol import MAX_AUDIO_S, Priority
from serving.transformer.feature_memory import FeatureReservation
from serving.transformer.probing import ProbedRecording, allotted_s, too_long_together
from silencio.decoding import RecordingFeatures
from silencio.errors import DecodeError

Decode = Callable[[ProbedRecording, float, Priority], Awaitable[RecordingFeatures]]


class RequestDecoder:
    """Decodes the recordings of one request.

    All of them are decoded beside each other, each no further than its headers say that it goes. Those that go on are
    decoded anew when the others are known, one at a time and as batch work: first as far as each would go if they
    shared what the request's limit leaves, then as far as that limit. Headers that lie gain nothing.

    Args:
        probed: The recordings, at least one.
        decode: Decodes one, up to so many seconds; more is a `DecodeError` of the kind `too_long`.
        max_bytes: Gives the bytes that features of so many seconds take.
        reservation: The request's part of the memory for features, without anything in it.
    """

    def __init__(
        self,
        probed: Sequence[ProbedRecording],
        decode: Decode,
        max_bytes: Callable[[float], int],
        reservation: FeatureReservation,
    ) -> None:
        self._probed = probed
        self._decode = decode
        self._max_bytes = max_bytes
        self._reservation = reservation
        self._features: dict[int, RecordingFeatures] = {}
        # How long each is at least.
        self._min_s = [0.0] * len(probed)

    async def run(self, priority: Priority) -> list[RecordingFeatures]:
        """Decode all of them.

        Raises:
            TooLongError: They are longer together than one request may be.
            Overloaded: There is no room for so much now.
            DecodeError: `decode` failed otherwise than by `too_long`.
        """
        allotted = allotted_s(self._probed)
        await self._reservation.enter(sum(map(self._max_bytes, allotted)), priority)
        await _all_or_none([self._try(i, max_s, priority) for i, max_s in enumerate(allotted)])
        await self._decode_longer(shared=True)
        await self._decode_longer(shared=False)
        self._reservation.resize(self._n_bytes, self._reservation.priority)
        return [self._features[i] for i in range(len(self._probed))]

    async def _decode_longer(self, shared: bool) -> None:
        longer = [i for i in range(len(self._probed)) if i not in self._features]
        for n_done, i in enumerate(longer):
            unknown_s = MAX_AUDIO_S - sum(self._min_s)
            left_s = max_s = self._min_s[i] + unknown_s
            if shared:
                max_s = min(left_s, max(self._min_s[i] + unknown_s / (len(longer) - n_done), 2 * self._min_s[i]))
            self._reservation.resize(self._n_bytes + self._max_bytes(max_s), "batch")
            await self._try(i, max_s, "batch", is_all=max_s == left_s)

    async def _try(self, i: int, max_s: float, priority: Priority, is_all: bool = False) -> None:
        try:
            features = await self._decode(self._probed[i], max_s, priority)
        except DecodeError as error:
            if error.kind != "too_long":
                raise
            if is_all:
                raise too_long_together(self._probed[i].field) from error
            self._min_s[i] = max_s
        else:
            self._features[i], self._min_s[i] = features, features.duration_s
        if len(self._probed) > 1 and sum(self._min_s) > MAX_AUDIO_S:
            raise too_long_together(self._probed[i].field)

    @property
    def _n_bytes(self) -> int:
        return sum(one.n_bytes for one in self._features.values())


async def _all_or_none(waiting: Sequence[Coroutine[None, None, None]]) -> None:
    """All of them; where one fails, the others are not worked on any more."""
    tasks = [asyncio.ensure_future(one) for one in waiting]
    try:
        await asyncio.gather(*tasks)
    finally:
        for one in tasks:
            one.cancel()
        # What they hold is given back when they have ended, not before.
        await asyncio.gather(*tasks, return_exceptions=True)
