"""How long the recordings of a request are by their headers, before any of them is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kserve.errors import InvalidInput

from serving.server.protocol import MAX_AUDIO_S
from serving.transformer.request import EncodedRecording
from silencio.audio import Steps, claimed_duration_s

# Pages, frames and chunks in all files of a request, each a microsecond or two of this process. Ten minutes of Opus
# with one packet a page have 30,000.
_MAX_STEPS = 200_000
# What encoders put around the sound, or what stands in a last block that is not full: up to 1,728 samples in an MP3 of
# 8 kHz. Whether a recording is too long by less than this is known when it is decoded.
_REFUSED_BEYOND_S = 0.3
_DECODED_BEYOND_S = 0.5
# A recording whose headers do not tell is decoded as far as this first, beside the short ones.
_MAX_UNKNOWN_S = 60.0
_MIN_UNKNOWN_S = 1.0


class TooLongError(InvalidInput):  # type: ignore[misc]  # kserve is untyped
    """More sound than one request may have."""


@dataclass(frozen=True)
class ProbedRecording:
    """A recording of which nothing was decoded.

    Attributes:
        field: Its place in the request.
        encoded: The file's bytes.
        claimed_s: Length by its headers; None where they do not tell.
    """

    field: str
    encoded: bytes
    claimed_s: float | None


def probe(recordings: Sequence[EncodedRecording]) -> list[ProbedRecording]:
    """Read the headers of a request's recordings, as far as they are within the limit.

    Raises:
        TooLongError: They say that it is too much for one request; the message names the field.
    """
    steps, total_s = Steps(_MAX_STEPS), 0.0
    probed = []
    for one in recordings:
        claimed_s = claimed_duration_s(one.content, MAX_AUDIO_S + _REFUSED_BEYOND_S, steps)
        if claimed_s is not None:
            total_s += claimed_s
            if claimed_s > MAX_AUDIO_S + _REFUSED_BEYOND_S:
                raise TooLongError(f"{one.field}: the audio is longer than {MAX_AUDIO_S:g} s, the most that is taken")
        if total_s > MAX_AUDIO_S + len(recordings) * _REFUSED_BEYOND_S:
            raise too_long_together(recordings[0].field)
        probed.append(ProbedRecording(one.field, one.content, claimed_s))
    return probed


def allotted_s(probed: Sequence[ProbedRecording]) -> list[float]:
    """How far each recording is decoded at first: those that tell to their end, all of them within the limit.

    Together they are not much longer than one request may be, whatever was claimed.
    """
    known_s = sum(one.claimed_s or 0.0 for one in probed)
    n_unknown = sum(one.claimed_s is None for one in probed)
    unknown_s = (MAX_AUDIO_S - known_s) / max(1, n_unknown)
    unknown_s = min(max(unknown_s, _MIN_UNKNOWN_S), _MAX_UNKNOWN_S)
    found = (unknown_s if one.claimed_s is None else one.claimed_s + _DECODED_BEYOND_S for one in probed)
    return [min(one, MAX_AUDIO_S) for one in found]


def max_windows(hop_s: float, max_recordings: int) -> int:
    """Windows of the largest request that is admitted: a recording may have two that its length does not fill."""
    beyond_s = max_recordings * (_REFUSED_BEYOND_S + max(_DECODED_BEYOND_S, _MIN_UNKNOWN_S))
    return int((MAX_AUDIO_S + beyond_s) / hop_s) + 2 * max_recordings


def too_long_together(field: str) -> TooLongError:
    """Several recordings are too much, whichever of them.

    Args:
        field: Place in the request of one of them.
    """
    return TooLongError(
        f"{field.partition('[')[0]}: the recordings are longer than {MAX_AUDIO_S:g} s together, the most that one "
        "request takes; send fewer at once"
    )
